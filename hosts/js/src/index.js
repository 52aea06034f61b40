/** DART's motion from a dartenv bundle in ONNX Runtime for JavaScript. Start at `load`. */
export { BundleError } from "./errors.js";
export { Features } from "./features.js";
export { Host, load, refusal } from "./host.js";
export { RecordedNoise, SeededNoise } from "./noise.js";
export { Stream } from "./stream.js";
