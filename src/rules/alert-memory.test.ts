import { describe, expect, test } from "bun:test";
import { alert, rule, START_MS } from "../../test/support/fixtures.ts";
import { hotUntil, tell } from "../../test/support/story.ts";
import { readSavedAlerts, restoreAlerts, saveAlerts } from "./alert-memory.ts";
import type { Alert } from "../core/model.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const firing: Alert = alert({ activeAtMs: START_MS - 60_000, firingAtMs: START_MS - 50_000 });
const pending: Alert = alert({
  rule: rule({ alert: "Slow", forMs: 12_000 }),
  labels: { alertname: "Slow" },
  state: "pending",
  activeAtMs: START_MS - 5000,
  firingAtMs: undefined,
});
const resting: Alert = alert({ state: "inactive", activeAtMs: undefined, firingAtMs: undefined });

const text = (alerts: readonly Alert[] = [pending, firing, resting]) =>
  JSON.stringify(saveAlerts(alerts, (one) => one === firing, START_MS));

const read = (afterMs: number) =>
  readSavedAlerts(text(), { nowMs: START_MS + afterMs, pollIntervalMs: 5000 });

describe("what was saved", () => {
  test("is what is pending or firing, what was taken up first", () => {
    expect(read(9000)?.alerts).toEqual([
      expect.objectContaining({ name: "HighCpu", isHandled: true, firingAtMs: firing.firingAtMs }),
      expect.objectContaining({ name: "Slow", isHandled: false, activeAtMs: pending.activeAtMs }),
    ]);
  });

  test.each([
    ["at once", 0, ["HighCpu", "Slow"]],
    ["as long after as polls may be apart", 2 * MINUTE, ["HighCpu", "Slow"]],
    ["later what was pending has not been seen to hold", 2 * MINUTE + 1, ["HighCpu"]],
    ["an hour later", HOUR, ["HighCpu"]],
    ["after more than an hour it says nothing", HOUR + 1, undefined],
  ])("holds %s", (_, afterMs, names) => {
    expect(read(afterMs)?.alerts.map(({ name }) => name)).toEqual(names);
  });

  test("moves with a wall clock that was put back meanwhile", () => {
    const back = read(-HOUR);
    expect(back?.savedAtMs).toBe(START_MS - HOUR);
    expect(back?.alerts[0]?.firingAtMs).toBe(START_MS - 50_000 - HOUR);
  });

  test.each(["", "{", "[]", '{"savedAtMs":1,"alerts":[{"name":1}],"overflow":[]}'])(
    "is nothing if it is %p",
    (other) => {
      expect(readSavedAlerts(other, { nowMs: START_MS, pollIntervalMs: 5000 })).toBeUndefined();
    },
  );

  test("is bounded: of a rule with more label sets only the name is kept", () => {
    const many = Array.from({ length: 1000 }, (_, index) =>
      alert({ labels: { alertname: "HighCpu", instance: String(index) } }),
    );
    const saved = saveAlerts(many, () => true, START_MS);
    expect(saved.alerts).toHaveLength(200);
    expect(saved.overflow).toEqual(["HighCpu"]);
    const long = [alert({ labels: { path: "x".repeat(300_000) } })];
    expect(saveAlerts(long, () => true, START_MS)).toMatchObject({
      alerts: [],
      overflow: ["HighCpu"],
    });
    expect(saveAlerts(long, () => false, START_MS)).toMatchObject({ alerts: [], overflow: [] });
  });

  test("is restored by name and labels, as in Prometheus", () => {
    const saved = read(0)?.alerts ?? [];
    const other = rule({ expr: "cpu_over_another_range", labels: {} });
    expect(restoreAlerts(saved, [other])).toMatchObject([
      { rule: other, state: "firing", firingAtMs: firing.firingAtMs },
    ]);
    expect(restoreAlerts(saved, [rule({ labels: { kind: "other" } })])).toEqual([]);
  });
});

/** Sentinel is started again and again, and each time killed after so long. */
async function lives(
  lengthsMs: readonly number[],
  story: Pick<Parameters<typeof tell>[0], "script" | "rules" | "limits" | "files">,
  awayMs = 1000,
) {
  let told = await tell({ ...story, untilMs: lengthsMs[0] ?? 0, killAt: () => false });
  const runs = [...told.runs];
  const types = told.events.map(({ type }) => type);
  for (const lengthMs of lengthsMs.slice(1)) {
    const { clock, journal } = told;
    clock.pass(awayMs);
    told = await tell({ ...story, clock, journal, untilMs: clock.elapsedMs + lengthMs });
    runs.push(...told.runs);
    types.push(...told.events.map(({ type }) => type));
  }
  return { runs, types, told };
}

describe("over restarts of Sentinel", () => {
  test("what is pending goes on: with restarts every 9 s, `for: 12s` fires", async () => {
    const rules = [rule({ forMs: 12_000 })];
    const script = hotUntil(Infinity, 0);
    const { runs } = await lives([8000, 8000, 40_000], { rules, script });
    expect(runs).toHaveLength(1);
    expect(runs[0]?.elapsedMs).toBeLessThan(20_000);
  });

  test("a rule of a file as well", async () => {
    const files = [rule({ forMs: 12_000, labels: { sentinel_service: "sentinel-target-api" } })];
    const script = hotUntil(Infinity, 0);
    const { runs } = await lives([8000, 8000, 40_000], { files, rules: [], script });
    expect(runs[0]?.elapsedMs).toBeLessThan(20_000);
  });

  test("one firing is acted upon once, however often Sentinel is started", async () => {
    const lengths = Array.from({ length: 100 }, (_, index) => 3000 + ((index * 7919) % 60_000));
    const { runs, types } = await lives(lengths, {
      script: hotUntil(Infinity, 0),
      limits: { cooldownMs: 0 },
    });
    expect(runs).toHaveLength(1);
    expect(types.filter((type) => type === "incident_opened")).toHaveLength(1);
    expect(types.filter((type) => type === "left_alone").length).toBeGreaterThan(50);
  });

  test("what resolved while nobody looked and fires again is another firing", async () => {
    let isHot = true;
    const story = { script: () => (isHot ? 1.9 : 0.1), limits: { cooldownMs: 0 } };
    const first = await tell({ ...story, untilMs: 120_000 });
    const { clock, journal } = first;
    isHot = false;
    await tell({ ...story, clock, journal, untilMs: clock.elapsedMs + 30_000 });
    isHot = true;
    clock.pass(10 * MINUTE);
    const later = await tell({ ...story, clock, journal, untilMs: clock.elapsedMs + 120_000 });
    expect([first.runs.length, later.runs.length]).toEqual([1, 1]);
  });

  test("after more than an hour without Sentinel it may act again", async () => {
    const script = hotUntil(Infinity, 0);
    const { runs } = await lives([120_000, 120_000], { script }, HOUR + MINUTE);
    expect(runs).toHaveLength(2);
  });
});
