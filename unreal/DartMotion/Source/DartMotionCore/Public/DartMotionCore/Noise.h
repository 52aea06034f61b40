// Standard normal noise, a primitive's at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "DartMotionCore/Api.h"

namespace dartmotion {

class NoiseSource {
public:
    virtual ~NoiseSource() = default;
    /// Fills `out` with independent standard normal numbers; false where there are no more.
    virtual bool Next(std::vector<float>& out) = 0;
};

/// Numbers by Box and Muller's formula out of xoshiro128++ (Blackman and Vigna), whose state SplitMix32
/// fills from the seed. hosts/js has the same generator, so that one seed gives both the same noise but
/// for a last digit of the mathematical functions.
class DARTMOTIONCORE_API SeededNoise final : public NoiseSource {
public:
    explicit SeededNoise(std::uint32_t seed);
    bool Next(std::vector<float>& out) override;

private:
    std::uint32_t Bits();

    std::array<std::uint32_t, 4> state_{};
};

}  // namespace dartmotion
