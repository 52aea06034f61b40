// A reader of JSON (RFC 8259), enough for bundle.json, without exceptions and without locale.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "DartMotionCore/Api.h"

namespace dartmotion {

struct JsonMember;

class DARTMOTIONCORE_API JsonValue {
public:
    // Written out, since a member holds a value and is complete only below.
    JsonValue();
    ~JsonValue();
    JsonValue(const JsonValue&);
    JsonValue(JsonValue&&) noexcept;
    JsonValue& operator=(const JsonValue&);
    JsonValue& operator=(JsonValue&&) noexcept;

    enum class Kind { Null, Bool, Number, String, Array, Object };

    Kind kind = Kind::Null;
    bool truth = false;
    double number = 0;
    std::string text;
    std::vector<JsonValue> items;
    std::vector<JsonMember> members;

    /// The member of that name; a null value where there is none, so that look-ups can be chained.
    const JsonValue& operator[](std::string_view name) const;
};

struct JsonMember {
    std::string name;
    JsonValue value;
};

/// False where `text` is no JSON or nested too deep; `error` names the place.
DARTMOTIONCORE_API bool ReadJson(std::string_view text, JsonValue& out, std::string& error);

}  // namespace dartmotion
