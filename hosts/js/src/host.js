/** A bundle made ready to run: its files checked, its models opened, a primitive after the other. */
import { checkedBytes, fileOf, modelOf, readBundle, scheduleOf } from "./bundle.js";
import { BundleError } from "./errors.js";
import { Features } from "./features.js";
import { SeededNoise } from "./noise.js";
import { Stream } from "./stream.js";
import { composed, Texts } from "./text.js";

/**
 * ONNX Runtime's module: onnxruntime-node, or onnxruntime-web in a page. It is handed in, so that
 * this code is the same in both.
 * @typedef {{ InferenceSession: { create(model: Uint8Array, options?: object): Promise<any> },
 *   Tensor: new (type: any, data: any, dims: number[]) => any,
 *   env?: { versions?: { web?: string, node?: string } } }} Ort
 *
 * Where a motion stands: history [H, F] normalised, and the world of its frame.
 * @typedef {{ history: Float32Array, world: import("./features.js").World }} State
 *
 * One primitive: motion [N, F] in units in its own frame, in the world, and what follows.
 * @typedef {{ motion: Float32Array, placed: import("./features.js").Placed, after: State }} Step
 *
 * @typedef {{ precision?: string, portable?: boolean, joints?: "predicted" | "body-model",
 *   session?: object }} Options  Without `precision` the first of fp32, fp16 and fp64 that is there;
 *   `session` goes to InferenceSession.create as it is
 */

const PLACED = ["rotations", "translation", "joints"];
const NEXT = ["next_history", "next_world_rotation", "next_world_translation"];
/** @type {Record<string, string[]>} */
const OUTPUTS = {
  primitive: ["motion", ...PLACED, ...NEXT],
  primitive_body: ["motion", ...PLACED, ...NEXT],
  denoiser: ["x_0"],
  vae_decoder: ["future"],
  clip_text: ["text"],
};

const CHOICES = ["fp32", "fp16", "fp64"];

/**
 * Why files of that precision are not run by that ONNX Runtime; "" where they are.
 * @param {Ort} ort
 * @param {string} [precision]
 */
export function refusal(ort, precision) {
  if (precision !== "int8" || !ort.env?.versions?.web) return "";
  return (
    "int8 in onnxruntime-web: WebAssembly rounds otherwise than the processor that the file was judged on, and " +
    "quantisation makes another motion of that, joints 0.04 m apart after one primitive of the sandbox's"
  );
}

/**
 * The bundle of `files`, ready to run. Throws BundleError: a bundle or a precision that cannot be.
 * @param {Ort} ort
 * @param {import("./bundle.js").Files} files
 * @param {Options} [options]
 */
export async function load(ort, files, options = {}) {
  const bundle = await readBundle(files);
  const name = options.joints === "body-model" ? "primitive_body" : "primitive";
  const there = CHOICES.filter((p) => modelOf(bundle, name).files.some((f) => f.precision === p));
  const refused = refusal(ort, options.precision);
  if (refused) {
    const other = there.length ? `precision ${there.join(" or ")}` : "a bundle with fp32, or fp16 at half the size";
    throw new BundleError(refused, `${other} (dartenv export --precision fp32,fp16)`);
  }
  return new Host(ort, files, bundle, { ...options, precision: options.precision ?? there[0] ?? "fp32" });
}

