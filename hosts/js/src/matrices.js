/**
 * 3x3 matrices as nine numbers, row-major, that act on column vectors; points as three.
 * Arithmetic is in double precision; what comes out is kept in single.
 *
 * @typedef {ArrayLike<number>} Numbers
 */

/** The product of two matrices. @param {Numbers} a @param {Numbers} b @returns {number[]} */
export function times(a, b) {
  const out = new Array(9);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      out[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j];
    }
  }
  return out;
}

/** A point turned by a matrix. @param {Numbers} m @param {Numbers} v @returns {number[]} */
export function turned(m, v) {
  return [0, 3, 6].map((r) => m[r] * v[0] + m[r + 1] * v[1] + m[r + 2] * v[2]);
}

/** @param {Numbers} m @returns {number[]} */
export function transposed(m) {
  return [m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]];
}

/** @param {Numbers} a @param {Numbers} b @returns {number[]} */
export const plus = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

/** @param {Numbers} a @param {Numbers} b @returns {number[]} */
export const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

/** @param {Numbers} a @param {Numbers} b @returns {number[]} */
export function cross(a, b) {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** @param {Numbers} v @returns {number[]} */
export function unit(v) {
  const length = Math.max(Math.hypot(v[0], v[1], v[2]), 1e-12);
  return [v[0] / length, v[1] / length, v[2] / length];
}

/**
 * The matrix whose first two rows come from six numbers, made orthonormal in that order.
 * @param {Numbers} six
 * @returns {number[]}
 */
export function matrixFrom6d(six) {
  const first = unit([six[0], six[1], six[2]]);
  const along = first[0] * six[3] + first[1] * six[4] + first[2] * six[5];
  const second = unit([0, 1, 2].map((i) => six[3 + i] - along * first[i]));
  return [...first, ...second, ...cross(first, second)];
}
