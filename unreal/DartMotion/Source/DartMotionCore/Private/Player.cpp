#include "DartMotionCore/Player.h"

#include <algorithm>
#include <utility>

namespace dartmotion {

Player::Player(const Bundle& bundle, PrimitiveModel& model, NoiseSource& noise, std::size_t ahead)
    : fps_(bundle.fps), ahead_(ahead > 0 ? ahead : 1), motion_(bundle, model, noise) {}

bool Player::Wants() const {
    const std::lock_guard<std::mutex> hold(lock_);
    return ready_.size() < ahead_;
}

void Player::SetPrompt(const std::string& text, std::vector<float> embedding) {
    const std::lock_guard<std::mutex> hold(lock_);
    asked_.text = text;
    asked_.embedding = std::move(embedding);
    asked_.prompt = true;
}

void Player::SetGuidance(float guidance) {
    const std::lock_guard<std::mutex> hold(lock_);
    asked_.guidance = guidance;
    asked_.strength = true;
}

bool Player::Fill(std::string& error) {
    while (Wants()) {
        Asked asked;
        {
            const std::lock_guard<std::mutex> hold(lock_);
            std::swap(asked, asked_);
        }
        if (asked.strength) motion_.SetGuidance(asked.guidance);
        if (asked.prompt) motion_.SetPrompt(asked.text, std::move(asked.embedding));
        Frame frame;
        if (!motion_.Next(frame, error)) return false;
        const std::lock_guard<std::mutex> hold(lock_);
        ready_.push_back(std::move(frame));
    }
    return true;
}

bool Player::Take(Frame& out) {
    const std::lock_guard<std::mutex> hold(lock_);
    if (ready_.empty()) return false;
    out = std::move(ready_.front());
    ready_.pop_front();
    return true;
}

bool Player::Advance(double seconds, Pose& out) {
    if (shown_ == 0 && Take(from_)) ++shown_;
    if (shown_ == 1 && Take(to_)) ++shown_;
    if (shown_ < 2) return false;
    share_ += std::max(0.0, seconds) * fps_;
    while (share_ >= 1) {
        Frame next;
        if (!Take(next)) {
            ++late_;
            share_ = 1;
            break;
        }
        from_ = std::move(to_);
        to_ = std::move(next);
        share_ -= 1;
    }
    const std::size_t joints = from_.rotations.size() / 9;
    out.rotations.resize(joints);
    for (std::size_t j = 0; j < joints; ++j) {
        out.rotations[j] = Slerp(QuatFromMatrix(Mat3::From(&from_.rotations[9 * j])),
                                 QuatFromMatrix(Mat3::From(&to_.rotations[9 * j])), share_);
    }
    const auto between = [this](std::size_t i) {
        return (1 - share_) * static_cast<double>(from_.translation[i]) + share_ * static_cast<double>(to_.translation[i]);
    };
    out.translation = {between(0), between(1), between(2)};
    out.text = to_.text;
    return true;
}

}  // namespace dartmotion
