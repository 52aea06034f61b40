/**
 * bundle.json read and held against itself. The page docs/bundle.md is its description,
 * dartenv/bundle/bundle.schema.json its JSON Schema.
 *
 * @typedef {{ path: string, sha256: string, size: number }} DataFile
 * @typedef {DataFile & { format: string, precision: string, portable: boolean,
 *   below_gate?: string | null }} ModelFile
 * @typedef {{ name: string, files: ModelFile[], inputs: { name: string }[],
 *   outputs: { name: string }[] }} Model
 * @typedef {{ name: string, respacing: string, timesteps: number[], coefficients: number[][],
 *   stochastic: boolean }} Schedule
 * @typedef {{ history: number, future: number, features: number, tokens: number, latent: number,
 *   text: number, joints: number }} Sizes
 * @typedef {{ kind: string, vocabulary: string | null, table: string, size: number, width: number,
 *   context: number, start_token: number, end_token: number }} TokenizerSpec
 * @typedef {{ schema: number, kind: string, stand_ins: string[], sizes: Sizes, fps: number,
 *   schedule: string, schedules: Schedule[], guidance: number, latent_scale: number,
 *   features: { name: string, start: number, width: number }[],
 *   statistics: { mean: number[], std: number[] },
 *   skeleton: { body: string, names: string[], parents: number[], rest_joints: number[][],
 *     pelvis_offset: number[] },
 *   start: { history: number[][], world_rotation: number[][], world_translation: number[] },
 *   tokenizer: TokenizerSpec, models: Model[], files: DataFile[] }} Bundle
 *
 * Where a bundle's files come from: the bytes of a path below bundle.json's folder.
 * @typedef {{ bytes(path: string): Promise<Uint8Array<ArrayBuffer>> }} Files
 */
import { BundleError } from "./errors.js";

export const SCHEMA = 1;

const FEATURES = ["transl", "poses_6d", "transl_delta", "global_orient_delta_6d", "joints", "joints_delta"];

/**
 * The bundle of `files`. Throws BundleError: no JSON, a newer schema, numbers that do not fit.
 * @param {Files} files
 * @returns {Promise<Bundle>}
 */
export async function readBundle(files) {
  const bytes = await files.bytes("bundle.json");
  let bundle;
  try {
    bundle = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new BundleError(`bundle.json: ${error instanceof Error ? error.message : error}`, "JSON of dartenv export");
  }
  if (!Number.isInteger(bundle?.schema) || bundle.schema > SCHEMA) {
    throw new BundleError(`bundle.json of schema ${bundle?.schema}`, `schema ${SCHEMA}`);
  }
  check(bundle);
  return bundle;
}

/** @param {Bundle} bundle */
function check(bundle) {
  const sizes = bundle.sizes ?? /** @type {any} */ ({});
  for (const name of /** @type {const} */ (["history", "future", "features", "tokens", "latent", "text", "joints"])) {
    fits(`sizes.${name}`, Number.isInteger(sizes[name]) && sizes[name] > 0, "a whole number above zero");
  }
  const { features, history, joints } = sizes;
  fits("fps", bundle.fps > 0, "a number above zero");
  fits("statistics.mean", numbers(bundle.statistics?.mean, features), `${features} numbers`);
  fits("statistics.std", numbers(bundle.statistics?.std, features), `${features} numbers`);
  fits("start.history", rows(bundle.start?.history, history, features), `${history} x ${features} numbers`);
  fits("start.world_rotation", rows(bundle.start?.world_rotation, 3, 3), "3 x 3 numbers");
  fits("start.world_translation", numbers(bundle.start?.world_translation, 3), "3 numbers");
  fits("skeleton.rest_joints", rows(bundle.skeleton?.rest_joints, joints, 3), `${joints} x 3 numbers`);
  fits("skeleton.pelvis_offset", numbers(bundle.skeleton?.pelvis_offset, 3), "3 numbers");
  fits(
    "skeleton.parents",
    bundle.skeleton.parents?.length === joints &&
      bundle.skeleton.parents.every((parent, joint) => (joint ? parent >= 0 && parent < joint : parent === -1)),
    `${joints} parents, each before its child`,
  );
  let end = 0;
  for (const part of [...(bundle.features ?? [])].sort((a, b) => a.start - b.start)) {
    fits(`features.${part.name}`, part.start === end && part.width > 0, `a start of ${end}`);
    end += part.width;
  }
  fits("features", end === features, `${features} numbers in all`);
  for (const name of FEATURES) fits(`features.${name}`, bundle.features.some((f) => f.name === name), "a place");
  for (const schedule of bundle.schedules ?? []) {
    const steps = schedule.timesteps.length;
    fits(`schedules.${schedule.name}`, rows(schedule.coefficients, steps, 3), `${steps} x 3 numbers`);
  }
  scheduleOf(bundle);
}

/** @param {string} what @param {boolean} good @param {string} expected */
function fits(what, good, expected) {
  if (!good) throw new BundleError(`bundle.json: ${what} does not fit`, expected);
}

/** @param {unknown} value @param {number} count */
function numbers(value, count) {
  return Array.isArray(value) && value.length === count && value.every(Number.isFinite);
}

/** @param {unknown} value @param {number} height @param {number} width */
function rows(value, height, width) {
  return Array.isArray(value) && value.length === height && value.every((row) => numbers(row, width));
}

/**
 * The sampler of that name or respacing; the bundle's own for none.
 * @param {Bundle} bundle
 * @param {string} [name]
 */
export function scheduleOf(bundle, name = bundle.schedule) {
  const found = bundle.schedules.find((s) => s.name === name || s.respacing === name);
  if (!found) throw new BundleError(`schedule ${name}`, bundle.schedules.map((s) => s.name).join(", "));
  return found;
}

/**
 * @param {Bundle} bundle
 * @param {string} name
 */
export function modelOf(bundle, name) {
  const found = bundle.models.find((model) => model.name === name);
  if (!found) throw new BundleError(`the bundle has no ${name}`, "dartenv export --model " + name);
  return found;
}

/**
 * The file of that precision and variant, .onnx before .ort.
 * @param {Model} model
 * @param {string} precision
 * @param {boolean} portable
 */
export function fileOf(model, precision, portable) {
  const right = model.files.filter((f) => f.precision === precision);
  const found = right.filter((f) => f.portable === portable);
  const all = (found.length || portable ? found : right).sort((a, b) => rank(a) - rank(b));
  if (all.length) return all[0];
  const there = [...new Set(model.files.map((f) => f.precision))].join(", ");
  throw new BundleError(`${model.name} is there as ${there || "nothing"}`, precision + (portable ? ", portable" : ""));
}

/** @param {ModelFile} file */
const rank = (file) => (file.format === "onnx" ? 0 : 1);

/**
 * The bytes of `file`, which are as they were exported. Throws BundleError where they are not.
 * @param {Files} files
 * @param {DataFile} file
 */
export async function checkedBytes(files, file) {
  const parts = file.path.split("/");
  if (!file.path || parts.includes("..") || parts[0] === "" || /\\|^[A-Za-z]:/.test(file.path)) {
    throw new BundleError(`bundle.json names the file ${file.path}`, "a path below the bundle's folder");
  }
  const bytes = await files.bytes(file.path);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (bytes.length !== file.size || found !== file.sha256) {
    throw new BundleError(
      `${file.path}: ${bytes.length} bytes, SHA-256 ${found}`,
      `${file.size} bytes, SHA-256 ${file.sha256}: the file was changed after export`,
    );
  }
  return bytes;
}
