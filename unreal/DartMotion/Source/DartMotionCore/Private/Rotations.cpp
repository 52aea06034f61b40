#include "DartMotionCore/Rotations.h"

#include <cstddef>

namespace dartmotion {

Mat3 operator*(const Mat3& a, const Mat3& b) {
    Mat3 out;
    for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
            out.m[3 * i + j] =
                a.m[3 * i] * b.m[j] + a.m[3 * i + 1] * b.m[3 + j] + a.m[3 * i + 2] * b.m[6 + j];
        }
    }
    return out;
}

Vec3 operator*(const Mat3& a, const Vec3& v) {
    const auto& m = a.m;
    return {m[0] * v.x + m[1] * v.y + m[2] * v.z, m[3] * v.x + m[4] * v.y + m[5] * v.z,
            m[6] * v.x + m[7] * v.y + m[8] * v.z};
}

Mat3 Transposed(const Mat3& a) {
    const auto& m = a.m;
    return {{m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]}};
}

Mat3 MatrixFrom6d(const double* six) {
    const Vec3 first = Unit({six[0], six[1], six[2]});
    const Vec3 raw{six[3], six[4], six[5]};
    const Vec3 second = Unit(raw - Dot(first, raw) * first);
    return Mat3::Rows(first, second, Cross(first, second));
}

Quat operator*(const Quat& a, const Quat& b) {
    return {a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
            a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
            a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
            a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}

Vec3 operator*(const Quat& q, const Vec3& v) {
    const Vec3 axis{q.x, q.y, q.z};
    const Vec3 twice = 2.0 * Cross(axis, v);
    return v + q.w * twice + Cross(axis, twice);
}

Quat Inverse(const Quat& unit) { return {unit.w, -unit.x, -unit.y, -unit.z}; }

Quat Normalised(const Quat& q) {
    const double length = std::sqrt(q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z);
    if (length < 1e-12) return {};
    return {q.w / length, q.x / length, q.y / length, q.z / length};
}

Quat QuatFromMatrix(const Mat3& matrix) {
    const auto& m = matrix.m;
    const double xx = m[0], yy = m[4], zz = m[8];
    // Of the four forms that there are the one with the largest divisor: half turns lose no digits.
    Quat q;
    if (xx + yy + zz > xx && xx + yy + zz > yy && xx + yy + zz > zz) {
        q = {1 + xx + yy + zz, m[7] - m[5], m[2] - m[6], m[3] - m[1]};
    } else if (xx >= yy && xx >= zz) {
        q = {m[7] - m[5], 1 + xx - yy - zz, m[1] + m[3], m[2] + m[6]};
    } else if (yy >= zz) {
        q = {m[2] - m[6], m[1] + m[3], 1 - xx + yy - zz, m[5] + m[7]};
    } else {
        q = {m[3] - m[1], m[2] + m[6], m[5] + m[7], 1 - xx - yy + zz};
    }
    q = Normalised(q);
    return q.w < 0 ? Quat{-q.w, -q.x, -q.y, -q.z} : q;
}

Mat3 MatrixFromQuat(const Quat& unit) {
    const double w = unit.w, x = unit.x, y = unit.y, z = unit.z;
    return {{1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
             2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
             2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)}};
}

Quat Slerp(const Quat& a, Quat b, double share) {
    double dot = a.w * b.w + a.x * b.x + a.y * b.y + a.z * b.z;
    if (dot < 0) {
        dot = -dot;
        b = {-b.w, -b.x, -b.y, -b.z};
    }
    double left = 1 - share, right = share;
    if (dot < 1 - 1e-9) {  // nearer, the straight line is the arc
        const double angle = std::acos(dot);
        left = std::sin((1 - share) * angle) / std::sin(angle);
        right = std::sin(share * angle) / std::sin(angle);
    }
    return Normalised({left * a.w + right * b.w, left * a.x + right * b.x,
                       left * a.y + right * b.y, left * a.z + right * b.z});
}

Quat ShortestArc(const Vec3& from, const Vec3& to) {
    const Vec3 a = Unit(from), b = Unit(to);
    const double dot = Dot(a, b);
    if (dot < -1 + 1e-12) {  // opposite: half a turn about any line across
        const Vec3 across = Unit(std::fabs(a.x) < 0.9 ? Cross(a, {1, 0, 0}) : Cross(a, {0, 1, 0}));
        return {0, across.x, across.y, across.z};
    }
    const Vec3 axis = Cross(a, b);
    return Normalised({1 + dot, axis.x, axis.y, axis.z});
}

}  // namespace dartmotion
