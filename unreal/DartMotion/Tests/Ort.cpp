// core_ort BUNDLE RECORDING [portable] [threads]
// The core with the bundle's own model in ONNX Runtime, against a recording of the Python runtime:
//   python scripts/record_core.py --out RECORDING --bundle BUNDLE --frames 800
// Also the shortest example of a host in C++: everything ONNX Runtime is in OrtPrimitive.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>

#include <onnxruntime_c_api.h>

#include "DartMotionCore/Motion.h"
#include "Testing.h"

using namespace dartmotion;

int g_failed = 0;
int g_passed = 0;

namespace {

const OrtApi* Api() {
    static const OrtApi* const kApi = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    return kApi;
}

bool Good(OrtStatus* status, std::string& error) {
    if (status == nullptr) return true;
    error = Api()->GetErrorMessage(status);
    Api()->ReleaseStatus(status);
    return false;
}

class OrtPrimitive final : public PrimitiveModel {
public:
    explicit OrtPrimitive(const Bundle& bundle) : sizes_(bundle.sizes), rows_(bundle.steps + 1) {}

    ~OrtPrimitive() override {
        Api()->ReleaseMemoryInfo(memory_);
        Api()->ReleaseSession(session_);
        Api()->ReleaseSessionOptions(options_);
        Api()->ReleaseEnv(env_);
    }

    OrtPrimitive(const OrtPrimitive&) = delete;
    OrtPrimitive& operator=(const OrtPrimitive&) = delete;

    bool Open(const std::string& model, int threads, std::string& error) {
        return Good(Api()->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "dartmotion", &env_), error) &&
               Good(Api()->CreateSessionOptions(&options_), error) &&
               Good(Api()->SetIntraOpNumThreads(options_, threads), error) &&
               Good(Api()->CreateSessionFromArray(env_, model.data(), model.size(), options_, &session_), error) &&
               Good(Api()->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory_), error);
    }

    bool Run(const PrimitiveInput& in, PrimitiveOutput& out, std::string& error) override {
        const auto size = [](std::size_t n) { return static_cast<std::int64_t>(n); };
        const std::int64_t h = size(sizes_.history), n = size(sizes_.future), f = size(sizes_.features),
                           j = size(sizes_.joints), t = size(sizes_.tokens), z = size(sizes_.latent);
        std::vector<OrtValue*> inputs, outputs;
        bool good = true;
        const auto bind = [&](std::vector<OrtValue*>& to, float* data, const std::vector<std::int64_t>& shape) {
            std::size_t count = 1;
            for (const std::int64_t side : shape) count *= static_cast<std::size_t>(side);
            to.push_back(nullptr);
            good = good && Good(Api()->CreateTensorWithDataAsOrtValue(memory_, data, 4 * count, shape.data(), shape.size(),
                                                                      ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &to.back()),
                                error);
        };
        // ONNX Runtime does not write to inputs; its C API has no constant pointers for them.
        const auto give = [&](const float* data, const std::vector<std::int64_t>& shape) {
            bind(inputs, const_cast<float*>(data), shape);
        };
        const auto take = [&](std::vector<float>& data, const std::vector<std::int64_t>& shape) { bind(outputs, data.data(), shape); };
        give(in.history, {1, h, f});
        give(in.text, {1, size(sizes_.text)});
        give(in.noise, {size(rows_), 1, t, z});
        give(&in.guidance, {1, 1});
        give(in.world_rotation, {1, 3, 3});
        give(in.world_translation, {1, 1, 3});
        give(in.pelvis_offset, {1, 3});
        take(out.motion, {1, n, f});
        take(out.placed.rotations, {1, n, j, 3, 3});
        take(out.placed.translation, {1, n, 3});
        take(out.placed.joints, {1, n, j, 3});
        take(out.after.history, {1, h, f});
        take(out.after.world.rotation, {1, 3, 3});
        take(out.after.world.translation, {1, 1, 3});
        static const char* const kInputs[] = {"history", "text", "noise", "guidance", "world_rotation", "world_translation", "pelvis_offset"};
        static const char* const kOutputs[] = {"motion", "rotations", "translation", "joints", "next_history", "next_world_rotation", "next_world_translation"};
        const auto began = std::chrono::steady_clock::now();
        good = good && Good(Api()->Run(session_, nullptr, kInputs, inputs.data(), inputs.size(), kOutputs, outputs.size(), outputs.data()), error);
        times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
        for (OrtValue* value : inputs) Api()->ReleaseValue(value);
        for (OrtValue* value : outputs) Api()->ReleaseValue(value);
        return good;
    }

    std::vector<double> times;

