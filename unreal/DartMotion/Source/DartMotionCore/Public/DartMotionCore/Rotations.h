// Vectors, rotation matrices and quaternions in double precision. Matrices act on column vectors.
#pragma once

#include <array>
#include <cmath>

#include "DartMotionCore/Api.h"

namespace dartmotion {

struct Vec3 {
    double x = 0, y = 0, z = 0;
};

inline Vec3 operator+(const Vec3& a, const Vec3& b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
inline Vec3 operator-(const Vec3& a, const Vec3& b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
inline Vec3 operator*(double s, const Vec3& v) { return {s * v.x, s * v.y, s * v.z}; }
inline double Dot(const Vec3& a, const Vec3& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
inline double Length(const Vec3& v) { return std::sqrt(Dot(v, v)); }

inline Vec3 Cross(const Vec3& a, const Vec3& b) {
    return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

/// `v` made as long as one; a vector of no length stays as it is.
inline Vec3 Unit(const Vec3& v) {
    const double length = Length(v);
    return (1.0 / (length > 1e-12 ? length : 1e-12)) * v;
}

/// Nine numbers, row-major.
struct Mat3 {
    std::array<double, 9> m{1, 0, 0, 0, 1, 0, 0, 0, 1};

    static Mat3 Rows(const Vec3& a, const Vec3& b, const Vec3& c) {
        return {{a.x, a.y, a.z, b.x, b.y, b.z, c.x, c.y, c.z}};
    }
    static Mat3 Columns(const Vec3& a, const Vec3& b, const Vec3& c) {
        return {{a.x, b.x, c.x, a.y, b.y, c.y, a.z, b.z, c.z}};
    }
    template <typename Number>
    static Mat3 From(const Number* nine) {
        Mat3 made;
        for (std::size_t i = 0; i < 9; ++i) made.m[i] = static_cast<double>(nine[i]);
        return made;
    }
};

DARTMOTIONCORE_API Mat3 operator*(const Mat3& a, const Mat3& b);
DARTMOTIONCORE_API Vec3 operator*(const Mat3& a, const Vec3& v);
DARTMOTIONCORE_API Mat3 Transposed(const Mat3& a);

/// The matrix whose first two rows come from six numbers, made orthonormal in that order.
DARTMOTIONCORE_API Mat3 MatrixFrom6d(const double* six);

struct Quat {
    double w = 1, x = 0, y = 0, z = 0;
};

/// The product: turns by `b` first, then by `a`.
DARTMOTIONCORE_API Quat operator*(const Quat& a, const Quat& b);
DARTMOTIONCORE_API Vec3 operator*(const Quat& q, const Vec3& v);
DARTMOTIONCORE_API Quat Inverse(const Quat& unit);
DARTMOTIONCORE_API Quat Normalised(const Quat& q);
/// The unit quaternion of a rotation matrix, w >= 0.
DARTMOTIONCORE_API Quat QuatFromMatrix(const Mat3& matrix);
DARTMOTIONCORE_API Mat3 MatrixFromQuat(const Quat& unit);
/// The short way from `a` (share 0) to `b` (share 1).
DARTMOTIONCORE_API Quat Slerp(const Quat& a, Quat b, double share);
/// The least turn that takes the direction of `from` to the direction of `to`.
DARTMOTIONCORE_API Quat ShortestArc(const Vec3& from, const Vec3& to);

struct Transform {
    Quat rotation;
    Vec3 translation;
};

}  // namespace dartmotion
