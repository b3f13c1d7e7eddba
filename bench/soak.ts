/**
 * Whether the observer's memory stays where it is: `bun bench/soak.ts [executable] [minutes]`, 60 by default.
 *
 * At a 1 s poll it scrapes a target and asks Docker by itself, and somebody reads its metrics and its API,
 * as a Prometheus and a page would. Prints the resident memory of each minute, and by how much it rises in
 * an hour: the slope of the line through the minutes after the first ten, until when the window of samples
 * fills. Exit 1 when that is too much. Without an executable `./sentinel` is built first. Linux only.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitForOk } from "./http-load.ts";
import { findExecutable, freePort, report, residentMb } from "./report.ts";

const MAX_SLOPE_MB_PER_H = 5;
const WARM_UP_MIN = 10;
const DEFAULT_MINUTES = 60;
const READ_EVERY_MS = 15_000;
const MINUTE_MS = 60_000;
const START_DEADLINE_MS = 20_000;

const IMAGE = "oven/bun:1.4.5";
const CONTAINER = `sentinel-soak-${process.pid}`;
const LABEL = `sentinel.soak=${process.pid}`;

interface Minute {
  readonly minute: number;
  readonly mb: number;
}

const minutes = Number(process.argv[3] ?? DEFAULT_MINUTES);
if (!(minutes > WARM_UP_MIN + 1))
  throw new RangeError(`the minutes must be more than ${WARM_UP_MIN + 1}, not ${process.argv[3]}`);
const folder = mkdtempSync(join(tmpdir(), "sentinel-soak-"));
const hasContainer = startContainer();
console.log(hasContainer ? `with the container ${CONTAINER}` : `without a container (no ${IMAGE})`);
try {
  const measured = await soak(await findExecutable());
  const settled = measured.filter(({ minute }) => minute > WARM_UP_MIN);
  const slope = slopeMbPerH(settled);
  const resident = settled.map(({ mb }) => mb);
  process.exitCode = report([
    {
      what: `resident memory, minutes ${WARM_UP_MIN + 1} to ${minutes}`,
      measured: `${slope.toFixed(1)} MB an hour (${Math.min(...resident).toFixed(0)} to ${Math.max(...resident).toFixed(0)} MB)`,
      bound: `< ${MAX_SLOPE_MB_PER_H} MB an hour`,
      met: slope < MAX_SLOPE_MB_PER_H,
    },
  ]);
} finally {
  if (hasContainer) docker("rm", "--force", CONTAINER);
  rmSync(folder, { recursive: true });
}

async function soak(sentinel: string): Promise<readonly Minute[]> {
  const targetPort = freePort();
  const observerPort = freePort();
  const start = (role: string, env: Readonly<Record<string, string>>) =>
    Bun.spawn([sentinel, `--role=${role}`], {
      cwd: folder,
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", Bun.file(join(folder, `${role}.log`)), "inherit"],
    });
  const target = start("target", { PORT: String(targetPort) });
  const observer = start("observer", {
    PROMETHEUS_URL: "embedded",
    POLL_INTERVAL: "1",
    OBSERVER_PORT: String(observerPort),
    TARGET_URL: `http://127.0.0.1:${targetPort}`,
    HEAL_LABEL: LABEL,
    LOCAL_MODELS: "none",
    LOG_FORMAT: "json",
  });
  try {
    await waitForOk(observerPort, START_DEADLINE_MS, "/ready");
    const startMs = performance.now();
    const measured: Minute[] = [];
    while (measured.length < minutes) {
      const minute = measured.length + 1;
      const mb = await lowestUntil(startMs + minute * MINUTE_MS, observerPort, observer.pid);
      measured.push({ minute, mb });
      console.log(`${String(minute).padStart(4)} min  ${mb.toFixed(1)} MB`);
    }
    return measured;
  } finally {
    for (const child of [observer, target]) {
      child.kill();
      await child.exited;
    }
  }
}

/**
 * What others ask of an observer now and then, and the least that is resident meanwhile: what is in use for a
 * moment alone is no slope.
 *
 * @throws when it does not answer
 */
async function lowestUntil(untilMs: number, port: number, pid: number): Promise<number> {
  let lowestMb = Infinity;
  while (performance.now() < untilMs) {
    for (const path of ["/ready", "/metrics", "/api/v1/query?query=up", "/api/v1/targets"]) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      const text = await response.text();
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
    }
    await Bun.sleep(Math.max(Math.min(READ_EVERY_MS, untilMs - performance.now()), 0));
    lowestMb = Math.min(lowestMb, residentMb(pid));
  }
  return lowestMb;
}

/** Of the line with the least squares of distances. */
function slopeMbPerH(points: readonly Minute[]): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const minute = mean(points.map((point) => point.minute));
  const mb = mean(points.map((point) => point.mb));
  const covariance = mean(points.map((point) => (point.minute - minute) * (point.mb - mb)));
  const variance = mean(points.map((point) => (point.minute - minute) ** 2));
  return (covariance / variance) * 60;
}

/** With a HEALTHCHECK that passes. @returns false without an engine or the image */
function startContainer(): boolean {
  if (!docker("image", "inspect", IMAGE)) return false;
  const check = ["--health-cmd", "true", "--health-interval", "5s"];
  const what = ["--name", CONTAINER, "--label", LABEL, ...check];
  return docker("run", "--detach", ...what, "--entrypoint", "sleep", IMAGE, "infinity");
}

function docker(...args: readonly string[]): boolean {
  return Bun.spawnSync(["docker", ...args], { stdio: ["ignore", "ignore", "ignore"] }).success;
}
