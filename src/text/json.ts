/** Reads text that may be no JSON, as that of strangers may be. */

/** `undefined` if it is none: whatever is then expected of the value, `undefined` is not it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is an expected outcome; who asked says what it means.
    return undefined;
  }
}
