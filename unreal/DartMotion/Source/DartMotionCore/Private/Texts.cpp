#include "DartMotionCore/Texts.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace dartmotion {

std::string Composed(std::string_view text, std::string_view body) {
    const std::string_view blank = " \t\r\n\f\v";
    const std::size_t first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    text = text.substr(first, text.find_last_not_of(blank) - first + 1);
    if (body == "smplh") return std::string(text);
    constexpr std::string_view kAnd = " and ";
    std::vector<std::string> parts;
    for (;;) {
        const std::size_t end = text.find(kAnd);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + kAnd.size());
    }
    // Bytes of UTF-8 sort as the letters do.
    std::sort(parts.begin(), parts.end());
    std::string out = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) out.append(kAnd).append(parts[i]);
    return out;
}

float FromHalf(std::uint16_t bits) {
    const float sign = bits & 0x8000 ? -1.0f : 1.0f;
    const int exponent = (bits >> 10) & 31;
    const auto fraction = static_cast<float>(bits & 1023);
    if (exponent == 0) return sign * std::ldexp(fraction, -24);
    if (exponent == 31) return bits & 1023 ? NAN : sign * INFINITY;
    return sign * std::ldexp(1024.0f + fraction, exponent - 25);
}

Texts::Texts(const Bundle& bundle) : bundle_(bundle) {
    known_[""] = std::vector<float>(bundle.sizes.text);
}

bool Texts::Open(std::string_view vocabulary, const std::uint8_t* table, std::size_t table_size, TextModel& model,
                 std::string& error) {
    const TokenizerSpec& spec = bundle_.tokenizer;
    if (spec.kind != "clip-bpe") {
        error = "the bundle's tokenizer is " + spec.kind + ": its embeddings have to be put in";
        return false;
    }
    // The rows are an npy file's last bytes; what stands before describes them.
    const std::size_t wanted = 2 * spec.size * spec.width;
    if (table_size < wanted) {
        error = "the token table has " + std::to_string(table_size) + " bytes, not " + std::to_string(wanted);
        return false;
    }
    if (!tokenizer_.Read(vocabulary, spec, error)) return false;
    rows_ = table + (table_size - wanted);
    model_ = &model;
    return true;
}

bool Texts::Put(std::string_view text, std::vector<float> embedding) {
    if (embedding.size() != bundle_.sizes.text) return false;
    known_.emplace(Composed(text, bundle_.body), std::move(embedding));
    return true;
}

const std::vector<float>* Texts::Embed(std::string_view text, std::string& error) {
    const std::string key = Composed(text, bundle_.body);
    const auto found = known_.find(key);
    if (found != known_.end()) return &found->second;
    if (model_ == nullptr) {
        error = "no text model is open, and \"" + key + "\" was not put in";
        return nullptr;
    }
    const std::size_t width = bundle_.tokenizer.width;
    const std::vector<std::size_t> tokens = tokenizer_.Tokens(key);
    std::vector<float> rows;
    rows.reserve(tokens.size() * width);
    for (const std::size_t token : tokens) {
        for (std::size_t i = 0; i < width; ++i) {
            const std::uint8_t* half = rows_ + 2 * (token * width + i);
            rows.push_back(FromHalf(static_cast<std::uint16_t>(half[0] | (half[1] << 8))));
        }
    }
    std::vector<float> made(bundle_.sizes.text);
    if (!model_->Run(rows, tokens.size(), made, error)) return nullptr;
    const bool good = made.size() == bundle_.sizes.text &&
                      std::all_of(made.begin(), made.end(), [](float v) { return std::isfinite(v); });
    if (!good) {
        error = "the text model gave no embedding of " + std::to_string(bundle_.sizes.text) + " numbers";
        return nullptr;
    }
    return &known_.emplace(key, std::move(made)).first->second;
}

}  // namespace dartmotion
