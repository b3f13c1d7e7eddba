/**
 * What it costs to ask an engine for the series of 100 containers, from one run: `bun bench/runtime.ts`.
 *
 * The answers are those of a real engine, given by a server in another process, so that what is measured is
 * Sentinel alone; beside it, what it cost to inspect each container at each poll as well. Exit 1 when a bound
 * is missed. Linux only.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDockerApi } from "../src/platforms/docker/api.ts";
import { resolveConnection } from "../src/platforms/docker/connection.ts";
import { systemClock } from "../src/observer/system-clock.ts";
import { dockerPlatform } from "../src/platforms/docker/platform.ts";
import { embeddedSource } from "../src/signals/embedded/embedded.ts";
import { report } from "./report.ts";

const CONTAINERS = 100;
const POLLS = 40;
const WARM_UP_POLLS = 10;
const POLL_INTERVAL_MS = 5000;
const MAX_CORE_SHARE = 0.05;

const [, , role] = process.argv;
if (role === "engine") serveEngine(process.argv[3] ?? "");
else process.exitCode = await measure();

async function measure(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-bench-"));
  const unix = join(folder, "docker.sock");
  const engine = Bun.spawn([process.execPath, import.meta.path, "engine", unix], {
    stdout: "pipe",
    stderr: "inherit",
  });
  await engine.stdout.getReader().read();
  try {
    const settled = await shareOf(unix, "Up 2 hours");
    const young = await shareOf(unix, "Up 9 seconds");
    return report([
      {
        what: "CPU of 100 containers at a 5 s poll, share of a core",
        measured: `${(settled * 100).toFixed(2)} %`,
        bound: `at most ${MAX_CORE_SHARE * 100} %`,
        met: settled <= MAX_CORE_SHARE,
      },
      {
        what: "the same, each inspected at each poll",
        measured: `${(young * 100).toFixed(2)} %`,
        bound: "",
        met: true,
      },
      {
        what: "ratio of the two",
        measured: (young / settled).toFixed(2),
        bound: "at least 1",
        met: young >= settled,
      },
    ]);
  } finally {
    engine.kill();
    await rm(folder, { recursive: true });
  }
}

/** Of one core, at the interval of polls. @param status as the list has it */
async function shareOf(unix: string, status: string): Promise<number> {
  const connection = resolveConnection({
    host: `unix://${unix}`,
    context: undefined,
    isTls: false,
    certFolder: undefined,
    configFolder: "/nonexistent",
    runtimeFolder: undefined,
  });
  const api = createDockerApi(connection, {});
  await fetch(`http://docker/status?text=${encodeURIComponent(status)}`, { unix });
  const source = embeddedSource({
    targets: [],
    intervalMs: POLL_INTERVAL_MS,
    clock: systemClock,
    platforms: [
      {
        platform: dockerPlatform({ composeFile: "compose.yaml" }, { api }),
        services: Array.from({ length: CONTAINERS }, (_, at) => `c${at}`),
      },
    ],
  });
  const never = new AbortController().signal;
  for (let poll = 0; poll < WARM_UP_POLLS; poll += 1) await source.scrapeOnce(never);
  const before = process.cpuUsage();
  for (let poll = 0; poll < POLLS; poll += 1) await source.scrapeOnce(never);
  const { user, system } = process.cpuUsage(before);
  const up = await source.query("count(container_cpu_usage_seconds_total)", never);
  if (up[0]?.value !== CONTAINERS) throw new Error(`only ${up[0]?.value} containers were told of`);
  api.close();
  return (user + system) / 1000 / POLLS / POLL_INTERVAL_MS;
}

/** As Docker 20.10 answers on a machine with two cores. */
function serveEngine(unix: string): void {
  let status = "";
  const counters = (names: readonly string[]) =>
    Object.fromEntries(names.map((name, at) => [name, 1_000_000 * (at + 1)]));
  const memory = ["active_anon", "active_file", "cache", "dirty", "inactive_anon", "inactive_file"];
  const totals = [...memory, "pgfault", "pgpgin", "pgpgout", "rss", "unevictable", "writeback"];
  const inspected = {
    RestartCount: 0,
    State: { Running: true, OOMKilled: false, ExitCode: 0, StartedAt: "2026-01-01T00:00:00Z" },
    HostConfig: { Memory: 1e8, NanoCpus: 5e8, Binds: Array(40).fill("/a:/b") },
    Config: { Env: Array(40).fill("A_VARIABLE=and its value"), Labels: counters(totals) },
  };
  const stats = {
    read: "2026-01-01T00:00:00Z",
    pids_stats: { current: 12 },
    blkio_stats: {
      io_service_bytes_recursive: ["Read", "Write", "Sync", "Async", "Total"].map((op) => ({
        ...{ major: 8, minor: 0, op },
        value: 4096,
      })),
    },
    cpu_stats: {
      cpu_usage: { total_usage: 1e9, percpu_usage: [1, 2], usage_in_kernelmode: 1 },
      system_cpu_usage: 1e15,
      throttling_data: { periods: 10, throttled_periods: 1, throttled_time: 1000 },
    },
    precpu_stats: { cpu_usage: { total_usage: 0 } },
    memory_stats: {
      usage: 5e7,
      limit: 1e8,
      stats: counters([...totals, ...totals.map((name) => `total_${name}`)]),
    },
    networks: { eth0: counters(["rx_bytes", "rx_packets", "rx_errors", "tx_bytes", "tx_errors"]) },
  };
  const list = () =>
    Array.from({ length: CONTAINERS }, (_, at) => ({
      ...{ Id: `${at}`.padStart(64, "0"), Names: [`/c${at}`], Image: "image", State: "running" },
      ...{ Status: status, Labels: counters(memory.map((name) => `label.${name}`)) },
    })).map((entry) => ({ ...entry, Labels: { "com.example": "text" } }));
  Bun.serve({
    unix,
    fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/status") status = searchParams.get("text") ?? "";
      if (pathname === "/version")
        return Response.json({ Version: "20.10.24", ApiVersion: "1.41", MinAPIVersion: "1.12" });
      if (pathname.endsWith("/containers/json")) return Response.json(list());
      return Response.json(pathname.endsWith("/stats") ? stats : inspected);
    },
  });
  console.log("ready");
}
