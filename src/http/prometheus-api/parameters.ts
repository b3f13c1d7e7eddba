/** The parameters of Prometheus' HTTP API: how they are read, and how it complains of them. */

import { parseDuration } from "../../core/duration.ts";
import { messageOf } from "../../core/errors.ts";
import type { Expression } from "../../promql/ast.ts";
import { parseExpression, parseSelector } from "../../promql/parse.ts";
import type { LabelMatcher } from "../../promql/series.ts";

/** As `errorType` in the answer; each has its status. */
const STATUSES = {
  bad_data: 400,
  not_found: 404,
  execution: 422,
  internal: 500,
  timeout: 503,
  canceled: 503,
  unavailable: 503,
};
type ApiErrorType = keyof typeof STATUSES;

/** What is answered instead of data. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly errorType: ApiErrorType,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }

  get status(): number {
    return STATUSES[this.errorType];
  }
}

/** Prometheus' own bound, and words: it keeps a browser from drowning in points. */
const MAX_POINTS = 11_000;
/** Query strings that a person or a dashboard writes are far shorter. */
const MAX_QUERY_LENGTH = 16_384;
/** That of a Date, which functions of PromQL need: the year 275760. */
const MAX_TIME_MS = 8.64e15;
/** Prometheus counts durations in 64 bits of nanoseconds: 292 years. */
const MAX_DURATION_NS = 2 ** 63;
const NS_PER_MS = 1e6;

/** How clients write that a span has no start or no end. */
const MIN_TIME = "-292273086-05-16T16:47:06Z";
const MAX_TIME = "292277025-08-18T07:12:54.999999999Z";

const FLOAT = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[-+]([01]\d|2[0-4]):[0-5]\d)$/;

