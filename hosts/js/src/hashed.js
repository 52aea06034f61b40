/**
 * The sandbox's stand-in for CLIP: words hashed to vectors, a text their scaled mean.
 * docs/bundle.md, "hashed".
 */
const FILLERS = new Set(
  "a an and the in on to of with his her their its while person man woman is".split(" "),
);

/**
 * @param {string} text
 * @param {number} width
 * @returns {Promise<Float32Array>}
 */
export async function hashedEmbedding(text, width) {
  const words = (text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []).filter((w) => !FILLERS.has(w));
  const sum = new Float64Array(width);
  for (const word of words) {
    const vector = await wordVector(stem(word), width);
    for (let i = 0; i < width; i++) sum[i] += vector[i] / words.length;
  }
  const length = Math.max(Math.hypot(...sum), 1e-6);
  return Float32Array.from(sum, (value) => (words.length ? (value / length) * Math.sqrt(width) : 0));
}

/** @param {string} word */
function stem(word) {
  const letters = [...word];
  for (const ending of ["ing", "es", "s"]) {
    if (word.endsWith(ending) && letters.length - ending.length >= 3) {
      return word.slice(0, -ending.length).replace(/e+$/, "");
    }
  }
  return letters.length > 3 ? word.replace(/e+$/, "") : word;
}

/** @param {string} word @param {number} width */
async function wordVector(word, width) {
  /** @type {number[]} */
  const numbers = [];
  for (let block = 0; numbers.length < width; block++) {
    const bytes = new TextEncoder().encode(`${word}/${block}`);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    for (const byte of digest) numbers.push((byte - 127.5) / 73.9);
  }
  return numbers;
}
