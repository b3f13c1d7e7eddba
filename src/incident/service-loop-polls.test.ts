/** The loop over one service: when it polls and acts, and what it tells while all is quiet. */

import { describe, expect, test } from "bun:test";
import {
  NEVER,
  rule,
  type SimulatedClock,
  sample,
  simulatedClock,
  START_MS,
} from "../../test/support/fixtures.ts";
import { hotUntil, tell } from "../../test/support/story.ts";
import { ofType, types, hot, other, again } from "../../test/support/loop-story.ts";
import type { ToldEvent } from "../core/events.ts";
import { createLock } from "../core/lock.ts";

const SECOND = 1000;

describe("polls", () => {
  async function pollsOf(takesMs: number, clock: SimulatedClock = simulatedClock()) {
    const atMs: number[] = [];
    await tell({
      clock,
      script: () => 0.1,
      source: (own) => ({
        query: async (expr) => {
          if (expr !== "cpu") return [];
          atMs.push(own.elapsedMs);
          own.pass(takesMs);
          return [sample(0.1)];
        },
        range: async () => [],
        scrapeIntervalMs: async () => 5000,
      }),
      untilMs: 29_000,
    });
    return atMs;
  }

  test.each([
    [
      "at once, and then as far apart as they should be",
      0,
      [0, 5000, 10_000, 15_000, 20_000, 25_000],
    ],
    ["as far apart, though each takes a while", 2000, [0, 5000, 10_000, 15_000, 20_000, 25_000]],
    [
      "as far apart, though each takes almost as long",
      4999,
      [0, 5000, 10_000, 15_000, 20_000, 25_000],
    ],
    ["one after the other, if each takes longer", 7000, [0, 7000, 14_000, 21_000, 28_000]],
  ])("are %s", async (_, takesMs, expected) => {
    expect(await pollsOf(takesMs)).toEqual(expected);
  });

  test("wait for the time to pass, also when it does so in a turn of its own", async () => {
    const inner = simulatedClock();
    const sleep: SimulatedClock["sleep"] = async (durationMs, signal) => {
      await Promise.resolve();
      await inner.sleep(durationMs, signal);
    };
    const clock = Object.defineProperties(
      { ...inner, sleep },
      {
        elapsedMs: { get: () => inner.elapsedMs },
      },
    );
    expect(await pollsOf(0, clock)).toEqual([0, 5000, 10_000, 15_000, 20_000, 25_000]);
  });

  test("come at once after an incident: what else fires does not wait for the next one", async () => {
    const told = await tell({
      script: hot,
      rules: [rule({ permits: [] }), other({ permits: [] })],
      untilMs: 60_000,
    });
    const [first, second] = ofType(told, "incident_opened");
    expect(first?.atMs).toBe(START_MS + 10_000);
    // As long as the diagnosis of the first took.
    expect(second?.atMs).toBe(START_MS + 11_000);
  });

  test("that end with a stop of Sentinel say nothing any more", async () => {
    const stop = new AbortController();
    const told = await tell({
      stop,
      script: (_, elapsedMs) => {
        if (elapsedMs >= 10_000) stop.abort();
        return elapsedMs >= 10_000 ? 1.9 : 0.1;
      },
      untilMs: 60_000,
    });
    expect(types(told)).toEqual(["quiet"]);
  });
});

describe("quiet", () => {
  test("is told with every alert at rest, of files as well", async () => {
    const told = await tell({
      script: () => [sample(0.1, { service: "sentinel-target-api" })],
      rules: [rule()],
      files: [
        rule({
          alert: "OfAFile",
          expr: "io > 5",
          signal: { expr: "io", operator: ">", threshold: 5 },
        }),
      ],
      untilMs: 4000,
    });
    const [quiet] = ofType(told, "quiet");
    expect(quiet?.alerts.map((alert) => alert.rule.alert).toSorted()).toEqual([
      "HighCpu",
      "OfAFile",
    ]);
  });

  test("is told again a minute after an incident has ended, and not before", async () => {
    const told = await tell({ script: hotUntil(13_000), untilMs: 180_000 });
    const endedMs = ofType(told, "incident_closed")[0]?.atMs ?? 0;
    const after = ofType(told, "quiet").filter(({ atMs }) => atMs > endedMs);
    expect(after[0]?.atMs).toBeWithin(endedMs + 60_000, endedMs + 70_000);
    expect(ofType(told, "quiet").filter(({ atMs }) => atMs < endedMs)).toHaveLength(1);
  });

  test("is not told until a source that failed is back for good", async () => {
    const told = await tell({
      script: (_, elapsedMs) => (elapsedMs < 61_000 ? new Error("it is down") : 0.1),
      rules: [rule()],
      untilMs: 90_000,
    });
    expect(types(told).filter((type) => !type.startsWith("alert"))).toEqual([
      "source_down",
      "source_back",
      "quiet",
    ]);
    expect(ofType(told, "source_down")[0]?.reason).toContain("it is down");
  });

  test.each<[string, number, readonly ToldEvent["type"][]]>([
    ["two polls", 2, ["source_down"]],
    ["three polls", 3, ["source_down", "source_back"]],
  ])("a source that failed at first is back after %s: %p", async (_, polls, expected) => {
    const told = await tell({
      script: (_expr, elapsedMs) => (elapsedMs < 5000 ? new Error("it is down") : 0.1),
      untilMs: polls * 5000 + 2000,
    });
    expect(types(told).filter((type) => type.startsWith("source"))).toEqual([...expected]);
  });
});

describe("the turn to act, of all services", () => {
  const isFree = async (lock: ReturnType<typeof createLock>) => {
    const soon = new AbortController();
    setImmediate(() => soon.abort());
    using _ = await lock.acquire(soon.signal);
    return !soon.signal.aborted;
  };

  test("is held while a command of before the restart is in flight, and given back at the end", async () => {
    const first = await tell({ script: hot, killInAction: true, untilMs: 60_000 });
    const { clock } = first;
    const actionLock = createLock();
    let freeAtMs: number | undefined;
    clock.at(clock.elapsedMs + 6000, async () => {
      using _ = await actionLock.acquire(NEVER);
      freeAtMs = clock.elapsedMs;
    });
    const { untilMs } = again(first, 8000);
    const told = await tell({
      ...again(first),
      untilMs,
      script: hot,
      serviceContext: () => ({ actionLock }),
    });
    expect(types(told)).not.toContain("action_finished");
    expect(await isFree(actionLock)).toBe(true);
    expect(freeAtMs).toBe(untilMs);
  });

  test("is free when nothing was cut short", async () => {
    const actionLock = createLock();
    await tell({ script: () => 0.1, untilMs: 20_000, serviceContext: () => ({ actionLock }) });
    expect(await isFree(actionLock)).toBe(true);
  });
});

test("times of events are those of the clock", async () => {
  const told = await tell({ script: hotUntil(13_000), untilMs: 60_000 });
  expect(ofType(told, "incident_opened")[0]?.atMs).toBe(START_MS + 10 * SECOND);
});
