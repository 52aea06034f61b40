/** What a host says when a bundle or a request cannot be: what was found, and what was expected. */
export class BundleError extends Error {
  /**
   * @param {string} found
   * @param {string} [expected]
   */
  constructor(found, expected) {
    super(expected ? `${found}; expected ${expected}` : found);
    this.name = "BundleError";
  }
}
