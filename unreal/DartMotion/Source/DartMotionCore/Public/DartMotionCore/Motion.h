// Motion one frame at a time while the prompt changes under it: the loop of docs/bundle.md.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "DartMotionCore/Api.h"
#include "DartMotionCore/Bundle.h"
#include "DartMotionCore/Features.h"
#include "DartMotionCore/Model.h"
#include "DartMotionCore/Noise.h"

namespace dartmotion {

/// One frame in the world, z up: rotations [J, 3, 3], translation [3] in metres, joints [J, 3].
struct Frame {
    std::size_t index = 0;
    std::string text;
    std::vector<float> rotations, translation, joints;
};

/// An endless motion, the seed's frames first. For one thread; Player brings it to two.
/// Bundle, model and noise must outlive it.
class DARTMOTIONCORE_API Motion {
public:
    Motion(const Bundle& bundle, PrimitiveModel& model, NoiseSource& noise);

    /// Show `text`, whose embedding is [C], from the next frame on: frames made for the old prompt and
    /// not given out yet are dropped, and the last H given out are the history.
    void SetPrompt(const std::string& text, std::vector<float> embedding);
    /// 0 ignores the text, 1 follows it plainly; takes effect with the next primitive.
    void SetGuidance(float guidance) { guidance_ = guidance; }

    /// The next frame; runs the model where it has to. False with `error` where that failed; the same
    /// frame can then be asked for again.
    bool Next(Frame& out, std::string& error);

private:
    bool Advance(std::string& error);

    const Bundle& bundle_;
    PrimitiveModel& model_;
    NoiseSource& noise_;
    Features features_;
    float guidance_;
    std::string text_;
    std::vector<float> embedding_;
    State state_;
    World world_;
    std::vector<float> before_;  // frames of this primitive's frame that lie before it
    std::vector<float> frames_;
    Placed placed_;
    std::size_t given_ = 0, index_ = 0;
    bool seeding_ = true, changed_ = false;
};

}  // namespace dartmotion
