/**
 * What the observer costs, from one run: `bun bench/observer.ts [executable]`.
 *
 * Against a server that answers as a Prometheus does in which all is well. A poll is one service's: from
 * its first query to its last answer, as in the observer's own `sentinel_poll_duration_seconds`.
 *
 * Without an argument `./sentinel` is built first. Exit 1 when a bound is missed. Linux only.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitForOk } from "./http-load.ts";
import { cpuSeconds, findExecutable, freePort, report, residentMb, type Row } from "./report.ts";

const MAX_CPU_SHARE = 0.01;
const MAX_RESIDENT_MB = 90;
const MAX_POLL_S = 0.5;
const MAX_MANY_RESIDENT_MB = 300;
/** Of the polls that are due, some may fall just outside of what is measured. */
const MIN_SHARE_OF_POLLS = 0.95;

const MANY_SERVICES = 1000;
/** Rules of a file, each measured for every service. */
const MANY_RULES = 300;
/** The metric of a rule that has a series for each service. */
const OF_EACH_SERVICE = "of_each_service";
const INTERVAL_S = 5;
/** Until the windows are known and what is compiled on the way is compiled. */
const WARM_UP_S = 20;
const MEASURED_S = 40;
const START_DEADLINE_MS = 20_000;
const BUCKET = /^sentinel_poll_duration_seconds_bucket\{le="([^"]+)"[^}]*\} (\d+)$/gm;

const folder = mkdtempSync(join(tmpdir(), "sentinel-bench-"));
try {
  const sentinel = await findExecutable();
  const rows = [
    ...one(await measure(sentinel, { services: 1, rules: 0 })),
    ...many(await measure(sentinel, { services: MANY_SERVICES, rules: 0 })),
    ...many(await measure(sentinel, { services: MANY_SERVICES, rules: MANY_RULES })),
  ];
  process.exitCode = report(rows);
} finally {
  rmSync(folder, { recursive: true });
}

interface Size {
  readonly services: number;
  /** Of a file. */
  readonly rules: number;
}

interface Measured extends Size {
  /** Of one core. */
  readonly cpuShare: number;
  readonly residentMb: number;
  readonly polls: PollHistogram;
  readonly queriesPerS: number;
}

function one({ cpuShare, residentMb, polls }: Measured): readonly Row[] {
  return [
    {
      what: `1 service every ${INTERVAL_S} s, share of one core`,
      measured: `${(cpuShare * 100).toFixed(2)} % (${polls.count} polls)`,
      bound: `<= ${MAX_CPU_SHARE * 100} %`,
      met: cpuShare <= MAX_CPU_SHARE && polls.count > 0,
    },
    {
      what: "1 service, resident memory",
      measured: `${residentMb.toFixed(1)} MB`,
      bound: `<= ${MAX_RESIDENT_MB} MB`,
      met: residentMb <= MAX_RESIDENT_MB,
    },
  ];
}

function many({
  services,
  rules,
  cpuShare,
  residentMb,
  polls,
  queriesPerS,
}: Measured): readonly Row[] {
  const what =
    rules === 0 ? `${services} services` : `${services} services, ${rules} rules of a file`;
  const due = (services * MEASURED_S) / INTERVAL_S;
  const longestS = polls.boundBelow(1);
  const mean = `mean ${((polls.sumS / polls.count) * 1000).toFixed(0)} ms`;
  return [
    {
      what: `${what}, the longest poll`,
      measured: `<= ${longestS} s (99 % <= ${polls.boundBelow(0.99)} s, ${mean})`,
      bound: `<= ${MAX_POLL_S} s`,
      met: longestS <= MAX_POLL_S,
    },
    {
      what: `${what}, polls of those that are due`,
      measured: `${polls.count} of ${due} (${queriesPerS.toFixed(0)} queries a second)`,
      bound: `>= ${MIN_SHARE_OF_POLLS}`,
      met: polls.count >= MIN_SHARE_OF_POLLS * due,
    },
    {
      what: `${what}, share of one core, resident`,
      measured: `${(cpuShare * 100).toFixed(0)} %, ${residentMb.toFixed(0)} MB`,
      bound: `<= ${MAX_MANY_RESIDENT_MB} MB`,
      met: residentMb <= MAX_MANY_RESIDENT_MB,
    },
  ];
}

