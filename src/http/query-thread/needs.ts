/** Which samples a question needs, before it is answered. */

import type { Asked } from "../prometheus-api/endpoint.ts";
import { labelOfPath } from "../prometheus-api/evaluated.ts";
import {
  readExpression,
  readInstant,
  readLookback,
  readRange,
  readSelectors,
} from "../prometheus-api/parameters.ts";
import type { Expression, TimeShift } from "../../promql/ast.ts";
import type { LabelMatcher } from "../../promql/series.ts";

interface SelectorNeed {
  readonly matchers: readonly LabelMatcher[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly which: "all" | "last" | "ends";
}

interface Times {
  readonly startMs: number;
  readonly endMs: number;
}

const DEFAULT_LOOKBACK_MS = 300_000;
const DEFAULT_SUBQUERY_STEP_MS = 60_000;

/** @throws ApiError on parameters that cannot be read; the answer then says so as well */
export function needsOf({ path, parameters: pairs, nowMs }: Asked): readonly SelectorNeed[] {
  const parameters = new URLSearchParams(pairs.map(([name, value]) => [name, value]));
  if (path === "series" || path === "labels" || labelOfPath(path) !== undefined) {
    const selectors = readSelectors(parameters);
    const all = selectors.length > 0 ? selectors : [[]];
    return all.map((matchers) => ({ matchers, fromMs: 0, toMs: 0, which: "ends" }));
  }
  if (path !== "query" && path !== "query_range") return [];
  const lookbackMs = readLookback(parameters) ?? DEFAULT_LOOKBACK_MS;
  const isRange = path === "query_range";
  const { startMs, endMs } = isRange ? readRange(parameters) : instant(parameters, nowMs);
  const query = { startMs, endMs, lookbackMs };
  return collect(readExpression(parameters), { startMs, endMs }, query);
}

function instant(parameters: URLSearchParams, nowMs: number): Times {
  const atMs = readInstant(parameters, nowMs);
  return { startMs: atMs, endMs: atMs };
}

interface Query extends Times {
  readonly lookbackMs: number;
}

/** @param times at which the expression is evaluated, the first and the last */
function collect(expression: Expression, times: Times, query: Query): SelectorNeed[] {
  switch (expression.kind) {
    case "number":
    case "string":
      return [];
    case "vector_selector": {
      const { startMs, endMs } = shift(expression, times, query);
      const { matchers } = expression;
      const which = startMs === endMs ? "last" : "all";
      return [{ matchers, fromMs: startMs - query.lookbackMs, toMs: endMs, which }];
    }
    case "range_selector": {
      const { startMs, endMs } = shift(expression.selector, times, query);
      const { matchers } = expression.selector;
      return [{ matchers, fromMs: startMs - expression.rangeMs, toMs: endMs, which: "all" }];
    }
    case "subquery": {
      const { startMs, endMs } = shift(expression, times, query);
      const { rangeMs, stepMs = DEFAULT_SUBQUERY_STEP_MS } = expression;
      // Its steps are multiples of their length, wherever it begins.
      const inner = { startMs: startMs - rangeMs - stepMs, endMs };
      return collect(expression.expression, inner, query);
    }
    case "paren":
      return collect(expression.expression, times, query);
    case "unary":
      return collect(expression.operand, times, query);
    case "binary":
      return [expression.left, expression.right].flatMap((side) => collect(side, times, query));
    case "aggregation": {
      const { expression: inner, parameter } = expression;
      const parts = parameter === undefined ? [inner] : [inner, parameter];
      return parts.flatMap((part) => collect(part, times, query));
    }
    case "call":
      return expression.args.flatMap((arg) => collect(arg, times, query));
  }
}

function shift({ offsetMs = 0, at }: TimeShift, times: Times, query: Query): Times {
  if (at === undefined) return { startMs: times.startMs - offsetMs, endMs: times.endMs - offsetMs };
  const atMs = at === "start" ? query.startMs : at === "end" ? query.endMs : at;
  return { startMs: atMs - offsetMs, endMs: atMs - offsetMs };
}