interface Range {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** Either end may be infinite. */
export interface TimeBounds {
  readonly fromMs: number;
  readonly toMs: number;
}

/** @throws ApiError `bad_data` */
export function readExpression(parameters: URLSearchParams): Expression {
  const text = parameters.get("query") ?? "";
  if (text.length > MAX_QUERY_LENGTH)
    throw invalid("query", `it is longer than ${MAX_QUERY_LENGTH} characters`);
  // Prometheus knows no place in no text, and says so.
  if (text === "")
    throw invalid("query", "unknown position: parse error: no expression found in input");
  try {
    return parseExpression(text);
  } catch (error) {
    throw invalid("query", messageOf(error), error);
  }
}

/** `time`, a Unix time in seconds or RFC 3339; the present where it is absent. */
export function readInstant(parameters: URLSearchParams, nowMs: number): number {
  const text = parameters.get("time") ?? "";
  return text === "" ? nowMs : (parseTime(text) ?? refuseOptionalTime("time", text));
}

/** `start` and `end`, all of time where they are absent. */
export function readBounds(parameters: URLSearchParams): TimeBounds {
  const read = (name: string, fallbackMs: number): number => {
    const text = parameters.get(name) ?? "";
    if (text === "") return fallbackMs;
    if (text === MIN_TIME) return Number.NEGATIVE_INFINITY;
    if (text === MAX_TIME) return Number.POSITIVE_INFINITY;
    return parseTime(text) ?? refuseOptionalTime(name, text);
  };
  return {
    fromMs: read("start", Number.NEGATIVE_INFINITY),
    toMs: read("end", Number.POSITIVE_INFINITY),
  };
}

/** @throws ApiError `bad_data` past 11,000 points a series, as Prometheus does */
export function readRange(parameters: URLSearchParams): Range {
  const startMs = readTime(parameters, "start");
  const endMs = readTime(parameters, "end");
  if (endMs < startMs) throw invalid("end", "end timestamp must not be before start time");
  const text = parameters.get("step") ?? "";
  const stepNs = readDurationNs("step", text);
  if (stepNs <= 0)
    throw invalid(
      "step",
      "zero or negative query resolution step widths are not accepted. Try a positive integer",
    );
  if (Math.trunc(((endMs - startMs) * NS_PER_MS) / stepNs) > MAX_POINTS)
    throw new ApiError(
      "bad_data",
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
  // Prometheus evaluates at whole milliseconds, and breaks where a step has none.
  const stepMs = Math.trunc(stepNs / NS_PER_MS);
  if (stepMs === 0) throw invalid("step", "a step is at least a millisecond");
  return { startMs, endMs, stepMs };
}

/** `timeout`, in ms; `undefined` where it is absent. */
export function readTimeout(parameters: URLSearchParams): number | undefined {
  const text = parameters.get("timeout") ?? "";
  if (text === "") return undefined;
  return readDurationNs("timeout", text) / NS_PER_MS;
}

/** `lookback_delta`, in ms; `undefined`, for the default, where it is absent or not positive. */
export function readLookback(parameters: URLSearchParams): number | undefined {
  const text = parameters.get("lookback_delta") ?? "";
  if (text === "") return undefined;
  const durationNs = parseDurationNs(text);
  if (durationNs === undefined) {
    const why = cannotParse(text, "duration");
    throw new ApiError("bad_data", `error parsing lookback delta duration: ${why}`);
  }
  const lookbackMs = Math.trunc(durationNs / NS_PER_MS);
  return lookbackMs > 0 ? lookbackMs : undefined;
}

/**
 * The matchers of each `match[]`.
 *
 * @throws ApiError `bad_data`, also on a selector that would select everything
 */
export function readSelectors(parameters: URLSearchParams): readonly (readonly LabelMatcher[])[] {
  const texts = parameters.getAll("match[]");
  if (texts.reduce((sum, text) => sum + text.length, 0) > MAX_QUERY_LENGTH)
    throw new ApiError("bad_data", `match[] is longer than ${MAX_QUERY_LENGTH} characters`);
  return texts.map((text) => {
    const matchers = readSelector(text);
    if (matchers.every(({ matches }) => matches("")))
      throw new ApiError("bad_data", "match[] must contain at least one non-empty matcher");
    return matchers;
  });
}

function readSelector(text: string): readonly LabelMatcher[] {
  if (text === "")
    throw new ApiError("bad_data", "unknown position: parse error: unexpected end of input");
  try {
    return parseSelector(text);
  } catch (error) {
    throw new ApiError("bad_data", messageOf(error), error);
  }
}

/** `limit`, of how many rows are wanted; without it, or with 0, all. */
export function readLimit(parameters: URLSearchParams): number {
  const text = parameters.get("limit") ?? "";
  if (text === "") return Number.POSITIVE_INFINITY;
  const complain = (why: string) =>
    invalid("limit", `strconv.Atoi: parsing ${JSON.stringify(text)}: ${why}`);
  if (!/^[-+]?\d+$/.test(text)) throw complain("invalid syntax");
  const limit = Number(text);
  if (!Number.isSafeInteger(limit)) throw complain("value out of range");
  if (limit < 0) throw invalid("limit", "limit must be non-negative");
  return limit || Number.POSITIVE_INFINITY;
}

/** A switch as Go reads it: `1`, `t` and `true`, or `0`, `f` and `false`. */
export function readSwitch(parameters: URLSearchParams, name: string): boolean {
  const text = parameters.get(name) ?? "";
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(|0|f|F|false|FALSE|False)$/.test(text)) return false;
  const why = `strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`;
  throw invalid(name, `error converting ${name}: ${why}`);
}

/** A complaint in Prometheus' words. */
export function invalid(name: string, message: string, cause?: unknown): ApiError {
  return new ApiError("bad_data", `invalid parameter ${JSON.stringify(name)}: ${message}`, cause);
}

function readTime(parameters: URLSearchParams, name: string): number {
  const text = parameters.get(name) ?? "";
  const atMs = parseTime(text);
  if (atMs === undefined) throw invalid(name, cannotParse(text, "timestamp"));
  return atMs;
}

function readDurationNs(name: string, text: string): number {
  const durationNs = parseDurationNs(text);
  if (durationNs !== undefined) return durationNs;
  const why = FLOAT.test(text) ? ". It overflows int64" : "";
  throw invalid(name, cannotParse(text, "duration") + why);
}

function refuseOptionalTime(name: string, text: string): never {
  const why = cannotParse(text, "timestamp");
  throw invalid(name, `invalid time value for '${name}': ${why}`);
}

function cannotParse(text: string, what: "timestamp" | "duration"): string {
  return `cannot parse ${JSON.stringify(text)} to a valid ${what}`;
}

/** Whole milliseconds. */
function parseTime(text: string): number | undefined {
  const atMs = FLOAT.test(text) ? parseUnixTime(Number(text)) : parseRfc3339(text);
  return Math.abs(atMs) <= MAX_TIME_MS ? atMs : undefined;
}

/** The fraction is rounded by itself, as Prometheus does: 1.2345 is 1234 ms, though 1234.5 is nearer. */
function parseUnixTime(seconds: number): number {
  const whole = Math.trunc(seconds);
  const fractionMs = Math.abs(seconds - whole) * 1000;
  return whole * 1000 + Math.sign(seconds) * Math.round(fractionMs);
}

function parseRfc3339(text: string): number {
  const [, date] = RFC_3339.exec(text) ?? [];
  if (date === undefined) return Number.NaN;
  // JavaScript takes February 30 for March 1.
  const midnight = new Date(`${date}T00:00:00Z`);
  const exists = Number.isFinite(midnight.getTime()) && midnight.toISOString().startsWith(date);
  return exists ? Date.parse(text) : Number.NaN;
}

/** A number of seconds or a duration such as `1m`, in whole nanoseconds. */
function parseDurationNs(text: string): number | undefined {
  const durationNs = FLOAT.test(text) ? Math.trunc(Number(text) * 1e9) : parseUnitsNs(text);
  return durationNs !== undefined && Math.abs(durationNs) < MAX_DURATION_NS
    ? durationNs
    : undefined;
}

function parseUnitsNs(text: string): number | undefined {
  try {
    return parseDuration(text, "it") * NS_PER_MS;
  } catch {
    // What it says is for people who write a configuration; the caller says it in Prometheus' words.
    return undefined;
  }
}
