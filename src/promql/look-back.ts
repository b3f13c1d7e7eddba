/** How far back an expression looks from the time of its evaluation. */

import type { Expression, TimeShift, VectorSelector } from "./ast.ts";
import { DEFAULT_LOOKBACK_MS } from "./query.ts";
import type { LabelMatcher } from "./series.ts";

/** The series of one selector, and the age of the oldest sample that matters. */
interface LookBack {
  readonly matchers: readonly LabelMatcher[];
  /** Infinite with a fixed time behind `@`: nobody knows how long ago that will be. */
  readonly ms: number;
}

/** One for each selector of an expression. */
export function lookBacksOf(expression: Expression): LookBack[] {
  return collect(expression, 0);
}

/** @param beforeMs how far back whatever is around it evaluates it */
function collect(expression: Expression, beforeMs: number): LookBack[] {
  switch (expression.kind) {
    case "number":
    case "string":
      return [];
    case "vector_selector":
      return [selected(expression, DEFAULT_LOOKBACK_MS, beforeMs)];
    case "range_selector":
      return [selected(expression.selector, expression.rangeMs, beforeMs)];
    case "subquery":
      return collect(expression.expression, shifted(expression, beforeMs) + expression.rangeMs);
    case "paren":
      return collect(expression.expression, beforeMs);
    case "unary":
      return collect(expression.operand, beforeMs);
    case "binary":
      return [...collect(expression.left, beforeMs), ...collect(expression.right, beforeMs)];
    case "aggregation":
      return [
        ...collect(expression.expression, beforeMs),
        ...(expression.parameter === undefined ? [] : collect(expression.parameter, beforeMs)),
      ];
    case "call":
      return expression.args.flatMap((arg) => collect(arg, beforeMs));
  }
}

function selected(selector: VectorSelector, rangeMs: number, beforeMs: number): LookBack {
  return { matchers: selector.matchers, ms: Math.max(shifted(selector, beforeMs) + rangeMs, 0) };
}

function shifted({ at, offsetMs = 0 }: TimeShift, beforeMs: number): number {
  if (typeof at === "number") return Number.POSITIVE_INFINITY;
  // `start()` and `end()` are the present of a rule, however deep they stand.
  return (at === undefined ? beforeMs : 0) + offsetMs;
}
