/** The endpoints of Prometheus' HTTP API that evaluate an expression. */

import { PromqlError } from "../../promql/errors.ts";
import { type EvaluationOptions, evaluateInstant, evaluateRange } from "../../promql/evaluate.ts";
import { type Found, type QueryBounds, type Question, rowsOf } from "./endpoint.ts";
import {
  invalid,
  readBounds,
  readExpression,
  readInstant,
  readLimit,
  readLookback,
  readRange,
  readTimeout,
} from "./parameters.ts";
import { describePoint, describeSample, describeSeries, sortByLabels } from "./values.ts";

export function query({ parameters, sources, bounds }: Question): Found {
  const limit = readLimit(parameters);
  const atMs = readInstant(parameters, sources.nowMs());
  const options = readOptions(parameters, bounds);
  const value = evaluateInstant(readExpression(parameters), sources.store, { atMs, ...options });
  switch (value.type) {
    case "scalar":
      return result("scalar", describePoint(value.timestampMs, value.value));
    case "string":
      return result("string", [value.timestampMs / 1000, value.value]);
    case "vector":
      return rowsOf(value.samples, limit, { describe: describeSample, resultType: "vector" });
    case "matrix":
      return rowsOf(value.series, limit, { describe: describeSeries, resultType: "matrix" });
  }
}

export function queryRange({ parameters, sources, bounds }: Question): Found {
  const limit = readLimit(parameters);
  const range = readRange(parameters);
  const options = readOptions(parameters, bounds);
  const expression = readExpression(parameters);
  try {
    const found = evaluateRange(expression, sources.store, { ...range, ...options });
    const sorted = sortByLabels(found);
    return rowsOf(sorted, limit, { describe: describeSeries, resultType: "matrix" });
  } catch (error) {
    // Read, but of a type that a range cannot be made of.
    if (error instanceof PromqlError && error.code === "bad_data")
      throw invalid("query", error.message, error);
    throw error;
  }
}

/** None are kept, and that is an answer: Grafana asks for them beside each query. */
export function queryExemplars({ parameters }: Question): Found {
  readBounds(parameters);
  readExpression(parameters);
  return { data: [] };
}

function readOptions(parameters: URLSearchParams, bounds: QueryBounds): EvaluationOptions {
  const { maxEvaluationMs, maxSamples } = bounds;
  const timeoutMs = Math.min(readTimeout(parameters) ?? maxEvaluationMs, maxEvaluationMs);
  const lookbackMs = readLookback(parameters);
  const untilMs = performance.now() + timeoutMs;
  const limits = { maxSamples, shouldStop: () => performance.now() >= untilMs };
  return lookbackMs === undefined ? { limits } : { limits, lookbackMs };
}

function result(resultType: string, value: unknown): Found {
  return { data: { resultType, result: value } };
}
