/** Texts to embeddings [C], as the bundle's tokenizer says; each text is worked out once. */
import { BundleError } from "./errors.js";
import { hashedEmbedding } from "./hashed.js";
import { ClipTokenizer } from "./tokenizer.js";

/**
 * What runs clip_text: embeddings [1, n, width] and the place of the end token, to [C].
 * @typedef {(rows: Float32Array, count: number) => Promise<Float32Array>} TextModel
 */

export class Texts {
  /**
   * @param {import("./bundle.js").Bundle} bundle
   * @param {(path: string) => Promise<Uint8Array<ArrayBuffer>>} bytes the checked bytes of a file
   * @param {TextModel} model
   */
  constructor(bundle, bytes, model) {
    this.spec = bundle.tokenizer;
    this.body = bundle.skeleton.body;
    this.width = bundle.sizes.text;
    this.bytes = bytes;
    this.model = model;
    /** @type {string[]} */
    this.notes = [];
    /** @type {Map<string, Promise<Float32Array>>} */
    this.known = new Map();
    /** @type {Promise<{ tokenizer: ClipTokenizer, table: DataView }> | undefined} */
    this.ready = undefined;
  }

  /** The embedding of `text`; the empty text's is zero. @param {string} text */
  embed(text) {
    const key = text.trim();
    let found = this.known.get(key);
    if (!found) {
      found = this.#made(key);
      this.known.set(key, found);
      found.catch(() => this.known.delete(key)); // a failed read is tried again
    }
    return found;
  }

  /** @param {string} text */
  async #made(text) {
    if (!text) return new Float32Array(this.width);
    if (this.spec.kind === "hashed") return hashedEmbedding(text, this.width);
    if (this.spec.kind !== "clip-bpe") throw new BundleError(`tokenizer ${this.spec.kind}`, "clip-bpe or hashed");
    this.ready ??= this.#read();
    const { tokenizer, table } = await this.ready;
    const { ids, cut } = tokenizer.tokens(text);
    if (cut) this.notes.push(`${text.slice(0, 40)}...: the last ${cut} tokens were left out`);
    const { width } = this.spec;
    const rows = new Float32Array(ids.length * width);
    ids.forEach((id, at) => {
      for (let i = 0; i < width; i++) rows[at * width + i] = fromHalf(table.getUint16(2 * (id * width + i), true));
    });
    const made = await this.model(rows, ids.length);
    if (made.length !== this.width || !made.every(Number.isFinite)) {
      throw new BundleError(`the text model gave ${made.length} numbers`, `${this.width}`);
    }
    return made;
  }

  async #read() {
    const { vocabulary, table, size, width } = this.spec;
    if (!vocabulary) throw new BundleError("the bundle has no vocabulary", "dartenv export --vocabulary FILE");
    const packed = new Blob([await this.bytes(vocabulary)]).stream();
    const text = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
    const bytes = await this.bytes(table);
    // The rows are an npy file's last bytes; what stands before describes them.
    const from = bytes.byteLength - 2 * size * width;
    if (from < 0) throw new BundleError(`${table}: ${bytes.byteLength} bytes`, `${size} x ${width} halves`);
    return {
      tokenizer: new ClipTokenizer(text, this.spec),
      table: new DataView(bytes.buffer, bytes.byteOffset + from),
    };
  }
}

/**
 * `text` as the networks were trained on it: for BABEL (smplx), "b and a" is "a and b".
 * @param {string} text
 * @param {string} body
 */
export function composed(text, body) {
  const trimmed = text.trim();
  if (body === "smplh") return trimmed;
  // By code points, as Python sorts; JavaScript's own order is by UTF-16 units.
  const points = (/** @type {string} */ s) => Array.from(s, (c) => /** @type {number} */ (c.codePointAt(0)));
  return trimmed
    .split(" and ")
    .map((part) => ({ part, at: points(part) }))
    .sort((a, b) => {
      const differs = a.at.findIndex((point, i) => point !== b.at[i]);
      return differs < 0 ? a.at.length - b.at.length : a.at[differs] - (b.at[differs] ?? -1);
    })
    .map(({ part }) => part)
    .join(" and ");
}

/** A half-precision number's value. @param {number} bits */
export function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
