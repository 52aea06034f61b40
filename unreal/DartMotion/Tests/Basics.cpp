// Rotations, JSON, bundle.json, noise and texts.
#include <algorithm>
#include <cmath>
#include <string_view>

#include "DartMotionCore/Json.h"
#include "DartMotionCore/Noise.h"
#include "DartMotionCore/Rotations.h"
#include "DartMotionCore/Texts.h"
#include "Testing.h"

using namespace dartmotion;

namespace {

double Apart(const Vec3& a, const Vec3& b) { return Length(a - b); }

void TestRotations() {
    const Quat turns[] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}, {0.5, -0.5, 0.5, 0.5},
                          {1e-8, 1, 0, 0}, {0.1, -0.2, 0.3, -0.9}, {0.9, 0.1, 0, 0.1}};
    const Vec3 point{0.3, -1.2, 2.0};
    for (const Quat& raw : turns) {
        const Quat q = Normalised(raw);
        const Mat3 matrix = MatrixFromQuat(q);
        EXPECT_AT_MOST(Apart(matrix * point, q * point), 1e-12);
        EXPECT_AT_MOST(Apart(QuatFromMatrix(matrix) * point, q * point), 1e-12);
        EXPECT_AT_MOST(Apart(Inverse(q) * (q * point), point), 1e-12);
        EXPECT_AT_MOST(Apart((turns[4] * q) * point, turns[4] * (q * point)), 1e-12);
        EXPECT_AT_MOST(Apart(Slerp(q, {-q.w, -q.x, -q.y, -q.z}, 0.5) * point, q * point), 1e-9);
    }
    const Quat quarter = Slerp({}, {0, 0, 0, 1}, 0.5);  // half of half a turn about z
    EXPECT_AT_MOST(Apart(quarter * Vec3{1, 0, 0}, {0, 1, 0}), 1e-9);
    for (const Vec3& to : {Vec3{0, 2, 0}, Vec3{-3, 0, 0}, Vec3{1, 0, 0}, Vec3{-1, 1e-5, 0}}) {
        EXPECT_AT_MOST(Apart(ShortestArc({1, 0, 0}, to) * Vec3{1, 0, 0}, Unit(to)), 1e-6);
    }
    const double six[] = {2, 0, 0, 5, 0, 3};  // not orthogonal, not unit
    const Mat3 made = MatrixFrom6d(six);
    EXPECT_AT_MOST(Apart(made * Vec3{0, 0, 1}, {0, 1, 0}), 1e-12);
}

void TestJson() {
    JsonValue value;
    std::string error;
    const auto read = [&](std::string_view text) {
        value = JsonValue();
        return ReadJson(text, value, error);
    };
    EXPECT(read(" {\"a\": [1, -2.5e-3, 1E2], \"b\": \"\\u00e9\\ud83d\\ude00\\n\", \"c\": {}} "));
    EXPECT(value["a"].items.size() == 3 && value["a"].items[2].number == 100);
    EXPECT(std::fabs(value["a"].items[1].number + 0.0025) < 1e-18);
    EXPECT(value["b"].text == "\xC3\xA9\xF0\x9F\x98\x80\n");
    EXPECT(value["none"]["below"].kind == JsonValue::Kind::Null);
    EXPECT(read("0.15506361058371124") && value.number == 0.15506361058371124);
    EXPECT(read("-0.00015107638319022954") && static_cast<float>(value.number) == -0.00015107638319022954f);
    EXPECT(read("123456789012345678901234567890") && std::fabs(value.number / 1.2345678901234568e29 - 1) < 1e-14);
    EXPECT(read("1e-400") && value.number == 0);
    for (const char* bad : {"", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "01", "1.", "-", "+1", "tru", "\"\\x\"", "\"\\ud800\"",
                            "\"a", "nul", "[1 2]", "{a:1}", "1 2", "\"\n\""}) {
        EXPECT(!read(bad));
    }
    EXPECT(!read(std::string(100000, '[')));
}

void TestBundle(const Recording& recording) {
    const Bundle& bundle = recording.bundle;
    EXPECT(bundle.sizes.history == 2 && bundle.sizes.future == 8 && bundle.sizes.joints == 22);
    EXPECT(bundle.NoiseCount() == 11 * bundle.sizes.latent);
    EXPECT(bundle.Label().find("sandbox") == 0);
    EXPECT(bundle.names[0] == "pelvis" && bundle.parents[0] == -1);
    const auto portable = std::find_if(bundle.files.begin(), bundle.files.end(), [](const ModelFile& file) {
        return file.portable && file.model == "primitive" && file.precision == "fp32";
    });
    EXPECT(portable != bundle.files.end() && portable->sha256.size() == 64);

    Bundle other;
    std::string error;
    for (std::size_t length = 0; length + 2 < recording.json.size(); length += 997) {
        EXPECT(!ReadBundle(std::string_view(recording.json).substr(0, length), other, error) && !error.empty());
    }
    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string text = recording.json;
        const std::size_t at = text.find(from);
        EXPECT(at != std::string::npos);
        if (at != std::string::npos) text.replace(at, from.size(), to);
        error.clear();
        return ReadBundle(text, other, error);
    };
    EXPECT(changed("\"fps\": 30", "\"fps\": 20") && other.fps == 20);
    EXPECT(!changed("\"schema\": 1", "\"schema\": 2") && error.find("schema") != std::string::npos);
    EXPECT(!changed("\"latent\": 32", "\"latent\": 0") && error.find("latent") != std::string::npos);
    EXPECT(!changed("\"latent\": 32", "\"latent\": 1e300"));
    EXPECT(!changed("\"features\": 276", "\"features\": 277"));
    EXPECT(!changed("\"parents\": [-1, 0", "\"parents\": [-1, 1") && error.find("joint 1") != std::string::npos);
    EXPECT(!changed("\"schedule\": \"ddpm10\"", "\"schedule\": \"ddpm9\""));
    EXPECT(!changed("\"name\": \"joints_delta\"", "\"name\": \"joints_moved\""));
}

