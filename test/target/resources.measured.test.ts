/** CPU, memory, disk and descriptors: as much as was asked for by the kernel's count, and none of it afterwards. */

import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { watch } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { sentinelBinary } from "../support/binary.ts";
import { BUN_IMAGE, describeUnless, whyNoDocker } from "../support/docker.ts";
import { until } from "../support/supervise.ts";
import { startContained } from "./container.ts";
import {
  cpuSeconds,
  machineBusySeconds,
  namelessFileBytes,
  openFiles,
  residentBytes,
  threadNames,
} from "./process.ts";
import {
  type BreakableTarget,
  expectNear,
  type Fault,
  openLoop,
  startTarget,
  type TargetClient,
} from "./target.ts";

setDefaultTimeout(60_000);

const BYTES_PER_MB = 1024 * 1024;
const CORES = availableParallelism();
const CPU_WINDOW_MS = 4000;
const CPU_TOLERANCE = 0.1;
/** More of it, where all cores are busy with something else. */
const CPU_DISTURBANCE = 0.2;
const MEMORY_TOLERANCE = 0.05;
/** Between what the target says and what was found from outside: the runtime itself takes a bit of both. */
const AGREEMENT = 0.1;
const CPU_WORKER = "sentinel-cpu";
/** The runtime's own threads come when it has work (a pool, its collector) and go when they idled for 10 s. */
const OWN_THREADS = 2 + CORES;
/** Of one core. */
const IDLE_SHARE = 0.05;
/** What the runtime's own memory moves by while little happens. */
const OWN_MB = 8;

beforeAll(() => void sentinelBinary());

interface Spent {
  /** Of all cores, 0 to 100, by this process. */
  readonly percent: number;
  /** What it could have had at most beside everybody else on this machine. */
  readonly reachablePercent: number;
  /** A measure is less exact where others want the same cores. */
  readonly tolerance: number;
}

async function spentCpu(pid: number, windowMs: number): Promise<Spent> {
  const from = { own: cpuSeconds(pid), all: machineBusySeconds(), ms: performance.now() };
  await Bun.sleep(windowMs);
  const coreSeconds = ((performance.now() - from.ms) / 1000) * CORES;
  const own = cpuSeconds(pid) - from.own;
  const others = machineBusySeconds() - from.all - own;
  const percentOf = (seconds: number) => (seconds / coreSeconds) * 100;
  return {
    percent: percentOf(own),
    reachablePercent: percentOf(coreSeconds - others),
    tolerance: CPU_TOLERANCE + (others / coreSeconds) * CPU_DISTURBANCE,
  };
}

async function expectIdle(pid: number): Promise<void> {
  const { percent } = await spentCpu(pid, 500);
  expect(percent * CORES).toBeLessThan(IDLE_SHARE * 100);
}

function cpuWorkers(pid: number): number {
  return threadNames(pid).filter((name) => name === CPU_WORKER).length;
}

async function expectNoWorkers(pid: number, threadsBefore: number): Promise<void> {
  await until("the end of its workers", () => cpuWorkers(pid) === 0);
  expect(threadNames(pid).length).toBeLessThanOrEqual(threadsBefore + OWN_THREADS);
}

/** What the target says must be what was found from outside, in its fault as in its metric. */
async function expectAgreement(
  target: TargetClient,
  fault: Fault,
  { measured, tolerance = AGREEMENT }: { readonly measured: number; readonly tolerance?: number },
) {
  const told = await target.fault(fault.id);
  expectNear(told.measured ?? Number.NaN, measured, tolerance);
  expectNear(told.effect_ratio ?? Number.NaN, measured / fault.requested, tolerance);
  const ratio = await target.metric(`sentinel_fault_effect_ratio{kind="${fault.kind}"}`);
  expectNear(ratio ?? Number.NaN, measured / fault.requested, tolerance);
  expect(await target.metric(`sentinel_fault_active{kind="${fault.kind}"}`)).toBe(1);
}

/** A machine that is shared takes a core away for seconds: then it is measured again, twice at most. */
async function burned(
  target: BreakableTarget,
  { load, workers }: { readonly load: number; readonly workers: number },
): Promise<{ readonly fault: Fault; readonly spent: Spent }> {
  for (let tries = 1; ; tries += 1) {
    const fault = await target.post({ kind: "cpu", load, workers });
    expect(cpuWorkers(target.pid)).toBe(workers);
    const spent = await spentCpu(target.pid, CPU_WINDOW_MS);
    const least = Math.min(load, spent.reachablePercent) * (1 - spent.tolerance);
    if (spent.percent >= least || tries === 3) return { fault, spent };
    await target.end(fault.id);
  }
}

