#include "DartMotionCore/Retarget.h"

#include <algorithm>
#include <utility>

namespace dartmotion {

namespace {

Vec3 PointOf(const std::vector<float>& all, std::size_t at) {
    return {static_cast<double>(all[3 * at]), static_cast<double>(all[3 * at + 1]), static_cast<double>(all[3 * at + 2])};
}

struct NamePair {
    const char* bone;
    const char* joint;
};

// Unreal Engine 5's mannequin, as manifests/compat/mannequin.toml has it: of its five bones of the spine two stay
// at rest. Bones of the same name as the joint (pelvis, head) need no row.
constexpr NamePair kMannequin[] = {
    {"thigh_l", "left_hip"},         {"thigh_r", "right_hip"},        {"spine_01", "spine1"},
    {"calf_l", "left_knee"},         {"calf_r", "right_knee"},        {"spine_03", "spine2"},
    {"foot_l", "left_ankle"},        {"foot_r", "right_ankle"},       {"spine_05", "spine3"},
    {"ball_l", "left_foot"},         {"ball_r", "right_foot"},        {"neck_01", "neck"},
    {"clavicle_l", "left_collar"},   {"clavicle_r", "right_collar"},  {"upperarm_l", "left_shoulder"},
    {"upperarm_r", "right_shoulder"}, {"lowerarm_l", "left_elbow"},   {"lowerarm_r", "right_elbow"},
    {"hand_l", "left_wrist"},        {"hand_r", "right_wrist"},
};

}  // namespace

std::vector<int> JointsByName(const std::vector<std::string>& bones, const std::vector<std::string>& joints) {
    std::vector<int> found;
    for (const std::string& bone : bones) {
        std::string wanted = bone;
        std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        for (const NamePair& pair : kMannequin) {
            if (wanted == pair.bone) wanted = pair.joint;
        }
        const auto place = std::find(joints.begin(), joints.end(), wanted);
        found.push_back(place == joints.end() ? -1 : static_cast<int>(place - joints.begin()));
    }
    return found;
}

Retarget::Retarget(const Bundle& bundle, std::vector<Bone> bones, const Axes& axes, double stretch)
    : axes_(axes), stretch_(stretch), parents_(bundle.parents), pelvis_(PointOf(bundle.rest_joints, 0)),
      bones_(std::move(bones)) {
    for (std::size_t j = 0; j < bundle.sizes.joints; ++j) {
        rest_.push_back(axes.unit * (axes.body * PointOf(bundle.rest_joints, j)));
    }
    for (std::size_t i = 0; i < bones_.size(); ++i) {
        Bone& bone = bones_[i];
        if (bone.parent >= static_cast<int>(i)) bone.parent = -1;  // parents come first
        if (bone.joint >= static_cast<int>(bundle.sizes.joints)) bone.joint = -1;
        Transform whole = bone.reference;
        if (bone.parent >= 0) {
            const Transform& above = reference_[static_cast<std::size_t>(bone.parent)];
            whole.rotation = above.rotation * whole.rotation;
            whole.translation = above.translation + above.rotation * whole.translation;
        }
        reference_.push_back(whole);
    }
    Align();
}

void Retarget::Align() {
    upright_.assign(bones_.size(), Quat());
    std::vector<int> bone_of(rest_.size(), -1);
    for (std::size_t i = 0; i < bones_.size(); ++i) {
        const int joint = bones_[i].joint;
        if (joint >= 0 && bone_of[static_cast<std::size_t>(joint)] < 0) {
            bone_of[static_cast<std::size_t>(joint)] = static_cast<int>(i);
        }
    }
    // In the order of joints, parents first, as one would do it by hand: what is below a bone goes with it. Then a
    // joint with one child is turned to where the child lies, and one without is left there. One with several
    // (pelvis, chest) stands as the reference pose has it.
    for (std::size_t j = 0; j < rest_.size(); ++j) {
        if (bone_of[j] < 0) continue;
        const auto bone = static_cast<std::size_t>(bone_of[j]);
        std::size_t children = 0, child = 0;
        for (std::size_t k = j + 1; k < rest_.size(); ++k) {
            if (parents_[k] == static_cast<int>(j) && bone_of[k] >= 0) {
                ++children;
                child = k;
            }
        }
        if (children > 1) continue;
        const int above = parents_[j] < 0 ? -1 : bone_of[static_cast<std::size_t>(parents_[j])];
        const Quat carried = above < 0 ? Quat() : upright_[static_cast<std::size_t>(above)];
        upright_[bone] = carried;
        if (children == 1) {
            const auto next = static_cast<std::size_t>(bone_of[child]);
            const Vec3 lies = carried * (reference_[next].translation - reference_[bone].translation);
            upright_[bone] = ShortestArc(lies, rest_[child] - rest_[j]) * carried;
        }
    }
}

double Retarget::HeightRatio() const {
    double lowest = 0, floor = 0;
    for (const Vec3& joint : rest_) lowest = std::min(lowest, joint.z - rest_[0].z);
    for (std::size_t i = 0; i < bones_.size(); ++i) {
        if (bones_[i].joint != 0) continue;
        for (std::size_t k = 0; k < bones_.size(); ++k) {
            if (bones_[k].joint >= 0) floor = std::min(floor, reference_[k].translation.z - reference_[i].translation.z);
        }
        return lowest < 0 && floor < 0 ? floor / lowest : 1;
    }
    return 1;
}

std::vector<Transform> Retarget::Local(const Pose& pose) const {
    const std::size_t joints = std::min(rest_.size(), pose.rotations.size());
    std::vector<Mat3> turns;
    for (std::size_t j = 0; j < joints; ++j) {
        const Mat3 own = MatrixFromQuat(pose.rotations[j]);
        turns.push_back(parents_[j] < 0 ? own : turns[static_cast<std::size_t>(parents_[j])] * own);
    }
    const Mat3 back = Transposed(axes_.body);
    std::vector<Transform> whole, local;
    for (std::size_t i = 0; i < bones_.size(); ++i) {
        const Bone& bone = bones_[i];
        const Transform above = bone.parent < 0 ? Transform() : whole[static_cast<std::size_t>(bone.parent)];
        Transform own = bone.reference;
        if (bone.joint >= 0 && static_cast<std::size_t>(bone.joint) < joints) {
            const Mat3 turn = axes_.world * turns[static_cast<std::size_t>(bone.joint)] * back;
            const Quat wanted = QuatFromMatrix(turn) * upright_[i] * reference_[i].rotation;
            own.rotation = Normalised(Inverse(above.rotation) * wanted);
        }
        if (bone.joint == 0) {
            const Vec3 place = (axes_.unit * stretch_) * (axes_.world * (pose.translation + pelvis_));
            own.translation = Inverse(above.rotation) * (place - above.translation);
        }
        local.push_back(own);
        whole.push_back({above.rotation * own.rotation, above.translation + above.rotation * own.translation});
    }
    return local;
}

}  // namespace dartmotion
