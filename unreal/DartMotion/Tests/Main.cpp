// core_tests FOLDER              all tests, with the fixtures in FOLDER
// core_tests noise SEED COUNT    the numbers of SeededNoise, one a line
// core_tests tokens VOCABULARY SIZE CONTEXT   tokens of each line of stdin, by an unpacked vocabulary
// core_tests bones BUNDLE.JSON   local transforms (w x y z, x y z) of the bones on stdin, a line each: how many bones,
//     each one's name, parent and transform; then poses, each the joints' turns (w x y z) and the translation
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "DartMotionCore/Noise.h"
#include "DartMotionCore/Retarget.h"
#include "DartMotionCore/Tokenizer.h"
#include "Testing.h"

int g_failed = 0;
int g_passed = 0;

static int PrintNoise(const char* seed, const char* count) {
    dartmotion::SeededNoise noise(static_cast<std::uint32_t>(std::strtoul(seed, nullptr, 10)));
    std::vector<float> numbers(std::strtoul(count, nullptr, 10));
    noise.Next(numbers);
    for (const float number : numbers) std::printf("%.9g\n", static_cast<double>(number));
    return 0;
}

static int PrintTokens(const char* path, const char* size, const char* context) {
    dartmotion::TokenizerSpec spec;
    spec.size = std::strtoul(size, nullptr, 10);
    spec.context = std::strtoul(context, nullptr, 10);
    spec.start_token = spec.size - 2;
    spec.end_token = spec.size - 1;
    dartmotion::ClipTokenizer tokenizer;
    std::string error;
    if (!tokenizer.Read(ReadFile(path), spec, error)) {
        std::printf("%s\n", error.c_str());
        return 1;
    }
    for (std::string line; std::getline(std::cin, line);) {
        for (const std::size_t token : tokenizer.Tokens(line)) std::printf("%zu ", token);
        std::printf("\n");
    }
    return 0;
}

static std::istream& operator>>(std::istream& in, dartmotion::Quat& q) { return in >> q.w >> q.x >> q.y >> q.z; }
static std::istream& operator>>(std::istream& in, dartmotion::Vec3& v) { return in >> v.x >> v.y >> v.z; }

static int PrintBones(const std::string& path) {
    dartmotion::Bundle bundle;
    std::string error;
    if (!dartmotion::ReadBundle(ReadFile(path), bundle, error)) {
        std::printf("%s\n", error.c_str());
        return 1;
    }
    std::size_t count = 0;
    std::cin >> count;
    std::vector<dartmotion::Bone> bones(count < 1000 ? count : 0);
    std::vector<std::string> names;
    for (dartmotion::Bone& bone : bones) {
        std::cin >> bone.name >> bone.parent >> bone.reference.rotation >> bone.reference.translation;
        names.push_back(bone.name);
    }
    const std::vector<int> joints = dartmotion::JointsByName(names, bundle.names);
    for (std::size_t i = 0; i < bones.size(); ++i) bones[i].joint = joints[i];
    const dartmotion::Retarget retarget(bundle, bones);
    std::printf("%.17g\n", retarget.HeightRatio());
    dartmotion::Pose pose;
    for (pose.rotations.resize(bundle.sizes.joints);;) {
        for (dartmotion::Quat& turn : pose.rotations) std::cin >> turn;
        if (!(std::cin >> pose.translation)) return 0;
        for (const dartmotion::Transform& made : retarget.Local(pose)) {
            const dartmotion::Quat& q = made.rotation;
            const dartmotion::Vec3& v = made.translation;
            std::printf("%.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", q.w, q.x, q.y, q.z, v.x, v.y, v.z);
        }
    }
}

int main(int argc, char** argv) {
    const std::string first = argc > 1 ? argv[1] : "";
    if (first == "noise" && argc == 4) return PrintNoise(argv[2], argv[3]);
    if (first == "tokens" && argc == 5) return PrintTokens(argv[2], argv[3], argv[4]);
    if (first == "bones" && argc == 3) return PrintBones(argv[2]);
    if (argc != 2) {
        std::printf("usage: core_tests FOLDER\n");
        return 2;
    }
    Recording recording;
    recording.folder = first;
    recording.json = ReadFile(first + "/bundle.json");
    std::string error;
    if (!dartmotion::ReadBundle(recording.json, recording.bundle, error)) {
        std::printf("%s/bundle.json: %s\n", argv[1], error.c_str());
        return 2;
    }
    recording.tensors = ReadRecording(first + "/core.rec");
    if (recording.tensors.empty()) {
        std::printf("%s/core.rec: no recording\n", argv[1]);
        return 2;
    }
    TestBasics(recording);
    TestReplay(recording);
    TestPlaying(recording);
    std::printf("%d passed, %d failed\n", g_passed, g_failed);
    return g_failed == 0 ? 0 : 1;
}