describe("cpu", () => {
  // Those of one row run at once, each in a target of its own; together they leave the machine some rest.
  test.each<readonly [string, readonly { workerShare: number; workers: number }[]]>([
    [
      "a quarter and half of a core, and a quarter of all",
      [
        { workerShare: 0.25, workers: 1 },
        { workerShare: 0.5, workers: 1 },
        { workerShare: 0.25, workers: CORES },
      ],
    ],
    ["the whole of a core", [{ workerShare: 1, workers: 1 }]],
    ["half of all cores", [{ workerShare: 0.5, workers: CORES }]],
  ])("takes %s, within 10 %%, and gives it back", async (_, loads) => {
    await Promise.all(
      loads.map(async ({ workerShare, workers }) => {
        await using target = await startTarget();
        const threadsBefore = threadNames(target.pid).length;
        const load = (100 * workerShare * workers) / CORES;
        const { fault, spent } = await burned(target, { load, workers });
        const { percent, reachablePercent, tolerance } = spent;
        expectNear(percent, Math.min(load, reachablePercent), tolerance);
        await expectAgreement(target, fault, { measured: percent, tolerance });

        expect(await target.end(fault.id)).toMatchObject({ state: "cancelled", reason: "deleted" });
        await expectIdle(target.pid);
        await expectNoWorkers(target.pid, threadsBefore);
        expect(await target.metric('sentinel_fault_active{kind="cpu"}')).toBe(0);
      }),
    );
  });

  test("burns all that it may without a load, and stops by itself when its time is over", async () => {
    await using target = await startTarget();
    const fault = await target.post({ kind: "cpu", duration: (CPU_WINDOW_MS + 500) / 1000 });
    expect(fault.plan).toMatchObject({ load: 100, workers: CORES });
    const spent = await spentCpu(target.pid, CPU_WINDOW_MS);
    expectNear(spent.percent, spent.reachablePercent, CPU_TOLERANCE);
    await expectAgreement(target, fault, { measured: spent.percent });
    expect(await target.ended(fault.id)).toMatchObject({ state: "expired" });
    await expectIdle(target.pid);
  });
});

describe("memory", () => {
  const megabytesOf = (pid: number) => residentBytes(pid) / BYTES_PER_MB;
  const filled = (pid: number, megabytes: number) =>
    until("the memory", () => megabytesOf(pid) >= megabytes * (1 - MEMORY_TOLERANCE / 2));

  test.concurrent.each([50, 200, 400])("holds %i MB at once, and none afterwards", async (size) => {
    await using target = await startTarget();
    // What the first of all requests costs is no part of the fault.
    await target.end((await target.post({ kind: "memory", megabytes: 1 })).id);
    const before = megabytesOf(target.pid);
    const fault = await target.post({ kind: "memory", megabytes: size });
    // On a busy machine it is still being filled when the answer comes.
    await filled(target.pid, before + size);
    const grown = megabytesOf(target.pid) - before;
    expectNear(grown, size, MEMORY_TOLERANCE);
    await expectAgreement(target, fault, { measured: grown });
    // It is not given back bit by bit either.
    await Bun.sleep(1000);
    expectNear(megabytesOf(target.pid) - before, size, MEMORY_TOLERANCE);

    const { measured } = await target.end(fault.id);
    expectNear(measured ?? 0, size, MEMORY_TOLERANCE);
    expect(Math.abs(megabytesOf(target.pid) - before)).toBeLessThan(OWN_MB);
  });

  test.concurrent("leaks at its rate, then holds, and ends when its time is over", async () => {
    await using target = await startTarget();
    await target.end((await target.post({ kind: "memory", megabytes: 1 })).id);
    const before = megabytesOf(target.pid);
    const rate = 60;
    const body = { kind: "memory", megabytes: 240, rate, duration: 6 };
    const sentMs = performance.now();
    const [fault, fromMs] = [await target.post(body), performance.now()];
    await Bun.sleep(500);
    const [early, earlyMs] = [megabytesOf(target.pid), performance.now()];
    await Bun.sleep(2500);
    const [late, lateMs] = [megabytesOf(target.pid), performance.now()];
    const rateSeen = (late - early) / ((lateMs - earlyMs) / 1000);
    expectNear(rateSeen, rate, 2 * MEMORY_TOLERANCE);
    // From its start, not only between two looks: it began somewhere between the request and its answer.
    const sinceS = (startMs: number) => (lateMs - startMs) / 1000;
    expect(late - before).toBeGreaterThanOrEqual(rate * sinceS(fromMs) * (1 - MEMORY_TOLERANCE));
    expect(late - before).toBeLessThanOrEqual(rate * sinceS(sentMs) * (1 + MEMORY_TOLERANCE));

    await Bun.sleep(4500 - (performance.now() - fromMs));
    const full = megabytesOf(target.pid) - before;
    expectNear(full, 240, MEMORY_TOLERANCE);
    await expectAgreement(target, fault, { measured: full });
    expect(await target.ended(fault.id)).toMatchObject({ state: "expired" });
    expect(Math.abs(megabytesOf(target.pid) - before)).toBeLessThan(OWN_MB);
  });

  test.concurrent("two at once hold what both say, and each gives back its own", async () => {
    await using target = await startTarget();
    await target.end((await target.post({ kind: "memory", megabytes: 1 })).id);
    const before = megabytesOf(target.pid);
    const [small, large] = await Promise.all(
      [60, 150].map((megabytes) => target.post({ kind: "memory", megabytes })),
    );
    await filled(target.pid, before + 210);
    expectNear(megabytesOf(target.pid) - before, 210, MEMORY_TOLERANCE);
    const ended = await target.end(large?.id ?? "");
    expectNear(ended.measured ?? 0, 150, MEMORY_TOLERANCE);
    expectNear(megabytesOf(target.pid) - before, 60, 2 * MEMORY_TOLERANCE);
    await target.end(small?.id ?? "");
    expect(Math.abs(megabytesOf(target.pid) - before)).toBeLessThan(OWN_MB);
  });
});

