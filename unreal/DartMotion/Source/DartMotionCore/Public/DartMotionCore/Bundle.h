// bundle.json as values: what a host needs of it. docs/bundle.md describes each.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "DartMotionCore/Api.h"

namespace dartmotion {

struct Sizes {
    std::size_t history = 0, future = 0, features = 0, tokens = 0, latent = 0, text = 0, joints = 0;
};

/// Where the parts of a frame's numbers start.
struct Layout {
    std::size_t transl = 0, poses_6d = 0, transl_delta = 0, global_orient_delta_6d = 0, joints = 0,
                joints_delta = 0;
};

struct ModelFile {
    std::string model, path, precision, sha256;
    bool portable = false;
};

struct TokenizerSpec {
    std::string kind, vocabulary, table;
    std::size_t size = 0, width = 0, context = 0, start_token = 0, end_token = 0;
};

struct DARTMOTIONCORE_API Bundle {
    std::string kind;
    std::vector<std::string> stand_ins;
    Sizes sizes;
    double fps = 30;
    double guidance = 5;
    /// Steps of the schedule that the files use.
    std::size_t steps = 0;
    Layout layout;
    std::vector<float> mean, std;
    std::string body;
    std::vector<std::string> names;
    /// -1 for the root; every parent stands before its children.
    std::vector<int> parents;
    /// [J, 3] in metres.
    std::vector<float> rest_joints;
    std::vector<float> pelvis_offset;
    /// [H, F] normalised, and where its frame lies.
    std::vector<float> start_history, start_rotation, start_translation;
    TokenizerSpec tokenizer;
    std::vector<ModelFile> files;

    /// What must be said of this motion; "" for DART's own weights.
    std::string Label() const;
    /// How many numbers of noise a primitive takes: [S + 1, 1, T, Z].
    std::size_t NoiseCount() const { return (steps + 1) * sizes.tokens * sizes.latent; }
};

/// Reads the text of bundle.json. False where it is none or does not fit itself; `error` says why.
DARTMOTIONCORE_API bool ReadBundle(std::string_view text, Bundle& out, std::string& error);

}  // namespace dartmotion
