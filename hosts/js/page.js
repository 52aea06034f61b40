/**
 * The loop in a page, with WebAssembly and no Python behind it. serve.mjs hands the files out.
 *   ?precision=NAME  fp32, fp16 or fp64; without it the first of these that the bundle has
 *   ?bundle=URL      the bundle's folder, "bundle/" unless told otherwise: a skeleton that moves
 *   ?parity=URL      a folder of scripts/js_parity.py: the parity table in place of it
 */
import * as ort from "onnxruntime-web";
import { load } from "./src/host.js";
import { parity, passed, table } from "./src/parity.js";
import { site } from "./src/site.js";

const asked = new URLSearchParams(location.search);
const out = /** @type {HTMLElement} */ (document.getElementById("out"));
const session = { executionProviders: ["wasm"], logSeverityLevel: 3 };
const bundle = site(folderUrl(asked.get("bundle") ?? "bundle/"));
// Threads of WebAssembly need cross-origin isolation; one is quick enough and works anywhere.
ort.env.wasm.numThreads = 1;

try {
  const recorded = asked.get("parity");
  if (recorded) {
    const rows = await parity(ort, bundle, site(folderUrl(recorded)), session);
    out.textContent = table(rows);
    out.dataset.rows = JSON.stringify(rows);
    out.dataset.passed = String(rows.every((row) => passed(row, 1e-4)));
  } else {
    await show();
  }
} catch (error) {
  out.textContent = String(error);
  out.dataset.error = String(error);
}

/** @param {string} url */
function folderUrl(url) {
  return new URL(url.endsWith("/") ? url : `${url}/`, location.href);
}

async function show() {
  const host = await load(ort, bundle, { session, precision: asked.get("precision") ?? undefined });
  const { fps, skeleton } = host.bundle;
  const field = /** @type {HTMLInputElement} */ (document.getElementById("prompt"));
  const said = [host.label, host.options.precision].filter((one) => one).join("; ");
  /** @type {HTMLElement} */ (document.getElementById("label")).textContent = said;
  const stream = await host.stream(field.value, { seed: 1 });
  /** @type {HTMLFormElement} */ (document.getElementById("form")).addEventListener("submit", (event) => {
    event.preventDefault();
    stream.setPrompt(field.value).catch((error) => (out.textContent = String(error)));
  });
  const started = performance.now();
  for (;;) {
    const frame = await stream.next();
    draw(host.features.positions(frame.rotations, frame.translation), skeleton.parents);
    out.textContent = `frame ${frame.index}   ${frame.text}`;
    out.dataset.frame = String(frame.index);
    const due = started + ((frame.index + 1) * 1000) / fps - performance.now();
    await new Promise((done) => setTimeout(done, Math.max(0, due)));
  }
}

/**
 * The skeleton from the side, kept in the middle.
 * @param {ArrayLike<number>} places [J, 3] in metres, z up
 * @param {number[]} parents
 */
function draw(places, parents) {
  const canvas = /** @type {HTMLCanvasElement} */ (document.getElementById("view"));
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const metre = canvas.height / 2.4;
  const x = (/** @type {number} */ j) => canvas.width / 2 + (places[3 * j + 1] - places[1]) * metre;
  const y = (/** @type {number} */ j) => canvas.height * 0.5 - (places[3 * j + 2] - places[2]) * metre;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.lineWidth = 4;
  pen.strokeStyle = "#2563eb";
  pen.beginPath();
  parents.forEach((parent, j) => {
    if (parent < 0) return;
    pen.moveTo(x(parent), y(parent));
    pen.lineTo(x(j), y(j));
  });
  pen.stroke();
}
