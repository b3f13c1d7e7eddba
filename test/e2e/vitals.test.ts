/** What the observer shows of itself, from the compiled executable, and how it ends when it stalls. */

import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningProcess, runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";
import { describeUnless } from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";
import { freshJournal } from "../support/fresh-journal.ts";
import { lintMetricsPage, readMetricsPage } from "../support/metrics-page.ts";
import { startObserving } from "../support/observing.ts";
import { until } from "../support/supervise.ts";

setDefaultTimeout(120_000);

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
});

/** A Prometheus that has scraped the service a second ago, or nothing at all, and answers or does not. */
function startPrometheus() {
  const prometheus = { answers: true, scrapes: true };
  const age = { metric: { job: "sentinel-target-api" }, value: [1_800_000_000, "1"] };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => {
      if (!prometheus.answers) return new Response("down", { status: 500 });
      const query = new URL(url).searchParams.get("query") ?? "";
      const result = prometheus.scrapes && query.startsWith("time() - max by (job)") ? [age] : [];
      return Response.json({ status: "success", data: { resultType: "vector", result } });
    },
  });
  return Object.assign(prometheus, {
    env: {
      PROMETHEUS_URL: server.url.origin,
      OBSERVER_PORT: "0",
      JOURNAL: freshJournal(),
      POLL_INTERVAL: "0.5",
      LOCAL_MODELS: "none",
      LOG_FORMAT: "json",
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  });
}

/** Where it serves its own health. */
async function originOf(observer: RunningProcess): Promise<string> {
  const { text } = await observer.event(({ topic }) => topic === "health");
  return new URL(String(text).split(" ")[0] ?? "").origin;
}

async function pageOf(origin: string): Promise<string> {
  return (await fetch(`${origin}/metrics`, { proxy: false })).text();
}

async function readiness(origin: string): Promise<[number, unknown]> {
  const response = await fetch(`${origin}/ready`, { proxy: false });
  return [response.status, await response.json()];
}

describe("beside a Prometheus", () => {
  test("it is ready while the Prometheus answers, and says why it is not", async () => {
    await using prometheus = startPrometheus();
    const { env } = prometheus;
    await using observer = startProcess([sentinel, "--role=observer"], { env, cwd: "/" });
    const origin = await originOf(observer);
    await until("a first poll", async () => (await readiness(origin))[0] === 200);

    prometheus.answers = false;
    await until("five intervals", async () => (await readiness(origin))[0] === 503);
    expect(await readiness(origin)).toEqual([
      503,
      {
        status: "not_ready",
        reason: expect.stringMatching(/ was last read \d+(\.\d)? s ago: .*500/),
      },
    ]);
    const health = await fetch(`${origin}/health`, { proxy: false });
    expect([health.status, await health.json()]).toEqual([200, { status: "ok" }]);
    const series = readMetricsPage(await pageOf(origin));
    expect(series['sentinel_polls_total{outcome="ok"}']).toBeGreaterThan(0);
    expect(series['sentinel_polls_total{outcome="source_down"}']).toBeGreaterThan(0);

    prometheus.answers = true;
    await until("its answer", async () => (await readiness(origin))[0] === 200);
    // Answers alone are no signals.
    prometheus.scrapes = false;
    expect(await readiness(origin)).toEqual([
      503,
      {
        status: "not_ready",
        reason: "sentinel-target-api: no sample of job sentinel-target-api arrives",
      },
    ]);
  });

  test("a taken port is exit 1 and one line, which says that two observers need two", async () => {
    await using prometheus = startPrometheus();
    const { env } = prometheus;
    await using first = startProcess([sentinel, "--role=observer"], { env, cwd: "/" });
    const OBSERVER_PORT = new URL(await originOf(first)).port;
    const second = await runToEnd([sentinel, "--role=observer"], {
      env: { ...env, OBSERVER_PORT, JOURNAL: freshJournal() },
      cwd: "/",
    });
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toBe(
      `sentinel: cannot listen on 127.0.0.1:${OBSERVER_PORT}: the port is taken. Set OBSERVER_PORT to a free port; two observers on one machine need two.\n`,
    );
  });

  test("blocked by a reader that reads no more, it ends with 1 and one line", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sentinel-vitals-"));
    const pipe = join(folder, "pipe");
    Bun.spawnSync(["mkfifo", pipe]);
    // Open both ways, else opening waits for the other end.
    const stdout = openSync(pipe, "r+");
    try {
      await using prometheus = startPrometheus();
      const port = String(freePort());
      const observer = Bun.spawn([sentinel, "--role=observer"], {
        // A journal of its own: another observer may hold the one of the working folder.
        env: { ...prometheus.env, OBSERVER_PORT: port, JOURNAL: join(folder, "sentinel.db") },
        cwd: "/",
        stdio: ["ignore", stdout, "pipe"],
      });
      await until("a first poll", async () => {
        const [status] = await readiness(`http://127.0.0.1:${port}`).catch(() => [0]);
        return status === 200;
      });
      fill(pipe);
      // What it has to tell of that does not fit any more.
      prometheus.answers = false;
      const said = await new Response(observer.stderr).text();
      expect(said).toBe(
        "sentinel: the main thread has been blocked for 15 s: Sentinel ends, to be started again.\n",
      );
      expect(await observer.exited).toBe(1);
    } finally {
      closeSync(stdout);
      await rm(folder, { recursive: true });
    }
  });
});

