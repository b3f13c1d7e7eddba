/**
 * Prometheus' HTTP API over the series in memory: what reads a Prometheus reads Sentinel.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */

import { Elysia } from "elysia";
import type { Alert, Labels, Rule } from "../core/model.ts";
import { formatDuration } from "../core/duration.ts";
import { renderSummary } from "../core/summary.ts";
import { PromqlError } from "../promql/errors.ts";
import { evaluateInstant, evaluateRange } from "../promql/evaluate.ts";
import type { SeriesStore, StoredSeries } from "../promql/series.ts";
import {
  ApiError,
  invalid,
  readDuration,
  readExpression,
  readLimit,
  readRange,
  readOptionalTime,
  readSelectors,
  readSteppedExpression,
} from "./prometheus-parameters.ts";

/** What the API tells of. Times are in ms since 1970. */
export interface ApiSources {
  readonly store: SeriesStore;
  nowMs(): number;
  ruleGroups(): readonly RuleGroupStatus[];
  targets(): readonly TargetStatus[];
  /** Of Sentinel. */
  readonly version: string;
}

export interface RuleGroupStatus {
  readonly name: string;
  readonly intervalMs: number;
  readonly rules: readonly Rule[];
  /** As they stand after the last poll. */
  readonly alerts: readonly Alert[];
  readonly lastEvaluationMs: number | undefined;
}

export interface TargetStatus {
  readonly labels: Labels;
  readonly url: string;
  readonly health: "up" | "down" | "unknown";
  readonly lastError: string;
  readonly lastScrapeMs: number | undefined;
  readonly lastScrapeDurationMs: number | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** The Prometheus whose answers these are like: clients choose by it what they may ask. */
const LIKE_PROMETHEUS = "3.5.3";

/** An evaluation holds up the loop that watches, so it is not given Prometheus' two minutes. */
const MAX_EVALUATION_MS = 5000;
/** Of all that one query touches, as Prometheus' `--query.max-samples` does. */
const MAX_SAMPLES = 10_000_000;
const MAX_BODY_BYTES = 64 * 1024;

type Endpoint = (parameters: URLSearchParams, sources: ApiSources) => unknown;

/** Those that take a POST take the same parameters as a form. */
const ENDPOINTS = {
  query: { post: true, answer: query },
  query_range: { post: true, answer: queryRange },
  series: { post: true, answer: series },
  labels: { post: true, answer: labelNames },
  rules: { post: false, answer: rules },
  alerts: { post: false, answer: alerts },
  targets: { post: false, answer: targets },
  "status/buildinfo": { post: false, answer: buildInfo },
} satisfies Record<string, { post: boolean; answer: Endpoint }>;

/** The routes below `/api/v1`, without a socket. */
export function prometheusApi(sources: ApiSources) {
  const app = new Elysia({ prefix: "/api/v1" });
  const answer =
    (endpoint: Endpoint) =>
    async ({ request }: { readonly request: Request }) => {
      try {
        const data = endpoint(await readParameters(request), sources);
        return Response.json({ status: "success", data });
      } catch (error) {
        return failure(error);
      }
    };
  for (const [path, { post, answer: endpoint }] of Object.entries(ENDPOINTS)) {
    app.get(path, answer(endpoint));
    if (post) app.post(path, answer(endpoint), { parse: "none" });
  }
  return app
    .get("/label/:name/values", ({ request, params }) =>
      answer((parameters) => labelValues(params.name, parameters, sources))({ request }),
    )
    .all("/*", () => failure(new ApiError("not_found", "no such endpoint")));
}

function failure(error: unknown): Response {
  const told = error instanceof PromqlError ? new ApiError(error.code, error.message) : error;
  if (!(told instanceof ApiError)) throw error;
  const { errorType, message, status } = told;
  return Response.json({ status: "error", errorType, error: message }, { status });
}

/** Those of the URL and those of a form, as Go's `ParseForm` joins them. */
async function readParameters(request: Request): Promise<URLSearchParams> {
  const parameters = new URL(request.url).searchParams;
  if (request.method !== "POST") return parameters;
  const body = await request.text();
  if (body.length > MAX_BODY_BYTES) throw new ApiError("bad_data", "the form is too long");
  return new URLSearchParams([...new URLSearchParams(body), ...parameters]);
}

/** `timeout` may ask for less time than there is. */
function limits(parameters: URLSearchParams) {
  const timeoutMs = readDuration(parameters, "timeout", MAX_EVALUATION_MS);
  const untilMs = performance.now() + Math.min(timeoutMs, MAX_EVALUATION_MS);
  return { maxSamples: MAX_SAMPLES, shouldStop: () => performance.now() > untilMs };
}

function query(parameters: URLSearchParams, { store, nowMs }: ApiSources) {
  const expression = readExpression(parameters);
  const atMs = readOptionalTime(parameters, "time", nowMs());
  const most = readLimit(parameters);
  const value = evaluateInstant(expression, store, { atMs, limits: limits(parameters) });
  switch (value.type) {
    case "scalar":
      return { resultType: "scalar", result: point(value.timestampMs, value.value) };
    case "string":
      return { resultType: "string", result: [value.timestampMs / 1000, value.value] };
    case "vector": {
      const result = value.samples.map(({ labels, value: number, timestampMs }) => {
        return { metric: labels, value: point(timestampMs, number) };
      });
      return { resultType: "vector", result: result.slice(0, most) };
    }
    case "matrix":
      return { resultType: "matrix", result: value.series.map(matrixRow).slice(0, most) };
  }
}

function queryRange(parameters: URLSearchParams, { store }: ApiSources) {
  const range = readRange(parameters);
  const expression = readSteppedExpression(parameters);
  const most = readLimit(parameters);
  const found = evaluateRange(expression, store, { ...range, limits: limits(parameters) });
  return { resultType: "matrix", result: found.map(matrixRow).slice(0, most) };
}

type Row = ReturnType<typeof evaluateRange>[number];

function matrixRow({ labels, points }: Row) {
  return {
    metric: labels,
    values: points.map(({ timestampMs, value }) => point(timestampMs, value)),
  };
}

function point(timestampMs: number, value: number): [number, string] {
  return [timestampMs / 1000, formatValue(value)];
}

/** JavaScript writes a number as Go does, but for the infinite ones and an exponent of one digit. */
function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return twoDigitExponent(String(value));
}

