// A reader of JSON (RFC 8259), enough for bundle.json, without exceptions and without locale.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "DartMotionCore/Api.h"

namespace dartmotion {

class DARTMOTIONCORE_API JsonValue {
public:
    enum class Kind { Null, Bool, Number, String, Array, Object };

    Kind kind = Kind::Null;
    bool truth = false;
    double number = 0;
    std::string text;
    std::vector<JsonValue> items;
    std::vector<std::pair<std::string, JsonValue>> members;

    /// The member of that name; a null value where there is none, so that look-ups can be chained.
    const JsonValue& operator[](std::string_view name) const;
};

/// False where `text` is no JSON or nested too deep; `error` names the place.
DARTMOTIONCORE_API bool ReadJson(std::string_view text, JsonValue& out, std::string& error);

}  // namespace dartmotion
