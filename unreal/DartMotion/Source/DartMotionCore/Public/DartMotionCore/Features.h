// A primitive's numbers outside the graph: the seed's frames, and the history after a cut.
// docs/bundle.md, "A frame's 276 numbers".
#pragma once

#include <cstddef>
#include <vector>

#include "DartMotionCore/Api.h"
#include "DartMotionCore/Bundle.h"
#include "DartMotionCore/Rotations.h"

namespace dartmotion {

/// From a primitive's own frame to the world: rotation [3, 3], translation [3] in metres.
struct World {
    std::vector<float> rotation, translation;
};

/// Frames in the world: rotations [n, J, 3, 3] (the root's in the world, the others relative to their
/// parents), translation [n, 3] in metres (SMPL's transl), joints [n, J, 3] as predicted.
struct Placed {
    std::vector<float> rotations, translation, joints;
    std::size_t count = 0;
};

/// Where a motion stands: history [H, F] normalised, and the world of its frame.
struct State {
    std::vector<float> history;
    World world;
};

class DARTMOTIONCORE_API Features {
public:
    explicit Features(const Bundle& bundle) : bundle_(bundle) {}

    /// Frames [n, F] in units, of normalised ones.
    std::vector<float> Denormalised(const std::vector<float>& frames) const;

    /// Frames [n, F] in units, of the primitive at `world`, in the world.
    Placed Place(const std::vector<float>& frames, const World& world) const;

    /// The state after frames [H, F] in units, of the primitive at `world`: the new origin is the first
    /// frame's pelvis, x runs along the floor from the left hip to the right one. Joints stay as predicted.
    State Canonical(const std::vector<float>& frames, const World& world) const;

    /// Where the body's joints are [J, 3] in metres, of rotations [J, 3, 3] and SMPL's transl [3].
    std::vector<Vec3> Positions(const float* rotations, const float* translation) const;

private:
    const Bundle& bundle_;
};

}  // namespace dartmotion
