/** The parameters of Prometheus' HTTP API: how they are read, and how it complains of them. */

import { parseDuration } from "../core/duration.ts";
import { messageOf } from "../core/errors.ts";
import { type Expression, typeOf } from "../promql/ast.ts";
import { parseExpression } from "../promql/parse.ts";
import { DOCUMENTED_TYPES } from "../promql/signatures.ts";
import type { LabelMatcher } from "../promql/series.ts";

/** As `errorType` in the answer; each has its status. */
const STATUSES = { bad_data: 400, not_found: 404, execution: 422, timeout: 503, canceled: 503 };
export type ApiErrorType = keyof typeof STATUSES;

/** What is answered instead of data. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly errorType: ApiErrorType,
    message: string,
  ) {
    super(message);
  }

  get status(): number {
    return STATUSES[this.errorType];
  }
}

/** Prometheus' own bound, and words: it keeps a browser from drowning in points. */
const MAX_POINTS = 11_000;
/** Query strings that a person or a dashboard writes are far shorter. */
const MAX_QUERY_LENGTH = 16_384;

export interface Range {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** @throws ApiError `bad_data` */
export function readExpression(parameters: URLSearchParams): Expression {
  const text = parameters.get("query") ?? "";
  if (text.length > MAX_QUERY_LENGTH)
    throw invalid("query", `it is longer than ${MAX_QUERY_LENGTH} characters`);
  if (text === "")
    throw invalid("query", "unknown position: parse error: no expression found in input");
  return readParameter("query", () => parseExpression(text));
}

/** For a range query: what has a value at each step. */
export function readSteppedExpression(parameters: URLSearchParams): Expression {
  const expression = readExpression(parameters);
  const type = typeOf(expression);
  if (type === "scalar" || type === "vector") return expression;
  throw invalid(
    "query",
    `invalid expression type "${DOCUMENTED_TYPES[type]}" for range query, must be Scalar or instant Vector`,
  );
}

/** A Unix time in seconds or RFC 3339. */
export function readTime(parameters: URLSearchParams, name: string): number {
  const text = parameters.get(name) ?? "";
  const atMs = parseTime(text);
  if (atMs !== undefined) return atMs;
  throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
}

/** The fallback where it is absent. */
export function readOptionalTime(
  parameters: URLSearchParams,
  name: string,
  fallbackMs: number,
): number {
  const text = parameters.get(name) ?? "";
  const atMs = text === "" ? fallbackMs : parseTime(text);
  if (atMs !== undefined) return atMs;
  const why = `cannot parse ${JSON.stringify(text)} to a valid timestamp`;
  throw invalid(name, `invalid time value for '${name}': ${why}`);
}

function parseTime(text: string): number | undefined {
  const isNumber = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text);
  const isRfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$/.test(text);
  const atMs = isRfc3339 ? Date.parse(text) : Math.round(Number(isNumber ? text : "x") * 1000);
  return Number.isSafeInteger(atMs) ? atMs : undefined;
}

/** A number of seconds or a duration such as `1m`; the fallback, if there is one, where it is absent. */
export function readDuration(
  parameters: URLSearchParams,
  name: string,
  fallbackMs?: number,
): number {
  const text = parameters.get(name) ?? "";
  if (text === "" && fallbackMs !== undefined) return fallbackMs;
  const why = `cannot parse ${JSON.stringify(text)} to a valid duration`;
  const durationMs = /^[-+]?\d+(\.\d*)?$/.test(text)
    ? Number(text) * 1000
    : readParameter(name, () => parseDuration(text, "it"), why);
  if (Number.isSafeInteger(Math.round(durationMs))) return durationMs;
  throw invalid(name, why);
}

/** @throws ApiError `bad_data` past 11,000 points a series, as Prometheus does */
export function readRange(parameters: URLSearchParams): Range {
  const startMs = readTime(parameters, "start");
  const endMs = readTime(parameters, "end");
  if (endMs < startMs) throw invalid("end", "end timestamp must not be before start time");
  const stepMs = readDuration(parameters, "step");
  if (stepMs <= 0)
    throw invalid(
      "step",
      "zero or negative query resolution step widths are not accepted. Try a positive integer",
    );
  if ((endMs - startMs) / stepMs > MAX_POINTS)
    throw new ApiError(
      "bad_data",
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
  return { startMs, endMs, stepMs };
}

/** The matchers of each `match[]`. */
export function readSelectors(parameters: URLSearchParams): readonly (readonly LabelMatcher[])[] {
  return parameters.getAll("match[]").map((text) => {
    const expression = readParameter("match[]", () => parseSelector(text));
    if (expression.kind === "vector_selector") return expression.matchers;
    throw invalid("match[]", `${JSON.stringify(text)} is not a selector of series`);
  });
}

function parseSelector(text: string): Expression {
  try {
    return parseExpression(text);
  } catch (error) {
    const isEmpty = messageOf(error).endsWith("must contain at least one non-empty matcher");
    throw isEmpty ? new Error("match[] must contain at least one non-empty matcher") : error;
  }
}

/** `limit`, of how many rows are wanted; without it, or with 0, all. */
export function readLimit(parameters: URLSearchParams): number {
  const text = parameters.get("limit") ?? "";
  if (/^-\d+$/.test(text)) throw invalid("limit", "limit must be non-negative");
  if (!/^\d{0,15}$/.test(text))
    throw invalid("limit", `cannot parse ${JSON.stringify(text)} to a whole number`);
  return Number(text) || Number.POSITIVE_INFINITY;
}

function readParameter<T>(name: string, read: () => T, complaint?: string): T {
  try {
    return read();
  } catch (error) {
    throw invalid(name, complaint ?? messageOf(error));
  }
}

/** Worded as Prometheus does. */
export function invalid(name: string, message: string): ApiError {
  return new ApiError("bad_data", `invalid parameter ${JSON.stringify(name)}: ${message}`);
}
