// node parity.mjs BUNDLE RECORDED [--web] [--limit METRES] [--json]
// The bundle in this host against the motion recorded in RECORDED (scripts/js_parity.py makes it and
// calls this). --web takes onnxruntime-web's WebAssembly in place of onnxruntime-node.
import { parseArgs } from "node:util";
import { folder } from "./src/folder.js";
import { BundleError } from "./src/index.js";
import { parity, passed, table } from "./src/parity.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    web: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    limit: { type: "string", default: "1e-4" },
    threads: { type: "string", default: "1" },
  },
});
if (positionals.length !== 2) {
  console.error("usage: node parity.mjs BUNDLE RECORDED [--web] [--threads N] [--limit METRES] [--json]");
  process.exit(2);
}
const ort = values.web ? await import("onnxruntime-web") : await import("onnxruntime-node");
const threads = Number(values.threads);
if (values.web) ort.env.wasm.numThreads = threads;
const session = values.web
  ? { executionProviders: ["wasm"], logSeverityLevel: 3 }
  : { executionProviders: ["cpu"], intraOpNumThreads: threads, logSeverityLevel: 3 };
try {
  const rows = await parity(ort, folder(positionals[0]), folder(positionals[1]), session);
  console.log(values.json ? JSON.stringify(rows) : table(rows));
  process.exitCode = rows.every((row) => passed(row, Number(values.limit))) ? 0 : 1;
} catch (error) {
  if (!(error instanceof BundleError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
