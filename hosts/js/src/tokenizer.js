/**
 * CLIP's byte-pair encoding by a bundle's vocabulary file. docs/bundle.md, "Texts".
 * Broken encodings and HTML entities are not repaired here: give clean text.
 */
import { BundleError } from "./errors.js";

const PIECES = /<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/giu;
const BYTES = 256;

export class ClipTokenizer {
  /**
   * @param {string} vocabulary the unpacked text of the vocabulary file
   * @param {import("./bundle.js").TokenizerSpec} spec
   */
  constructor(vocabulary, spec) {
    const count = spec.size - 2 * BYTES - 2;
    const lines = vocabulary.split("\n").slice(1, count + 1).filter((line) => line);
    if (lines.length < count) throw new BundleError(`the vocabulary has ${lines.length} merges`, `${count}`);
    this.spec = spec;
    /** @type {Map<string, number>} */
    this.ranks = new Map(lines.map((line, rank) => [line, rank]));
    this.letters = letters();
  }

  /** The tokens of `text` with both special ones, and how many did not fit. @param {string} text */
  tokens(text) {
    const ids = [this.spec.start_token, ...this.encode(text), this.spec.end_token];
    const cut = Math.max(0, ids.length - this.spec.context);
    if (cut) ids.splice(this.spec.context - 1, ids.length, this.spec.end_token);
    return { ids, cut };
  }

  /** The tokens of `text` alone. @param {string} text */
  encode(text) {
    const clean = text.trim().split(/\s+/u).join(" ").toLowerCase();
    return (clean.match(PIECES) ?? []).flatMap((piece) => this.#piece(piece));
  }

  /** @param {string} piece @returns {number[]} */
  #piece(piece) {
    if (piece === "<|startoftext|>") return [this.spec.start_token];
    if (piece === "<|endoftext|>") return [this.spec.end_token];
    let parts = Array.from(new TextEncoder().encode(piece), (byte) => ({ ...this.letters[byte] }));
    const last = parts[parts.length - 1];
    last.symbol += "</w>";
    last.token += BYTES;
    for (;;) {
      const best = this.#lowest(parts);
      if (!best) return parts.map((part) => part.token);
      const joined = [];
      for (let at = 0; at < parts.length; at++) {
        if (parts[at].symbol === best.first && parts[at + 1]?.symbol === best.second) {
          joined.push({ symbol: best.first + best.second, token: 2 * BYTES + best.rank });
          at++;
        } else {
          joined.push(parts[at]);
        }
      }
      parts = joined;
    }
  }

  /** The pair that is joined first. @param {{ symbol: string }[]} parts */
  #lowest(parts) {
    /** @type {{ first: string, second: string, rank: number } | undefined} */
    let best;
    for (let at = 0; at + 1 < parts.length; at++) {
      const first = parts[at].symbol;
      const second = parts[at + 1].symbol;
      const rank = this.ranks.get(`${first} ${second}`);
      if (rank !== undefined && (!best || rank < best.rank)) best = { first, second, rank };
    }
    return best;
  }
}

/** The letter that each byte is written as, and its token. */
function letters() {
  const printable = [...between(33, 127), ...between(161, 173), ...between(174, 256)];
  /** @type {{ symbol: string, token: number }[]} */
  const found = new Array(BYTES);
  printable.forEach((byte, token) => (found[byte] = { symbol: String.fromCharCode(byte), token }));
  let more = 0;
  for (let byte = 0; byte < BYTES; byte++) {
    if (!found[byte]) {
      found[byte] = { symbol: String.fromCharCode(BYTES + more), token: printable.length + more };
      more++;
    }
  }
  return found;
}

/** @param {number} from @param {number} to */
function between(from, to) {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
