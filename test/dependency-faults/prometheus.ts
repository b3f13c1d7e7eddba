/** A Prometheus that fails, asked over the wire by the driver itself. */

import type { Sample } from "../../src/core/model.ts";
import type { SignalSource } from "../../src/core/ports.ts";
import { prometheusSource } from "../../src/signals/prometheus/prometheus.ts";
import { rule, START_MS, scriptedSource } from "../support/fixtures.ts";
import { type Case, SECOND, type Stage } from "./stage.ts";

/** For a busy machine; a fault that lasts takes this long at each poll. */
const DEADLINE_MS = 400;

/** How it answers while it fails; `undefined` is its own true answer. */
type Breakage = (
  expr: string,
  truly: readonly Sample[],
) => Response | Promise<Response> | undefined;

const json = (text: string, status = 200) =>
  new Response(text, { status, headers: { "content-type": "application/json" } });
const html = (status: number) =>
  new Response("<!doctype html><title>Sign in</title>", {
    status,
    headers: { "content-type": "text/html" },
  });

function vector(samples: readonly Sample[], value?: string, extra: object = {}): Response {
  const result = samples.map((sample) => ({
    metric: sample.labels,
    value: [sample.timestampMs / 1000, value ?? String(sample.value)],
  }));
  return Response.json({ status: "success", data: { resultType: "vector", result }, ...extra });
}

interface Server {
  readonly breakage?: Breakage;
  /** By how much its clock is ahead of ours. */
  readonly skewMs?: number;
}

/** The story's own samples over HTTP. */
function serve(stage: Stage, { breakage, skewMs = 0 }: Server): string {
  const { clock } = stage;
  const truth = scriptedSource(clock, stage.script);
  const signal = new AbortController().signal;
  const ahead = (sample: Sample) => ({ ...sample, timestampMs: sample.timestampMs + skewMs });
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      const expr = searchParams.get("query") ?? "";
      const samples = (await truth.query(expr, signal)).map(ahead);
      const broken = stage.fails() ? await breakage?.(expr, samples) : undefined;
      if (broken !== undefined) return broken;
      const nowSeconds = (START_MS + clock.elapsedMs + skewMs) / 1000;
      if (expr === "time()")
        return Response.json({
          status: "success",
          data: { resultType: "scalar", result: [nowSeconds, String(nowSeconds)] },
        });
      if (!pathname.endsWith("query_range")) return vector(samples);
      const number = (name: string) => Number(searchParams.get(name)) * 1000;
      const span = { durationMs: number("end") - number("start"), stepMs: number("step") };
      const series = await truth.range(expr, span, signal);
      const result = series.map(({ labels, points }) => ({
        metric: labels,
        values: points.map((point) => [(point.timestampMs + skewMs) / 1000, String(point.value)]),
      }));
      return Response.json({ status: "success", data: { resultType: "matrix", result } });
    },
  });
  stage.resources.defer(() => server.stop(true));
  return server.url.origin;
}

function asking(server: Server): Case["build"] {
  return (stage) => {
    const source = prometheusSource({ url: serve(stage, server), deadlineMs: DEADLINE_MS });
    return { source: () => source };
  };
}

/** Nobody listens while it fails. */
function gone(): Case["build"] {
  return (stage) => {
    const there = prometheusSource({ url: serve(stage, {}), deadlineMs: DEADLINE_MS });
    const closed = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const nowhere = prometheusSource({ url: closed.url.origin, deadlineMs: DEADLINE_MS });
    closed.stop(true);
    const now = () => (stage.fails() ? nowhere : there);
    const source: SignalSource = {
      query: (...asked) => now().query(...asked),
      range: (...asked) => now().range(...asked),
      scrapeIntervalMs: (...asked) => now().scrapeIntervalMs(...asked),
    };
    return { source: () => source };
  };
}

const DOWN = { source_down: 1, source_back: 1 };
const UNKNOWN_THEN_HEALED = {
  runs: [["docker-restart", 201]],
  ends: ["acted healed"],
} as const;

/** It fails from before the service is sick: nothing is known of it, so nothing is done. */
function blind(breakage: Breakage, told: Case["told"] = DOWN): Case {
  return {
    right: "nothing is known of the service, so nothing is done until its signals are back",
    build: asking({ breakage }),
    ...UNKNOWN_THEN_HEALED,
    told,
  };
}

/** Waited for at each poll, so it fails for a few of them only. */
function slow(breakage: Breakage): Case {
  return { ...blind(breakage), fails: [8, 25], runs: [["docker-restart", 26]] };
}

const never = (stage: { readonly signal?: AbortSignal } = {}) =>
  new Promise<Response>((resolve) => {
    stage.signal?.addEventListener("abort", () => resolve(html(503)));
    setTimeout(() => resolve(html(503)), 3 * DEADLINE_MS);
  });

function endless(bytes: number): Response {
  const chunk = new Uint8Array(1024 * 1024).fill(0x20);
  let left = bytes;
  return new Response(
    new ReadableStream({
      pull(controller) {
        left -= chunk.length;
        if (left < 0) controller.close();
        else controller.enqueue(chunk);
      },
    }),
  );
}

const memory = rule({ alert: "HighMemory", expr: "memory > 5", signal: undefined, forMs: 0 });

