/** Evaluates expressions over series in memory, as Prometheus 3.5 does over its own. */

import type { Labels, Point, Sample, Series } from "../core/model.ts";
import { type Expression, typeOf } from "./ast.ts";
import { compileRange, compileScalar, compileVector } from "./compile.ts";
import { stringOf } from "./compiled.ts";
import { PromqlError } from "./errors.ts";
import { labelsKey, NO_LABELS } from "./labels.ts";
import { type EvaluationOptions, Query, type Span } from "./query.ts";
import type { SeriesStore } from "./series.ts";
import { DOCUMENTED_TYPES } from "./signatures.ts";
import type { Vector } from "./vector.ts";

export type { EvaluationOptions } from "./query.ts";

/** What an instant query gives. Only `topk`, `bottomk`, `sort` and `sort_desc` order its samples. */
export type Value =
  | { readonly type: "scalar"; readonly value: number; readonly timestampMs: number }
  | { readonly type: "string"; readonly value: string; readonly timestampMs: number }
  | { readonly type: "vector"; readonly samples: readonly Sample[] }
  | { readonly type: "matrix"; readonly series: readonly Series[] };

export interface InstantOptions extends EvaluationOptions {
  readonly atMs: number;
}

/** Both ends are evaluated, if a step falls on the end. */
interface RangeOptions extends EvaluationOptions, Span {}

/**
 * @throws PromqlError `execution` on series that do not fit together and on too many samples,
 *   `timeout` when the limits say so
 */
export function evaluateInstant(
  expression: Expression,
  store: SeriesStore,
  options: InstantOptions,
): Value {
  const { atMs } = options;
  const query = new Query(store, { startMs: atMs, endMs: atMs, stepMs: 1 }, options);
  query.beginStep();
  switch (typeOf(expression)) {
    case "string":
      return { type: "string", value: stringOf(expression), timestampMs: atMs };
    case "scalar": {
      const value = compileScalar(expression, query)(atMs);
      return { type: "scalar", value, timestampMs: atMs };
    }
    case "vector": {
      const { labels, values } = compileVector(expression, query)(atMs);
      const samples = labels.map((one, index) => ({
        labels: one,
        value: values[index] ?? Number.NaN,
        timestampMs: atMs,
      }));
      return { type: "vector", samples };
    }
    case "matrix":
      return { type: "matrix", series: readMatrix(expression, query) };
  }
}

function readMatrix(expression: Expression, query: Query): Series[] {
  const series: Series[] = [];
  compileRange(expression, query).visit(query.span.endMs, (labels, window) => {
    const { timestampsMs, values, from, to } = window;
    const points: Point[] = [];
    for (let index = from; index < to; index += 1)
      points.push({ timestampMs: timestampsMs[index] ?? 0, value: values[index] ?? Number.NaN });
    query.count(points.length);
    series.push({ labels, points });
  });
  return series;
}

/**
 * Evaluates at the start and every step after it, up to the end.
 *
 * @returns series in no order; a step at which one has no value has no point
 * @throws PromqlError as `evaluateInstant`, and `bad_data` if the expression is neither scalar nor
 *   instant vector, or the span goes nowhere
 */
export function evaluateRange(
  expression: Expression,
  store: SeriesStore,
  options: RangeOptions,
): Series[] {
  const { startMs, endMs, stepMs } = options;
  const type = typeOf(expression);
  if (type !== "scalar" && type !== "vector")
    throw new PromqlError(
      "bad_data",
      `invalid expression type "${DOCUMENTED_TYPES[type]}" for range query, must be Scalar or instant Vector`,
    );
  if (!(stepMs > 0))
    throw new PromqlError(
      "bad_data",
      "zero or negative query resolution step widths are not accepted. Try a positive integer",
    );
  if (endMs < startMs)
    throw new PromqlError("bad_data", "end timestamp must not be before start time");

  const query = new Query(store, { startMs, endMs, stepMs }, options);
  const evaluate =
    type === "scalar" ? scalarAsVector(expression, query) : compileVector(expression, query);
  const series = new Map<string, { readonly labels: Labels; readonly points: Point[] }>();
  for (let timestampMs = startMs; timestampMs <= endMs; timestampMs += stepMs) {
    query.beginStep();
    const { labels, values } = evaluate(timestampMs);
    query.keep(values.length);
    for (const [index, one] of labels.entries()) {
      const point = { timestampMs, value: values[index] ?? Number.NaN };
      const key = labelsKey(one);
      const known = series.get(key);
      if (known === undefined) series.set(key, { labels: one, points: [point] });
      else known.points.push(point);
    }
  }
  return [...series.values()];
}

function scalarAsVector(expression: Expression, query: Query): (tsMs: number) => Vector {
  const scalar = compileScalar(expression, query);
  return (tsMs) => ({ labels: [NO_LABELS], values: [scalar(tsMs)] });
}
