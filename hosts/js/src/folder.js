/** A bundle in a folder, for Node.js. */
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BundleError } from "./errors.js";

/**
 * The files of the bundle in `path`, which may be its bundle.json.
 * @param {string} path
 * @returns {import("./bundle.js").Files}
 */
export function folder(path) {
  const root = basename(path) === "bundle.json" ? dirname(path) : path;
  return {
    async bytes(relative) {
      try {
        return new Uint8Array(await readFile(join(root, ...relative.split("/"))));
      } catch (error) {
        throw new BundleError(`${join(root, relative)}: cannot be read: ${/** @type {any} */ (error).code}`, "a bundle's file");
      }
    },
  };
}
