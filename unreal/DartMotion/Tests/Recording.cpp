// Reads what scripts/record_core.py writes.
#include <cstdint>
#include <cstring>

#include "Testing.h"

std::vector<std::string> Split(const std::string& name) {
    std::vector<std::string> parts{""};
    for (const char c : name) {
        if (c == '/') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

std::vector<Tensor> ReadRecording(const std::string& path) {
    const std::string data = ReadFile(path);
    std::vector<Tensor> found;
    std::size_t at = 8;
    if (data.substr(0, at) != "DARTREC1") return found;
    const auto word = [&]() {
        std::uint32_t value = 0;
        if (at + 4 <= data.size()) std::memcpy(&value, &data[at], 4);
        at += 4;
        return static_cast<std::size_t>(value);
    };
    while (at < data.size()) {
        Tensor one;
        const std::size_t letters = word();
        if (letters > data.size()) return {};
        one.name = data.substr(at, letters);
        at += letters;
        std::size_t count = 1;
        for (std::size_t left = word(); left > 0 && left < 8; --left) {
            one.shape.push_back(word());
            count *= one.shape.back();
        }
        if (at > data.size() || count > (data.size() - at) / 4) return {};
        one.numbers.resize(count);
        if (count > 0) std::memcpy(one.numbers.data(), &data[at], 4 * count);
        at += 4 * count;
        found.push_back(std::move(one));
    }
    return found;
}

const std::vector<float>& Recording::operator[](const std::string& name) const {
    static const std::vector<float> kNone;
    for (const Tensor& tensor : tensors) {
        if (tensor.name == name) return tensor.numbers;
    }
    std::printf("the recording has no %s\n", name.c_str());
    ++g_failed;
    return kNone;
}

void Recording::Fill(dartmotion::Texts& texts) const {
    for (const Tensor& tensor : tensors) {
        const auto parts = Split(tensor.name);
        if (parts[0] == "text") EXPECT(texts.Put(parts[1], tensor.numbers));
    }
}
