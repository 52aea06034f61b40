// From the body's joints to the bones of another skeleton, in an engine's axes and units.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "DartMotionCore/Api.h"
#include "DartMotionCore/Bundle.h"
#include "DartMotionCore/Player.h"
#include "DartMotionCore/Rotations.h"

namespace dartmotion {

/// A bone of the target, parents first. `reference` is its local transform in the reference pose.
/// `joint` is the body's joint that turns it, -1 for none.
struct Bone {
    std::string name;
    int parent = -1;
    int joint = -1;
    Transform reference;
};

/// How the engine's axes lie. The defaults are Unreal's: left-handed, z up, centimetres; a character in
/// its reference pose faces +y, its left is +x.
struct Axes {
    /// Bundle's world (right-handed, z up) to the engine's: (x, -y, z).
    Mat3 world{{1, 0, 0, 0, -1, 0, 0, 0, 1}};
    /// Body model (y up, faces z, left +x) to the reference pose's axes: (x, z, y).
    Mat3 body{{1, 0, 0, 0, 0, 1, 0, 1, 0}};
    /// Engine units in a metre.
    double unit = 100;
};

class DARTMOTIONCORE_API Retarget {
public:
    /// `stretch` scales the pelvis's way, for bodies of another height; HeightRatio finds it.
    Retarget(const Bundle& bundle, std::vector<Bone> bones, const Axes& axes = Axes(), double stretch = 1);

    /// Local transforms of every bone for a pose. Bones without a joint keep their reference; of the
    /// others only the root's joint moves, so that bones keep their lengths.
    std::vector<Transform> Local(const Pose& pose) const;

    /// How much higher the target's pelvis stands in its reference pose than the body's.
    double HeightRatio() const;
    void SetStretch(double stretch) { stretch_ = stretch; }

    const std::vector<Bone>& Bones() const { return bones_; }

private:
    void Align();

    Axes axes_;
    double stretch_;
    std::vector<int> parents_;  // of joints
    std::vector<Vec3> rest_;    // of joints, in the reference pose's axes and the engine's units
    Vec3 pelvis_;               // rest position of the pelvis in the body's frame, metres
    std::vector<Bone> bones_;
    std::vector<Transform> reference_;  // of bones, in the component's space
    std::vector<Quat> upright_;         // what brings each bone to the body's rest pose, in the component's space
};

/// Which joint each of `bones` follows by its name, of `joints` names: names of joints themselves, and
/// those of Unreal's mannequin (pelvis, spine_01, upperarm_l, ...). -1 where none fits.
DARTMOTIONCORE_API std::vector<int> JointsByName(const std::vector<std::string>& bones, const std::vector<std::string>& joints);

}  // namespace dartmotion
