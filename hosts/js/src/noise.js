/**
 * Standard normal noise, a primitive's at a time. Any generator does: the motion changes with the
 * numbers, its quality does not. Recorded numbers repeat another host's motion.
 *
 * @typedef {{ next(): Float32Array }} Noise  [S + 1, 1, T, Z] a call
 */
import { BundleError } from "./errors.js";

/**
 * Numbers by Box and Muller's formula out of xoshiro128++ (Blackman and Vigna), whose state
 * SplitMix32 fills from the seed. The C++ core has the same generator, so that one seed gives both
 * the same noise but for a last digit of the mathematical functions.
 * @implements {Noise}
 */
export class SeededNoise {
  /**
   * @param {number} seed a whole number from 0 to 2^32 - 1
   * @param {number} count how many numbers a primitive takes
   */
  constructor(seed, count) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
      throw new BundleError(`seed ${seed}`, "a whole number from 0 to 4294967295");
    }
    let mixed = seed;
    this.state = Uint32Array.from({ length: 4 }, () => {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let z = mixed;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    });
    this.count = count;
  }

  /** 32 random bits. */
  bits() {
    const s = this.state;
    const sum = (s[0] + s[3]) >>> 0;
    const result = (((sum << 7) | (sum >>> 25)) + s[0]) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  next() {
    const out = new Float32Array(this.count);
    for (let at = 0; at < this.count; at += 2) {
      // Both within (0, 1): the half keeps the logarithm away from nothing.
      const radius = Math.sqrt(-2 * Math.log((this.bits() + 0.5) / 4294967296));
      const angle = (2 * Math.PI * (this.bits() + 0.5)) / 4294967296;
      out[at] = radius * Math.cos(angle);
      if (at + 1 < this.count) out[at + 1] = radius * Math.sin(angle);
    }
    return out;
  }
}

/** Recorded numbers, one primitive after the other. @implements {Noise} */
export class RecordedNoise {
  /**
   * @param {Float32Array} numbers
   * @param {number} count how many numbers a primitive takes
   */
  constructor(numbers, count) {
    this.numbers = numbers;
    this.count = count;
    this.at = 0;
  }

  next() {
    const end = this.at + this.count;
    if (end > this.numbers.length) {
      throw new BundleError(`the recorded noise ends after ${Math.floor(this.at / this.count)} primitives`, "more");
    }
    const found = this.numbers.slice(this.at, end);
    this.at = end;
    return found;
  }
}
