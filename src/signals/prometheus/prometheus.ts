/** A Prometheus-compatible HTTP API as the source of samples. */

import { z } from "zod";
import { exactSeconds } from "../../text/time.ts";
import { isLoopback } from "../../text/url.ts";
import { parseDuration } from "../../core/duration.ts";
import { messageOf, SentinelError } from "../../core/errors.ts";
import { createLock } from "../../core/lock.ts";
import type { Labels, Series } from "../../core/model.ts";
import type { RangeSpan, SignalSource } from "../../core/ports.ts";
import {
  type Answer,
  badAnswer,
  MAX_QUOTED,
  parse,
  readAnswer,
  readResult,
  type Server,
} from "./answer.ts";

interface PrometheusOptions {
  /**
   * With or without a path; `/api/v1/...` is appended. A user and a password in it are sent as basic
   * authentication, and never part of a message.
   */
  readonly url: string;
  readonly access?: PrometheusAccess;
  readonly deadlineMs?: number;
}

/** What a Prometheus behind a gateway wants to see. None of it is ever part of a message. */
interface PrometheusAccess {
  /** Sent with each request, such as `authorization` or a tenant's. */
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM: who may have signed the server's certificate, instead of the system's authorities. */
  readonly ca?: string;
  /** PEM: the certificate by which the server knows us, and its key. */
  readonly client?: { readonly cert: string; readonly key: string };
}

/** Prometheus answers a rule in a millisecond; a busy one still does within this. */
const DEADLINE_MS = 5000;

const targetsSchema = z.object({
  activeTargets: z.array(
    z.object({
      labels: z.record(z.string(), z.string()),
      scrapeInterval: z.string().optional(),
    }),
  ),
});

type Targets = z.infer<typeof targetsSchema>["activeTargets"];

/** Less than any interval at which a service is polled. */
const TARGETS_KEPT_MS = 500;

