/**
 * Prometheus' HTTP API over the series in memory: what reads a Prometheus reads Sentinel.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */

import { Elysia } from "elysia";
import { messageOf } from "../core/errors.ts";
import { PromqlError } from "../promql/errors.ts";
import type { Answer, ApiSources, QueryBounds } from "./prometheus-endpoint.ts";
import { readForm } from "./prometheus-form.ts";
import { ApiError } from "./prometheus-parameters.ts";
import { query, queryExemplars, queryRange } from "./prometheus-query.ts";
import { labelNames, labelValues, series } from "./prometheus-series.ts";
import { describeAlerts, describeRules, describeTargets } from "./prometheus-status.ts";

export type { ApiSources } from "./prometheus-endpoint.ts";

/**
 * Less than Prometheus' two minutes and 50 million: an evaluation holds up the loop that watches, and
 * a scrape that waits for it too long would look as if the target were down. 5 million points take
 * about 300 MB until they are sent.
 */
const BOUNDS: QueryBounds = { maxEvaluationMs: 1000, maxSamples: 5_000_000 };

/** The Prometheus whose answers these are like: clients choose by it what they may ask. */
const LIKE_PROMETHEUS = "3.5.3";

const PREFIX = "/api/v1";

interface Endpoint {
  readonly methods: readonly string[];
  readonly answer: Answer;
}

const get = (answer: Answer): Endpoint => ({ methods: ["GET", "OPTIONS"], answer });
/** A POST brings the parameters as a form. */
const getOrPost = (answer: Answer): Endpoint => ({ methods: ["GET", "OPTIONS", "POST"], answer });

const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map([
  ["query", getOrPost(query)],
  ["query_range", getOrPost(queryRange)],
  ["query_exemplars", getOrPost(queryExemplars)],
  ["series", getOrPost(series)],
  ["labels", getOrPost(labelNames)],
  // What a metric means is not kept, and that is an answer.
  ["metadata", get(() => ({ data: {} }))],
  [
    "rules",
    get(({ parameters, sources }) => ({ data: describeRules(parameters, sources.ruleGroups()) })),
  ],
  ["alerts", get(({ sources }) => ({ data: describeAlerts(sources.ruleGroups()) }))],
  [
    "targets",
    get(({ parameters, sources }) => ({ data: describeTargets(parameters, sources.targets()) })),
  ],
  ["status/buildinfo", get(({ sources }) => ({ data: buildInfo(sources) }))],
]);

function endpointAt(path: string): Endpoint | undefined {
  const [, labelName] = /^label\/([^/]+)\/values$/.exec(path) ?? [];
  if (labelName === undefined) return ENDPOINTS.get(path);
  return get((question) => labelValues(labelName, question));
}

/** Everything below `/api/v1`, without a socket. */
export function prometheusApi(sources: ApiSources, bounds: QueryBounds = BOUNDS) {
  const respond = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname.slice(`${PREFIX}/`.length);
    const endpoint = endpointAt(path);
    if (request.method === "OPTIONS") return new Response(null, { status: 204 });
    if (endpoint === undefined) throw new ApiError("not_found", `there is no ${PREFIX}/${path}`);
    const { methods, answer } = endpoint;
    if (!methods.includes(request.method)) return notAllowed(methods);
    const parameters = await readForm(request);
    const { data, isTruncated = false } = answer({ parameters, sources, bounds });
    const warnings = isTruncated ? { warnings: ["results truncated due to limit"] } : {};
    return Response.json({ status: "success", data, ...warnings });
  };
  return new Elysia({ prefix: PREFIX }).all(
    "/*",
    ({ request }) => respond(request).catch(failure),
    { parse: "none" },
  );
}

function notAllowed(methods: readonly string[]): Response {
  return new Response("Method Not Allowed\n", {
    status: 405,
    headers: { allow: methods.join(", "), "content-type": "text/plain; charset=utf-8" },
  });
}

function failure(error: unknown): Response {
  const { errorType, message, status } = asApiError(error);
  return Response.json({ status: "error", errorType, error: message }, { status });
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof PromqlError) return new ApiError(error.code, error.message, error);
  return new ApiError("internal", messageOf(error), error);
}

function buildInfo({ version }: ApiSources) {
  return {
    version: LIKE_PROMETHEUS,
    revision: `sentinel ${version}`,
    branch: "",
    buildUser: "",
    buildDate: "",
    goVersion: "",
  };
}
