/**
 * Changes that no test can notice, because the program does the same with them, each with the reason. A
 * change that makes a difference does not belong here, however small: it needs a test.
 */

import { type Change, lineOf, told } from "./changes.ts";

export interface Equivalent {
  /** The line on which the change begins, without its indentation. */
  readonly line: string;
  /** As a run prints it. */
  readonly change: string;
  readonly why: string;
}

export const EQUIVALENT: Readonly<Record<string, readonly Equivalent[]>> = {};

/** Why the program does the same with the change; `undefined` if nothing says that it does. */
export function whyEquivalent(file: string, code: string, change: Change): string | undefined {
  const { text } = lineOf(code, change);
  const saying = told(code, change);
  return EQUIVALENT[file]?.find((known) => known.line === text && known.change === saying)?.why;
}
