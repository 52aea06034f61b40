// Answers questions about hosts/js on stdin, one JSON document in, one out: for tests/hosts/test_js.py.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [root] = process.argv.slice(2);
const from = (path) => import(pathToFileURL(`${root}/${path}`).href);
const ask = JSON.parse(readFileSync(0, "utf8"));
const { hashedEmbedding } = await from("src/hashed.js");
const { ClipTokenizer } = await from("src/tokenizer.js");
const { composed, fromHalf } = await from("src/text.js");
const { SeededNoise } = await from("src/noise.js");

const answer = {};
if (ask.hashed) answer.hashed = await Promise.all(ask.hashed.map(async (t) => [...(await hashedEmbedding(t, 64))]));
if (ask.tokens) {
  const tokenizer = new ClipTokenizer(ask.vocabulary, ask.spec);
  answer.tokens = ask.tokens.map((text) => tokenizer.tokens(text));
}
if (ask.composed) answer.composed = ask.composed.map((text) => composed(text, "smplx"));
if (ask.halves) answer.halves = ask.halves.map((bits) => fromHalf(bits));
if (ask.seeds) answer.noise = ask.seeds.map((seed) => [...new SeededNoise(seed, ask.count).next()]);
if (ask.bundle) {
  const ort = await from(`node_modules/${ask.web ? "onnxruntime-web/dist/ort.node.min.mjs" : "onnxruntime-node/dist/index.js"}`);
  const { load } = await from("src/index.js");
  const { folder } = await from("src/folder.js");
  try {
    const options = { precision: ask.precision, session: { logSeverityLevel: 3 } };
    const host = await load(ort.default ?? ort, folder(ask.bundle), options);
    answer.precision = host.options.precision;
    answer.embeddings = await Promise.all(ask.texts.map(async (text) => [...(await host.embed(text))]));
  } catch (error) {
    answer.refused = `${error.name}: ${error.message}`;
  }
}
process.stdout.write(JSON.stringify(answer));