function twoDigitExponent(text: string): string {
  return text.replace(/e([-+])(\d)$/, "e$10$2");
}

function series(parameters: URLSearchParams, sources: ApiSources) {
  if (parameters.getAll("match[]").length === 0)
    throw new ApiError("bad_data", "no match[] parameter provided");
  return selected(parameters, sources)
    .map(({ labels }) => labels)
    .slice(0, readLimit(parameters));
}

function labelNames(parameters: URLSearchParams, sources: ApiSources) {
  const names = new Set(selected(parameters, sources).flatMap(({ labels }) => Object.keys(labels)));
  return [...names].toSorted().slice(0, readLimit(parameters));
}

function labelValues(name: string, parameters: URLSearchParams, sources: ApiSources) {
  if (name === "") throw new ApiError("bad_data", 'invalid label name: ""');
  const values = selected(parameters, sources).flatMap(({ labels }) => labels[name] ?? []);
  return [...new Set(values)].toSorted().slice(0, readLimit(parameters));
}

/** Series of any of the selectors, or all of them, that have a sample within the times given. */
function selected(
  parameters: URLSearchParams,
  { store, nowMs }: ApiSources,
): readonly StoredSeries[] {
  const fromMs = readOptionalTime(parameters, "start", 0);
  const toMs = readOptionalTime(parameters, "end", nowMs());
  const selectors = readSelectors(parameters);
  const found = (selectors.length > 0 ? selectors : [[]]).flatMap((matchers) =>
    store.select(matchers),
  );
  return [...new Set(found)].filter(({ timestampsMs, start, end }) => {
    const oldest = timestampsMs[start] ?? Number.POSITIVE_INFINITY;
    const newest = timestampsMs[end - 1] ?? Number.NEGATIVE_INFINITY;
    return oldest <= toMs && newest >= fromMs;
  });
}