describe("disk", () => {
  // Each has its own: the tests run at the same time, and look at all that is in it.
  async function ownFolder(of = tmpdir()) {
    const path = await mkdtemp(join(of, "sentinel-disk-"));
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
  }

  test.concurrent.each([1, 64, 200])(
    "takes %i MB and leaves nothing, not even a name",
    async (size) => {
      await using folder = await ownFolder();
      await using target = await startTarget({ env: { TMPDIR: folder.path } });
      const fault = await target.post({ kind: "disk", megabytes: size });
      await until("the whole file", () => namelessFileBytes(target.pid) >= size * BYTES_PER_MB);
      const takenMb = namelessFileBytes(target.pid) / BYTES_PER_MB;
      expectNear(takenMb, size, 0.01);
      await expectAgreement(target, fault, { measured: takenMb });
      expect(await readdir(folder.path)).toEqual([]);
      await target.end(fault.id);
      expect(namelessFileBytes(target.pid)).toBe(0);
    },
  );

  test.concurrent(
    "that cannot be filled is a fault that failed, and its file is gone",
    async () => {
      // No file may be longer than 20 MB: a full disk, for one process alone.
      const limited = ["sh", "-c", 'ulimit -f 40960 && exec "$@"', "sh", sentinelBinary()];
      await using folder = await ownFolder();
      await using target = await startTarget({
        argv: [...limited, "--role=target"],
        env: { TMPDIR: folder.path },
      });
      const refused = await target.order({ kind: "disk", megabytes: 30 });
      expect(refused.status).toBe(500);
      expect(await refused.json()).toMatchObject({ error: "fault_failed" });
      const failed = 'sentinel_faults_ended_total{kind="disk",outcome="failed"}';
      expect(await target.metric(failed)).toBe(1);
      expect(namelessFileBytes(target.pid)).toBe(0);
    },
  );

  test.concurrent("has no name at any moment, where the file system has such files", async () => {
    // A file system of the kernel's own, which has them.
    await using folder = await ownFolder("/dev/shm");
    const named: string[] = [];
    // A name that comes or goes is a "rename".
    const watcher = watch(folder.path, (event, name) => {
      if (event === "rename") named.push(String(name));
    });
    await using target = await startTarget({ env: { TMPDIR: folder.path } });
    const fault = await target.post({ kind: "disk", megabytes: 5 });
    expect(namelessFileBytes(target.pid)).toBe(5 * BYTES_PER_MB);
    await target.end(fault.id);
    // What is told of later has been told of by then.
    await writeFile(join(folder.path, "last"), "");
    await until("the watcher", () => named.includes("last"));
    watcher.close();
    expect(new Set(named)).toEqual(new Set(["last"]));
  });

  test.concurrent("is freed by the kernel when the process is killed", async () => {
    await using folder = await ownFolder();
    await using target = await startTarget({ env: { TMPDIR: folder.path } });
    await target.post({ kind: "disk", megabytes: 10 });
    expect(namelessFileBytes(target.pid)).toBeGreaterThan(0);
    target.process.kill("SIGKILL");
    await target.process.exited;
    expect(await readdir(folder.path)).toEqual([]);
  });
});

