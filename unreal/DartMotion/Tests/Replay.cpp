// The Python runtime's recorded motion again: what goes into the model, and what follows from it.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "DartMotionCore/Motion.h"
#include "DartMotionCore/Retarget.h"
#include "Testing.h"

using namespace dartmotion;

namespace {

constexpr double kLimit = 1e-5;

double Apart(const float* found, const std::vector<float>& right, std::size_t from = 0, std::size_t count = 0) {
    double most = 0;
    count = count > 0 ? count : right.size();
    for (std::size_t i = 0; i < count; ++i) {
        most = std::max(most, std::fabs(static_cast<double>(found[i]) - static_cast<double>(right[from + i])));
    }
    return most;
}

class ReplayModel final : public PrimitiveModel {
public:
    explicit ReplayModel(const Recording& recording) : recording_(recording) {}

    bool Run(const PrimitiveInput& in, PrimitiveOutput& out, std::string& error) override {
        if (fail_once) {
            fail_once = false;
            error = "told to fail";
            return false;
        }
        const auto of = [&](const char* name) -> const std::vector<float>& {
            return recording_["call/" + std::to_string(calls) + "/" + name];
        };
        EXPECT_AT_MOST(Apart(in.history, of("history")), kLimit);
        EXPECT_AT_MOST(Apart(in.text, of("text")), 0.0);
        EXPECT_AT_MOST(Apart(in.noise, of("noise")), 0.0);
        EXPECT_AT_MOST(Apart(&in.guidance, of("guidance")), 0.0);
        EXPECT_AT_MOST(Apart(in.world_rotation, of("world_rotation")), kLimit);
        EXPECT_AT_MOST(Apart(in.world_translation, of("world_translation")), kLimit);
        EXPECT_AT_MOST(Apart(in.pelvis_offset, of("pelvis_offset")), 0.0);
        out.motion = of("motion");
        out.placed.rotations = of("rotations");
        out.placed.translation = of("translation");
        out.placed.joints = of("joints");
        out.after = {of("next_history"), {of("next_world_rotation"), of("next_world_translation")}};
        ++calls;
        return true;
    }

    int calls = 0;
    bool fail_once = false;

private:
    const Recording& recording_;
};

class RecordedNoise final : public NoiseSource {
public:
    explicit RecordedNoise(const Recording& recording) : recording_(recording) {}

    bool Next(std::vector<float>& out) override {
        out = recording_["call/" + std::to_string(at++) + "/noise"];
        return !out.empty();
    }

