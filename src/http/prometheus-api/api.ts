/**
 * Prometheus' HTTP API over the series in memory: what reads a Prometheus reads Sentinel.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */

import { Elysia } from "elysia";
import type { ApiSources, Asked, QueryBounds, Reply } from "./endpoint.ts";
import { evaluate, failure, labelOfPath } from "./evaluated.ts";
import { readForm } from "./form.ts";
import { ApiError } from "./parameters.ts";
import { describeAlerts, describeRules, describeTargets } from "./status.ts";

export type { ApiSources } from "./endpoint.ts";

/**
 * Less than Prometheus' two minutes and 50 million: whoever asks, shares the machine with what is
 * watched. A million points take about 100 MB until they are sent.
 */
export const API_BOUNDS: QueryBounds = {
  maxEvaluationMs: 1000,
  maxSamples: 1_000_000,
  maxAnswerBytes: 24 * 1024 * 1024,
};

/** The Prometheus whose answers these are like: clients choose by it what they may ask. */
const LIKE_PROMETHEUS = "3.5.3";

const PREFIX = "/api/v1";

interface Question {
  readonly parameters: URLSearchParams;
  readonly sources: ApiSources;
  readonly ask: (asked: Omit<Asked, "nowMs">) => Promise<Reply>;
}

/** Data that is known without an evaluation. */
interface Known {
  readonly data: unknown;
  readonly isTruncated?: boolean;
}

interface Endpoint {
  readonly methods: readonly string[];
  /** Gives the data, or a whole reply. */
  readonly answer: (question: Question) => Promise<Reply | Known>;
}

/** An endpoint that evaluates what the client asks; a POST brings the parameters as a form. */
function evaluated(path: string, methods: readonly string[] = GET_OR_POST): Endpoint {
  return { methods, answer: ({ parameters, ask }) => ask({ path, parameters: [...parameters] }) };
}

/** An endpoint whose answer is known without an evaluation. */
function known(describe: (question: Question) => unknown): Endpoint {
  return { methods: GET, answer: async (question) => ({ data: describe(question) }) };
}

const GET = ["GET", "OPTIONS"];
const GET_OR_POST = [...GET, "POST"];

const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map([
  ["query", evaluated("query")],
  ["query_range", evaluated("query_range")],
  ["query_exemplars", evaluated("query_exemplars")],
  ["series", evaluated("series")],
  ["labels", evaluated("labels")],
  // What a metric means is not kept, and that is an answer.
  ["metadata", known(() => ({}))],
  [
    "rules",
    {
      methods: GET,
      answer: ({ parameters, sources, ask }) =>
        describeRules(parameters, sources.ruleGroups(), ask),
    },
  ],
  ["alerts", { methods: GET, answer: async ({ sources }) => describeAlerts(sources.ruleGroups()) }],
  ["targets", known(({ parameters, sources }) => describeTargets(parameters, sources.targets()))],
  ["status/buildinfo", known(({ sources }) => buildInfo(sources))],
]);

function endpointAt(path: string): Endpoint | undefined {
  return labelOfPath(path) === undefined ? ENDPOINTS.get(path) : evaluated(path, GET);
}

/** Everything below `/api/v1`, without a socket. */
export function prometheusApi(sources: ApiSources, bounds: QueryBounds = API_BOUNDS) {
  const ask = async (asked: Omit<Asked, "nowMs">): Promise<Reply> => {
    const now = { ...asked, nowMs: sources.nowMs() };
    return sources.evaluate?.(now) ?? evaluate(now, sources.store, bounds);
  };
  const respond = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname.slice(`${PREFIX}/`.length);
    const endpoint = endpointAt(path);
    if (request.method === "OPTIONS") return new Response(null, { status: 204 });
    if (endpoint === undefined) throw new ApiError("not_found", `there is no ${PREFIX}/${path}`);
    const { methods, answer } = endpoint;
    if (!methods.includes(request.method)) return notAllowed(methods);
    const parameters = await readForm(request);
    const answered = await answer({ parameters, sources, ask });
    if (!("data" in answered)) return toResponse(answered);
    const { data, isTruncated = false } = answered;
    const warnings = isTruncated ? { warnings: ["results truncated due to limit"] } : {};
    return Response.json({ status: "success", data, ...warnings });
  };
  return new Elysia({ prefix: PREFIX }).all(
    "/*",
    ({ request }) => respond(request).catch((error: unknown) => toResponse(failure(error))),
    { parse: "none" },
  );
}

function notAllowed(methods: readonly string[]): Response {
  return new Response("Method Not Allowed\n", {
    status: 405,
    headers: { allow: methods.join(", "), "content-type": "text/plain; charset=utf-8" },
  });
}

function toResponse({ status, body }: Reply): Response {
  return new Response(body, { status, headers: { "content-type": "application/json" } });
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