void TestNoise() {
    SeededNoise one(7), same(7), other(8);
    std::vector<float> a(20001), b(20001), c(20001);
    EXPECT(one.Next(a) && same.Next(b) && other.Next(c));
    EXPECT(a == b && a != c);
    double sum = 0, square = 0, fourth = 0;
    for (const float number : a) {
        const double v = static_cast<double>(number);
        sum += v;
        square += v * v;
        fourth += v * v * v * v;
    }
    const double count = static_cast<double>(a.size());
    EXPECT_AT_MOST(std::fabs(sum / count), 0.035);
    EXPECT_AT_MOST(std::fabs(square / count - 1), 0.05);
    EXPECT_AT_MOST(std::fabs(fourth / count - 3), 0.35);
}

/// Gives the sum of each column, scaled, so that a test can work it out by hand.
class SumModel final : public TextModel {
public:
    int runs = 0;
    bool broken = false;

    bool Run(const std::vector<float>& rows, std::size_t count, std::vector<float>& out, std::string& error) override {
        ++runs;
        if (broken) {
            error = "broken";
            return false;
        }
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = rows[i % (rows.size() / count)] + static_cast<float>(count);
        return true;
    }
};

void TestTexts(const Recording& recording) {
    EXPECT(Composed(" turn and jump ", "smplx") == "jump and turn");
    EXPECT(Composed("turn and jump", "smplh") == "turn and jump");
    EXPECT(Composed("", "smplx").empty());
    EXPECT(FromHalf(0x3C00) == 1 && FromHalf(0xC000) == -2 && FromHalf(0x0001) == std::ldexp(1.0f, -24));
    EXPECT(FromHalf(0x7BFF) == 65504 && std::isinf(FromHalf(0xFC00)) && std::isnan(FromHalf(0x7E00)));

    std::string error;
    Texts known(recording.bundle);
    recording.Fill(known);
    EXPECT(known.Embed("turn left and wave right hand", error) != nullptr);
    EXPECT(known.Embed("wave right hand and turn left", error) == known.Embed("turn left and wave right hand", error));
    EXPECT(known.Embed("never heard of", error) == nullptr && error.find("never heard of") != std::string::npos);
    EXPECT(known.Embed("  ", error) != nullptr && (*known.Embed("", error))[0] == 0);
    EXPECT(!known.Put("short", {1, 2}));

    Bundle clip = recording.bundle;
    clip.tokenizer = {"clip-bpe", "v", "t", 520, 2, 9, 518, 519};
    const std::string vocabulary = "head\nw a\nl k</w>\nwa lk</w>\nt u\nr n</w>\ntu rn</w>\nleft out";
    std::vector<std::uint8_t> table(10 + 2 * 520 * 2);
    table[10 + 2 * 518 * 2] = 0x00;
    table[10 + 2 * 518 * 2 + 1] = 0x3C;  // row 518 begins with 1
    SumModel model;
    Texts texts(clip);
    EXPECT(!texts.Open(vocabulary, table.data(), 100, model, error));
    EXPECT(!texts.Open("head\nw a\n", table.data(), table.size(), model, error));
    EXPECT(texts.Open(vocabulary, table.data(), table.size(), model, error));
    const std::vector<float>* walk = texts.Embed("Walk", error);
    EXPECT(walk != nullptr && (*walk)[0] == 4 && (*walk)[1] == 3);  // three tokens, and the first row's 1
    EXPECT(texts.Embed("walk ", error) != walk && model.runs == 2);  // other letters, another entry
    EXPECT(texts.Embed("Walk", error) == walk && model.runs == 2);
    model.broken = true;
    EXPECT(texts.Embed("turn", error) == nullptr && error == "broken");
    model.broken = false;
    EXPECT(texts.Embed("turn", error) != nullptr);
    Texts hashed(recording.bundle);
    EXPECT(!hashed.Open(vocabulary, table.data(), table.size(), model, error));
}

}  // namespace

void TestBasics(const Recording& recording) {
    TestRotations();
    TestJson();
    TestBundle(recording);
    TestNoise();
    TestTexts(recording);
}
