// The models, behind an interface as small as they need. An engine's binding implements it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "DartMotionCore/Features.h"

namespace dartmotion {

/// Inputs of `primitive` at a batch of one. Every pointer holds what bundle.json says, row-major.
struct PrimitiveInput {
    const float* history;            // [1, H, F]
    const float* text;               // [1, C]
    const float* noise;              // [S + 1, 1, T, Z]
    float guidance;                  // [1, 1]
    const float* world_rotation;     // [1, 3, 3]
    const float* world_translation;  // [1, 1, 3]
    const float* pelvis_offset;      // [1, 3]
};

/// Outputs of `primitive`; the vectors have the right sizes before a run.
struct PrimitiveOutput {
    std::vector<float> motion;  // [1, N, F]
    Placed placed;              // rotations, translation, joints: [1, N, ...]
    State after;                // next_history, next_world_rotation, next_world_translation
};

class PrimitiveModel {
public:
    virtual ~PrimitiveModel() = default;
    /// One motion primitive; false with `error` where the model did not run.
    virtual bool Run(const PrimitiveInput& in, PrimitiveOutput& out, std::string& error) = 0;
};

class TextModel {
public:
    virtual ~TextModel() = default;
    /// The embedding `out` [C] of `rows` [1, count, width]; the end token is the last row.
    virtual bool Run(const std::vector<float>& rows, std::size_t count, std::vector<float>& out,
                     std::string& error) = 0;
};

}  // namespace dartmotion
