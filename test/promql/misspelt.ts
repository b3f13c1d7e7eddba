/** Expressions with mistakes in them: what is typed wrong must not be read as something else. */

import { EXPRESSIONS } from "./expressions.ts";
import { randomFrom } from "./random.ts";
import { REFUSED_TEXTS } from "./refused.ts";

const SEED = 7;
const COUNT = 4_000;

/** What is put where it does not belong. */
const PIECES = [
  ...["(", ")", "[", "]", "{", "}", ",", "=", "!=", "=~", "-", "+", "*", "^", "%", ":", "@"],
  ...['"', "'", "\\", "#", "\n", " ", ".", "_", "1", "0x", "e", "5m", "1d2h", "1e", "Inf", "NaN"],
  ...["on", "by", "bool", "offset", "and", "group_left", "ignoring (job)", "without (job)"],
  ...["up", "sum", "rate", "start()", "é"],
];

/** Their answers differ from Prometheus' where nobody does anything wrong: see the docs. */
const INCOMPARABLE = /topk|bottomk|exp\(|^\s*\(.*["'`].*\)\s*$/;

/** Expressions of the tables with one or two mistakes; some are still right, or right again. */
export function misspeltExpressions(): string[] {
  const random = randomFrom(SEED);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = (from: readonly string[]) => from[below(from.length)] ?? "";
  const all = [...EXPRESSIONS, ...REFUSED_TEXTS];

  const mistake = (text: string): string => {
    const at = below(text.length + 1);
    const [before, after] = [text.slice(0, at), text.slice(at)];
    switch (below(4)) {
      case 0:
        return before + after.slice(1 + below(3));
      case 1:
        return before + pick(PIECES) + after;
      case 2:
        return before + pick(PIECES) + after.slice(1 + below(3));
      default: {
        const other = pick(all);
        const from = below(other.length);
        return before + other.slice(from, from + 1 + below(12)) + after;
      }
    }
  };

  const misspelt = Array.from({ length: COUNT }, () => {
    const once = mistake(pick(all));
    return below(2) === 0 ? once : mistake(once);
  });
  // Half of a surrogate pair is no text that could be sent.
  return misspelt.filter((text) => text.isWellFormed() && !INCOMPARABLE.test(text));
}
