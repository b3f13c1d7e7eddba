/** Reads untrusted text that may not be JSON. */

/** @returns `undefined` if the text is not JSON, which no schema of a caller accepts */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Other text is expected here; the caller says what it means.
    return undefined;
  }
}
