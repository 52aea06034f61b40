#include "DartMotionCore/Json.h"

#include <cmath>
#include <cstdint>

namespace dartmotion {

namespace {

const JsonValue kNothing;
constexpr int kDeepest = 64;

class JsonReader {
public:
    explicit JsonReader(std::string_view text) : text_(text) {}

    bool Document(JsonValue& out) {
        Space();
        if (!Value(out, 0)) return false;
        Space();
        return at_ == text_.size() || Fail("the end");
    }

    std::string error;

private:
    bool Fail(const char* expected) {
        if (error.empty()) {
            error = "at byte " + std::to_string(at_) + " expected " + expected;
        }
        return false;
    }

    char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    void Space() {
        while (at_ < text_.size() && (Peek() == ' ' || Peek() == '\n' || Peek() == '\r' || Peek() == '\t')) {
            ++at_;
        }
    }

    bool Word(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return Fail("a value");
        at_ += word.size();
        return true;
    }

    bool Value(JsonValue& out, int depth) {
        if (depth > kDeepest) return Fail("less nesting");
        switch (Peek()) {
            case '{': return Object(out, depth);
            case '[': return Array(out, depth);
            case '"': out.kind = JsonValue::Kind::String; return String(out.text);
            case 't': out.kind = JsonValue::Kind::Bool; out.truth = true; return Word("true");
            case 'f': out.kind = JsonValue::Kind::Bool; return Word("false");
            case 'n': return Word("null");
            default: return Number(out);
        }
    }

    bool Object(JsonValue& out, int depth) {
        out.kind = JsonValue::Kind::Object;
        ++at_;
        Space();
        if (Peek() == '}') return ++at_, true;
        for (;;) {
            out.members.emplace_back();
            auto& member = out.members.back();
            if (Peek() != '"' || !String(member.name)) return Fail("a name");
            Space();
            if (Peek() != ':') return Fail("a colon");
            ++at_;
            Space();
            if (!Value(member.value, depth + 1)) return false;
            Space();
            if (Peek() == '}') return ++at_, true;
            if (Peek() != ',') return Fail("a comma or }");
            ++at_;
            Space();
        }
    }

    bool Array(JsonValue& out, int depth) {
        out.kind = JsonValue::Kind::Array;
        ++at_;
        Space();
        if (Peek() == ']') return ++at_, true;
        for (;;) {
            out.items.emplace_back();
            if (!Value(out.items.back(), depth + 1)) return false;
            Space();
            if (Peek() == ']') return ++at_, true;
            if (Peek() != ',') return Fail("a comma or ]");
            ++at_;
            Space();
        }
    }

    bool String(std::string& out) {
        ++at_;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') return true;
            if (static_cast<unsigned char>(c) < 0x20) return Fail("a string's letter");
            if (c != '\\') {
                out += c;
            } else if (!Escape(out)) {
                return false;
            }
        }
        return Fail("the end of a string");
    }

    bool Escape(std::string& out) {
        const char c = Peek();
        ++at_;
        const std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
        const std::size_t place = c == '\0' ? std::string_view::npos : from.find(c);
        if (place != std::string_view::npos) return out += to[place], true;
        std::uint32_t code = 0;
        if (c != 'u' || !Hex(code)) return Fail("an escape");
        if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
            at_ += 2;
            std::uint32_t low = 0;
            if (!Hex(low) || low < 0xDC00 || low > 0xDFFF) return Fail("the second half of a letter");
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        } else if (code >= 0xD800 && code < 0xE000) {
            return Fail("both halves of a letter");
        }
        AppendUtf8(code, out);
        return true;
    }

    bool Hex(std::uint32_t& out) {
        out = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = Peek();
            const std::string_view digits = "0123456789abcdef";
            const std::size_t value = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c);
            if (c == '\0' || value == std::string_view::npos) return Fail("four hexadecimal digits");
            out = out * 16 + static_cast<std::uint32_t>(value);
        }
        return true;
    }

    static void AppendUtf8(std::uint32_t code, std::string& out) {
        const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
        if (code < 0x80) return byte(code);
        if (code < 0x800) {
            byte(0xC0 | (code >> 6));
        } else if (code < 0x10000) {
            byte(0xE0 | (code >> 12));
            byte(0x80 | ((code >> 6) & 0x3F));
        } else {
            byte(0xF0 | (code >> 18));
            byte(0x80 | ((code >> 12) & 0x3F));
            byte(0x80 | ((code >> 6) & 0x3F));
        }
        byte(0x80 | (code & 0x3F));
    }

    bool Digit() const { return Peek() >= '0' && Peek() <= '9'; }

    bool Number(JsonValue& out) {
        out.kind = JsonValue::Kind::Number;
        const bool negative = Peek() == '-';
        if (negative) ++at_;
        if (!Digit()) return Fail("a value");
        // Digits beyond the nineteenth change nothing that a float can hold.
        std::uint64_t mantissa = 0;
        int exponent = 0;
        const auto digits = [&](int step) {
            while (Digit()) {
                if (mantissa < 1000000000000000000u) {
                    mantissa = mantissa * 10 + static_cast<std::uint64_t>(Peek() - '0');
                    exponent -= step;
                } else {
                    exponent += 1 - step;
                }
                ++at_;
            }
        };
        if (Peek() == '0') {
            ++at_;
        } else {
            digits(0);
        }
        if (Peek() == '.') {
            ++at_;
            if (!Digit()) return Fail("a digit");
            digits(1);
        }
        if (Peek() == 'e' || Peek() == 'E') {
            ++at_;
            const bool down = Peek() == '-';
            if (down || Peek() == '+') ++at_;
            if (!Digit()) return Fail("a digit");
            int more = 0;
            for (; Digit(); ++at_) more = more < 10000 ? more * 10 + (Peek() - '0') : more;
            exponent += down ? -more : more;
        }
        // Powers up to the twenty-second are exact, and a division by one rounds once.
        const double value = static_cast<double>(mantissa);
        const double made = exponent < 0 ? value / std::pow(10.0, -exponent) : value * std::pow(10.0, exponent);
        out.number = negative ? -made : made;
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

JsonValue::JsonValue() = default;
JsonValue::~JsonValue() = default;
JsonValue::JsonValue(const JsonValue&) = default;
JsonValue::JsonValue(JsonValue&&) noexcept = default;
JsonValue& JsonValue::operator=(const JsonValue&) = default;
JsonValue& JsonValue::operator=(JsonValue&&) noexcept = default;

const JsonValue& JsonValue::operator[](std::string_view name) const {
    for (const auto& member : members) {
        if (member.name == name) return member.value;
    }
    return kNothing;
}

bool ReadJson(std::string_view text, JsonValue& out, std::string& error) {
    JsonReader reader(text);
    if (reader.Document(out)) return true;
    error = "no JSON: " + reader.error;
    return false;
}

}  // namespace dartmotion