describe("fds", () => {
  test.concurrent.each([1, 100, 2500])("keeps %i open, and closes them", async (count) => {
    await using target = await startTarget();
    const before = openFiles(target.pid).size;
    const fault = await target.post({ kind: "fds", count });
    expect(openFiles(target.pid).size - before).toBe(count);
    await expectAgreement(target, fault, { measured: count });
    await target.end(fault.id);
    expect(openFiles(target.pid).size).toBe(before);
  });

  test.concurrent("leaves enough of a tight limit for the service to go on", async () => {
    const limited = ["sh", "-c", 'ulimit -n 256 && exec "$@"', "sh", sentinelBinary()];
    await using target = await startTarget({ argv: [...limited, "--role=target"] });
    const tooMany = await target.order({ kind: "fds", count: 205 });
    expect(await tooMany.json()).toMatchObject({ error: "invalid_parameter", field: "count" });
    expect(tooMany.status).toBe(422);
    const fault = await target.post({ kind: "fds", count: 150 });
    expect(openFiles(target.pid).size).toBeGreaterThan(150);
    const answers = Array.from({ length: 20 }, () => target.get("/api/items"));
    expect((await Promise.all(answers)).every(({ ok }) => ok)).toBe(true);
    await target.end(fault.id);
  });
});

test("all at once under traffic leave nothing when they are ended", async () => {
  await using target = await startTarget();
  const { pid } = target;
  const url = `${target.url}/api/items`;
  // A service that has been at work for a moment, so that the runtime has taken what it takes.
  await openLoop(url, { count: 300, perSecond: 300 });
  const before = {
    residentMb: residentBytes(pid) / BYTES_PER_MB,
    threads: threadNames(pid).length,
    files: openFiles(pid).size,
  };
  const bodies = [
    { kind: "cpu", load: 50 },
    { kind: "memory", megabytes: 150, rate: 100 },
    { kind: "memory", megabytes: 100 },
    { kind: "latency", min: 0.1, max: 20, share: 0.5 },
    { kind: "errors", probability: 0.5 },
    { kind: "hang", share: 0.2 },
    { kind: "disk", megabytes: 50 },
    { kind: "fds", count: 1000 },
    { kind: "logs", rate: 500 },
    { kind: "health" },
    { kind: "ready" },
    { kind: "crash", mode: "exit", delay: 600 },
  ];
  for (const body of bodies) await target.post(body);
  const traffic = openLoop(url, { count: 150, perSecond: 100 });
  await Bun.sleep(2000);
  expect(residentBytes(pid) / BYTES_PER_MB - before.residentMb).toBeGreaterThan(200);
  expect(openFiles(pid).size).toBeGreaterThan(before.files + 1000);
  const answer = await target.get("/faults", { method: "DELETE" });
  expect(await answer.json()).toMatchObject({ ended: { length: bodies.length } });

  await traffic;
  await expectIdle(pid);
  expect(Math.abs(residentBytes(pid) / BYTES_PER_MB - before.residentMb)).toBeLessThan(3 * OWN_MB);
  expect(openFiles(pid).size).toBe(before.files);
  expect(namelessFileBytes(pid)).toBe(0);
  await expectNoWorkers(pid, before.threads);
  const probes = await Promise.all(["/health", "/ready", "/api/items"].map((p) => target.get(p)));
  expect(probes.every(({ ok }) => ok)).toBe(true);
  // What was logged so far comes within 50 ms.
  await Bun.sleep(300);
  const lines = target.process.events().length;
  await Bun.sleep(300);
  expect(target.process.events()).toHaveLength(lines);
});

const missing = await whyNoDocker([BUN_IMAGE]);

describeUnless(missing, "in a container with limits", () => {
  test("load is of the cores that its quota allows", async () => {
    await using target = await startContained("--cpus", "1");
    for (const load of [100, 50]) {
      const fault = await target.post({ kind: "cpu", load });
      const { percent, reachablePercent, tolerance } = await spentCpu(target.pid, CPU_WINDOW_MS);
      const asked = load / CORES;
      expectNear(percent, Math.min(asked, reachablePercent), tolerance);
      const told = await target.end(fault.id);
      expectNear(told.effect_ratio ?? 0, percent / asked, tolerance);
    }
  });

  test("what is promised to one disk fault is not promised to another", async () => {
    await using target = await startContained("--tmpfs", "/tmp:size=100m");
    const tooLarge = await target.order({ kind: "disk", megabytes: 81 });
    expect(await tooLarge.json()).toMatchObject({ field: "megabytes" });
    expect(tooLarge.status).toBe(422);
    const body = { kind: "disk", megabytes: 75 };
    const answers = await Promise.all([target.order(body), target.order(body)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
    await until("the file", () => namelessFileBytes(target.pid) === 75 * BYTES_PER_MB);
    await target.get("/faults", { method: "DELETE" });
    expect(namelessFileBytes(target.pid)).toBe(0);
  });
});
