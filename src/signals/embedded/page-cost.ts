/** What a page of metrics would cost to read, before it is read. */

import { HASH, NEWLINE } from "../characters.ts";

interface PageBounds {
  /** Lines that are neither empty nor a comment. */
  readonly maxSamples: number;
  readonly maxLines: number;
  readonly maxLineLength: number;
  /** Labels of one series. */
  readonly maxLabels: number;
}

/** As short as a label can be: `a="",`. */
const MIN_LABEL_LENGTH = 5;

/** Which bound a page has passed, and how that is said: one clause for people. */
interface Excess {
  readonly failure: "too_many_samples" | "too_costly";
  readonly message: string;
}

/** `undefined` for a page within its bounds. */
export function excessOf(text: string, bounds: PageBounds): Excess | undefined {
  const { maxSamples, maxLines, maxLineLength, maxLabels } = bounds;
  let lines = 0;
  let samples = 0;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    lines += 1;
    const first = text.charCodeAt(start);
    if (first !== HASH && first !== NEWLINE) samples += 1;
    if (end - start > maxLineLength)
      return costly(`sent a line of more than ${maxLineLength} characters (line ${lines})`);
    if (end - start > maxLabels * MIN_LABEL_LENGTH && labelsIn(text, start, end) > maxLabels)
      return costly(`sent a series of more than ${maxLabels} labels (line ${lines})`);
    if (samples > maxSamples)
      return { failure: "too_many_samples", message: `sent more than ${maxSamples} samples` };
    if (lines > maxLines) return costly(`sent more than ${maxLines} lines`);
    start = end + 1;
  }
  return undefined;
}

function costly(message: string): Excess {
  return { failure: "too_costly", message };
}

/** Within a value a quote is escaped, so that none follows an equals sign there. */
function labelsIn(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = text.indexOf('="', start); at !== -1 && at < end; at = text.indexOf('="', at + 2))
    count += 1;
  return count;
}