private:
    const Sizes sizes_;
    const std::size_t rows_;
    OrtEnv* env_ = nullptr;
    OrtSessionOptions* options_ = nullptr;
    OrtSession* session_ = nullptr;
    OrtMemoryInfo* memory_ = nullptr;
};

class RecordedNoise final : public NoiseSource {
public:
    explicit RecordedNoise(const Recording& recording) : recording_(recording) {}
    bool Next(std::vector<float>& out) override {
        out = recording_["call/" + std::to_string(at_++) + "/noise"];
        return !out.empty();
    }

private:
    const Recording& recording_;
    int at_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::printf("usage: core_ort BUNDLE RECORDING [portable|desktop] [threads]\n");
        return 2;
    }
    const std::string folder = argv[1];
    const bool portable = argc > 3 && std::string(argv[3]) == "portable";
    Recording recording;
    std::string error;
    recording.tensors = ReadRecording(std::string(argv[2]) + "/core.rec");
    if (!ReadBundle(ReadFile(folder + "/bundle.json"), recording.bundle, error)) {
        std::printf("%s\n", error.c_str());
        return 2;
    }
    OrtPrimitive model(recording.bundle);
    bool open = false;
    for (const ModelFile& file : recording.bundle.files) {
        if (open || file.model != "primitive" || file.precision != "fp32" || file.portable != portable) continue;
        open = model.Open(ReadFile(folder + "/" + file.path), argc > 4 ? std::atoi(argv[4]) : 1, error);
        std::printf("%s %s\n", file.path.c_str(), open ? "" : error.c_str());
    }
    if (!open) return 2;
    RecordedNoise noise(recording);
    Motion motion(recording.bundle, model, noise);
    Texts texts(recording.bundle);
    recording.Fill(texts);
    std::map<std::size_t, std::string> cuts;
    for (const Tensor& tensor : recording.tensors) {
        const auto parts = Split(tensor.name);
        if (parts[0] == "cut") cuts[static_cast<std::size_t>(std::atoi(parts[1].c_str()))] = parts[2];
    }
    const std::vector<float>& right = recording["frames/joints"];
    const std::size_t width = 3 * recording.bundle.sizes.joints;
    double worst = 0;
    for (std::size_t i = 0; i < right.size() / width; ++i) {
        const auto cut = cuts.find(i);
        if (cut != cuts.end()) {
            const std::vector<float>* embedding = texts.Embed(cut->second, error);
            if (embedding == nullptr) break;
            motion.SetPrompt(Composed(cut->second, recording.bundle.body), *embedding);
        }
        Frame frame;
        if (!motion.Next(frame, error)) break;
        for (std::size_t k = 0; k < width; ++k) {
            worst = std::max(worst, std::fabs(static_cast<double>(frame.joints[k]) - static_cast<double>(right[i * width + k])));
        }
    }
    if (!error.empty()) {
        std::printf("%s\n", error.c_str());
        return 1;
    }
    std::sort(model.times.begin(), model.times.end());
    std::printf("%zu frames, %zu primitives, largest error of a joint's coordinate %.1e m, %.2f ms a primitive (median)\n",
                right.size() / width, model.times.size(), worst, model.times[model.times.size() / 2]);
    return worst <= 1e-4 ? 0 : 1;
}
