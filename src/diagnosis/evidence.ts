/** What a diagnosis may see of a log: nothing that looks like a credential, nor what was injected. */

import { MASK, maskText, privateKeyMarks } from "../text/redact.ts";

/** What Sentinel's own target says of the faults in it, and who asked for them. */
const GROUND_TRUTH =
  /"event":\s*"(?:fault|(?:cpu|memory|latency|crash)_stress)_[a-z]+"|"path":\s*"\/(?:faults|stress)[/"]/;

/** Log lines without those that give an injected fault away: a diagnosis has to find it out. */
export function withoutGroundTruth(lines: readonly string[]): string[] {
  return lines.filter((line) => !GROUND_TRUTH.test(line));
}

/** What stands between the beginning and the end of a key: a line of nothing but base64. */
const KEY_BODY =
  /^(?=[A-Za-z0-9+/=]*[a-z])(?=[A-Za-z0-9+/=]*[A-Z])(?=[A-Za-z0-9+/=]*\d)[A-Za-z0-9+/]{60,80}={0,2}$/;
const MAX_KEY_BODY = 82;

/** A long line costs nothing here: what stands in a key is short. */
function isKeyBody(line: string): boolean {
  const text = line.trim();
  return text.length <= MAX_KEY_BODY && KEY_BODY.test(text);
}

/**
 * Log lines with everything that looks like a credential replaced by `[masked]`.
 *
 * It errs on the side of masking: a diagnosis loses little by it.
 */
export function maskCredentials(lines: readonly string[]): string[] {
  return hideKeys(lines).map(maskText);
}

/** Log lines with those that are a private key, or a part of one, replaced by `[masked]`. */
export function hideKeys(lines: readonly string[]): string[] {
  const marks = lines.map(privateKeyMarks);
  // The last lines of a log may start in the midst of a key.
  let isInKey = marks.flat()[0] === "END";
  return lines.map((line, index) => {
    const last = marks[index]?.at(-1);
    const masked = last !== undefined || isInKey || isKeyBody(line);
    // A line may end one key and begin another.
    if (last !== undefined) isInKey = last === "BEGIN";
    return masked ? MASK : line;
  });
}
