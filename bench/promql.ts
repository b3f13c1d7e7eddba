/**
 * How fast our PromQL is beside a real Prometheus, on the same 10,000 series in one run:
 * `bun bench/promql.ts`. Exit 1 when an expression takes us longer than asking Prometheus does.
 *
 * Ours is called in process, which is what it is for; Prometheus over HTTP on loopback, which is
 * how it is asked. What its own engine says it took stands beside, without a bound.
 */

import { z } from "zod";
import { builtInRules } from "../src/rules/built-in-rules.ts";
import { evaluateInstant } from "../src/promql/evaluate.ts";
import { parseExpression } from "../src/promql/parse.ts";
import type { StoredSeries } from "../src/promql/series.ts";
import { arrayStore, storedSeries } from "../test/promql/array-store.ts";
import { differenceOf, ourOutcome, theirOutcome } from "../test/promql/compare.ts";
import {
  type RealPrometheus,
  startPrometheus,
  whyNoPrometheus,
} from "../test/promql/prometheus.ts";
import { randomFrom } from "../test/promql/random.ts";

const JOBS = 10;
const INSTANCES_PER_JOB = 10;
const SCRAPE_MS = 5_000;
/** As long as the longest window of a rule, and the time that is looked back. */
const SCRAPES = 15 * 12;
const START_MS = Date.UTC(2025, 0, 1);
const AT_MS = START_MS + (SCRAPES - 1) * SCRAPE_MS + 1_234;
const MIN_RATIO = 1;

const WARM_UP_RUNS = 200;
const OUR_RUNS = 500;
const THEIR_WARM_UP_RUNS = 50;
const THEIR_RUNS = 150;

interface Row {
  readonly what: string;
  readonly oursMs: number;
  readonly theirsMs: number;
  /** What Prometheus' engine took, without HTTP and JSON. */
  readonly theirEngineMs: number;
}

const statsSchema = z.object({
  data: z.object({ stats: z.object({ timings: z.object({ execTotalTime: z.number() }) }) }),
});

const missing = whyNoPrometheus();
if (missing !== undefined) throw new Error(missing);

const series = [...generate()];
const store = arrayStore(series);
await using prometheus = await startPrometheus();
await prometheus.write(series);

const rows: Row[] = [];
for (const [what, expr] of expressions()) rows.push(await measure(what, expr));
print(rows);
process.exitCode = rows.every(isMet) ? 0 : 1;

function expressions(): readonly (readonly [what: string, expr: string])[] {
  const service = {
    name: "job-3",
    job: "job-3",
    health: { http: "http://localhost/health" },
    platform: "docker" as const,
    actions: [],
  };
  const thresholds = { cpu: 0.8, latencySeconds: 1, memoryBytes: 300e6, errorRatio: 0.05 };
  const rules = builtInRules({ service, thresholds, windowMs: 20_000 });
  return [
    ...rules.map(({ alert, expr, labels }) => {
      const kind = labels?.["kind"];
      return [kind === undefined ? alert : `${alert}, ${kind}`, String(expr)] as const;
    }),
    ["rate of all requests by job", "sum by (job) (rate(http_requests_total[1m]))"],
  ];
}

/** 100 series of each of 100 instances. */
function* generate(): Generator<StoredSeries> {
  const random = randomFrom(1);
  for (let job = 0; job < JOBS; job += 1) {
    for (let nth = 0; nth < INSTANCES_PER_JOB; nth += 1) {
      const labels = { job: `job-${job}`, instance: `10.0.${job}.${nth}:8000` };
      yield* requests(labels, random);
      yield* durations(labels, random);
      yield* processMetrics(labels, random);
    }
  }
}

function* requests(labels: InstanceLabels, random: () => number): Generator<StoredSeries> {
  for (const route of ["/", "/items", "/items/:id", "/login", "/search"]) {
    for (const status of ["200", "404", "422", "500"]) {
      const perScrape = status === "200" ? 60 : 3;
      yield counter("http_requests_total", { ...labels, method: "GET", route, status }, () =>
        Math.floor(random() * perScrape),
      );
    }
  }
}

function* durations(labels: InstanceLabels, random: () => number): Generator<StoredSeries> {
  const bounds = ["0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75"];
  const all = [...bounds, "1", "2.5", "5", "7.5", "10", "15", "30", "60", "+Inf"];
  for (const route of ["/", "/items", "/items/:id", "/login"]) {
    for (const [index, le] of all.entries()) {
      const labelled = { ...labels, method: "GET", route, status: "200", le };
      yield counter("http_request_duration_seconds_bucket", labelled, () =>
        Math.floor((random() + index) * 3),
      );
    }
  }
}

