#include "DartMotionCore/Tokenizer.h"

#include <utility>

namespace dartmotion {

namespace {

constexpr std::size_t kBytes = 256;

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= '\x1c' && c <= '\x1f'); }

enum class Letter { Space, Word, Digit, Other };

Letter KindOf(char c) {
    if (IsSpace(c)) return Letter::Space;
    if (c >= '0' && c <= '9') return Letter::Digit;
    const bool word = (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
    return word ? Letter::Word : Letter::Other;
}

std::string Cleaned(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (!IsSpace(c)) {
            out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

/// How long the piece at the beginning of `text` is.
std::size_t PieceLength(std::string_view text) {
    constexpr std::string_view kSpecial[] = {"<|startoftext|>", "<|endoftext|>", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (const std::string_view special : kSpecial) {
        if (text.substr(0, special.size()) == special) return special.size();
    }
    const Letter kind = KindOf(text[0]);
    std::size_t end = 1;
    while (kind != Letter::Digit && end < text.size() && KindOf(text[end]) == kind) ++end;
    return end;
}

/// A letter below 0x800 in UTF-8.
std::string Written(std::size_t letter) {
    const auto byte = [](std::size_t value) { return static_cast<char>(static_cast<unsigned char>(value)); };
    if (letter < 0x80) return {byte(letter)};
    return {byte(0xC0 | (letter >> 6)), byte(0x80 | (letter & 0x3F))};
}

}  // namespace

bool ClipTokenizer::Read(std::string_view vocabulary, const TokenizerSpec& spec, std::string& error) {
    spec_ = spec;
    ranks_.clear();
    const std::size_t count = spec.size - 2 * kBytes - 2;
    std::size_t at = vocabulary.find('\n');
    while (at != std::string_view::npos && ranks_.size() < count) {
        const std::size_t end = vocabulary.find('\n', at + 1);
        const std::string_view line = vocabulary.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
        if (!line.empty()) ranks_.emplace(std::string(line), ranks_.size());
        at = end;
    }
    if (ranks_.size() < count) {
        error = "the vocabulary has " + std::to_string(ranks_.size()) + " merges, not " + std::to_string(count);
        return false;
    }
    symbols_.assign(kBytes, std::string());
    tokens_.assign(kBytes, 0);
    std::size_t token = 0, more = 0;
    const auto printable = [](std::size_t byte) {
        return (byte >= 33 && byte < 127) || (byte >= 161 && byte < 173) || byte >= 174;
    };
    for (std::size_t byte = 0; byte < kBytes; ++byte) {
        if (!printable(byte)) continue;
        symbols_[byte] = Written(byte);
        tokens_[byte] = token++;
    }
    for (std::size_t byte = 0; byte < kBytes; ++byte) {
        if (printable(byte)) continue;
        symbols_[byte] = Written(kBytes + more++);
        tokens_[byte] = token++;
    }
    return true;
}

std::vector<std::size_t> ClipTokenizer::Tokens(std::string_view text) const {
    const std::string clean = Cleaned(text);
    std::vector<std::size_t> out{spec_.start_token};
    for (std::size_t at = 0; at < clean.size();) {
        const std::size_t length = PieceLength(std::string_view(clean).substr(at));
        if (clean[at] != ' ') Piece(std::string_view(clean).substr(at, length), out);
        at += length;
    }
    if (out.size() > spec_.context - 1) out.resize(spec_.context - 1);
    out.push_back(spec_.end_token);
    return out;
}

void ClipTokenizer::Piece(std::string_view piece, std::vector<std::size_t>& out) const {
    if (piece == "<|startoftext|>") return out.push_back(spec_.start_token);
    if (piece == "<|endoftext|>") return out.push_back(spec_.end_token);
    std::vector<std::pair<std::string, std::size_t>> parts;
    for (const char c : piece) {
        const auto byte = static_cast<unsigned char>(c);
        parts.emplace_back(symbols_[byte], tokens_[byte]);
    }
    parts.back().first += "</w>";
    parts.back().second += kBytes;
    for (;;) {
        std::size_t best = ranks_.size(), place = 0;
        for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
            const auto found = ranks_.find(parts[i].first + " " + parts[i + 1].first);
            if (found != ranks_.end() && found->second < best) {
                best = found->second;
                place = i;
            }
        }
        if (best == ranks_.size()) break;
        const std::string first = parts[place].first, second = parts[place + 1].first;
        std::vector<std::pair<std::string, std::size_t>> joined;
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (i + 1 < parts.size() && parts[i].first == first && parts[i + 1].first == second) {
                joined.emplace_back(first + second, 2 * kBytes + best);
                ++i;
            } else {
                joined.push_back(parts[i]);
            }
        }
        parts = std::move(joined);
    }
    for (const auto& part : parts) out.push_back(part.second);
}

}  // namespace dartmotion