/**
 * Queries run at the server's own present, so that a difference between the clocks does no harm.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function prometheusSource({
  url,
  access = {},
  deadlineMs = DEADLINE_MS,
}: PrometheusOptions): SignalSource {
  const base = url.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
  const server = { origin: new URL(url).origin, deadlineMs };
  const get = createReader({ base, access, server, deadlineMs });

  const query: SignalSource["query"] = async (expr, signal, beforeMs = 0) => {
    // The server's own present, unless it is to be an earlier time: that is by our clock.
    const time = beforeMs === 0 ? {} : { time: ((Date.now() - beforeMs) / 1000).toFixed(3) };
    const answered = await get("query", { query: expr, ...time }, signal);
    const result = await readResult(answered, server);
    if (result.resultType === "scalar") return [{ labels: {}, ...result.point }];
    if (result.resultType === "vector") return result.samples;
    // Not the server's fault: other expressions may well be vectors.
    throw new SentinelError(
      "source_rejected",
      `${expr.slice(0, MAX_QUOTED)} is a ${result.resultType}, not a vector`,
    );
  };

  let targets: { readonly atMs: number; readonly answer: Promise<Targets> } | undefined;
  /** Each service asks as it begins, and the list is as long as there are services. */
  const askTargets = (signal: AbortSignal): Promise<Targets> => {
    const atMs = performance.now();
    if (targets !== undefined && atMs - targets.atMs < TARGETS_KEPT_MS) return targets.answer;
    const answer = get("targets", { state: "active" }, signal).then(
      (data) => parse(targetsSchema, data, server).activeTargets,
    );
    targets = { atMs, answer };
    // The next caller asks again.
    answer.catch(() => (targets = undefined));
    return answer;
  };

  return {
    query,

    async range(expr, { durationMs, stepMs }: RangeSpan, signal): Promise<readonly Series[]> {
      const now = (await query("time()", signal))[0]?.value;
      if (now === undefined) throw badAnswer(server, "no time");
      const span = { start: String(now - durationMs / 1000), end: String(now) };
      const step = String(Math.max(stepMs / 1000, 0.001));
      const answer = await get("query_range", { query: expr, ...span, step }, signal);
      const result = await readResult(answer, server);
      if (result.resultType !== "matrix")
        throw badAnswer(server, `a ${result.resultType} where a matrix was asked for`);
      return result.series;
    },

    async scrapeIntervalMs(job, signal): Promise<number | undefined> {
      const activeTargets = await askTargets(signal);
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

type Read = (
  path: string,
  parameters: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<unknown>;

interface ReaderOptions {
  readonly base: string;
  readonly access: PrometheusAccess;
  readonly server: Server;
  readonly deadlineMs: number;
}

/** Reads what an endpoint of the API answers; large answers one after the other. */
function createReader({ base, access, server, deadlineMs }: ReaderOptions): Read {
  const largeAnswers = createLock();
  /** Questions whose last answer was large: they wait for their turn at once. */
  const large = new Set<string>();

  return async (path, parameters, signal) => {
    const question = { url: `${base}/api/v1/${path}?${new URLSearchParams(parameters)}`, access };
    const name = parameters["query"] ?? path;
    const until = { caller: signal, deadline: AbortSignal.timeout(deadlineMs) };
    const small = large.has(name) ? undefined : await ask(question, server, until);
    if (small !== undefined) return small.data;
    large.add(name);
    using _turn = await largeAnswers.acquire(AbortSignal.any([signal, until.deadline]));
    try {
      const whole = await ask({ ...question, mayBeLarge: true }, server, until);
      if (whole?.isLarge !== true) large.delete(name);
      return whole?.data;
    } finally {
      // Before the next one is read: the runtime alone would let a few hundred megabytes pile up.
      Bun.gc(true);
    }
  };
}

interface Question {
  readonly url: string;
  readonly access: PrometheusAccess;
  readonly mayBeLarge?: boolean;
}

async function ask(
  { url, access: { headers, ca, client }, mayBeLarge = false }: Question,
  server: Server,
  { caller, deadline }: { readonly caller: AbortSignal; readonly deadline: AbortSignal },
): Promise<Answer | undefined> {
  const { origin, deadlineMs } = server;
  const hangUp = new AbortController();
  const signal = AbortSignal.any([caller, deadline, hangUp.signal]);
  try {
    const response = await fetch(url, {
      signal,
      // Followed, it could take the credentials to another place.
      redirect: "manual",
      headers: { ...headers, accept: "application/json", "accept-encoding": "gzip" },
      decompress: false,
      // Docker and companies put HTTP_PROXY everywhere; a proxy knows nothing of our own loopback.
      ...(isLoopback(url) ? { proxy: false } : {}),
      ...(ca === undefined && client === undefined
        ? {}
        : { tls: { ...(ca === undefined ? {} : { ca }), ...client } }),
    });
    return await readAnswer(response, server, { mayBeLarge });
  } catch (error) {
    if (error instanceof SentinelError) throw error;
    if (caller.aborted)
      throw new SentinelError("source_unreachable", `cancelled before ${origin} had answered`);
    if (deadline.aborted)
      throw new SentinelError(
        "source_timeout",
        `${origin} did not answer within ${exactSeconds(deadlineMs)}`,
      );
    const code = error instanceof Error && "code" in error ? ` (${error.code})` : "";
    throw new SentinelError("source_unreachable", `${origin} cannot be reached${code}`, {
      hint: isTlsCode(code)
        ? "Set PROMETHEUS_CA_FILE to the authority that signed its certificate; it may want PROMETHEUS_CERT_FILE and PROMETHEUS_KEY_FILE."
        : "Start Prometheus, or set PROMETHEUS_URL to where it listens.",
      cause: error,
    });
  } finally {
    // What is left of the body is not wanted.
    hangUp.abort();
  }
}

/** Whether an error code is about a certificate: one that is not trusted, or one of ours that is missing. */
function isTlsCode(code: string): boolean {
  return /CERT|TLS|SSL|SIGNATURE|EPROTO/.test(code);
}

function readInterval(text: string, server: Server): number {
  try {
    return parseDuration(text, "scrapeInterval");
  } catch (error) {
    throw badAnswer(server, messageOf(error));
  }
}