export const PROMETHEUS = {
  "Prometheus is down": {
    right: "nothing is known of the service, so nothing is done until its signals are back",
    build: gone(),
    ...UNKNOWN_THEN_HEALED,
    told: DOWN,
  },
  "Prometheus is back after an hour": {
    right: "an hour without an answer is told once, and the first alert after it is acted on",
    build: gone(),
    fails: [8, 2000],
    runs: [["docker-restart", 2001]],
    ends: ["acted healed"],
    told: DOWN,
  },
  "Prometheus is slow": slow(() => never()),
  "Prometheus answers byte by byte": slow(
    () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await Bun.sleep(20);
            controller.enqueue(new Uint8Array([0x20]));
          },
        }),
      ),
  ),
  "Prometheus answers 500": blind(() => html(500)),
  "Prometheus answers 503": blind(() =>
    json('{"status":"error","errorType":"unavailable","error":"not ready"}', 503),
  ),
  "Prometheus answers HTML with 200": blind(() => html(200)),
  "Prometheus answers with an empty body": blind(() => json("")),
  "Prometheus answers with half of its JSON": blind(() =>
    json('{"status":"success","data":{"resultType":"vector","result":[{"metr'),
  ),
  "Prometheus answers NaN": blind((_, samples) => vector(samples, "NaN"), { no_data: 1 }),
  "Prometheus answers +Inf": blind((_, samples) => vector(samples, "+Inf"), { no_data: 1 }),
  "Prometheus has no series": blind(() => vector([]), { no_data: 1 }),
  "Prometheus answers with status error": blind(() =>
    json('{"status":"error","errorType":"internal","error":"no"}'),
  ),
  "Prometheus redirects to itself": blind(
    () => new Response(null, { status: 302, headers: { location: "/api/v1/query" } }),
  ),
  "Prometheus answers with 200 MB": {
    ...blind(() => endless(200 * 1024 * 1024)),
    fails: [8, 25],
    runs: [["docker-restart", 26]],
  },
  "Prometheus answers with a warning that its answer is partial": blind((expr, samples) =>
    vector(samples, undefined, { warnings: [`No StoreAPIs matched for ${expr.length}`] }),
  ),
  "Prometheus remarks on the expression": {
    right: "a remark on how the expression is written takes nothing from the answer",
    build: asking({
      breakage: (_, samples) =>
        vector(samples, undefined, {
          warnings: ["PromQL warning: bucket label is malformed"],
          infos: ["PromQL info: metric might not be a counter"],
        }),
    }),
    runs: [["docker-restart", 11]],
    ends: ["acted healed"],
    told: {},
  },
  "Prometheus answers one rule of two": {
    ...blind((expr) => (expr.startsWith("memory") ? html(500) : undefined)),
    right: "what fails half of the questions is not believed in the other half",
    build: (stage) => ({
      ...asking({ breakage: (expr) => (expr.startsWith("memory") ? html(500) : undefined) })(stage),
      rules: [rule(), memory],
    }),
  },
  "Prometheus has lost the series of one rule of two": {
    right: "what is known of the one rule holds, whatever is missing for the other",
    build: (stage) => ({
      ...asking({ breakage: (expr) => (expr.startsWith("memory") ? vector([]) : undefined) })(
        stage,
      ),
      rules: [rule(), { ...memory, signal: { expr: "memory", operator: ">", threshold: 5 } }],
    }),
    runs: [["docker-restart", 11]],
    ends: ["acted healed"],
    told: { no_data: 1 },
  },
  "Prometheus refuses one rule's expression": {
    right: "a rule that cannot be asked is unknown; the others are not",
    build: (stage) => ({
      ...asking({
        breakage: (expr) =>
          expr.startsWith("memory")
            ? json('{"status":"error","errorType":"bad_data","error":"parse error"}', 400)
            : undefined,
      })(stage),
      rules: [rule(), memory],
    }),
    runs: [["docker-restart", 11]],
    ends: ["acted healed"],
    told: { no_data: 1 },
  },
  "Prometheus' clock is 10 minutes ahead": {
    right: "samples are aged by the clock that stamped them, so nothing changes",
    build: asking({ skewMs: 600 * SECOND }),
    runs: [["docker-restart", 11]],
    ends: ["acted healed"],
    told: {},
  },
  "Prometheus' clock is 10 minutes behind": {
    right: "samples are aged by the clock that stamped them, so nothing changes",
    build: asking({ skewMs: -600 * SECOND }),
    runs: [["docker-restart", 11]],
    ends: ["acted healed"],
    told: {},
  },
  "Prometheus is gone before the diagnosis": {
    right: "the alert can't be evaluated again before the act, so there is none until it can",
    fails: [10.5, 60],
    build: gone(),
    runs: [["docker-restart", 72]],
    ends: ["skipped data_missing", "acted healed"],
    told: DOWN,
  },
  "Prometheus is gone during the verification": {
    right: "what was done is done; whether it healed is not known, and no second act follows",
    fails: [12, 200],
    build: gone(),
    runs: [["docker-restart", 11]],
    ends: ["acted unknown"],
    told: DOWN,
  },
  "Prometheus answers every other poll": {
    right: "it is believed when it answers twice, at the alert and again before the act",
    build: (stage) => {
      const source = prometheusSource({
        url: serve(stage, {
          breakage: () =>
            Math.round(stage.clock.elapsedMs / 5000) % 2 === 1 ? html(500) : undefined,
        }),
        deadlineMs: DEADLINE_MS,
      });
      return { source: () => source };
    },
    runs: [["docker-restart", 11]],
    ends: ["acted unknown"],
    told: DOWN,
  },
} satisfies Record<string, Case>;