export class Host {
  /**
   * @param {Ort} ort
   * @param {import("./bundle.js").Files} files
   * @param {import("./bundle.js").Bundle} bundle
   * @param {Options} options
   */
  constructor(ort, files, bundle, options) {
    this.ort = ort;
    this.files = files;
    this.bundle = bundle;
    this.options = { precision: "fp32", portable: false, joints: "predicted", session: {}, ...options };
    this.features = new Features(bundle);
    /** @type {Map<string, Promise<any>>} */
    this.sessions = new Map();
    this.texts = new Texts(bundle, (path) => this.#data(path), (rows, count) => this.#text(rows, count));
  }

  /** What must be said of this motion; "" for DART's own weights. */
  get label() {
    if (this.bundle.kind === "sandbox") return "sandbox: weights of dartenv's own small project, not DART's";
    return this.bundle.kind === "plumbing" ? `plumbing: stand-ins for ${this.bundle.stand_ins.join(", ")}` : "";
  }

  /** How many numbers of noise a primitive takes. @param {string} [schedule] */
  noiseCount(schedule) {
    const { tokens, latent } = this.bundle.sizes;
    return (scheduleOf(this.bundle, schedule).timesteps.length + 1) * tokens * latent;
  }

  /** The embedding [C] of `text`. @param {string} text */
  embed(text) {
    return this.texts.embed(composed(text, this.bundle.skeleton.body));
  }

  /** DART's seed motion. @returns {State} */
  start() {
    const { history, world_rotation, world_translation } = this.bundle.start;
    return {
      history: Float32Array.from(history.flat()),
      world: {
        rotation: Float32Array.from(world_rotation.flat()),
        translation: Float32Array.from(world_translation),
      },
    };
  }

  /**
   * An endless motion, a frame at a time.
   * @param {string} [prompt]
   * @param {{ seed?: number, noise?: import("./noise.js").Noise, guidance?: number, schedule?: string }} [options]
   */
  async stream(prompt = "", { seed = 0, noise, guidance = this.bundle.guidance, schedule } = {}) {
    if (!(guidance >= 0 && guidance <= 1000)) throw new BundleError(`guidance ${guidance}`, "0 to 1000");
    const numbers = noise ?? new SeededNoise(seed, this.noiseCount(schedule));
    const stream = new Stream(this, numbers, guidance, scheduleOf(this.bundle, schedule).name);
    await stream.setPrompt(prompt);
    return stream;
  }

  /**
   * One motion primitive after `state`. Another schedule than the bundle's is sampled outside, by
   * the bundle's denoiser and vae_decoder: JavaScript's ONNX Runtime takes no optional inputs.
   * @param {State} state
   * @param {Float32Array} text [C]
   * @param {Float32Array} noise [S + 1, 1, T, Z]
   * @param {number} guidance
   * @param {string} [schedule]
   * @returns {Promise<Step>}
   */
  async step(state, text, noise, guidance, schedule = this.bundle.schedule) {
    if (schedule !== this.bundle.schedule) return this.#sampled(state, text, noise, guidance, schedule);
    const { sizes, skeleton } = this.bundle;
    const fromBody = this.options.joints === "body-model";
    const out = await this.#run(fromBody ? "primitive_body" : "primitive", {
      history: this.#floats(state.history, [1, sizes.history, sizes.features]),
      text: this.#floats(text, [1, sizes.text]),
      noise: this.#floats(noise, [noise.length / (sizes.tokens * sizes.latent), 1, sizes.tokens, sizes.latent]),
      guidance: this.#floats([guidance], [1, 1]),
      world_rotation: this.#floats(state.world.rotation, [1, 3, 3]),
      world_translation: this.#floats(state.world.translation, [1, 1, 3]),
      pelvis_offset: this.#floats(skeleton.pelvis_offset, [1, 3]),
      ...(fromBody && { rest_joints: this.#floats(skeleton.rest_joints.flat(), [1, sizes.joints, 3]) }),
    });
    return {
      motion: out.motion,
      placed: { rotations: out.rotations, translation: out.translation, joints: out.joints, count: sizes.future },
      after: {
        history: out.next_history,
        world: { rotation: out.next_world_rotation, translation: out.next_world_translation },
      },
    };
  }

  /**
   * The state after frames [H, F] in units, of the primitive at `world`.
   * @param {Float32Array} frames
   * @param {import("./features.js").World} world
   * @returns {State}
   */
  canonical(frames, world) {
    return this.features.canonical(frames, world, this.options.joints === "body-model");
  }

  /**
   * As `step`, sampling here. docs/bundle.md, "Sampling".
   * @param {State} state
   * @param {Float32Array} text
   * @param {Float32Array} noise
   * @param {number} guidance
   * @param {string} name
   * @returns {Promise<Step>}
   */
  async #sampled(state, text, noise, guidance, name) {
    const { sizes, latent_scale } = this.bundle;
    const { timesteps, coefficients } = scheduleOf(this.bundle, name);
    const size = sizes.tokens * sizes.latent;
    const history = this.#floats(state.history, [1, sizes.history, sizes.features]);
    let x = noise.slice(0, size);
    for (const [k, timestep] of timesteps.entries()) {
      const [a, b, c] = coefficients[k];
      /** @param {Float32Array} given */
      const predicted = async (given) =>
        (
          await this.#run("denoiser", {
            x_t: this.#floats(x, [1, sizes.tokens, sizes.latent]),
            timesteps: new this.ort.Tensor("int64", BigInt64Array.of(BigInt(timestep)), [1]),
            text: this.#floats(given, [1, sizes.text]),
            history,
          })
        ).x_0;
      const without = await predicted(new Float32Array(sizes.text));
      const told = await predicted(text);
      x = x.map((v, i) => {
        const clean = without[i] + guidance * (told[i] - without[i]);
        return a * clean + b * v + c * noise[(k + 1) * size + i];
      });
    }
    const latent = this.#floats(x.map((v) => v * latent_scale), [1, sizes.tokens, sizes.latent]);
    const { future } = await this.#run("vae_decoder", { latent, history });
    const motion = this.features.denormalised(future);
    const whole = new Float32Array((sizes.history + sizes.future) * sizes.features);
    whole.set(this.features.denormalised(state.history));
    whole.set(motion, sizes.history * sizes.features);
    return {
      motion,
      placed: this.features.placed(motion, state.world),
      after: this.canonical(whole.subarray(sizes.future * sizes.features), state.world),
    };
  }

  /** @param {ArrayLike<number>} data @param {number[]} dims */
  #floats(data, dims) {
    return new this.ort.Tensor("float32", data instanceof Float32Array ? data : Float32Array.from(data), dims);
  }

  /** @param {string} name @param {Record<string, any>} feeds @returns {Promise<Record<string, Float32Array>>} */
  async #run(name, feeds) {
    const session = await this.#session(name);
    const out = await session.run(feeds);
    /** @type {Record<string, Float32Array>} */
    const found = {};
    for (const output of OUTPUTS[name]) {
      if (!out[output]) throw new BundleError(`${name} gives no ${output}`, OUTPUTS[name].join(", "));
      found[output] = out[output].data;
    }
    return found;
  }

  /** @param {string} name */
  #session(name) {
    let found = this.sessions.get(name);
    if (!found) {
      const { precision, portable, session } = this.options;
      const model = modelOf(this.bundle, name);
      // A text model that missed the gate is there in full precision alone.
      const file =
        name === "clip_text" && !model.files.some((f) => f.precision === precision)
          ? fileOf(model, "fp32", portable)
          : fileOf(model, precision, portable);
      found = checkedBytes(this.files, file).then((bytes) => this.ort.InferenceSession.create(bytes, session));
      this.sessions.set(name, found);
    }
    return found;
  }

  /** @param {Float32Array} rows @param {number} count */
  async #text(rows, count) {
    const out = await this.#run("clip_text", {
      embeddings: this.#floats(rows, [1, count, this.bundle.tokenizer.width]),
      eot: new this.ort.Tensor("int64", BigInt64Array.of(BigInt(count - 1)), [1]),
    });
    return out.text;
  }

  /** @param {string} path */
  #data(path) {
    const file = this.bundle.files.find((f) => f.path === path);
    if (!file) throw new BundleError(`bundle.json names ${path} without its hash`, "an entry of files");
    return checkedBytes(this.files, file);
  }
}
