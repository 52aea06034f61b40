#include "DartMotionCore/Bundle.h"

#include <cmath>

#include "DartMotionCore/Json.h"

namespace dartmotion {

namespace {

/// Reads fields; the first that does not fit stays in `error`.
class BundleReader {
public:
    explicit BundleReader(std::string& error) : error_(error) {}

    bool Fits(bool good, const std::string& what, const std::string& expected) {
        if (!good && error_.empty()) error_ = "bundle.json: " + what + " is not " + expected;
        return good;
    }

    std::size_t Size(const JsonValue& value, const std::string& what, double least = 1) {
        const bool good = value.kind == JsonValue::Kind::Number && value.number >= least && value.number <= 100000 &&
                          std::floor(value.number) == value.number;
        return Fits(good, what, "a whole number") ? static_cast<std::size_t>(value.number) : 0;
    }

    double Number(const JsonValue& value, const std::string& what) {
        Fits(value.kind == JsonValue::Kind::Number && std::isfinite(value.number), what, "a number");
        return value.number;
    }

    std::string Text(const JsonValue& value, const std::string& what) {
        Fits(value.kind == JsonValue::Kind::String, what, "a text");
        return value.text;
    }

    /// `count` numbers, of an array or of an array of arrays.
    std::vector<float> Numbers(const JsonValue& value, const std::string& what, std::size_t count) {
        std::vector<float> found;
        Collect(value, found, count);
        bool finite = found.size() == count;
        for (const float number : found) finite = finite && std::isfinite(number);
        Fits(finite, what, std::to_string(count) + " numbers");
        return found;
    }

private:
    static void Collect(const JsonValue& value, std::vector<float>& found, std::size_t most) {
        for (const JsonValue& item : value.items) {
            if (item.kind == JsonValue::Kind::Array) {
                Collect(item, found, most);
            } else {
                found.push_back(item.kind == JsonValue::Kind::Number ? static_cast<float>(item.number) : NAN);
            }
            if (found.size() > most) return;
        }
    }

