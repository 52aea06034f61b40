// What the core's tests share: expectations, and the recording that scripts/record_core.py writes.
#pragma once

#include <cstddef>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "DartMotionCore/Bundle.h"
#include "DartMotionCore/Texts.h"

extern int g_failed;
extern int g_passed;

#define EXPECT(condition)                                                          \
    do {                                                                           \
        if (condition) {                                                           \
            ++g_passed;                                                            \
        } else {                                                                   \
            ++g_failed;                                                            \
            std::printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
        }                                                                          \
    } while (false)

/// `value`, which must be at most `limit`; both are printed where it is not.
#define EXPECT_AT_MOST(value, limit)                                                                     \
    do {                                                                                                 \
        const double found_ = static_cast<double>(value);                                                \
        if (found_ <= (limit)) {                                                                         \
            ++g_passed;                                                                                  \
        } else {                                                                                         \
            ++g_failed;                                                                                  \
            std::printf("%s:%d: %s is %g, at most %g\n", __FILE__, __LINE__, #value, found_, (limit));   \
        }                                                                                                \
    } while (false)

struct Tensor {
    std::string name;
    std::vector<std::size_t> shape;
    std::vector<float> numbers;
};

inline std::string ReadFile(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The tensors of a recording; none where it is damaged.
std::vector<Tensor> ReadRecording(const std::string& path);

/// The parts of a name between slashes.
std::vector<std::string> Split(const std::string& name);

struct Recording {
    std::string folder;
    std::string json;
    dartmotion::Bundle bundle;
    std::vector<Tensor> tensors;

    const std::vector<float>& operator[](const std::string& name) const;
    /// Puts the recorded embeddings in.
    void Fill(dartmotion::Texts& texts) const;
};

void TestBasics(const Recording& recording);
void TestReplay(const Recording& recording);
void TestPlaying(const Recording& recording);
