/** Requests to Prometheus' HTTP API that both must answer alike, with the same status. */

import { DATA_START_MS } from "./dataset.ts";

const AT = String((DATA_START_MS + 20 * 60_000) / 1000);
const START = String((DATA_START_MS + 10 * 60_000) / 1000);
const END = String((DATA_START_MS + 12 * 60_000) / 1000);

/** A path below `/api/v1` and its parameters; several of one name are a list. */
export type ApiRequest = readonly [
  path: string,
  parameters: Readonly<Record<string, string | readonly string[]>>,
];

const range = { start: START, end: END, step: "15" };
const span = { start: START, end: END };

export const API_REQUESTS: readonly ApiRequest[] = [
  ["query", { query: "http_requests_total", time: AT }],
  ["query", { query: "1 + 1", time: AT }],
  ["query", { query: '"text"', time: AT }],
  ["query", { query: "http_requests_total[1m]", time: AT }],
  ["query", { query: "vector(1) / 0", time: AT }],
  ["query", { query: "vector(-1) / 0", time: AT }],
  ["query", { query: "vector(0) / 0", time: AT }],
  ["query", { query: "vector(1e21)", time: AT }],
  ["query", { query: "vector(1e-7)", time: AT }],
  ["query", { query: "vector(123456789.125)", time: AT }],
  ["query", { query: "vector(1)", time: "2024-02-29T00:05:00Z" }],
  ["query", { query: "vector(1)", time: "2024-02-29T00:05:00.123+01:00" }],
  ["query", { query: "vector(1)", time: "1709164800.123" }],
  ["query", { query: "no_such_metric", time: AT }],
  ["query", { query: "up", time: AT, limit: "2" }],
  ["query_range", { query: "sum(rate(http_requests_total[1m]))", ...range }],
  ["query_range", { query: "1", ...range }],
  ["query_range", { query: "time()", ...range, step: "1m" }],
  ["query_range", { query: "vector(0) / 0", ...range, step: "60.5" }],
  ["query_range", { query: "no_such_metric", ...range }],
  ["series", { "match[]": "http_requests_total", ...span }],
  ["series", { "match[]": ["http_requests_total", '{__name__=~"proc.*"}'], ...span }],
  ["series", { "match[]": "no_such_metric", ...span }],
  ["labels", span],
  ["labels", { "match[]": "http_requests_total", ...span }],
  ["label/job/values", span],
  ["label/job/values", { "match[]": "http_requests_total", ...span }],
  ["label/__name__/values", span],
  ["label/no_such_label/values", span],
];

/** Both refuse them in the same words. */
export const BAD_REQUESTS_SAME_WORDS: readonly ApiRequest[] = [
  ["query", { query: "up", time: "tomorrow" }],
  ["query", { query: "rate(up)", time: AT }],
  ["query", { query: '{__name__=""}', time: AT }],
  ["query", { query: "up + on() group_left() up", time: AT }],
  ["query_range", { query: "up", start: START, end: END }],
  ["query_range", { query: "up", start: START, end: END, step: "0" }],
  ["query_range", { query: "up", start: START, end: END, step: "-1" }],
  ["query_range", { query: "up", start: START, end: END, step: "fast" }],
  ["query_range", { query: "up", start: END, end: START, step: "1" }],
  ["query_range", { query: "up", end: END, step: "1" }],
  ["query_range", { query: "up", start: START, step: "1" }],
  ["query_range", { query: "up", start: "0", end: END, step: "1" }],
  ["query_range", { query: "up[1m]", ...range }],
  ["series", span],
  ["series", { "match[]": "{}", ...span }],
  ["series", { "match[]": "up", start: "x" }],
  ["labels", { start: "x" }],
  ["labels", { end: "x" }],
  ["rules", { type: "x" }],
  ["query", {}],
  ["query", { query: "up", time: AT, limit: "-1" }],
  ["query", { query: "up", timeout: "soon" }],
];

/** Both refuse them, each in its own words. */
export const BAD_REQUESTS: readonly ApiRequest[] = [
  ["query", { query: "sum(" }],
  ["query", { query: "up", time: AT, limit: "many" }],
  ["series", { "match[]": "sum(up)" }],
  ["series", { "match[]": "up[1m]" }],
  ["series", { "match[]": "" }],
];
