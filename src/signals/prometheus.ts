/** A Prometheus-compatible HTTP API as the source of samples. */

import { z } from "zod";
import { isLoopback } from "../core/address.ts";
import { parseDuration } from "../core/duration.ts";
import { type ErrorCode, messageOf, SentinelError } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import type { Labels, Sample, Series } from "../core/model.ts";
import type { RangeSpan, SignalSource } from "../core/ports.ts";
import { readBody } from "./body.ts";

export interface PrometheusOptions {
  /**
   * With or without a path; `/api/v1/...` is appended. A user and a password in it are sent as basic
   * authentication, and never part of a message.
   */
  readonly url: string;
  readonly deadlineMs?: number;
}

/** Prometheus answers a rule in a millisecond; a busy one still does within this. */
const DEADLINE_MS = 5000;

/** Far more than any rule yields; past it the answer is not read on. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** How much of a text of strangers a message repeats. */
const MAX_QUOTED = 300;

/** @see https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview */
const CODES: ReadonlyMap<string, ErrorCode> = new Map([
  // The server works and refuses the query itself: another query may well succeed.
  ["bad_data", "source_rejected"],
  ["execution", "source_rejected"],
  ["timeout", "source_timeout"],
]);

/**
 * The engine's own remarks on how an expression is written. Any other warning says that a part of the
 * data could not be had (a remote read, a store of Thanos): what is absent there may well be there.
 */
const ABOUT_EXPRESSION = /^PromQL (warning|info):/;

const labelsSchema = z.record(z.string(), z.string());

/** As Go writes a float: nothing else is a value, least of all the empty text. */
const valueSchema = z
  .string()
  .regex(/^([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?Inf|NaN)$/i)
  .transform((text) => Number(text.replace(/inf$/i, "Infinity")));

/** [seconds, "value"]; the value may be NaN, +Inf or -Inf. */
const pointSchema = z.tuple([z.number(), valueSchema]).transform(([seconds, value]) => ({
  timestampMs: Math.round(seconds * 1000),
  value,
}));

// A native histogram has `histogram` instead of `value`: it is not a number, so it is left out.
const resultSchema = z.discriminatedUnion("resultType", [
  z.object({
    resultType: z.literal("vector"),
    result: z.array(z.object({ metric: labelsSchema, value: pointSchema.optional() })),
  }),
  z.object({
    resultType: z.literal("matrix"),
    result: z.array(z.object({ metric: labelsSchema, values: z.array(pointSchema).default([]) })),
  }),
  z.object({ resultType: z.literal("scalar"), result: pointSchema }),
  z.object({ resultType: z.literal("string"), result: z.tuple([z.number(), z.string()]) }),
]);

const targetsSchema = z.object({
  activeTargets: z.array(z.object({ labels: labelsSchema, scrapeInterval: z.string().optional() })),
});

const answerSchema = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("success"),
    data: z.unknown(),
    warnings: z.array(z.string()).nullish(),
  }),
  z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() }),
]);

