#include "DartMotionCore/Features.h"

#include <cstdint>

namespace dartmotion {

namespace {

template <typename Number>
Vec3 Point(const Number* three) {
    return {static_cast<double>(three[0]), static_cast<double>(three[1]), static_cast<double>(three[2])};
}

template <typename Number>
void Put(const Vec3& v, Number* out) {
    out[0] = static_cast<Number>(v.x);
    out[1] = static_cast<Number>(v.y);
    out[2] = static_cast<Number>(v.z);
}

void Put(const Mat3& matrix, float* out) {
    for (std::size_t i = 0; i < 9; ++i) out[i] = static_cast<float>(matrix.m[i]);
}

void PutSix(const Mat3& matrix, double* out) {
    for (std::size_t i = 0; i < 6; ++i) out[i] = matrix.m[i];
}

}  // namespace

std::vector<float> Features::Denormalised(const std::vector<float>& frames) const {
    std::vector<float> out(frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const std::size_t place = i % bundle_.sizes.features;
        const float spread = frames[i] * bundle_.std[place];
        out[i] = spread + bundle_.mean[place];
    }
    return out;
}

Placed Features::Place(const std::vector<float>& frames, const World& world) const {
    const std::size_t joints = bundle_.sizes.joints, width = bundle_.sizes.features;
    const Mat3 turn = Mat3::From(world.rotation.data());
    const Vec3 origin = Point(world.translation.data()), pelvis = Point(bundle_.pelvis_offset.data());
    Placed out;
    out.count = frames.size() / width;
    out.rotations.resize(out.count * joints * 9);
    out.translation.resize(out.count * 3);
    out.joints.resize(out.count * joints * 3);
    for (std::size_t at = 0; at < out.count; ++at) {
        const std::vector<double> frame(frames.begin() + static_cast<std::ptrdiff_t>(at * width),
                                        frames.begin() + static_cast<std::ptrdiff_t>((at + 1) * width));
        Put(turn * (Point(&frame[bundle_.layout.transl]) + pelvis) + origin - pelvis, &out.translation[at * 3]);
        for (std::size_t j = 0; j < joints; ++j) {
            const Mat3 pose = MatrixFrom6d(&frame[bundle_.layout.poses_6d + 6 * j]);
            Put(j ? pose : turn * pose, &out.rotations[(at * joints + j) * 9]);
            Put(turn * Point(&frame[bundle_.layout.joints + 3 * j]) + origin, &out.joints[(at * joints + j) * 3]);
        }
    }
    return out;
}

State Features::Canonical(const std::vector<float>& frames, const World& world) const {
    const Layout& place = bundle_.layout;
    const std::size_t joints = bundle_.sizes.joints, width = bundle_.sizes.features;
    const Vec3 pelvis = Point(bundle_.pelvis_offset.data());
    const float* first = &frames[place.joints];
    Vec3 x = Point(first + 6) - Point(first + 3);  // from the left hip to the right one
    x.z = 0;
    x = Unit(x);
    const Mat3 axes = Mat3::Columns(x, Cross({0, 0, 1}, x), {0, 0, 1});
    const Mat3 back = Transposed(axes);
    const Vec3 origin = Point(first);
    State out;
    out.history.resize(frames.size());
    for (std::size_t at = 0; at * width < frames.size(); ++at) {
        // In double, and rounded once: what is rounded before is divided by small spreads.
        std::vector<double> frame(frames.begin() + static_cast<std::ptrdiff_t>(at * width),
                                  frames.begin() + static_cast<std::ptrdiff_t>((at + 1) * width));
        double* transl = &frame[place.transl];
        Put(back * (Point(transl) + pelvis - origin) - pelvis, transl);
        PutSix(back * MatrixFrom6d(&frame[place.poses_6d]), &frame[place.poses_6d]);
        Put(back * Point(&frame[place.transl_delta]), &frame[place.transl_delta]);
        double* delta = &frame[place.global_orient_delta_6d];
        PutSix(back * MatrixFrom6d(delta) * axes, delta);
        for (std::size_t j = 0; j < joints; ++j) {
            double* joint = &frame[place.joints + 3 * j];
            double* moved = &frame[place.joints_delta + 3 * j];
            Put(back * (Point(joint) - origin), joint);
            Put(back * Point(moved), moved);
        }
        for (std::size_t i = 0; i < width; ++i) {
            const double mean = static_cast<double>(bundle_.mean[i]), spread = static_cast<double>(bundle_.std[i]);
            out.history[at * width + i] = static_cast<float>((frame[i] - mean) / spread);
        }
    }
    const Mat3 turn = Mat3::From(world.rotation.data());
    out.world.rotation.resize(9);
    out.world.translation.resize(3);
    Put(turn * axes, out.world.rotation.data());
    Put(turn * origin + Point(world.translation.data()), out.world.translation.data());
    return out;
}

std::vector<Vec3> Features::Positions(const float* rotations, const float* translation) const {
    const float* rest = bundle_.rest_joints.data();
    std::vector<Vec3> places{Point(translation) + Point(rest)};
    std::vector<Mat3> turns{Mat3::From(rotations)};
    for (std::size_t j = 1; j < bundle_.sizes.joints; ++j) {
        const auto parent = static_cast<std::size_t>(bundle_.parents[j]);
        places.push_back(places[parent] + turns[parent] * (Point(rest + 3 * j) - Point(rest + 3 * parent)));
        turns.push_back(turns[parent] * Mat3::From(rotations + 9 * j));
    }
    return places;
}

}  // namespace dartmotion
