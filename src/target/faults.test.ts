import { describe, expect, test } from "bun:test";
import { createFaults, FaultInterrupted, TooManyFaults } from "./faults.ts";
import { delay } from "./faults/latency.ts";

const plan = { kind: "latency", durationMs: 60_000 } as const;
const staying = new AbortController().signal;
const forAMinute = (signal: AbortSignal) => delay(60_000, signal);

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

describe("the registry of faults", () => {
  test("a fault is active while it runs, and its result comes back", async () => {
    const faults = createFaults(1, () => 0);
    const running = faults.run(plan, staying, async () => {
      await Promise.resolve();
      return faults.activeCount();
    });
    expect(await running).toBe(1);
    expect(faults.activeCount()).toBe(0);
  });

  test("a fault that fails leaves its slot and keeps its error", async () => {
    const faults = createFaults(1, () => 0);
    const cause = new Error("no worker");
    expect(await failureOf(faults.run(plan, staying, () => Promise.reject(cause)))).toBe(cause);
    expect(faults.activeCount()).toBe(0);
  });

  test("at the limit one more is refused, and told when the first ends", async () => {
    let nowMs = 1_000;
    const faults = createFaults(2, () => nowMs);
    const first = failureOf(faults.run({ ...plan, durationMs: 9_000 }, staying, forAMinute));
    const second = failureOf(faults.run({ ...plan, durationMs: 5_000 }, staying, forAMinute));
    nowMs = 3_000;
    const third = await failureOf(faults.run(plan, staying, forAMinute));
    expect(third).toBeInstanceOf(TooManyFaults);
    expect(third).toMatchObject({ limit: 2, retryAfterMs: 3_000 });
    await faults.stop();
    await Promise.all([first, second]);
  });

  test("when its client goes, a fault ends, and only that one", async () => {
    const faults = createFaults(2, () => 0);
    const client = new AbortController();
    const left = failureOf(faults.run(plan, client.signal, forAMinute));
    const other = failureOf(faults.run(plan, staying, forAMinute));
    client.abort();
    expect(await left).toMatchObject({ name: "FaultInterrupted", reason: "client_gone" });
    expect(faults.activeCount()).toBe(1);
    await faults.stop();
    await other;
  });

  test("a client that is gone already starts nothing", async () => {
    const faults = createFaults(1, () => 0);
    let started = false;
    const run = faults.run(plan, AbortSignal.abort(), async () => {
      started = true;
    });
    expect(await failureOf(run)).toBeInstanceOf(FaultInterrupted);
    expect(started).toBe(false);
  });

  test("stopping ends all and refuses new ones", async () => {
    const faults = createFaults(3, () => 0);
    const running = [1, 2, 3].map(() => failureOf(faults.run(plan, staying, forAMinute)));
    await faults.stop();
    expect(faults.activeCount()).toBe(0);
    for (const failure of await Promise.all(running)) {
      expect(failure).toMatchObject({ reason: "stopping" });
    }
    expect(await failureOf(faults.run(plan, staying, forAMinute))).toMatchObject({
      reason: "stopping",
    });
  });

  test("a result that comes after the interruption does not count", async () => {
    const faults = createFaults(1, () => 0);
    const client = new AbortController();
    const run = faults.run(plan, client.signal, async () => {
      client.abort();
      return "too late";
    });
    expect(await failureOf(run)).toMatchObject({ reason: "client_gone" });
  });
});
