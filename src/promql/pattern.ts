/** Regular expressions of RE2, within a bound on what they compile to: sixteen thousand characters may be a million instructions. */

import { RE2JS } from "re2js";

/** About the instructions of a program: so many are compiled in some 100 ms. */
const MAX_COST = 20_000;

/** A class by its Unicode name is one instruction, and takes as long to compile as so many. */
const NAMED_CLASS_COST = 50;

/**
 * @param pattern with what the caller puts around it
 * @throws Error if it is no expression, or a dear one
 */
export function compilePattern(pattern: string, flags = 0): RE2JS {
  if (patternCost(pattern) > MAX_COST)
    throw new Error(
      `the regular expression is too large: it would compile to more than ${MAX_COST} instructions`,
    );
  return RE2JS.compile(pattern, flags);
}

const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]/y;
const REPEAT = /\{(\d+)(?:,(\d*))?\}/y;

/**
 * At least as many as there are instructions, but for a few; a pattern that is none has some cost, too.
 * A repetition is compiled as often as it may repeat.
 */
export function patternCost(pattern: string): number {
  // Of each group that is open, what stands in it so far; below them, the pattern itself.
  const open = [0];
  let last = 0;
  const add = (cost: number) => {
    last = cost;
    open[open.length - 1] = (open.at(-1) ?? 0) + cost;
  };
  for (let at = 0; at < pattern.length;) {
    const char = pattern.charAt(at);
    REPEAT.lastIndex = at;
    CLASS.lastIndex = at;
    const repeat = char === "{" ? REPEAT.exec(pattern) : null;
    const set = char === "[" ? CLASS.exec(pattern) : null;
    if (repeat !== null) {
      const times = Math.max(Number(repeat[1]), Number(repeat[2] ?? 0));
      const more = last * Math.max(times - 1, 0);
      open[open.length - 1] = (open.at(-1) ?? 0) + more;
      last += more;
      at += repeat[0].length;
    } else if (set !== null) {
      add(1 + NAMED_CLASS_COST * (set[0].match(/\\[pP]/g)?.length ?? 0) + set[0].length / 8);
      at += set[0].length;
    } else if (char === "\\") {
      const isNamed = /[pP]/.test(pattern.charAt(at + 1));
      add(isNamed ? NAMED_CLASS_COST : 1);
      at += 2;
    } else if (char === "(") {
      open.push(2);
      at += 1;
    } else if (char === ")" && open.length > 1) {
      add(open.pop() ?? 0);
      at += 1;
    } else {
      add(1);
      at += 1;
    }
    if (last > MAX_COST * MAX_COST) return last;
  }
  return open.reduce((sum, cost) => sum + cost, 0);
}
