// Texts to embeddings: each is worked out once, and can be put in from elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "DartMotionCore/Api.h"
#include "DartMotionCore/Bundle.h"
#include "DartMotionCore/Model.h"
#include "DartMotionCore/Tokenizer.h"

namespace dartmotion {

/// `text` as the networks were trained on it: for BABEL (body smplx), "b and a" is "a and b".
DARTMOTIONCORE_API std::string Composed(std::string_view text, std::string_view body);

/// A half-precision number's value.
DARTMOTIONCORE_API float FromHalf(std::uint16_t bits);

/// For one thread. The bundle must outlive it, and so must the model and the table where they are given.
class DARTMOTIONCORE_API Texts {
public:
    explicit Texts(const Bundle& bundle);

    /// What clip-bpe needs: the unpacked vocabulary, the token table's file (npy) and the model.
    bool Open(std::string_view vocabulary, const std::uint8_t* table, std::size_t table_size, TextModel& model,
              std::string& error);

    /// Puts the embedding of a text in. False where it has not C numbers.
    bool Put(std::string_view text, std::vector<float> embedding);

    /// The embedding of `text` [C]; nullptr with `error` where it cannot be worked out. The empty text's
    /// is zero. It stays where it is until Texts ends.
    const std::vector<float>* Embed(std::string_view text, std::string& error);

private:
    const Bundle& bundle_;
    ClipTokenizer tokenizer_;
    TextModel* model_ = nullptr;
    const std::uint8_t* rows_ = nullptr;
    std::unordered_map<std::string, std::vector<float>> known_;
};

}  // namespace dartmotion