function* processMetrics(labels: InstanceLabels, random: () => number): Generator<StoredSeries> {
  yield counter("process_cpu_seconds_total", labels, () => random() * 5);
  yield gauge("process_resident_memory_bytes", labels, () => 60e6 + random() * 100e6);
  yield gauge("process_start_time_seconds", labels, () => START_MS / 1000 - 3_600);
  yield gauge("process_open_fds", labels, () => Math.floor(20 + random() * 30));
  yield gauge("process_max_fds", labels, () => 1_048_576);
  yield gauge("nodejs_eventloop_lag_seconds", labels, () => random() / 100);
  yield gauge("nodejs_eventloop_lag_p99_seconds", labels, () => random() / 10);
  yield gauge("up", labels, () => 1);
}

interface InstanceLabels {
  readonly job: string;
  readonly instance: string;
}

function counter(name: string, labels: object, growth: () => number): StoredSeries {
  let value = 0;
  return gauge(name, labels, () => {
    value += growth();
    return value;
  });
}

function gauge(name: string, labels: object, value: () => number): StoredSeries {
  const written = Array.from(
    { length: SCRAPES },
    (_, index) => [START_MS + index * SCRAPE_MS, value()] as const,
  );
  return storedSeries({ __name__: name, ...labels }, written);
}

/** Before anything is timed, both must give the same. */
async function measure(what: string, expr: string): Promise<Row> {
  const ours = () => evaluateInstant(parseExpression(expr), store, { atMs: AT_MS });
  const theirs = theirOutcome(await prometheus.query(expr, AT_MS));
  const difference = differenceOf(ourOutcome(ours()), theirs, false);
  if (difference !== undefined) throw new Error(`${expr}: ${difference}`);

  for (let run = 0; run < WARM_UP_RUNS; run += 1) ours();
  const oursMs: number[] = [];
  for (let run = 0; run < OUR_RUNS; run += 1) {
    const from = performance.now();
    ours();
    oursMs.push(performance.now() - from);
  }
  return { what, oursMs: median(oursMs), ...(await measureTheirs(prometheus, expr)) };
}

async function measureTheirs(
  { url }: RealPrometheus,
  query: string,
): Promise<Pick<Row, "theirsMs" | "theirEngineMs">> {
  const ask = async (stats: Record<string, string>) => {
    const body = new URLSearchParams({ query, time: String(AT_MS / 1000), ...stats });
    return (await fetch(`${url}/api/v1/query`, { method: "POST", body })).json();
  };
  for (let run = 0; run < THEIR_WARM_UP_RUNS; run += 1) await ask({});
  const theirsMs: number[] = [];
  for (let run = 0; run < THEIR_RUNS; run += 1) {
    const from = performance.now();
    await ask({});
    theirsMs.push(performance.now() - from);
  }
  const engineMs: number[] = [];
  for (let run = 0; run < THEIR_RUNS; run += 1) {
    const { data } = statsSchema.parse(await ask({ stats: "1" }));
    engineMs.push(data.stats.timings.execTotalTime * 1000);
  }
  return { theirsMs: median(theirsMs), theirEngineMs: median(engineMs) };
}

function print(measured: readonly Row[]): void {
  const samples = series.reduce((sum, { start, end }) => sum + end - start, 0);
  console.log(`${series.length} series, ${samples} samples; medians in ms`);
  const heads = ["ours", "Prometheus", "its engine", "times as fast"];
  console.log(`      ${"".padEnd(30)}${heads.map((head) => head.padStart(14)).join("")}`);
  for (const row of measured) {
    const { what, oursMs, theirsMs, theirEngineMs } = row;
    const ms = [oursMs, theirsMs, theirEngineMs].map((value) => value.toFixed(3));
    const cells = [...ms, (theirsMs / oursMs).toFixed(1)].map((cell) => cell.padStart(14)).join("");
    console.log(`${isMet(row) ? "ok  " : "MISS"}  ${what.padEnd(30)}${cells}`);
  }
}

function isMet({ oursMs, theirsMs }: Row): boolean {
  return theirsMs / oursMs >= MIN_RATIO;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
