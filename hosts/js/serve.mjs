// node serve.mjs BUNDLE [RECORDED] [--port N]
// This folder on loopback alone, with the bundle at /bundle/ and what scripts/js_parity.py recorded at
// /recorded/. Prints the address of the page.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { port: { type: "string", default: "0" } } });
if (!positionals.length) {
  console.error("usage: node serve.mjs BUNDLE [RECORDED] [--port N]");
  process.exit(2);
}
const roots = { "/bundle/": positionals[0], "/recorded/": positionals[1], "/": dirname(fileURLToPath(import.meta.url)) };
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };

const server = createServer(async (request, response) => {
  try {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const [prefix, root] = Object.entries(roots).find(([start, folder]) => folder && path.startsWith(start)) ?? [];
    const parts = path.slice(prefix?.length).split("/");
    if (!root || parts.includes("..") || path.includes("\\")) throw new Error("outside");
    const file = resolve(root, join(...parts) === "." ? "index.html" : join(...parts));
    if (!(await stat(file)).isFile()) throw new Error("no file");
    response.writeHead(200, { "content-type": TYPES[/** @type {keyof TYPES} */ (extname(file))] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  } catch {
    response.writeHead(404).end();
  }
});
server.listen(Number(values.port), "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  console.log(`http://127.0.0.1:${port}/`);
});
