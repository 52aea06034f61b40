// Frames at their true rate, made on another thread.
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "DartMotionCore/Player.h"
#include "Testing.h"

using namespace dartmotion;

namespace {

/// A body that stands in the model's pose and moves 1 cm along x a frame; text[0] makes it jump to y = 1.
class LineModel final : public PrimitiveModel {
public:
    explicit LineModel(const Bundle& bundle) : bundle_(bundle) {}

    bool Run(const PrimitiveInput& in, PrimitiveOutput& out, std::string& error) override {
        if (broken) {
            error = "broken";
            return false;
        }
        const std::size_t count = bundle_.sizes.future, joints = bundle_.sizes.joints;
        for (std::size_t i = 0; i < count * joints; ++i) {
            for (std::size_t k = 0; k < 3; ++k) out.placed.rotations[9 * i + 4 * k] = 1;
        }
        for (std::size_t at = 0; at < count; ++at) {
            out.placed.translation[3 * at] = static_cast<float>(++frames_) * 0.01f;
            out.placed.translation[3 * at + 1] = in.text[0] > 0 ? 1.0f : 0.0f;
            if (poisoned) out.placed.translation[3 * at] = std::numeric_limits<float>::quiet_NaN();
        }
        out.motion.assign(count * bundle_.sizes.features, 0.1f);
        out.after.history.assign(bundle_.sizes.history * bundle_.sizes.features, 0);
        out.after.world = {bundle_.start_rotation, bundle_.start_translation};
        return true;
    }

    bool broken = false, poisoned = false;

private:
    const Bundle& bundle_;
    int frames_ = 0;
};

void TestRate(const Recording& recording) {
    LineModel model(recording.bundle);
    SeededNoise noise(1);
    Player player(recording.bundle, model, noise, 6);
    Pose pose;
    std::string error;
    EXPECT(!player.Advance(0.1, pose));
    EXPECT(player.Wants() && player.Fill(error) && !player.Wants());
    EXPECT(player.Advance(0, pose));
    // Past the two frames of the seed, sixty steps of half a frame are thirty frames and their middles.
    for (int i = 0; i < 4; ++i) EXPECT(player.Advance(0.5 / recording.bundle.fps, pose) && player.Fill(error));
    double before = pose.translation.x;
    double most = 0;
    for (int i = 0; i < 60; ++i) {
        EXPECT(player.Fill(error));
        EXPECT(player.Advance(0.5 / recording.bundle.fps, pose));
        most = std::max(most, std::fabs(pose.translation.x - before - 0.005));
        before = pose.translation.x;
    }
    EXPECT_AT_MOST(most, 1e-6);
    EXPECT(player.Late() == 0);
    // Nothing is made any more: what is ready is shown, then the last frame is held.
    for (int i = 0; i < 30; ++i) EXPECT(player.Advance(1 / recording.bundle.fps, pose));
    EXPECT(player.Late() > 20);
    const double held = pose.translation.x;
    EXPECT(player.Fill(error));
    EXPECT(player.Advance(0.5 / recording.bundle.fps, pose));
    EXPECT_AT_MOST(std::fabs(pose.translation.x - held - 0.005), 1e-6);  // goes on, does not race after
}

void TestPrompt(const Recording& recording) {
    LineModel model(recording.bundle);
    SeededNoise noise(1);
    Player player(recording.bundle, model, noise, 4);
    Pose pose;
    std::string error;
    const double frame = 1 / recording.bundle.fps;
    for (int i = 0; i < 20; ++i) {
        EXPECT(player.Fill(error));
        player.Advance(frame, pose);
    }
    player.SetPrompt("dropped", std::vector<float>(3));  // no embedding of this bundle
    player.SetPrompt("jump", std::vector<float>(recording.bundle.sizes.text, 1.0f));
    int late = 0;
    while (pose.translation.y < 0.5 && late < 50) {
        EXPECT(player.Fill(error));
        player.Advance(frame, pose);
        ++late;
    }
    EXPECT(late <= 7);  // what was ready, and the pair that is shown
    EXPECT(pose.text == "jump");
    model.broken = true;
    for (int i = 0; i < 20; ++i) {
        player.Advance(frame, pose);
        if (!player.Fill(error)) break;
    }
    EXPECT(error == "broken");
    model.broken = false;
    EXPECT(player.Fill(error));
    model.poisoned = true;
    bool held = true;
    for (int i = 0; i < 20 && held; ++i) {
        player.Advance(frame, pose);
        held = player.Fill(error);
    }
    EXPECT(!held && std::isfinite(pose.translation.x));
}

void TestThreads(const Recording& recording) {
    LineModel model(recording.bundle);
    SeededNoise noise(1);
    Player player(recording.bundle, model, noise, 8);
    std::atomic<bool> stop{false}, failed{false};
    std::thread worker([&] {
        std::string error;
        while (!stop) {
            if (!player.Fill(error)) failed = true;
            std::this_thread::yield();
        }
    });
    Pose pose;
    int shown = 0;
    for (int i = 0; shown < 400 && i < 4000000; ++i) {
        if (i % 50 == 0) {
            player.SetPrompt(std::to_string(i), std::vector<float>(recording.bundle.sizes.text, static_cast<float>(i % 2)));
            player.SetGuidance(static_cast<float>(i % 7));
        }
        if (player.Advance(0.3 / recording.bundle.fps, pose)) ++shown;
        std::this_thread::yield();
    }
    stop = true;
    worker.join();
    EXPECT(shown == 400);
    EXPECT(!failed);
}

}  // namespace

void TestPlaying(const Recording& recording) {
    TestRate(recording);
    TestPrompt(recording);
    TestThreads(recording);
}
