import { describe, expect, test } from "bun:test";
import { alert, rule, SERVICE_NAME, settableClock, START_MS } from "../../test/support/fixtures.ts";
import type { SentinelEvent } from "../core/events.ts";
import type { JournalEntry } from "../core/ports.ts";
import { entryAt, inWallTime, settleTimes } from "./wall-time.ts";

const HOUR_MS = 3_600_000;

const entry = (atMs: number, fields: JournalEntry["fields"] = {}): JournalEntry => ({
  seq: 1,
  atMs,
  service: SERVICE_NAME,
  incident: undefined,
  type: "paused",
  fields,
});

describe("what was kept before a start", () => {
  test.each<[string, readonly number[], number, readonly number[]]>([
    ["in order", [1, 2, 3], 10, [1, 2, 3]],
    ["of now", [9, 10], 10, [9, 10]],
    ["before the clock was put back", [100, 101, 40, 41], 42, [40, 40, 40, 41]],
    ["before it was put back while nobody ran", [100, 101], 42, [42, 42]],
    ["while it was ahead for a moment", [10, 1000, 1001, 20], 30, [10, 20, 20, 20]],
    ["before it was put forward", [1, 2, 1000], 1010, [1, 2, 1000]],
    ["nothing", [], 1, []],
  ])("%s", (_, written, nowMs, expected) => {
    const settled = settleTimes(
      written.map((atMs) => entry(atMs)),
      nowMs,
    );
    expect(settled.map(({ atMs }) => atMs)).toEqual([...expected]);
  });

  test("keeps the length of a pause, of a request and of an onset", () => {
    const fields = { until_ms: 1000 + HOUR_MS, expiresAtMs: 1500, onsetMs: 900, durationMs: 7 };
    const [settled] = settleTimes([entry(1000, fields)], 600);
    expect(settled?.fields).toEqual({
      until_ms: 600 + HOUR_MS,
      expiresAtMs: 1100,
      onsetMs: 500,
      durationMs: 7,
    });
  });

  test("is left as it is when its time is believed", () => {
    const one = entry(5, { until_ms: "no number" });
    expect(entryAt(one, 5)).toBe(one);
    expect(entryAt(one, 4).fields).toEqual({ until_ms: "no number" });
  });
});

describe("an event as people have it", () => {
  const fired = alert({ activeAtMs: START_MS - 60_000, firingAtMs: START_MS - 1000 });
  const moved = { activeAtMs: START_MS - 60_000 - HOUR_MS, firingAtMs: START_MS - 1000 - HOUR_MS };
  const base = { atMs: START_MS, service: SERVICE_NAME };
  const incident = "20250101T120000-HighCpu-0000";

  test.each<[string, SentinelEvent, object]>([
    [
      "that opens an incident",
      { ...base, incident, type: "incident_opened", alert: fired, onsetMs: START_MS - 90_000 },
      { alert: moved, onsetMs: START_MS - 90_000 - HOUR_MS },
    ],
    [
      "that opens one without an onset",
      { ...base, incident, type: "incident_opened", alert: fired, onsetMs: undefined },
      { alert: moved, onsetMs: undefined },
    ],
    [
      "that asks a person",
      {
        ...base,
        ...{ incident, type: "approval_requested", request: incident, action: "docker-restart" },
        ...{ argv: [], expiresAtMs: START_MS + 1000 },
      },
      { expiresAtMs: START_MS + 1000 - HOUR_MS },
    ],
    [
      "of a cooldown",
      { ...base, type: "cooling_down", alert: fired, untilMs: START_MS + 1000 },
      { alert: moved, untilMs: START_MS + 1000 - HOUR_MS },
    ],
    [
      "of an alert that changed",
      { ...base, type: "alert_changed", alert: fired, from: "pending" },
      { alert: moved },
    ],
    [
      "of what is left alone",
      { ...base, type: "left_alone", alert: fired, reason: "" },
      { alert: moved },
    ],
    ["of quiet", { ...base, type: "quiet", alerts: [fired] }, { alerts: [moved] }],
    ["without another time", { ...base, type: "source_back" }, {}],
  ])("%s has the wall clock's times", (_, event, expected) => {
    const { clock, set } = settableClock();
    expect(inWallTime(event, clock)).toBe(event);
    set(-HOUR_MS);
    expect(inWallTime(event, clock)).toMatchObject({ ...expected, atMs: START_MS - HOUR_MS });
  });

  test("leaves the rule and the times that it lacks alone", () => {
    const { clock, set } = settableClock();
    set(HOUR_MS);
    const quiet = alert({ rule: rule(), activeAtMs: undefined, firingAtMs: undefined });
    const event: SentinelEvent = { ...base, type: "left_alone", alert: quiet, reason: "" };
    expect(inWallTime(event, clock)).toEqual({ ...event, atMs: START_MS + HOUR_MS });
  });
});
