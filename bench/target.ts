/**
 * What the target costs and how fast it is, from one run: `bun bench/target.ts [executable]`.
 *
 * Without an argument `./sentinel` is built first. Exit 1 when a bound is missed. Linux only.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { measureLatencies, measureThroughput, waitForOk } from "./http-load.ts";
import {
  cpuSeconds,
  findExecutable,
  freePort,
  report,
  residentMb,
  run,
  type Row,
} from "./report.ts";

const MIN_THROUGHPUT_RATIO = 0.7;
const MIN_IDLE_RATIO = 0.95;
const MIN_CPU_SHARE = 0.97;
const MAX_START_MS = 50;
const MAX_TARGET_MB = 60;
const MAX_OBSERVER_MB = 80;

const CONNECTIONS = 32;
const ROUNDS = 5;
const ROUND_MS = 2_000;
const WARM_UP_MS = 1_500;
const START_RUNS = 11;
const START_DEADLINE_MS = 10_000;
const BURN_S = 10;
const COMPILE_FLAGS = [
  "--compile",
  "--minify",
  "--bytecode",
  "--format=esm",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

const folder = mkdtempSync(join(tmpdir(), "sentinel-bench-"));
try {
  const rows = await measureAll(await findExecutable());
  process.exitCode = report(rows);
} finally {
  rmSync(folder, { recursive: true });
}

async function measureAll(sentinel: string): Promise<readonly Row[]> {
  const elysia = await compile("bare-elysia");
  const bun = await compile("bare-bun");
  return [
    await throughput(sentinel, elysia),
    await costOfFaults(sentinel),
    await cpuShare(sentinel),
    await healthUnderStress(sentinel),
    await startTime(sentinel, bun),
    await targetMemory(sentinel),
    await observerMemory(sentinel),
  ];
}

async function throughput(sentinel: string, elysia: string): Promise<Row> {
  await using ours = await start([sentinel, "--role=target"]);
  await using bare = await start([elysia]);
  const { ratio, oursPerS, otherPerS } = await compare(ours.port, bare.port, "/health");
  return {
    what: "/health, requests as a share of bare Elysia",
    measured: `${ratio.toFixed(2)} (${kilo(oursPerS)}/s, bare ${kilo(otherPerS)}/s)`,
    bound: `>= ${MIN_THROUGHPUT_RATIO.toFixed(2)}`,
    met: ratio >= MIN_THROUGHPUT_RATIO,
  };
}

/** The same service twice, faults possible in one of them. */
async function costOfFaults(sentinel: string): Promise<Row> {
  await using on = await start([sentinel, "--role=target"]);
  await using off = await start([sentinel, "--role=target"], { TARGET_FAULTS: "off" });
  const { ratio, oursPerS, otherPerS } = await compare(on.port, off.port, "/api/items");
  return {
    what: "/api/items, as a share of TARGET_FAULTS=off",
    measured: `${ratio.toFixed(2)} (${kilo(oursPerS)}/s, off ${kilo(otherPerS)}/s)`,
    bound: `>= ${MIN_IDLE_RATIO.toFixed(2)}`,
    met: ratio >= MIN_IDLE_RATIO,
  };
}

/** The two alternate, so that a slow moment of the machine hits both. */
async function compare(ourPort: number, otherPort: number, path: string) {
  const measure = async (port: number, durationMs: number) =>
    (await measureThroughput(port, CONNECTIONS, { durationMs, path })).requestsPerS;
  for (const port of [ourPort, otherPort]) await measure(port, WARM_UP_MS);
  const rounds: { ours: number; other: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const ours = await measure(ourPort, ROUND_MS);
    rounds.push({ ours, other: await measure(otherPort, ROUND_MS) });
  }
  return {
    ratio: median(rounds.map(({ ours, other }) => ours / other)),
    oursPerS: median(rounds.map(({ ours }) => ours)),
    otherPerS: median(rounds.map(({ other }) => other)),
  };
}

