// CLIP's byte-pair encoding by a bundle's vocabulary. docs/bundle.md, "Texts".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "DartMotionCore/Api.h"
#include "DartMotionCore/Bundle.h"

namespace dartmotion {

/// Texts are UTF-8. What goes beyond ASCII is taken as letters, and only ASCII is put in lower case:
/// DART's texts are English.
class DARTMOTIONCORE_API ClipTokenizer {
public:
    /// `vocabulary` is the unpacked text of the vocabulary file. False where it has too few merges.
    bool Read(std::string_view vocabulary, const TokenizerSpec& spec, std::string& error);

    /// The tokens of `text` with both special ones, the context's length at most.
    std::vector<std::size_t> Tokens(std::string_view text) const;

private:
    void Piece(std::string_view piece, std::vector<std::size_t>& out) const;

    TokenizerSpec spec_;
    std::unordered_map<std::string, std::size_t> ranks_;
    std::vector<std::string> symbols_;  // how each byte is written
    std::vector<std::size_t> tokens_;   // and its token
};

}  // namespace dartmotion