/**
 * Queries run at the server's own present, so that a difference between the clocks does no harm.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function prometheusSource({
  url,
  deadlineMs = DEADLINE_MS,
}: PrometheusOptions): SignalSource {
  const base = url.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
  const server = { origin: new URL(url).origin, deadlineMs };
  const get = (path: string, parameters: Record<string, string>, signal: AbortSignal) =>
    ask(`${base}/api/v1/${path}?${new URLSearchParams(parameters)}`, server, signal);

  const query = async (expr: string, signal: AbortSignal): Promise<readonly Sample[]> => {
    const data = parse(resultSchema, await get("query", { query: expr }, signal), server);
    if (data.resultType === "scalar") return [{ labels: {}, ...data.result }];
    if (data.resultType === "vector")
      return data.result.flatMap(({ metric, value }) =>
        value === undefined ? [] : [{ labels: metric, ...value }],
      );
    // Not the server's fault: other expressions may well be vectors.
    throw new SentinelError(
      "source_rejected",
      `${expr.slice(0, MAX_QUOTED)} is a ${data.resultType}, not a vector`,
    );
  };

  return {
    query,

    async range(expr, { durationMs, stepMs }: RangeSpan, signal): Promise<readonly Series[]> {
      const now = (await query("time()", signal))[0]?.value;
      if (now === undefined) throw badAnswer(server, "no time");
      const span = { start: String(now - durationMs / 1000), end: String(now) };
      const step = String(Math.max(stepMs / 1000, 0.001));
      const answer = await get("query_range", { query: expr, ...span, step }, signal);
      const data = parse(resultSchema, answer, server);
      if (data.resultType !== "matrix")
        throw badAnswer(server, `a ${data.resultType} where a matrix was asked for`);
      return data.result.map(({ metric, values }) => ({ labels: metric, points: values }));
    },

    async scrapeIntervalMs(job, signal): Promise<number | undefined> {
      const answer = await get("targets", { state: "active" }, signal);
      const { activeTargets } = parse(targetsSchema, answer, server);
      // With several instances the slowest decides: a window must fit them all.
      const known = activeTargets
        .filter(({ labels }: { labels: Labels }) => labels["job"] === job)
        .flatMap(({ scrapeInterval }) => scrapeInterval ?? [])
        .map((text) => readInterval(text, server))
        .filter((intervalMs) => intervalMs > 0);
      return known.length > 0 ? Math.max(...known) : undefined;
    },
  };
}

interface Server {
  /** What messages call it: without credentials. */
  readonly origin: string;
  readonly deadlineMs: number;
}

async function ask(url: string, server: Server, caller: AbortSignal): Promise<unknown> {
  const { origin, deadlineMs } = server;
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([caller, deadline]),
      // Followed, it could take the credentials to another place.
      redirect: "manual",
      headers: { accept: "application/json" },
      // Docker and companies put HTTP_PROXY everywhere; a proxy knows nothing of our own loopback.
      ...(isLoopback(url) ? { proxy: false } : {}),
    });
    const text = await readBody(response, MAX_BODY_BYTES);
    if (text === undefined) throw badAnswer(server, `more than ${MAX_BODY_BYTES} bytes`);
    return readAnswer(text, response, server);
  } catch (error) {
    if (error instanceof SentinelError) throw error;
    if (caller.aborted)
      throw new SentinelError("source_unreachable", `cancelled before ${origin} had answered`);
    if (deadline.aborted)
      throw new SentinelError(
        "source_timeout",
        `${origin} did not answer within ${deadlineMs / 1000} s`,
      );
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new SentinelError("source_unreachable", `${origin} cannot be reached${code}`, {
      hint: "Start Prometheus, or set PROMETHEUS_URL to where it listens.",
      cause: error,
    });
  }
}

function readAnswer(text: string, { ok, status }: Response, server: Server): unknown {
  const answer = answerSchema.safeParse(parseJson(text));
  if (status === 401 || status === 403)
    throw new SentinelError(
      "source_bad_answer",
      `${server.origin} answered with status ${status}`,
      {
        hint: "Put the user and the password into PROMETHEUS_URL: http://user:password@host:9090.",
      },
    );
  if (!answer.success || ok !== (answer.data.status === "success"))
    throw badAnswer(server, `status ${status} and no answer in Prometheus' form`);
  if (answer.data.status === "success") {
    const partial = answer.data.warnings?.find((warning) => !ABOUT_EXPRESSION.test(warning));
    if (partial === undefined) return answer.data.data;
    throw badAnswer(server, `a part of the data only: ${quoted(partial)}`);
  }
  const { errorType, error } = answer.data;
  const said = quoted(error);
  throw new SentinelError(
    CODES.get(errorType) ?? "source_bad_answer",
    `${server.origin} answered ${status} ${errorType}: ${said}`,
  );
}

function quoted(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, " ").slice(0, MAX_QUOTED);
}

function readInterval(text: string, server: Server): number {
  try {
    return parseDuration(text, "scrapeInterval");
  } catch (error) {
    throw badAnswer(server, messageOf(error));
  }
}

function parse<T>(schema: z.ZodType<T>, data: unknown, server: Server): T {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badAnswer(server, `${issue?.path.join(".") || "data"}: ${issue?.message ?? "not read"}`);
}

function badAnswer({ origin }: Server, what: string): SentinelError {
  return new SentinelError("source_bad_answer", `${origin} answered with ${what}`, {
    hint: "Check that PROMETHEUS_URL is that of a Prometheus.",
  });
}