/** Nothing else runs meanwhile: a client would take its part of the cores. */
async function cpuShare(sentinel: string): Promise<Row> {
  await using target = await start([sentinel, "--role=target"]);
  const burn = burnFor(target.port, BURN_S);
  await Bun.sleep(1_000);
  const fromMs = performance.now();
  const from = cpuSeconds(target.pid);
  await Bun.sleep((BURN_S - 2) * 1_000);
  const wallS = (performance.now() - fromMs) / 1000;
  const cores = availableParallelism();
  const share = (cpuSeconds(target.pid) - from) / (wallS * cores);
  await burn;
  return {
    what: "CPU stress, share of all cores",
    measured: `${share.toFixed(3)} of ${cores}`,
    bound: `>= ${MIN_CPU_SHARE.toFixed(2)}`,
    met: share >= MIN_CPU_SHARE,
  };
}

async function healthUnderStress(sentinel: string): Promise<Row> {
  await using target = await start([sentinel, "--role=target"]);
  const burn = burnFor(target.port, BURN_S);
  await Bun.sleep(500);
  const ms = await measureLatencies(target.port, 50, (BURN_S - 1.5) * 1_000);
  await burn;
  const at = (share: number) => (ms[Math.ceil(ms.length * share) - 1] ?? Number.NaN).toFixed(1);
  return {
    what: "/health meanwhile, 50 a second",
    measured: `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`,
    bound: "(no bound)",
    met: true,
  };
}

async function startTime(sentinel: string, bun: string): Promise<Row> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let run = 0; run < START_RUNS; run += 1) {
    await using target = await start([sentinel, "--role=target"]);
    ours.push(target.startMs);
    await using other = await start([bun]);
    bare.push(other.startMs);
  }
  const startMs = median(ours);
  return {
    what: "start of the process to first 200",
    measured: `${startMs.toFixed(1)} ms (bare Bun ${median(bare).toFixed(1)} ms)`,
    bound: `<= ${MAX_START_MS} ms`,
    met: startMs <= MAX_START_MS,
  };
}

async function targetMemory(sentinel: string): Promise<Row> {
  await using target = await start([sentinel, "--role=target"]);
  await (await fetch(`http://127.0.0.1:${target.port}/metrics`)).text();
  await Bun.sleep(2_000);
  return memoryRow("resident memory of an idle target", residentMb(target.pid), MAX_TARGET_MB);
}

/** Against a Prometheus in which all is well. */
async function observerMemory(sentinel: string): Promise<Row> {
  using prometheus = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => Response.json({ status: "success", data: { resultType: "vector", result: [] } }),
  });
  const observer = Bun.spawn([sentinel, "--role=observer"], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      PROMETHEUS_URL: prometheus.url.origin,
      OBSERVER_PORT: "0",
      POLL_INTERVAL: "1",
    },
    stdio: ["ignore", "ignore", "ignore"],
  });
  try {
    await Promise.race([Bun.sleep(5_000), observer.exited]);
    if (observer.exitCode !== null) throw new Error(`the observer ended with ${observer.exitCode}`);
    return memoryRow(
      "resident memory of an idle observer",
      residentMb(observer.pid),
      MAX_OBSERVER_MB,
    );
  } finally {
    observer.kill();
    await observer.exited;
  }
}

function memoryRow(what: string, megabytes: number, limit: number): Row {
  const measured = `${megabytes.toFixed(1)} MB`;
  return { what, measured, bound: `<= ${limit} MB`, met: megabytes <= limit };
}

interface Running extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** From before it was started to its first 200. */
  readonly startMs: number;
}

/** Its log goes to a file, as Docker's would. */
async function start(
  command: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const port = freePort();
  const startedAtMs = performance.now();
  const child = Bun.spawn([...command], {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOST: "127.0.0.1", PORT: String(port), ...settings },
    stdio: ["ignore", Bun.file(join(folder, `${port}.log`)), "inherit"],
  });
  const dispose = async () => {
    child.kill();
    await child.exited;
  };
  try {
    const startMs = (await waitForOk(port, START_DEADLINE_MS)) - startedAtMs;
    return { port, pid: child.pid, startMs, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function compile(name: string): Promise<string> {
  const outfile = join(folder, name);
  const source = join(import.meta.dir, `${name}.ts`);
  await run(["bun", "build", ...COMPILE_FLAGS, source, "--outfile", outfile], folder);
  return outfile;
}

async function burnFor(port: number, durationS: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/stress/cpu?duration=${durationS}`);
  if (!response.ok) throw new Error(`CPU stress answered ${response.status}`);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function kilo(value: number): string {
  return `${(value / 1000).toFixed(1)}k`;
}
