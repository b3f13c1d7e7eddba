import { describe, expect, test } from "bun:test";
import { rule, sample, START_MS } from "../../test/support/fixtures.ts";
import { diagnoser, type Story, type Told, tell } from "../../test/support/story.ts";
import type { ToldEvent } from "../core/events.ts";
import { isToldFlap } from "./flapping.ts";
import { foldIncidents } from "../core/incident-record.ts";

/** From 10 s on it is hot for so long, and then as long not, again and again until then. */
const flips = (periodMs: number, untilMs = Infinity): Story["script"] => {
  const isHot = (sinceMs: number) => Math.floor(sinceMs / periodMs) % 2 === 0;
  return (_, elapsedMs) =>
    elapsedMs >= 10_000 && elapsedMs < untilMs && isHot(elapsedMs - 10_000) ? 1.9 : 0.1;
};

function ofType<T extends ToldEvent["type"]>({ events }: Told, type: T) {
  return events.filter((event): event is Extract<ToldEvent, { type: T }> => event.type === type);
}

/** It asks for a person, as a model may: so nothing heals it. */
const asking: Story["diagnosers"] = (clock) => [diagnoser(clock, { action: "none" })];

const recordsOf = async ({ journal }: Told) => foldIncidents(await journal.readAfter(0));

describe("an alert that flips again and again", () => {
  test.each([
    ["as fast as it is polled, while a model thinks", 5000, undefined],
    ["and a person was asked about it", 5000, asking],
    ["slower", 25_000, asking],
    ["slower than a minute would be a firing of its own", 55_000, asking],
  ])(
    "%s: one incident, one diagnosis, and how often it came back",
    async (_, periodMs, diagnosers) => {
      const told = await tell({
        script: flips(periodMs),
        // It is decided upon when it is quiet again.
        diagnosers: diagnosers ?? ((clock) => [diagnoser(clock, { takesMs: 6000 })]),
        limits: { cooldownMs: 0 },
        untilMs: 600_000,
      });
      expect(ofType(told, "incident_opened")).toHaveLength(1);
      expect(ofType(told, "diagnosed")).toHaveLength(1);
      expect(told.runs).toEqual([]);
      const [record] = await recordsOf(told);
      expect(record?.flaps).toBeGreaterThanOrEqual(4);
      expect(record?.flaps).toBeLessThanOrEqual(600_000 / (2 * periodMs));
    },
  );

  test("each time is counted, and ever fewer are kept", async () => {
    const told = await tell({ script: flips(5000), diagnosers: asking, untilMs: 300_000 });
    const times = ofType(told, "alert_flapped").map((event) => event.times);
    expect(times).toEqual(Array.from({ length: times.length }, (_, index) => index + 1));
    expect(times.length).toBeGreaterThan(20);
    const kept = (await told.journal.readAfter(0)).filter(({ type }) => type === "alert_flapped");
    expect(kept.map(({ fields }) => fields["times"])).toEqual([1, 2, 4, 8, 16]);
    expect(isToldFlap(3)).toBe(false);
  });

  test("when it has been quiet for long enough, the sum is told", async () => {
    const script = flips(5000, 60_000);
    const told = await tell({ script, diagnosers: asking, untilMs: 600_000 });
    const last = ofType(told, "alert_flapped").at(-1);
    expect(last).toMatchObject({ isOver: true, times: 4 });
    expect(await recordsOf(told)).toMatchObject([{ flaps: 4, phase: "closed" }]);
  });

  test("that it is over is not told while nobody can see whether it is", async () => {
    const script: Story["script"] = (expr, elapsedMs) =>
      elapsedMs >= 62_000 && elapsedMs < 600_000
        ? new Error("it is down")
        : flips(5000, 60_000)(expr, elapsedMs);
    const told = await tell({ script, diagnosers: asking, untilMs: 700_000 });
    const last = ofType(told, "alert_flapped").at(-1);
    expect(last).toMatchObject({ isOver: true, times: 4 });
    expect((last?.atMs ?? 0) - START_MS).toBeWithin(600_000, 610_000);
  });

  test("once it holds for a minute it is taken up again", async () => {
    const told = await tell({
      script: (_, elapsedMs) =>
        (elapsedMs >= 10_000 && elapsedMs < 12_000) || elapsedMs >= 60_000 ? 1.9 : 0.1,
      diagnosers: (clock) => [diagnoser(clock, { takesMs: 6000 })],
      untilMs: 200_000,
    });
    expect(ofType(told, "alert_flapped").map((event) => event.times)).toEqual([1]);
    expect(told.runs).toHaveLength(1);
    expect(told.runs[0]?.elapsedMs).toBeWithin(120_000, 140_000);
  });

  test("after more than five minutes it is a firing of its own", async () => {
    const told = await tell({
      script: (_, elapsedMs) =>
        (elapsedMs >= 10_000 && elapsedMs < 30_000) || (elapsedMs >= 400_000 && elapsedMs < 420_000)
          ? 1.9
          : 0.1,
      diagnosers: asking,
      untilMs: 500_000,
    });
    expect(ofType(told, "alert_flapped")).toEqual([]);
    expect(ofType(told, "incident_opened")).toHaveLength(2);
  });

  test("a label set that has joined the incident comes back to it as well", async () => {
    const isHot = (elapsedMs: number) =>
      (elapsedMs >= 15_000 && elapsedMs < 35_000) || (elapsedMs >= 60_000 && elapsedMs < 70_000);
    const told = await tell({
      script: (_, elapsedMs) => [
        sample(elapsedMs >= 10_000 && elapsedMs < 30_000 ? 1.9 : 0.1, { instance: "a" }),
        sample(isHot(elapsedMs) ? 1.9 : 0.1, { instance: "b" }),
      ],
      diagnosers: (clock) => [diagnoser(clock, { action: "none", takesMs: 8000 })],
      untilMs: 200_000,
    });
    const [opened, ...more] = ofType(told, "incident_opened");
    expect(more).toEqual([]);
    expect(ofType(told, "alerts_joined")).toMatchObject([{ count: 1 }]);
    expect(ofType(told, "alert_flapped")).toMatchObject([
      { incident: opened?.incident, times: 1, alert: { labels: { instance: "b" } } },
    ]);
  });

  test("another label set of the rule is none of its flaps", async () => {
    const told = await tell({
      script: (_, elapsedMs) => [
        sample(elapsedMs >= 10_000 && elapsedMs < 30_000 ? 1.9 : 0.1, { instance: "a" }),
        sample(elapsedMs >= 60_000 && elapsedMs < 80_000 ? 1.9 : 0.1, { instance: "b" }),
      ],
      diagnosers: asking,
      untilMs: 200_000,
    });
    expect(ofType(told, "alert_flapped")).toEqual([]);
    expect(ofType(told, "incident_opened")).toHaveLength(2);
  });

  test("what an action healed and comes back is an incident of its own", async () => {
    const hot = [10_000, 150_000];
    const told = await tell({
      rules: [rule()],
      script: (_, elapsedMs) =>
        hot.some((fromMs) => elapsedMs >= fromMs && elapsedMs < fromMs + 6000) ? 1.9 : 0.1,
      untilMs: 300_000,
    });
    expect(told.runs).toHaveLength(2);
    expect(ofType(told, "alert_flapped")).toEqual([]);
  });

  test("it goes on over a restart of Sentinel", async () => {
    const story = { script: flips(5000), diagnosers: asking };
    const first = await tell({ ...story, untilMs: 100_000 });
    const { clock, journal } = first;
    const second = await tell({ ...story, clock, journal, untilMs: clock.elapsedMs + 100_000 });
    expect(ofType(second, "incident_opened")).toEqual([]);
    const [record] = await recordsOf(second);
    expect(record?.flaps).toBeGreaterThanOrEqual(16);
  });
});

describe("a restart in the midst of a diagnosis", () => {
  test("does not leave a firing alone for good: nothing had been done about it", async () => {
    const script: Story["script"] = (_, elapsedMs) => (elapsedMs >= 10_000 ? 1.9 : 0.1);
    const first = await tell({ script, stopAt: "diagnosed", untilMs: 100_000 });
    expect(first.closings).toMatchObject([{ result: "cancelled" }]);
    const { clock, journal } = first;
    const second = await tell({ script, clock, journal, untilMs: clock.elapsedMs + 200_000 });
    expect(second.runs).toHaveLength(1);
  });
});
