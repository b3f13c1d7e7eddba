/** A real Prometheus of this machine, on loopback, with the samples that a test writes. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { StoredSeries } from "../../src/promql/series.ts";
import { encodeRemoteWrite, REMOTE_WRITE_HEADERS } from "./remote-write.ts";

const START_DEADLINE_MS = 20_000;
const READY_POLL_MS = 50;
const QUERY_DEADLINE_MS = 30_000;
/** Bounds a request: all samples of one series stay together, since they must come in order. */
const SERIES_PER_REQUEST = 500;

const labelsSchema = z.record(z.string(), z.string());
/** [seconds, "value"]; the value may be NaN, +Inf or -Inf. */
const pointSchema = z.tuple([z.number(), z.string()]);

const dataSchema = z.discriminatedUnion("resultType", [
  z.object({
    resultType: z.literal("vector"),
    result: z.array(z.object({ metric: labelsSchema, value: pointSchema })),
  }),
  z.object({
    resultType: z.literal("matrix"),
    result: z.array(z.object({ metric: labelsSchema, values: z.array(pointSchema) })),
  }),
  z.object({ resultType: z.literal("scalar"), result: pointSchema }),
  z.object({ resultType: z.literal("string"), result: pointSchema }),
]);

const answerSchema = z.discriminatedUnion("status", [
  z.object({ status: z.literal("success"), data: dataSchema }),
  z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() }),
]);

/** What the HTTP API answers to a query; times in seconds, values as text. */
export type PrometheusAnswer = z.output<typeof answerSchema>;

export interface QuerySpan {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

export interface RealPrometheus extends AsyncDisposable {
  readonly url: string;
  /**
   * Writes series that it does not have yet. The times may lie years back, but no sample more than
   * an hour before the newest one written.
   */
  write(series: readonly StoredSeries[]): Promise<void>;
  query(expr: string, atMs: number): Promise<PrometheusAnswer>;
  queryRange(expr: string, span: QuerySpan): Promise<PrometheusAnswer>;
}

/** Why no real Prometheus can be started here; `undefined` if one can. */
export function whyNoPrometheus(): string | undefined {
  return Bun.which("prometheus") === null ? "no prometheus on the PATH" : undefined;
}

/**
 * Starts one without any target, in a folder of its own that goes when it is disposed of.
 *
 * @throws Error with its last words if it does not get ready
 */
export async function startPrometheus(): Promise<RealPrometheus> {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-prometheus-"));
  await Bun.write(join(folder, "prometheus.yml"), "");
  const child = Bun.spawn(
    [
      "prometheus",
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      "--web.listen-address=127.0.0.1:0",
      "--web.enable-remote-write-receiver",
    ],
    { cwd: folder, stdio: ["ignore", "ignore", Bun.file(join(folder, "log"))] },
  );
  const dispose = async () => {
    child.kill();
    await child.exited;
    rmSync(folder, { recursive: true });
  };
  try {
    const url = await waitUntilReady(join(folder, "log"), child);
    return { url, ...clientOf(url), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** It says in its log which free port it was given. */
async function waitUntilReady(log: string, child: Bun.Subprocess): Promise<string> {
  const deadline = performance.now() + START_DEADLINE_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const text = await Bun.file(log).text();
    const [, address] = /msg="Listening on" .*address=(\S+)/.exec(text) ?? [];
    if (address !== undefined && text.includes("Server is ready")) return `http://${address}`;
    await Bun.sleep(READY_POLL_MS);
  }
  const words = (await Bun.file(log).text()).trim().split("\n").slice(-3).join("\n");
  throw new Error(`prometheus is not ready: ${words}`);
}

function clientOf(url: string): Pick<RealPrometheus, "write" | "query" | "queryRange"> {
  const ask = async (path: string, form: Record<string, string>): Promise<PrometheusAnswer> => {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method: "POST",
      body: new URLSearchParams(form),
      signal: AbortSignal.timeout(QUERY_DEADLINE_MS),
    });
    return answerSchema.parse(await response.json());
  };
  return {
    async write(series) {
      for (let from = 0; from < series.length; from += SERIES_PER_REQUEST) {
        const response = await fetch(`${url}/api/v1/write`, {
          method: "POST",
          headers: REMOTE_WRITE_HEADERS,
          body: encodeRemoteWrite(series.slice(from, from + SERIES_PER_REQUEST)),
        });
        if (!response.ok)
          throw new Error(`remote write answered ${response.status}: ${await response.text()}`);
      }
    },
    query: (query, atMs) => ask("query", { query, time: inSeconds(atMs) }),
    queryRange: (query, { startMs, endMs, stepMs }) =>
      ask("query_range", {
        query,
        start: inSeconds(startMs),
        end: inSeconds(endMs),
        // A duration: of seconds with a fraction it may lose a millisecond.
        step: `${stepMs}ms`,
      }),
  };
}

function inSeconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
