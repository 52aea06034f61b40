/**
 * A primitive's numbers outside the graph: where a motion begins, where it is cut, and what the
 * network's own frames are in the world. docs/bundle.md, "A frame's 276 numbers".
 *
 * @typedef {Float32Array | Float64Array} Floats
 * @typedef {{ rotation: ArrayLike<number>, translation: ArrayLike<number> }} World
 *   rotation [3, 3] and translation [3] in metres: from a primitive's own frame to the world.
 * @typedef {{ rotations: Float32Array, translation: Float32Array, joints: Float32Array,
 *   count: number }} Placed
 *   `count` frames in the world: rotations [count, J, 3, 3], translation [count, 3], joints [count, J, 3].
 */
import { cross, matrixFrom6d, minus, plus, times, transposed, turned } from "./matrices.js";

export class Features {
  /** @param {import("./bundle.js").Bundle} bundle */
  constructor(bundle) {
    this.width = bundle.sizes.features;
    this.joints = bundle.sizes.joints;
    this.mean = Float32Array.from(bundle.statistics.mean);
    this.std = Float32Array.from(bundle.statistics.std);
    this.pelvis = bundle.skeleton.pelvis_offset;
    this.rest = bundle.skeleton.rest_joints;
    this.parents = bundle.skeleton.parents;
    /** @type {Record<string, number>} */
    this.start = {};
    for (const part of bundle.features) this.start[part.name] = part.start;
  }

  /** Frames [n, F] in units, of normalised ones; in single precision as the graph does it. @param {ArrayLike<number>} frames */
  denormalised(frames) {
    return Float32Array.from(frames, (v, i) => Math.fround(v * this.std[i % this.width]) + this.mean[i % this.width]);
  }

  /** @param {ArrayLike<number>} frames */
  normalised(frames) {
    return Float32Array.from(frames, (v, i) => (v - this.mean[i % this.width]) / this.std[i % this.width]);
  }

  /**
   * Frames [n, F] in units, of the primitive at `world`, in the world.
   * @param {Float32Array} frames
   * @param {World} world
   * @returns {Placed}
   */
  placed(frames, world) {
    const count = frames.length / this.width;
    const rotations = new Float32Array(count * this.joints * 9);
    const translation = new Float32Array(count * 3);
    const joints = new Float32Array(count * this.joints * 3);
    for (let at = 0; at < count; at++) {
      const { poses, transl, places } = this.#parts(frames, at);
      poses[0] = times(world.rotation, poses[0]);
      const pelvis = plus(turned(world.rotation, plus(transl, this.pelvis)), world.translation);
      translation.set(minus(pelvis, this.pelvis), at * 3);
      for (let j = 0; j < this.joints; j++) {
        rotations.set(poses[j], (at * this.joints + j) * 9);
        joints.set(plus(turned(world.rotation, places[j]), world.translation), (at * this.joints + j) * 3);
      }
    }
    return { rotations, translation, joints, count };
  }

  /**
   * The history [H, F], normalised, and its world, of frames [H, F] in units of the primitive at
   * `world`: the new origin is the first frame's pelvis, x runs along the floor from the left hip to
   * the right one. Joints stay as the network predicted them, or come `fromBody`.
   * @param {Floats} frames
   * @param {World} world
   * @param {boolean} [fromBody]
   */
  canonical(frames, world, fromBody = false) {
    frames = fromBody ? this.#onBody(frames) : frames;
    const first = this.#parts(frames, 0).places;
    const across = minus(first[2], first[1]);
    const length = Math.hypot(across[0], across[1]);
    const x = [across[0] / length, across[1] / length, 0];
    const y = cross([0, 0, 1], x);
    const axes = [x[0], y[0], 0, x[1], y[1], 0, 0, 0, 1];
    const back = transposed(axes);
    const origin = first[0];
    const made = Float64Array.from(frames);
    for (let at = 0; at < frames.length / this.width; at++) {
      /** @type {(name: string, value: ArrayLike<number>, more?: number) => void} */
      const put = (name, value, more = 0) => made.set(value, at * this.width + this.start[name] + more);
      const { poses, transl, places } = this.#parts(frames, at);
      put("transl", minus(turned(back, minus(plus(transl, this.pelvis), origin)), this.pelvis));
      put("poses_6d", times(back, poses[0]).slice(0, 6));
      put("transl_delta", turned(back, this.#at(frames, at, "transl_delta", 0, 3)));
      const delta = matrixFrom6d(this.#at(frames, at, "global_orient_delta_6d", 0, 6));
      put("global_orient_delta_6d", times(times(back, delta), axes).slice(0, 6));
      for (let j = 0; j < this.joints; j++) {
        put("joints", turned(back, minus(places[j], origin)), 3 * j);
        put("joints_delta", turned(back, this.#at(frames, at, "joints_delta", 3 * j, 3)), 3 * j);
      }
    }
    return {
      history: this.normalised(made),
      world: {
        rotation: Float32Array.from(times(world.rotation, axes)),
        translation: Float32Array.from(plus(turned(world.rotation, origin), world.translation)),
      },
    };
  }

  /**
   * Frames with the body's own joints, and what follows from them: all deltas but the last frame's,
   * which stay as predicted.
   * @param {Floats} frames
   */
  #onBody(frames) {
    const made = Float64Array.from(frames);
    const parts = Array.from({ length: frames.length / this.width }, (_, at) => {
      const { poses, transl } = this.#parts(frames, at);
      return { poses, root: poses[0], transl, joints: this.positions(poses.flat(), transl) };
    });
    parts.forEach((part, at) => {
      /** @type {(name: string, value: ArrayLike<number>) => void} */
      const put = (name, value) => made.set(value, at * this.width + this.start[name]);
      const next = parts[at + 1];
      put("joints", part.joints);
      put("poses_6d", part.poses.flatMap((pose) => pose.slice(0, 6)));
      if (!next) return;
      put("transl_delta", minus(next.transl, part.transl));
      put("joints_delta", next.joints.map((v, i) => v - part.joints[i]));
      put("global_orient_delta_6d", times(next.root, transposed(part.root)).slice(0, 6));
    });
    return made;
  }

  /**
   * Where the body's joints are [J, 3], of rotations [J, 3, 3] and SMPL's transl [3].
   * @param {number[] | Float32Array} rotations
   * @param {ArrayLike<number>} translation
   * @returns {number[]}
   */
  positions(rotations, translation) {
    const places = [plus(translation, this.rest[0])];
    const turns = [/** @type {ArrayLike<number>} */ (rotations.slice(0, 9))];
    for (let j = 1; j < this.joints; j++) {
      const parent = this.parents[j];
      places.push(plus(places[parent], turned(turns[parent], minus(this.rest[j], this.rest[parent]))));
      turns.push(times(turns[parent], rotations.slice(9 * j, 9 * j + 9)));
    }
    return places.flat();
  }

  /** @param {Floats} frames @param {number} at @param {string} name @param {number} more @param {number} width */
  #at(frames, at, name, more, width) {
    const from = at * this.width + this.start[name] + more;
    return frames.subarray(from, from + width);
  }

  /** @param {Floats} frames @param {number} at */
  #parts(frames, at) {
    const poses = [];
    const places = [];
    for (let j = 0; j < this.joints; j++) {
      poses.push(matrixFrom6d(this.#at(frames, at, "poses_6d", 6 * j, 6)));
      places.push(this.#at(frames, at, "joints", 3 * j, 3));
    }
    return { poses, places, transl: this.#at(frames, at, "transl", 0, 3) };
  }
}