/** Writes until the pipe takes no more. */
function fill(pipe: string): void {
  const end = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    // Byte by byte at last: a whole block fits only where there is a whole block of room.
    for (const bytes of [4096, 1]) while (isWritten(end, bytes));
  } finally {
    closeSync(end);
  }
}

function isWritten(end: number, bytes: number): boolean {
  try {
    return writeSync(end, Buffer.alloc(bytes)) > 0;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return false;
    throw error;
  }
}

describe("with series of its own", () => {
  test("its metrics are beside the API, and are read as any other", async () => {
    await using observer = startObserving({
      // Who only looks on asks nobody, so that the incident ends.
      env: { TARGET_URL: "http://127.0.0.1:1", AUTONOMY: "observe" },
    });
    const origin = await originOf(observer);
    await until("a first poll", async () => (await readiness(origin))[0] === 200);
    await observer.incident("TargetDown");
    const series = readMetricsPage(await pageOf(origin));
    const closed = Object.entries(series).filter(
      ([name, value]) => name.includes('total{alertname="TargetDown"') && value > 0,
    );
    expect(closed).toHaveLength(1);
    expect(series['sentinel_alerts{alertname="TargetDown",state="firing"}']).toBe(1);
    expect(series["process_resident_memory_bytes"]).toBeGreaterThan(20e6);
    expect(series["process_cpu_seconds_total"]).toBeGreaterThan(0);
    expect(series["process_open_fds"]).toBeGreaterThan(3);
    const ageS = (name: string) => Date.now() / 1000 - (series[name] ?? 0);
    expect(ageS("sentinel_last_poll_timestamp_seconds")).toBeLessThan(30);
    expect(ageS("process_start_time_seconds")).toBeLessThan(100);
  });
});

const missing = Bun.which("promtool") === null ? "`promtool` is not on the PATH" : undefined;
describeUnless(missing, "promtool", () => {
  test("has nothing to say against the metrics", async () => {
    await using prometheus = startPrometheus();
    const { env } = prometheus;
    await using observer = startProcess([sentinel, "--role=observer"], { env, cwd: "/" });
    const origin = await originOf(observer);
    await until("a first poll", async () => (await readiness(origin))[0] === 200);
    const page = await pageOf(origin);
    expect(page).toContain("sentinel_polls_total");
    expect(await lintMetricsPage(page)).toBe("");
    // It is not deaf.
    expect(await lintMetricsPage("# TYPE a_total gauge\na_total 1\n")).not.toBe("");
  });
});