    std::string& error_;
};

void ReadSizes(const JsonValue& json, BundleReader& read, Sizes& out) {
    out.history = read.Size(json["history"], "sizes.history");
    out.future = read.Size(json["future"], "sizes.future");
    out.features = read.Size(json["features"], "sizes.features");
    out.tokens = read.Size(json["tokens"], "sizes.tokens");
    out.latent = read.Size(json["latent"], "sizes.latent");
    out.text = read.Size(json["text"], "sizes.text");
    out.joints = read.Size(json["joints"], "sizes.joints");
    // The heading comes from the hips, joints 1 and 2.
    read.Fits(out.joints >= 3, "sizes.joints", "three or more");
}

void ReadLayout(const JsonValue& json, BundleReader& read, const Sizes& sizes, Layout& out) {
    const auto part = [&](const char* name, std::size_t width) {
        for (const JsonValue& feature : json.items) {
            if (feature["name"].text != name) continue;
            const std::size_t start = read.Size(feature["start"], std::string("the start of ") + name, 0);
            const std::size_t wide = read.Size(feature["width"], std::string("the width of ") + name);
            read.Fits(wide == width && start + wide <= sizes.features, std::string("the place of ") + name,
                      std::to_string(width) + " numbers within a frame");
            return start;
        }
        read.Fits(false, std::string("features.") + name, "there");
        return std::size_t{0};
    };
    out.transl = part("transl", 3);
    out.poses_6d = part("poses_6d", 6 * sizes.joints);
    out.transl_delta = part("transl_delta", 3);
    out.global_orient_delta_6d = part("global_orient_delta_6d", 6);
    out.joints = part("joints", 3 * sizes.joints);
    out.joints_delta = part("joints_delta", 3 * sizes.joints);
}

void ReadSkeleton(const JsonValue& json, BundleReader& read, Bundle& out) {
    const std::size_t joints = out.sizes.joints;
    out.body = read.Text(json["body"], "skeleton.body");
    for (const JsonValue& name : json["names"].items) out.names.push_back(read.Text(name, "a joint's name"));
    read.Fits(out.names.size() == joints, "skeleton.names", std::to_string(joints) + " names");
    for (const float parent : read.Numbers(json["parents"], "skeleton.parents", joints)) {
        const auto joint = static_cast<float>(out.parents.size());
        const bool good = joint > 0 ? parent >= 0 && parent < joint && std::floor(parent) == parent : parent < 0;
        read.Fits(good, "the parent of joint " + std::to_string(out.parents.size()), "a joint before it");
        out.parents.push_back(good ? static_cast<int>(parent) : 0);
    }
    out.rest_joints = read.Numbers(json["rest_joints"], "skeleton.rest_joints", 3 * joints);
    out.pelvis_offset = read.Numbers(json["pelvis_offset"], "skeleton.pelvis_offset", 3);
}

void ReadTokenizer(const JsonValue& json, BundleReader& read, TokenizerSpec& out) {
    out.kind = read.Text(json["kind"], "tokenizer.kind");
    if (out.kind != "clip-bpe") return;
    out.vocabulary = json["vocabulary"].text;
    out.table = read.Text(json["table"], "tokenizer.table");
    out.size = read.Size(json["size"], "tokenizer.size");
    out.width = read.Size(json["width"], "tokenizer.width");
    out.context = read.Size(json["context"], "tokenizer.context", 2);
    out.start_token = read.Size(json["start_token"], "tokenizer.start_token", 0);
    out.end_token = read.Size(json["end_token"], "tokenizer.end_token", 0);
    read.Fits(out.size >= 514 && out.start_token < out.size && out.end_token < out.size, "tokenizer.size",
              "larger than 513 and than its tokens");
}

}  // namespace

std::string Bundle::Label() const {
    if (kind == "sandbox") return "sandbox: weights of dartenv's own small project, not DART's";
    if (kind != "plumbing") return "";
    std::string said = "plumbing: stand-ins for ";
    for (std::size_t i = 0; i < stand_ins.size(); ++i) said += (i ? ", " : "") + stand_ins[i];
    return said;
}

bool ReadBundle(std::string_view text, Bundle& out, std::string& error) {
    error.clear();
    out = Bundle();
    JsonValue json;
    if (!ReadJson(text, json, error)) return false;
    BundleReader read(error);
    const double schema = read.Number(json["schema"], "schema");
    if (!read.Fits(schema == 1, "schema", "1, which this host knows")) return false;
    out.kind = read.Text(json["kind"], "kind");
    for (const JsonValue& name : json["stand_ins"].items) out.stand_ins.push_back(name.text);
    ReadSizes(json["sizes"], read, out.sizes);
    out.fps = read.Number(json["fps"], "fps");
    read.Fits(out.fps > 0, "fps", "above zero");
    out.guidance = read.Number(json["guidance"], "guidance");
    const std::string schedule = read.Text(json["schedule"], "schedule");
    for (const JsonValue& one : json["schedules"].items) {
        if (one["name"].text == schedule) out.steps = one["timesteps"].items.size();
    }
    read.Fits(out.steps > 0, "schedule " + schedule, "among schedules");
    if (!error.empty()) return false;
    const std::size_t features = out.sizes.features;
    ReadLayout(json["features"], read, out.sizes, out.layout);
    out.mean = read.Numbers(json["statistics"]["mean"], "statistics.mean", features);
    out.std = read.Numbers(json["statistics"]["std"], "statistics.std", features);
    for (const float value : out.std) read.Fits(value > 0, "statistics.std", "above zero");
    ReadSkeleton(json["skeleton"], read, out);
    const JsonValue& start = json["start"];
    out.start_history = read.Numbers(start["history"], "start.history", out.sizes.history * features);
    out.start_rotation = read.Numbers(start["world_rotation"], "start.world_rotation", 9);
    out.start_translation = read.Numbers(start["world_translation"], "start.world_translation", 3);
    ReadTokenizer(json["tokenizer"], read, out.tokenizer);
    for (const JsonValue& model : json["models"].items) {
        for (const JsonValue& file : model["files"].items) {
            out.files.push_back({model["name"].text, read.Text(file["path"], "a file's path"), file["precision"].text,
                                 file["sha256"].text, file["portable"].truth});
        }
    }
    return error.empty();
}

}  // namespace dartmotion
