#include "DartMotionCore/Motion.h"

#include <cmath>
#include <utility>

namespace dartmotion {

namespace {

std::vector<float> Slice(const std::vector<float>& all, std::size_t from, std::size_t count) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(from);
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

bool AllFinite(const std::vector<float>& numbers) {
    for (const float number : numbers) {
        if (!std::isfinite(number)) return false;
    }
    return true;
}

}  // namespace

Motion::Motion(const Bundle& bundle, PrimitiveModel& model, NoiseSource& noise)
    : bundle_(bundle), model_(model), noise_(noise), features_(bundle), guidance_(static_cast<float>(bundle.guidance)),
      embedding_(bundle.sizes.text) {
    state_.history = bundle.start_history;
    state_.world = {bundle.start_rotation, bundle.start_translation};
    world_ = state_.world;
    frames_ = features_.Denormalised(state_.history);
    placed_ = features_.Place(frames_, world_);
}

void Motion::SetPrompt(const std::string& text, std::vector<float> embedding) {
    if (text == text_ || embedding.size() != bundle_.sizes.text) return;
    text_ = text;
    embedding_ = std::move(embedding);
    changed_ = index_ > 0;
}

bool Motion::Next(Frame& out, std::string& error) {
    // The seed is shown whole, whatever comes meanwhile.
    if (given_ >= placed_.count || (changed_ && !seeding_)) {
        if (!Advance(error)) return false;
    }
    changed_ = false;
    const std::size_t joints = bundle_.sizes.joints, at = given_++;
    out.index = index_++;
    out.text = text_;
    out.rotations = Slice(placed_.rotations, at * joints * 9, joints * 9);
    out.translation = Slice(placed_.translation, at * 3, 3);
    out.joints = Slice(placed_.joints, at * joints * 3, joints * 3);
    return true;
}

bool Motion::Advance(std::string& error) {
    const Sizes& sizes = bundle_.sizes;
    State from = state_;
    if (!seeding_ && given_ < placed_.count) {
        std::vector<float> shown = before_;
        shown.insert(shown.end(), frames_.begin(), frames_.begin() + static_cast<std::ptrdiff_t>(given_ * sizes.features));
        const std::size_t wanted = sizes.history * sizes.features;
        from = features_.Canonical(Slice(shown, shown.size() - wanted, wanted), world_);
    }
    std::vector<float> noise(bundle_.NoiseCount());
    if (!noise_.Next(noise)) {
        error = "there is no more noise";
        return false;
    }
    PrimitiveOutput out;
    out.motion.resize(sizes.future * sizes.features);
    out.placed.count = sizes.future;
    out.placed.rotations.resize(sizes.future * sizes.joints * 9);
    out.placed.translation.resize(sizes.future * 3);
    out.placed.joints.resize(sizes.future * sizes.joints * 3);
    out.after.history.resize(sizes.history * sizes.features);
    out.after.world.rotation.resize(9);
    out.after.world.translation.resize(3);
    const PrimitiveInput in{from.history.data(),        embedding_.data(),
                            noise.data(),               guidance_,
                            from.world.rotation.data(), from.world.translation.data(),
                            bundle_.pelvis_offset.data()};
    if (!model_.Run(in, out, error)) return false;
    // A body that is thrown out of the world once never comes back.
    if (!AllFinite(out.placed.rotations) || !AllFinite(out.placed.translation) || !AllFinite(out.after.history)) {
        error = "the model gave numbers that are none";
        return false;
    }
    before_ = features_.Denormalised(from.history);
    world_ = std::move(from.world);
    frames_ = std::move(out.motion);
    placed_ = std::move(out.placed);
    state_ = std::move(out.after);
    given_ = 0;
    seeding_ = false;
    return true;
}

}  // namespace dartmotion
