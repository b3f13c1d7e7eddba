import { describe, expect, test } from "bun:test";
import type { Verdict } from "../core/model.ts";
import { type Check, judge, lastCheckMs, type VerificationPlan } from "./verification.ts";

/** Acted at 0; a window of 20 s; the first verdict at 30 s, the last at 50 s. */
const plan: VerificationPlan = { actedAtMs: 0, windowMs: 20_000, stabilizeMs: 30_000 };

function check(second: number, changes: Partial<Check> = {}): Check {
  return { atMs: second * 1000, alert: "silent", scrapeAgeMs: 1000, healthy: true, ...changes };
}

const active = { alert: "active" } as const;
const missing = { alert: "no_data" } as const;
const unhealthy = { healthy: false };
const unasked = { healthy: undefined };

/** One check each 5 s up to that second, the later ones with changes. */
function checks(lastSecond: number, changes: Readonly<Record<number, Partial<Check>>> = {}) {
  const seconds = Array.from({ length: lastSecond / 5 }, (_, index) => (index + 1) * 5);
  return seconds.map((second) => check(second, changes[second]));
}

describe("the verdict", () => {
  const cases: readonly (readonly [string, readonly Check[], string])[] = [
    ["without a check", [], "none yet"],
    ["silent throughout, too early", checks(25), "none yet"],
    ["a millisecond too early", [check(29.999)], "none yet"],
    ["silent throughout", checks(30), "healed"],
    [
      "active until the window had passed",
      checks(30, { 5: active, 10: active, 15: active }),
      "healed",
    ],
    ["active within the judged span", checks(30, { 20: active }), "none yet"],
    ["active just before the judged span", [check(19.999, active), check(25), check(30)], "healed"],
    [
      "active at first, silent for the span at last",
      checks(50, { 30: active, 35: active }),
      "healed",
    ],
    ["active at the first due time", checks(30, { 30: active }), "none yet"],
    ["active at the last due time", checks(50, { 50: active }), "not_healed"],
    ["it came back and went away", checks(50, { 45: active }), "not_healed"],
    ["silent, but its health check fails", checks(50, { 50: unhealthy }), "not_healed"],
    ["its health check failed before the last check", checks(30, { 25: unhealthy }), "healed"],
    ["silent, without a health check", [check(25, unasked), check(30, unasked)], "healed"],
    ["active, without a health check", checks(50, { 50: { ...active, ...unasked } }), "not_healed"],
    ["no data at the last due time", checks(50, { 50: missing }), "unknown"],
    ["no data once within the span", checks(50, { 40: missing }), "unknown"],
    ["no data before the span", checks(30, { 15: missing }), "healed"],
    ["no data, and its health check passes", checks(50, { 45: missing, 50: missing }), "unknown"],
    ["no scrape since the action", checks(50, { 50: { scrapeAgeMs: 50_000 } }), "unknown"],
    ["a scrape just after the action", checks(50, { 50: { scrapeAgeMs: 49_999 } }), "healed"],
    ["a scrape of unknown age", checks(30, { 30: { scrapeAgeMs: undefined } }), "none yet"],
    [
      "scrapes of unknown age to the end",
      checks(50, { 50: { scrapeAgeMs: undefined } }),
      "unknown",
    ],
    ["nothing but a late check", [check(600)], "healed"],
  ];
  test.each(cases)("%s", (_, seen, expected) => {
    expect(judge(seen, plan)?.kind ?? "none yet").toBe(expected);
  });

  test("the reason of a healed one says on what it rests", () => {
    expect(judge(checks(30), plan)).toEqual({
      kind: "healed",
      reason:
        "the alert is silent on 20 s of samples taken after the action, and its health check passes",
    });
    expect(judge(checks(30, { 30: unasked }), plan)).toEqual({
      kind: "healed",
      reason:
        "the alert is silent on 20 s of samples taken after the action; the service has no health check",
    });
  });
});

test("no set of checks before the due time gives a verdict, and none is left without one after the last", () => {
  for (const alert of ["silent", "active", "no_data"] as const)
    for (const healthy of [true, false])
      for (const scrapeAgeMs of [undefined, 0, 1e9]) {
        expect(judge([check(29, { alert, healthy, scrapeAgeMs })], plan)).toBeUndefined();
        const last = judge([check(50, { alert, healthy, scrapeAgeMs })], plan);
        expect(last?.kind === "healed").toBe(alert === "silent" && healthy && scrapeAgeMs === 0);
        expect(last?.reason).not.toBe("");
        expect(last).toBeDefined();
      }
});

test("with as long a window as the wait, the newest check alone is judged", () => {
  const short = { ...plan, windowMs: 30_000 };
  expect(judge(checks(30, { 25: active }), short)?.kind).toBe("healed");
  expect(judge([check(29.999, active), check(30)], short)?.kind).toBe("healed");
  expect(judge(checks(30, { 30: active }), short)).toBeUndefined();
});

test("with a wait shorter than the window, the newest check is still judged", () => {
  const shorter = { ...plan, windowMs: 30_000, stabilizeMs: 20_000 };
  expect(judge([check(50, { scrapeAgeMs: 50_000 })], shorter)?.kind).toBe("unknown");
  expect(judge([check(50)], shorter)?.kind).toBe("healed");
});

describe("the reason says what was seen", () => {
  const cases: readonly (readonly [string, readonly Check[], Verdict])[] = [
    [
      "it holds at the last check, whatever was missing before",
      checks(50, { 45: missing, 50: active }),
      { kind: "not_healed", reason: "the alert still holds on samples taken after the action" },
    ],
    [
      "it came back, and was silent at the last check",
      checks(50, { 45: active }),
      { kind: "not_healed", reason: "the alert came back after the action" },
    ],
    [
      "silent at the last check, when its health check fails",
      checks(50, { 45: missing, 50: unhealthy }),
      { kind: "not_healed", reason: "the alert is silent, but its health check fails" },
    ],
    [
      "without data at the last check its health check decides nothing",
      checks(50, { 50: { ...missing, ...unhealthy } }),
      {
        kind: "unknown",
        reason: "the alert's signal has no data since the action, so nothing shows that it is well",
      },
    ],
    [
      "no scrape since the action, though it was active in between",
      checks(50, { 45: active, 50: { scrapeAgeMs: 50_000 } }),
      { kind: "unknown", reason: "the service has not been scraped since the action" },
    ],
  ];
  test.each(cases)("%s", (_, seen, expected) => {
    expect(judge(seen, plan)).toEqual(expected);
  });
});

test("the last verdict is due one window after the first", () => {
  expect(lastCheckMs({ ...plan, actedAtMs: 7 })).toBe(50_007);
});
