#include "DartMotionCore/Noise.h"

#include <cmath>

namespace dartmotion {

SeededNoise::SeededNoise(std::uint32_t seed) {
    for (std::uint32_t& word : state_) {
        seed += 0x9E3779B9u;
        std::uint32_t z = seed;
        z = (z ^ (z >> 16)) * 0x85EBCA6Bu;
        z = (z ^ (z >> 13)) * 0xC2B2AE35u;
        word = z ^ (z >> 16);
    }
}

std::uint32_t SeededNoise::Bits() {
    auto& s = state_;
    const std::uint32_t sum = s[0] + s[3];
    const std::uint32_t result = ((sum << 7) | (sum >> 25)) + s[0];
    const std::uint32_t shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >> 21);
    return result;
}

bool SeededNoise::Next(std::vector<float>& out) {
    constexpr double kTurn = 6.283185307179586476925286766559;
    for (std::size_t at = 0; at < out.size(); at += 2) {
        // Both within (0, 1): the half keeps the logarithm away from nothing.
        const double radius = std::sqrt(-2 * std::log((Bits() + 0.5) / 4294967296.0));
        const double angle = kTurn * (Bits() + 0.5) / 4294967296.0;
        out[at] = static_cast<float>(radius * std::cos(angle));
        if (at + 1 < out.size()) out[at + 1] = static_cast<float>(radius * std::sin(angle));
    }
    return true;
}

}  // namespace dartmotion