async function measure(sentinel: string, { services, rules }: Size): Promise<Measured> {
  using prometheus = startPrometheus(services);
  const cwd = join(folder, `${services}-${rules}`);
  mkdirSync(cwd);
  const list = Array.from({ length: services }, (_, index) => ({
    name: nameOf(index),
    health: `${prometheus.url}/health`,
  }));
  const ofFile = Array.from({ length: rules }, (_, index) => ({
    alert: `Rule${index}`,
    expr: `${OF_EACH_SERVICE}_${index} > 5`,
    for: "1m",
    labels: { severity: "high" },
  }));
  // Each JSON text is one of YAML as well.
  writeFileSync(
    join(cwd, "sentinel.yaml"),
    JSON.stringify({ services: list, ...(rules > 0 ? { rule_files: ["rules.yml"] } : {}) }),
  );
  writeFileSync(
    join(cwd, "rules.yml"),
    JSON.stringify({ groups: [{ name: "bench", rules: ofFile }] }),
  );
  const port = freePort();
  const observer = Bun.spawn([sentinel, "--role=observer"], {
    cwd,
    env: {
      PATH: process.env["PATH"],
      PROMETHEUS_URL: prometheus.url,
      OBSERVER_PORT: String(port),
      POLL_INTERVAL: String(INTERVAL_S),
      LOCAL_MODELS: "none",
      LOG_FORMAT: "json",
    },
    stdio: ["ignore", Bun.file(join(cwd, "log")), "inherit"],
  });
  try {
    await waitForOk(port, START_DEADLINE_MS);
    await Bun.sleep(WARM_UP_S * 1000);
    const from = await look();
    await Bun.sleep(MEASURED_S * 1000);
    const to = await look();
    const wallS = (to.atMs - from.atMs) / 1000;
    return {
      services,
      rules,
      cpuShare: (to.cpuS - from.cpuS) / wallS,
      residentMb: residentMb(observer.pid),
      polls: to.polls.since(from.polls),
      queriesPerS: (to.queries - from.queries) / wallS,
    };
  } finally {
    observer.kill();
    await observer.exited;
  }

  async function look() {
    const atMs = performance.now();
    const cpuS = cpuSeconds(observer.pid);
    const queries = prometheus.queries();
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return { atMs, cpuS, queries, polls: readPolls(page) };
  }
}

interface PollHistogram {
  readonly count: number;
  readonly sumS: number;
  /** By upper bound in seconds, ascending. */
  readonly buckets: ReadonlyMap<number, number>;
  since(earlier: PollHistogram): PollHistogram;
  /** The least bound that holds for so large a share of the polls. */
  boundBelow(share: number): number;
}

function readPolls(page: string): PollHistogram {
  const buckets = new Map(
    [...page.matchAll(BUCKET)].map(([, le, count]) => [
      le === "+Inf" ? Infinity : Number(le),
      Number(count),
    ]),
  );
  const [, sum] = /^sentinel_poll_duration_seconds_sum (\S+)$/m.exec(page) ?? [];
  return histogramOf(buckets, Number(sum));
}

function histogramOf(buckets: ReadonlyMap<number, number>, sumS: number): PollHistogram {
  const count = buckets.get(Infinity) ?? 0;
  return {
    count,
    sumS,
    buckets,
    since: (earlier) =>
      histogramOf(
        new Map([...buckets].map(([le, n]) => [le, n - (earlier.buckets.get(le) ?? 0)])),
        sumS - earlier.sumS,
      ),
    boundBelow: (share) =>
      [...buckets].find(([, below]) => below >= share * count)?.[0] ?? Infinity,
  };
}

/** All is well with every service: each signal is there and below its threshold. */
function startPrometheus(services: number) {
  let queries = 0;
  const activeTargets = Array.from({ length: services }, (_, index) => ({
    labels: { job: nameOf(index), instance: "localhost:8000" },
    scrapeInterval: `${INTERVAL_S}s`,
  }));
  const json = { headers: { "content-type": "application/json" } };
  const targets = JSON.stringify({ status: "success", data: { activeTargets } });
  const vector = (result: readonly object[]) =>
    JSON.stringify({ status: "success", data: { resultType: "vector", result } });
  const ofEach = vector(
    activeTargets.map(({ labels }) => ({ metric: labels, value: [1_700_000_000, "0.01"] })),
  );
  const none = vector([]);
  const low = vector([{ metric: { job: "a-job" }, value: [1_700_000_000, "0.01"] }]);
  const up = vector([{ metric: { job: "a-job" }, value: [1_700_000_000, "1"] }]);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      if (request.url.endsWith("/health")) return new Response("ok");
      queries += 1;
      if (request.url.includes("/targets")) return new Response(targets, json);
      const expr = new URL(request.url).searchParams.get("query") ?? "";
      if (expr.startsWith(OF_EACH_SERVICE)) return new Response(ofEach, json);
      const isCondition = / (>|==|unless) |absent/.test(expr);
      const isUp = /^up\b/.test(expr);
      return new Response(isCondition ? none : isUp ? up : low, json);
    },
  });
  return {
    url: server.url.origin,
    queries: () => queries,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

function nameOf(index: number): string {
  return `service-${index}`;
}