    int at = 0;

private:
    const Recording& recording_;
};

std::vector<Bone> Bones(const Recording& recording) {
    std::vector<Bone> bones;
    for (const Tensor& tensor : recording.tensors) {
        const auto parts = Split(tensor.name);
        if (parts[0] != "bone") continue;
        const std::vector<float>& v = tensor.numbers;
        const auto d = [&v](std::size_t i) { return static_cast<double>(v[i]); };
        bones.push_back({parts[1], std::atoi(parts[2].c_str()), std::atoi(parts[3].c_str()),
                         {Normalised({d(0), d(1), d(2), d(3)}), {d(4), d(5), d(6)}}});
    }
    return bones;
}

/// How far apart two turns are: what a quaternion's numbers differ by, its sign put right.
double Apart(const Quat& q, const float* right) {
    double same = 0, opposite = 0;
    const double numbers[] = {q.w, q.x, q.y, q.z};
    for (int i = 0; i < 4; ++i) {
        same = std::max(same, std::fabs(numbers[i] - static_cast<double>(right[i])));
        opposite = std::max(opposite, std::fabs(numbers[i] + static_cast<double>(right[i])));
    }
    return std::min(same, opposite);
}

struct Worst {
    double joints = 0, positions = 0, translation = 0, turns = 0, places = 0;
};

void Compare(const Recording& recording, const Retarget& retarget, const Frame& frame, Worst& worst) {
    const std::size_t joints = recording.bundle.sizes.joints, at = frame.index;
    worst.joints = std::max(worst.joints, Apart(frame.joints.data(), recording["frames/joints"], at * joints * 3, joints * 3));
    worst.translation = std::max(worst.translation, Apart(frame.translation.data(), recording["frames/translation"], at * 3, 3));
    const Features features(recording.bundle);
    std::vector<float> flat;
    for (const Vec3& place : features.Positions(frame.rotations.data(), frame.translation.data())) {
        for (const double number : {place.x, place.y, place.z}) flat.push_back(static_cast<float>(number));
    }
    worst.positions = std::max(worst.positions, Apart(flat.data(), recording["frames/positions"], at * joints * 3, joints * 3));

    Pose pose;
    for (std::size_t j = 0; j < joints; ++j) pose.rotations.push_back(QuatFromMatrix(Mat3::From(&frame.rotations[9 * j])));
    pose.translation = {static_cast<double>(frame.translation[0]), static_cast<double>(frame.translation[1]),
                        static_cast<double>(frame.translation[2])};
    const std::vector<Transform> local = retarget.Local(pose);
    const std::vector<float>& right = recording["bones/local"];
    for (std::size_t i = 0; i < local.size(); ++i) {
        const float* seven = &right[(at * local.size() + i) * 7];
        const Vec3& place = local[i].translation;
        worst.turns = std::max(worst.turns, Apart(local[i].rotation, seven));
        for (const auto& [number, wanted] : std::map<double, float>{{place.x, seven[4]}, {place.y, seven[5]}, {place.z, seven[6]}}) {
            worst.places = std::max(worst.places, std::fabs(number - static_cast<double>(wanted)));
        }
    }
}

void TestRecorded(const Recording& recording) {
    ReplayModel model(recording);
    RecordedNoise noise(recording);
    Motion motion(recording.bundle, model, noise);
    Texts texts(recording.bundle);
    recording.Fill(texts);
    std::map<std::size_t, std::string> cuts;
    for (const Tensor& tensor : recording.tensors) {
        const auto parts = Split(tensor.name);
        if (parts[0] == "cut") cuts[static_cast<std::size_t>(std::atoi(parts[1].c_str()))] = parts[2];
    }
    EXPECT(cuts.size() == 4);
    const Retarget retarget(recording.bundle, Bones(recording), Axes(), 1.1);
    EXPECT_AT_MOST(std::fabs(retarget.HeightRatio() - 1.1), 0.02);
    Worst worst;
    std::string error;
    const std::size_t count = recording["frames/translation"].size() / 3;
    for (std::size_t i = 0; i < count; ++i) {
        const auto cut = cuts.find(i);
        if (cut != cuts.end()) {
            const std::vector<float>* embedding = texts.Embed(cut->second, error);
            EXPECT(embedding != nullptr);
            if (embedding != nullptr) motion.SetPrompt(Composed(cut->second, recording.bundle.body), *embedding);
        }
        Frame frame;
        EXPECT(motion.Next(frame, error));
        EXPECT(frame.index == i);
        Compare(recording, retarget, frame, worst);
    }
    std::printf("%zu frames, %d primitives: joints %.1e m, kinematics %.1e m, transl %.1e m, bones %.1e, %.1e cm\n", count,
                model.calls, worst.joints, worst.positions, worst.translation, worst.turns, worst.places);
    EXPECT(model.calls == 7);
    EXPECT_AT_MOST(worst.joints, kLimit);
    EXPECT_AT_MOST(worst.positions, kLimit);
    EXPECT_AT_MOST(worst.translation, kLimit);
    EXPECT_AT_MOST(worst.turns, kLimit);
    EXPECT_AT_MOST(worst.places, 100 * kLimit);  // centimetres
}

/// The graph's own outputs, worked out here from its motion.
void TestFeatures(const Recording& recording) {
    const Features features(recording.bundle);
    const Sizes& sizes = recording.bundle.sizes;
    const auto of = [&](const char* name) -> const std::vector<float>& { return recording[std::string("call/0/") + name]; };
    const World world{of("world_rotation"), of("world_translation")};
    const Placed placed = features.Place(of("motion"), world);
    EXPECT_AT_MOST(Apart(placed.rotations.data(), of("rotations")), kLimit);
    EXPECT_AT_MOST(Apart(placed.translation.data(), of("translation")), kLimit);
    EXPECT_AT_MOST(Apart(placed.joints.data(), of("joints")), kLimit);
    const std::vector<float>& motion = of("motion");
    const std::size_t last = (sizes.future - sizes.history) * sizes.features;
    const State after = features.Canonical({motion.begin() + static_cast<std::ptrdiff_t>(last), motion.end()}, world);
    EXPECT_AT_MOST(Apart(after.history.data(), of("next_history")), 2e-3);  // the graph rounds before it divides
    EXPECT_AT_MOST(Apart(after.world.rotation.data(), of("next_world_rotation")), kLimit);
    EXPECT_AT_MOST(Apart(after.world.translation.data(), of("next_world_translation")), kLimit);
}

void TestFailures(const Recording& recording) {
    ReplayModel model(recording);
    RecordedNoise noise(recording);
    Motion motion(recording.bundle, model, noise);
    Texts texts(recording.bundle);
    recording.Fill(texts);
    std::string error;
    motion.SetPrompt("walk forward", *texts.Embed("walk forward", error));
    Frame frame;
    EXPECT(motion.Next(frame, error) && motion.Next(frame, error));
    model.fail_once = true;
    EXPECT(!motion.Next(frame, error) && error == "told to fail" && frame.index == 1);
    noise.at = 0;  // the host asks again with the same numbers
    EXPECT(motion.Next(frame, error) && frame.index == 2);
    EXPECT_AT_MOST(Apart(frame.joints.data(), recording["frames/joints"], 2 * 66, 66), kLimit);
}

void TestNames(const Recording& recording) {
    const std::vector<int> found = JointsByName(
        {"root", "pelvis", "Spine_01", "upperarm_l", "hand_r", "left_knee", "twist"}, recording.bundle.names);
    EXPECT((found == std::vector<int>{-1, 0, 3, 16, 21, 4, -1}));
}

/// A skeleton that does not fit is held at rest, and nothing is read beyond it.
void TestOddBones(const Recording& recording) {
    const Retarget none(recording.bundle, {});
    Pose pose;
    EXPECT(none.Local(pose).empty() && none.HeightRatio() == 1);
    const Retarget odd(recording.bundle, {{"a", 5, 99, {}}, {"b", 0, 1, {}}});
    const auto local = odd.Local(pose);
    EXPECT(local.size() == 2 && local[0].rotation.w == 1);
}

}  // namespace

void TestReplay(const Recording& recording) {
    TestRecorded(recording);
    TestFeatures(recording);
    TestFailures(recording);
    TestNames(recording);
    TestOddBones(recording);
}
