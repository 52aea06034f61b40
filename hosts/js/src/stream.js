/**
 * Motion one frame at a time, while the prompt changes under it.
 *
 * @typedef {{ index: number, text: string, rotations: Float32Array, translation: Float32Array,
 *   joints: Float32Array }} Frame
 *   One frame in the world, z up: rotations [J, 3, 3] (the root's in the world, the others relative to
 *   their parents), translation [3] in metres (SMPL's transl), joints [J, 3] as predicted.
 */
import { composed } from "./text.js";

export class Stream {
  /**
   * @param {import("./host.js").Host} host
   * @param {import("./noise.js").Noise} noise
   * @param {number} guidance
   * @param {string} schedule
   */
  constructor(host, noise, guidance, schedule) {
    this.host = host;
    this.noise = noise;
    this.guidance = guidance;
    this.schedule = schedule;
    this.prompt = "";
    /** @type {Float32Array} */
    this.embedding = new Float32Array(host.bundle.sizes.text);
    this.state = host.start();
    this.world = this.state.world;
    /** @type {Float32Array} */
    this.frames = host.features.denormalised(this.state.history);
    /** Frames of this primitive's frame that lie before it. */
    this.before = new Float32Array(0);
    this.placed = host.features.placed(this.frames, this.world);
    this.given = 0;
    this.index = 0;
    this.seeding = true;
    this.changed = false;
    this.asked = 0;
  }

  /**
   * Show `text` from the next frame on: frames made for the old prompt and not given out yet are
   * dropped, and the last H given out are the history. Of prompts that overtake one another the last wins.
   * @param {string} text
   */
  async setPrompt(text) {
    const asked = ++this.asked;
    const prompt = composed(text, this.host.bundle.skeleton.body);
    const embedding = await this.host.texts.embed(prompt);
    if (asked !== this.asked || prompt === this.prompt) return;
    this.prompt = prompt;
    this.embedding = embedding;
    this.changed = this.index > 0;
  }

  /** The next frame. One call at a time. @returns {Promise<Frame>} */
  async next() {
    const { joints } = this.host.bundle.sizes;
    const { prompt, embedding, changed } = this;
    this.changed = false;
    // The seed is shown whole, whatever comes meanwhile.
    if (this.given >= this.placed.count || (changed && !this.seeding)) await this.#advance(embedding);
    const at = this.given++;
    const { rotations, translation, joints: places } = this.placed;
    return {
      index: this.index++,
      text: prompt,
      rotations: rotations.slice(at * joints * 9, (at + 1) * joints * 9),
      translation: translation.slice(at * 3, (at + 1) * 3),
      joints: places.slice(at * joints * 3, (at + 1) * joints * 3),
    };
  }

  /** @param {Float32Array} embedding */
  async #advance(embedding) {
    const { host } = this;
    const { features, history } = host.bundle.sizes;
    if (!this.seeding && this.given < this.placed.count) {
      const shown = new Float32Array(this.before.length + this.given * features);
      shown.set(this.before);
      shown.set(this.frames.subarray(0, this.given * features), this.before.length);
      this.state = host.canonical(shown.slice(-history * features), this.world);
    }
    this.world = this.state.world;
    this.before = host.features.denormalised(this.state.history);
    const made = await host.step(this.state, embedding, this.noise.next(), this.guidance, this.schedule);
    this.frames = made.motion;
    this.placed = made.placed;
    this.state = made.after;
    this.given = 0;
    this.seeding = false;
  }
}