const isAlert = ({ state }: Alert) => state === "pending" || state === "firing";

function rules(parameters: URLSearchParams, { ruleGroups }: ApiSources) {
  const type = parameters.get("type") ?? "";
  if (!["", "alert", "record"].includes(type))
    throw invalid("type", `not supported value ${JSON.stringify(type)}`);
  // Sentinel evaluates alerting rules alone.
  if (type === "record") return { groups: [] };
  const groups = ruleGroups().map((group) => {
    const { name, intervalMs, lastEvaluationMs } = group;
    const lastEvaluation = isoTime(lastEvaluationMs);
    return {
      name,
      file: "sentinel rules",
      interval: intervalMs / 1000,
      limit: 0,
      evaluationTime: 0,
      lastEvaluation,
      rules: group.rules.map((rule) => ({ ...describeRule(rule, group.alerts), lastEvaluation })),
    };
  });
  return { groups };
}

function describeRule(rule: Rule, groupAlerts: readonly Alert[]) {
  const own = groupAlerts.filter((alert) => alert.rule === rule);
  const active = own.filter(isAlert);
  const missing = own.find(({ state }) => state === "no_data");
  const state = active.some((alert) => alert.state === "firing") ? "firing" : active[0]?.state;
  return {
    state: state ?? "inactive",
    name: rule.alert,
    query: rule.expr,
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    labels: rule.labels,
    annotations: rule.annotations,
    alerts: active.map(describeAlert),
    health: own.length === 0 ? "unknown" : "ok",
    // Not an error to Prometheus, which knows no such state, and yet what a person wants to know.
    ...(missing?.noDataReason ? { lastError: missing.noDataReason } : {}),
    evaluationTime: 0,
    type: "alerting",
  };
}

function describeAlert(alert: Alert) {
  const { labels, rule, state, activeAtMs, value } = alert;
  return {
    labels,
    annotations: { ...rule.annotations, summary: renderSummary(alert) },
    state,
    activeAt: isoTime(activeAtMs),
    value: activeValue(value ?? Number.NaN),
  };
}

/** Of an alert, Prometheus writes every value with an exponent. */
function activeValue(value: number): string {
  return Number.isFinite(value) ? twoDigitExponent(value.toExponential()) : formatValue(value);
}

function alerts(_: URLSearchParams, { ruleGroups }: ApiSources) {
  const active = ruleGroups().flatMap((group) => group.alerts.filter(isAlert));
  return { alerts: active.map(describeAlert) };
}

function targets(parameters: URLSearchParams, sources: ApiSources) {
  const state = parameters.get("state") ?? "any";
  const activeTargets = state === "dropped" ? [] : sources.targets().map(describeTarget);
  return { activeTargets, droppedTargets: [], droppedTargetCounts: {} };
}

function describeTarget(target: TargetStatus) {
  const { labels, url, health, lastError } = target;
  return {
    discoveredLabels: {},
    labels,
    scrapePool: labels["job"] ?? "",
    scrapeUrl: url,
    globalUrl: url,
    lastError,
    lastScrape: isoTime(target.lastScrapeMs),
    lastScrapeDuration: (target.lastScrapeDurationMs ?? 0) / 1000,
    health,
    scrapeInterval: formatDuration(target.intervalMs),
    scrapeTimeout: formatDuration(target.timeoutMs),
  };
}

function buildInfo(_: URLSearchParams, { version }: ApiSources) {
  return {
    version: LIKE_PROMETHEUS,
    revision: `sentinel ${version}`,
    branch: "",
    buildUser: "",
    buildDate: "",
    goVersion: "",
  };
}

/** Go's zero time, where there is none yet. */
function isoTime(atMs: number | undefined): string {
  return atMs === undefined ? "0001-01-01T00:00:00Z" : new Date(atMs).toISOString();
}
