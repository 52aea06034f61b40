// Motion made ahead on one thread and shown at its true rate on another.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "DartMotionCore/Api.h"
#include "DartMotionCore/Motion.h"
#include "DartMotionCore/Rotations.h"

namespace dartmotion {

/// A pose between two frames: quaternions of the joints as in Frame, translation [3] in metres.
struct Pose {
    std::vector<Quat> rotations;
    Vec3 translation;
    std::string text;
};

class DARTMOTIONCORE_API Player {
public:
    /// `ahead` frames are kept ready: more forgive a slower model, fewer follow a prompt sooner.
    Player(const Bundle& bundle, PrimitiveModel& model, NoiseSource& noise, std::size_t ahead = 4);

    /// Worker: makes frames until `ahead` are ready. False with `error` where the model failed.
    bool Fill(std::string& error);
    /// Any thread: whether Fill has work.
    bool Wants() const;
    /// Any thread: show another prompt, and how strongly.
    void SetPrompt(const std::string& text, std::vector<float> embedding);
    void SetGuidance(float guidance);

    /// Animation: lets `seconds` pass and gives the pose then. False until two frames were made. Where
    /// frames are late the last one is held, and the time that was lost is not caught up.
    bool Advance(double seconds, Pose& out);
    /// Animation: how many frames were late so far.
    std::size_t Late() const { return late_; }

private:
    struct Asked {
        std::string text;
        std::vector<float> embedding;
        float guidance = 0;
        bool prompt = false, strength = false;
    };

    bool Take(Frame& out);

    const double fps_;
    const std::size_t ahead_;
    Motion motion_;  // the worker's alone
    mutable std::mutex lock_;
    std::deque<Frame> ready_;
    Asked asked_;
    // The animation's alone.
    Frame from_, to_;
    double share_ = 0;
    std::size_t shown_ = 0, late_ = 0;
};

}  // namespace dartmotion
