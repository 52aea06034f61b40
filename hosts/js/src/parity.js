/**
 * This host held against recorded motion: the same noise, the same texts, the distance between joints.
 * scripts/js_parity.py writes what it reads.
 *
 * @typedef {{ name: string, precision: string, portable: boolean, joints: "predicted" | "body-model",
 *   schedule: string, cuts: Record<string, string> | null, noise: string, reference: string,
 *   rounding: number }} Case
 *   With `cuts` a stream whose prompt changes at these frames; without, whole primitives of `texts`. `rounding`
 *   is how far, in metres, the Python runtime's own motion goes where only the last bits of its history differ.
 * @typedef {{ guidance: number, texts: string[], cases: Case[] }} Request
 * @typedef {{ name: string, refused: string }} Refused
 * @typedef {{ name: string, frames: number, first: number, joints: number, rounding: number, rotations: number,
 *   translation: number, ms: number }} Row
 *   Largest errors of joints in metres (in the first primitive, in all), of matrix elements, of transl in
 *   metres; median milliseconds a primitive.
 */
import { load, refusal } from "./host.js";
import { RecordedNoise } from "./noise.js";

/**
 * @param {import("./host.js").Ort} ort
 * @param {import("./bundle.js").Files} files the bundle
 * @param {import("./bundle.js").Files} recorded noise, reference motion and parity.json
 * @param {object} session options of InferenceSession.create
 * @returns {Promise<(Row | Refused)[]>}
 */
export async function parity(ort, files, recorded, session) {
  /** @type {Request} */
  const request = JSON.parse(new TextDecoder().decode(await recorded.bytes("parity.json")));
  const rows = [];
  for (const one of request.cases) {
    const { precision, portable, joints, rounding } = one;
    const refused = refusal(ort, precision);
    if (refused) {
      rows.push({ name: one.name, refused });
      continue;
    }
    const host = await load(ort, files, { precision, portable, joints, session });
    const noise = new RecordedNoise(await floats(recorded, one.noise), host.noiseCount(one.schedule));
    const reference = await floats(recorded, one.reference);
    const made = one.cuts ? streamed(host, one, noise, request) : whole(host, one, noise, request);
    rows.push({ name: one.name, rounding, ...(await compared(made, reference, host.bundle.sizes)) });
  }
  return rows;
}

/**
 * Whether a row is as it has to be: joints within `limit` metres, or within what rounding alone makes of the
 * motion in Python. Few tries of last bits stand for all, hence three times.
 * @param {Row | Refused} row @param {number} limit
 */
export const passed = (row, limit) => "refused" in row || row.joints <= Math.max(limit, 3 * row.rounding);

/** The rows as a table. @param {(Row | Refused)[]} rows */
export function table(rows) {
  const head = ["case", "frames", "first m", "joints m", "by rounding m", "rotations", "transl m", "ms a primitive"];
  const body = rows.map((r) =>
    "refused" in r
      ? [r.name, "refused", ...head.slice(2).map(() => "")]
      : [
          r.name,
          String(r.frames),
          ...[r.first, r.joints, r.rounding, r.rotations, r.translation].map((v) => v.toExponential(1)),
          r.ms.toFixed(2),
        ],
  );
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((line) => line[i].length)));
  return [head, ...body]
    .map((line) => line.map((text, i) => (i ? text.padStart(widths[i]) : text.padEnd(widths[i]))).join("  "))
    .join("\n");
}

/** @typedef {{ rotations: Float32Array, translation: Float32Array, joints: Float32Array, ms?: number }} Part */

/**
 * @param {import("./host.js").Host} host @param {Case} one @param {RecordedNoise} noise
 * @param {Request} request
 * @returns {AsyncGenerator<Part>}
 */
async function* whole(host, one, noise, request) {
  let state = host.start();
  for (const text of request.texts) {
    const embedding = await host.embed(text);
    const began = performance.now();
    const made = await host.step(state, embedding, noise.next(), request.guidance, one.schedule);
    state = made.after;
    yield { ...made.placed, ms: performance.now() - began };
  }
}

/**
 * @param {import("./host.js").Host} host @param {Case} one @param {RecordedNoise} noise
 * @param {Request} request
 * @returns {AsyncGenerator<Part>}
 */
async function* streamed(host, one, noise, request) {
  const { guidance } = request;
  const stream = await host.stream(request.texts[0], { noise, guidance, schedule: one.schedule });
  for (;;) {
    const text = one.cuts?.[stream.index];
    if (text !== undefined) await stream.setPrompt(text);
    const began = performance.now();
    const made = stream.given >= stream.placed.count || stream.changed;
    const frame = await stream.next();
    yield { ...frame, ms: made ? performance.now() - began : undefined };
  }
}

/**
 * The reference is frames of joints [J, 3], rotations [J, 3, 3] and translation [3], one after the other.
 * @param {AsyncGenerator<Part>} made @param {Float32Array} reference
 * @param {import("./bundle.js").Sizes} sizes
 */
async function compared(made, reference, { joints, future, history }) {
  const width = 12 * joints + 3;
  const total = reference.length / width;
  const worst = { first: 0, joints: 0, rotations: 0, translation: 0 };
  const times = [];
  let frames = 0;
  for await (const part of made) {
    if (part.ms !== undefined) times.push(part.ms);
    for (let at = 0; at < part.translation.length / 3 && frames < total; at++, frames++) {
      const right = reference.subarray(frames * width, (frames + 1) * width);
      const places = part.joints.subarray(at * joints * 3, (at + 1) * joints * 3);
      const turns = part.rotations.subarray(at * joints * 9, (at + 1) * joints * 9);
      const transl = part.translation.subarray(at * 3, at * 3 + 3);
      worst.joints = worse(worst.joints, distance(places, right.subarray(0, 3 * joints)));
      if (frames < history + future) worst.first = worst.joints;
      worst.translation = worse(worst.translation, distance(transl, right.subarray(12 * joints)));
      turns.forEach((v, i) => (worst.rotations = worse(worst.rotations, Math.abs(v - right[3 * joints + i]))));
    }
    if (frames >= total) break;
  }
  times.sort((a, b) => a - b);
  return { ...worst, frames, ms: times[times.length >> 1] ?? 0 };
}

/** The larger; what is no number counts as the largest. @param {number} a @param {number} b */
const worse = (a, b) => (b <= a ? a : Number.isNaN(b) ? Infinity : b);

/** The largest distance between points. @param {Float32Array} a @param {Float32Array} b */
function distance(a, b) {
  let most = 0;
  for (let i = 0; i < a.length; i += 3) {
    most = worse(most, Math.hypot(a[i] - b[i], a[i + 1] - b[i + 1], a[i + 2] - b[i + 2]));
  }
  return most;
}

/** @param {import("./bundle.js").Files} files @param {string} path */
async function floats(files, path) {
  const bytes = await files.bytes(path);
  return new Float32Array(bytes.slice().buffer); // every machine that this runs on is little-endian
}
