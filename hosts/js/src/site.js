/** A bundle served over HTTP, for a page. Hashes need a secure context: https, or loopback. */
import { BundleError } from "./errors.js";

/**
 * The files of the bundle below `base`, whose last letter is a slash.
 * @param {string | URL} base
 * @returns {import("./bundle.js").Files}
 */
export function site(base) {
  return {
    async bytes(relative) {
      const path = relative.split("/").map(encodeURIComponent).join("/");
      const url = new URL(path, new URL(base, globalThis.location?.href));
      const answer = await fetch(url);
      if (!answer.ok) throw new BundleError(`${url}: HTTP ${answer.status}`, "a bundle's file");
      return new Uint8Array(await answer.arrayBuffer());
    },
  };
}
