import { describe, expect, test } from "bun:test";
import { FaultInterrupted, type FaultOrder, TooManyFaults } from "./fault.ts";
import { createFaults } from "./faults.ts";
import { whenAborted } from "../core/abort.ts";
import { delay } from "./waiting.ts";

interface Line {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function createRegistry(
  options: { readonly maxActive?: number; readonly nowMs?: () => number } = {},
) {
  const lines: Line[] = [];
  const faults = createFaults({
    maxActive: options.maxActive ?? 3,
    nowMs: options.nowMs ?? (() => 0),
    random: () => 0.5,
    emit: (_, event, fields) => lines.push({ event, fields }),
  });
  return { faults, lines };
}

/** A fault that lasts until it is ended, with an effect that can be read. */
function order(changes: Partial<FaultOrder<unknown>> = {}): FaultOrder<unknown> {
  return {
    kind: "latency",
    plan: { min: 1, max: 1 },
    durationMs: 60_000,
    requested: 2,
    unit: "s",
    inject: ({ signal, applied, measureBy }) => {
      measureBy(() => 1);
      applied();
      return whenAborted(signal);
    },
    ...changes,
  };
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("it threw nothing");
}

describe("a fault", () => {
  test("is told while it is active, with what is asked and what is measured", async () => {
    let nowMs = 1_000;
    const { faults } = createRegistry({ nowMs: () => nowMs });
    const { id } = faults.start(order({ seed: 7 }));
    nowMs += 20_000;
    const { active, recent } = faults.list();
    expect(recent).toEqual([]);
    expect(active).toMatchObject([
      {
        id,
        kind: "latency",
        state: "active",
        plan: { min: 1, max: 1 },
        seed: 7,
        remaining_s: 40,
        requested: 2,
        measured: 1,
        unit: "s",
        effect_ratio: 0.5,
      },
    ]);
    const [fault] = active;
    expect(Date.parse(fault?.ends_at ?? "") - Date.parse(fault?.started_at ?? "")).toBe(60_000);
    await faults.stop();
  });

  test("that is done by itself is completed, and gives its result", async () => {
    const { faults } = createRegistry();
    const { id, ended } = faults.start(order({ inject: async () => "done" }));
    expect(await ended).toBe("done");
    expect(faults.get(id)).toMatchObject({ state: "completed", remaining_s: 0, measured: null });
    expect(faults.get(id)).not.toHaveProperty("reason");
  });

  test("whose time is over expires", async () => {
    const { faults } = createRegistry();
    const { id, ended } = faults.start(order({ durationMs: 5 }));
    expect(await failureOf(ended)).toMatchObject({ name: "FaultInterrupted", reason: "expired" });
    expect(faults.get(id)).toMatchObject({ state: "expired", measured: 1, effect_ratio: 0.5 });
  });

  test("that ends by itself may take longer than it is meant to", async () => {
    const { faults } = createRegistry();
    const { id, ended } = faults.start(
      order({ durationMs: 0, endsByItself: true, inject: ({ signal }) => delay(20, signal) }),
    );
    await ended;
    expect(faults.get(id)?.state).toBe("completed");
  });

  test("that cannot be applied has failed, says why, and is waited for no longer", async () => {
    const { faults } = createRegistry();
    const cause = new Error("no worker");
    const { id, applied, ended } = faults.start(order({ inject: () => Promise.reject(cause) }));
    await applied;
    expect(await failureOf(ended)).toBe(cause);
    expect(faults.get(id)).toMatchObject({ state: "failed", reason: "no worker" });
    expect(faults.counts("latency")).toMatchObject({ started: 1, active: 0, ended: { failed: 1 } });
  });

  test("that is ended from outside is cancelled, and measured before it is released", async () => {
    const { faults } = createRegistry();
    let effect = 8;
    const { id, ended } = faults.start(
      order({
        async inject({ signal, measureBy }) {
          measureBy(() => effect);
          await whenAborted(signal);
          effect = 0;
        },
      }),
    );
    await faults.end(id);
    expect(await failureOf(ended)).toBeInstanceOf(FaultInterrupted);
    expect(faults.get(id)).toMatchObject({ state: "cancelled", reason: "deleted", measured: 8 });
  });

  test("when its client goes, ends, and only that one", async () => {
    const { faults } = createRegistry();
    const client = new AbortController();
    const left = faults.start(order(), client.signal);
    faults.start(order());
    client.abort();
    expect(await failureOf(left.ended)).toMatchObject({ reason: "client_gone" });
    expect(faults.activeCount()).toBe(1);
    await faults.stop();
  });

  test("with a result that comes after its end is cancelled all the same", async () => {
    const { faults } = createRegistry();
    const client = new AbortController();
    const { ended } = faults.start(
      order({
        inject: async () => {
          client.abort();
          return "too late";
        },
      }),
      client.signal,
    );
    expect(await failureOf(ended)).toMatchObject({ reason: "client_gone" });
  });

  test("draws the same numbers for the same seed", async () => {
    const { faults } = createRegistry();
    const draws = async (seed: number) => {
      const { ended } = faults.start(
        order({ seed, inject: async ({ random }) => [random(), random(), random()] }),
      );
      return ended;
    };
    expect(await draws(7)).toEqual(await draws(7));
    expect(await draws(7)).not.toEqual(await draws(8));
  });
});

describe("the registry of faults", () => {
  test("at the limit one more is refused, and told when the first ends", async () => {
    let nowMs = 1_000;
    const { faults } = createRegistry({ maxActive: 2, nowMs: () => nowMs });
    faults.start(order({ durationMs: 9_000 }));
    faults.start(order({ durationMs: 5_000 }));
    nowMs = 3_000;
    const refusal = thrownBy(() => faults.start(order()));
    expect(refusal).toBeInstanceOf(TooManyFaults);
    expect(refusal).toMatchObject({ limit: 2, retryAfterMs: 3_000 });
    expect(faults.counts("latency").started).toBe(2);
    await faults.stop();
  });

  test("a client that is gone already starts nothing", () => {
    const { faults, lines } = createRegistry();
    expect(thrownBy(() => faults.start(order(), AbortSignal.abort()))).toBeInstanceOf(
      FaultInterrupted,
    );
    expect(lines).toEqual([]);
  });

  test("stopping ends all and refuses new ones", async () => {
    const { faults } = createRegistry();
    const running = [1, 2, 3].map(() => failureOf(faults.start(order()).ended));
    await faults.stop();
    expect(faults.activeCount()).toBe(0);
    for (const failure of await Promise.all(running)) {
      expect(failure).toMatchObject({ reason: "stopping" });
    }
    expect(thrownBy(() => faults.start(order()))).toMatchObject({ reason: "stopping" });
  });

  test("keeps the last 50 that have ended, newest first", async () => {
    const { faults } = createRegistry();
    const ids: string[] = [];
    for (let nth = 0; nth < 60; nth += 1) {
      const { id, ended } = faults.start(order({ inject: async () => {} }));
      await ended;
      ids.unshift(id);
    }
    expect(faults.list().recent.map(({ id }) => id)).toEqual(ids.slice(0, 50));
    expect(faults.get(ids[59] ?? "")).toBeUndefined();
    expect(new Set(ids).size).toBe(60);
  });

  test("logs the start and the end of each, with its effect", async () => {
    const { faults, lines } = createRegistry();
    const { id } = faults.start(order({ seed: 1 }));
    await faults.endAll();
    const effect = { requested: 2, unit: "s" };
    expect(lines).toEqual([
      {
        event: "fault_started",
        fields: { id, kind: "latency", plan: { min: 1, max: 1 }, seed: 1, ...effect },
      },
      {
        event: "fault_ended",
        fields: {
          id,
          kind: "latency",
          outcome: "cancelled",
          reason: "deleted",
          duration_s: expect.any(Number),
          ...effect,
          measured: 1,
          effect_ratio: 0.5,
        },
      },
    ]);
  });

  test("counts by kind, and remembers the last effect", async () => {
    const { faults } = createRegistry();
    await faults.start(order({ inject: async ({ measureBy }) => measureBy(() => 4) })).ended;
    await faults.start(order({ inject: async () => {} })).ended;
    expect(faults.counts("latency")).toEqual({
      started: 2,
      active: 0,
      ended: { completed: 2, expired: 0, cancelled: 0, failed: 0 },
      effectRatio: 2,
    });
    expect(faults.counts("cpu").effectRatio).toBeUndefined();
  });
});
