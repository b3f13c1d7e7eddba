/** A Prometheus-compatible HTTP API as the source of samples. */

import { z } from "zod";
import { SentinelError } from "../core/errors.ts";
import type { Labels, Sample, Series } from "../core/model.ts";
import type { RangeSpan, SignalSource } from "../core/ports.ts";
import { parseDuration } from "../core/rules.ts";

export interface PrometheusOptions {
  /** With or without a path; `/api/v1/...` is appended. */
  readonly url: string;
  readonly deadlineMs?: number;
}

/** Prometheus answers a rule in a millisecond; a busy one still does within this. */
const DEADLINE_MS = 5000;

/** Far more than any rule yields; past it the answer is not read on. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

const labelsSchema = z.record(z.string(), z.string());
/** [seconds, "value"]; the value may be NaN, +Inf or -Inf. */
const pointSchema = z.tuple([z.number(), z.string()]).transform(([seconds, text]) => ({
  timestampMs: seconds * 1000,
  value: parseValue(text),
}));

const resultSchema = z.discriminatedUnion("resultType", [
  z.object({
    resultType: z.literal("vector"),
    result: z.array(z.object({ metric: labelsSchema, value: pointSchema })),
  }),
  z.object({
    resultType: z.literal("matrix"),
    result: z.array(z.object({ metric: labelsSchema, values: z.array(pointSchema) })),
  }),
  z.object({ resultType: z.literal("scalar"), result: pointSchema }),
]);

const targetsSchema = z.object({
  activeTargets: z.array(z.object({ labels: labelsSchema, scrapeInterval: z.string().optional() })),
});

const answerSchema = z.discriminatedUnion("status", [
  z.object({ status: z.literal("success"), data: z.unknown() }),
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
  const base = url.replace(/\/+$/, "");
  const get = (path: string, parameters: Record<string, string>, signal: AbortSignal) =>
    ask(`${base}/api/v1/${path}?${new URLSearchParams(parameters)}`, deadlineMs, signal);

  const query = async (expr: string, signal: AbortSignal): Promise<readonly Sample[]> => {
    const data = parse(resultSchema, await get("query", { query: expr }, signal), base);
    if (data.resultType === "scalar") return [{ labels: {}, ...data.result }];
    if (data.resultType === "vector")
      return data.result.map(({ metric, value }) => ({ labels: metric, ...value }));
    throw badAnswer(base, "a matrix where a vector was asked for");
  };

  return {
    query,

    async range(expr, { durationMs, stepMs }: RangeSpan, signal): Promise<readonly Series[]> {
      const now = (await query("time()", signal))[0]?.value;
      if (now === undefined) throw badAnswer(base, "no time");
      const span = { start: String(now - durationMs / 1000), end: String(now) };
      const step = String(Math.max(stepMs / 1000, 0.001));
      const answer = await get("query_range", { query: expr, ...span, step }, signal);
      const data = parse(resultSchema, answer, base);
      if (data.resultType !== "matrix") throw badAnswer(base, "no matrix where one was asked for");
      return data.result.map(({ metric, values }) => ({ labels: metric, points: values }));
    },

    async scrapeIntervalMs(job, signal): Promise<number | undefined> {
      const answer = await get("targets", { state: "active" }, signal);
      const { activeTargets } = parse(targetsSchema, answer, base);
      const intervals = activeTargets
        .filter(({ labels }: { labels: Labels }) => labels["job"] === job)
        .flatMap(({ scrapeInterval }) => scrapeInterval ?? []);
      // With several instances the slowest decides: a window must fit them all.
      const known = intervals.map((text) => parseDuration(text, "scrape interval"));
      return known.length > 0 ? Math.max(...known) : undefined;
    },
  };
}

function parseValue(text: string): number {
  if (text === "+Inf" || text === "Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  return Number(text);
}

async function ask(url: string, deadlineMs: number, caller: AbortSignal): Promise<unknown> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const { origin } = new URL(url);
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([caller, deadline]),
      redirect: "error",
      headers: { accept: "application/json" },
    });
    return readAnswer(await readBounded(response, origin), response.status, origin);
  } catch (error) {
    if (error instanceof SentinelError) throw error;
    if (deadline.aborted)
      throw new SentinelError(
        "source_timeout",
        `${origin} did not answer within ${deadlineMs / 1000} s`,
      );
    throw new SentinelError("source_unreachable", `${origin} cannot be reached`, {
      hint: "Start Prometheus, or set PROMETHEUS_URL to where it listens.",
      cause: error,
    });
  }
}

async function readBounded(response: Response, origin: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw badAnswer(origin, `more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function readAnswer(text: string, status: number, origin: string): unknown {
  const answer = answerSchema.safeParse(tryJson(text));
  if (!answer.success)
    throw badAnswer(origin, `status ${status} and no answer in Prometheus' form`);
  if (answer.data.status === "success") return answer.data.data;
  const { errorType, error } = answer.data;
  // The server works and refuses the query itself: another query may well succeed.
  const rejected = errorType === "bad_data" || errorType === "execution";
  throw new SentinelError(
    rejected ? "source_rejected" : "source_bad_answer",
    `${origin} answered ${status} ${errorType}: ${error.slice(0, 300)}`,
  );
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is not in Prometheus' form, which is what the caller says.
    return undefined;
  }
}

function parse<T>(schema: z.ZodType<T>, data: unknown, origin: string): T {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw badAnswer(origin, `${issue?.path.join(".") || "data"}: ${issue?.message ?? "not read"}`);
}

function badAnswer(origin: string, what: string): SentinelError {
  return new SentinelError("source_bad_answer", `${origin} answered with ${what}`, {
    hint: "Check that PROMETHEUS_URL is that of a Prometheus, without /api/v1.",
  });
}
