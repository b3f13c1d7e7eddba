import { describe, expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { machineBusySeconds } from "../../../test/target/process.ts";
import { until } from "../../../test/support/supervise.ts";
import { burnCpu } from "./cpu.ts";

const workerEntry = join(import.meta.dir, "..", "cpu-worker.ts");
const staying = new AbortController().signal;

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

describe("a CPU burn", () => {
  test("keeps its workers busy for as long as asked, start-up not counted", async () => {
    const from = { ms: performance.now(), ownMs: cpuMs(), busySeconds: machineBusySeconds() };
    const { primesFound, workers } = await burnCpu(
      { durationMs: 1_000, workers: 2, workerEntry },
      staying,
    );
    const passedMs = performance.now() - from.ms;
    const usedMs = cpuMs() - from.ownMs;
    const othersMs = (machineBusySeconds() - from.busySeconds) * 1_000 - usedMs;
    expect(passedMs).toBeGreaterThanOrEqual(1_000);
    expect(workers).toBe(2);
    expect(primesFound).toBeGreaterThan(5_000);
    // Half at least of what others on this machine leave; bench/target.ts measures the share.
    const couldMs = Math.min(2, availableParallelism()) * passedMs - othersMs;
    expect(usedMs).toBeGreaterThan(couldMs / 2);
  });

  test("leaves the main loop free", async () => {
    let longestGapMs = 0;
    let lastMs = performance.now();
    const timer = setInterval(() => {
      longestGapMs = Math.max(longestGapMs, performance.now() - lastMs);
      lastMs = performance.now();
    }, 5);
    await burnCpu({ durationMs: 2_000, workerEntry }, staying);
    clearInterval(timer);
    // A loop that is held up is so for all of the two seconds.
    expect(longestGapMs).toBeLessThan(1_000);
  });

  test("ends in the middle of its work, and nothing runs on", async () => {
    const client = new AbortController();
    const burning = burnCpu({ durationMs: 60_000, workers: 2, workerEntry }, client.signal);
    const busyFromMs = cpuMs();
    await until("its work", () => cpuMs() - busyFromMs > 300);
    client.abort(new Error("gone"));
    await expect(burning).rejects.toThrow("gone");
    await Bun.sleep(500);
    const idleFromMs = cpuMs();
    await Bun.sleep(300);
    expect(cpuMs() - idleFromMs).toBeLessThan(150);
  });

  test("whose workers cannot start fails instead of doing nothing", async () => {
    const missing = join(import.meta.dir, "no-such-worker.ts");
    const burning = burnCpu({ durationMs: 10, workers: 1, workerEntry: missing }, staying);
    await expect(burning).rejects.toThrow("a CPU worker failed");
  });
});
