import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { burnCpu } from "./cpu.ts";

const workerEntry = join(import.meta.dir, "..", "cpu-worker.ts");
const staying = new AbortController().signal;

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

describe("a CPU burn", () => {
  test("keeps its workers busy for as long as asked, start-up not counted", async () => {
    let usedMs = 0;
    // A machine that is shared takes a core away for a second: then it is tried again, twice at most.
    for (let tries = 0; tries < 3 && usedMs < 1_000; tries += 1) {
      const fromMs = performance.now();
      const cpuFromMs = cpuMs();
      const { primesFound, workers } = await burnCpu(
        { durationMs: 1_000, workers: 2, workerEntry },
        staying,
      );
      usedMs = cpuMs() - cpuFromMs;
      expect(performance.now() - fromMs).toBeWithin(1_000, 4_000);
      expect(workers).toBe(2);
      expect(primesFound).toBeGreaterThan(5_000);
    }
    // Half of two cores at least; bench/target.ts measures the share.
    expect(usedMs).toBeGreaterThan(1_000);
  });

  test("leaves the main loop free", async () => {
    let longestGapMs = 0;
    let lastMs = performance.now();
    const timer = setInterval(() => {
      longestGapMs = Math.max(longestGapMs, performance.now() - lastMs);
      lastMs = performance.now();
    }, 5);
    await burnCpu({ durationMs: 1_000, workerEntry }, staying);
    clearInterval(timer);
    expect(longestGapMs).toBeLessThan(250);
  });

  test("ends in the middle of its work, and nothing runs on", async () => {
    const client = new AbortController();
    const burning = burnCpu({ durationMs: 60_000, workers: 2, workerEntry }, client.signal);
    const busyFromMs = cpuMs();
    await Bun.sleep(300);
    expect(cpuMs() - busyFromMs).toBeGreaterThan(150);
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
