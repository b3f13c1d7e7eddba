/** What is asked of alert states: each question with a case on either side of its boundary. */

import { describe, expect, test } from "bun:test";
import { alert, rule, sample, START_MS } from "../../test/support/fixtures.ts";
import {
  alertKey,
  carryOver,
  detect,
  fingerprint,
  isFiringOrUnknown,
  isHolding,
  isNamed,
  isOfRule,
  isQuiet,
  isSeriesOf,
  mostGapMs,
  mostUrgent,
} from "./alert-state.ts";
import { ALERT_STATES, type Alert, type Evaluation, SEVERITIES } from "../core/model.ts";

const CPU = rule();
const HOT: Evaluation = { kind: "active", samples: [sample(1.9)], measured: undefined };
const QUIET: Evaluation = { kind: "inactive", value: 0.1, measured: [sample(0.1)] };

const seen = (state: Alert["state"], changes: Partial<Alert> = {}) =>
  alert({
    rule: CPU,
    state,
    ...(state === "firing" || state === "no_data" ? {} : { firingAtMs: undefined }),
    ...changes,
  });

/** The states of which a question is answered with yes. */
const statesWith = (ask: (alert: Alert) => boolean) =>
  ALERT_STATES.filter((state) => ask(seen(state)));

describe("a poll after another", () => {
  test("leaves an alert firing that has fired, however its times read", () => {
    const waits = rule({ forMs: 60_000 });
    const before = [alert({ rule: waits, activeAtMs: START_MS, firingAtMs: START_MS })];
    expect(detect(before, [{ rule: waits, evaluation: HOT }], START_MS + 1)).toMatchObject([
      { state: "firing", firingAtMs: START_MS },
    ]);
  });

  test("keeps the labels of the one before, which are compared at each poll", () => {
    const first = detect([], [{ rule: CPU, evaluation: HOT }], START_MS);
    const second = detect(first, [{ rule: CPU, evaluation: HOT }], START_MS + 1);
    expect(second[0]?.labels).toBe(first[0]?.labels ?? {});
  });

  test("that is quiet after data was missing fires on for as long as its rule says", () => {
    const keeps = rule({ keepFiringForMs: 60_000 });
    const before = [alert({ rule: keeps, state: "no_data", noDataReason: "there are no samples" })];
    const [now] = detect(before, [{ rule: keeps, evaluation: QUIET }], START_MS);
    expect(now).toMatchObject({ state: "firing", quietSinceMs: START_MS });
    expect(now).not.toHaveProperty("noDataReason");
  });

  test("says what is measured of a rule at rest", () => {
    expect(detect([], [{ rule: CPU, evaluation: QUIET }], START_MS)).toMatchObject([
      { state: "inactive", value: 0.1 },
    ]);
  });

  test.each([true, undefined])("says why a rule has no data, rejected: %p", (isRejected) => {
    const evaluation: Evaluation = {
      kind: "no_data",
      reason: "too many samples",
      ...(isRejected && { isRejected }),
    };
    const [now] = detect([], [{ rule: CPU, evaluation }], START_MS);
    expect(now).toMatchObject({ state: "no_data", noDataReason: "too many samples" });
    expect(now?.value).toBeUndefined();
    expect(now?.isRejected).toBe(isRejected);
  });
});

describe("labels", () => {
  test("are the same in whatever order they come", () => {
    const orders = ["abc", "acb", "bac", "bca", "cab", "cba"];
    const texts = orders.map((order) =>
      fingerprint(Object.fromEntries([...order].map((name) => [name, name]))),
    );
    expect(new Set(texts).size).toBe(1);
  });

  test("and the expression are what tells alerts apart", () => {
    const key = alertKey(seen("firing"));
    expect(alertKey(seen("pending", { value: 3 }))).toBe(key);
    expect(alertKey(seen("firing", { labels: { instance: "b" } }))).not.toBe(key);
    expect(alertKey(seen("firing", { rule: rule({ expr: "cpu > 0.9" }) }))).not.toBe(key);
  });

  test("say whether a series is the one that an alert is about", () => {
    const of = seen("firing", { labels: { ...CPU.labels, alertname: CPU.alert, instance: "a" } });
    expect(isSeriesOf(of, { instance: "a" })).toBe(true);
    expect(isSeriesOf(of, { __name__: "cpu", instance: "a", severity: "low" })).toBe(true);
    expect(isSeriesOf(of, { instance: "b" })).toBe(false);
    expect(isSeriesOf(of, {})).toBe(false);
  });
});

describe("after a time in which nobody looked", () => {
  const before = ALERT_STATES.map((state) => seen(state));

  test("a pending alert begins anew, and the others stay", () => {
    const kept = carryOver(before, 120_001, 120_000).map(({ state }) => state);
    expect(kept).toEqual(ALERT_STATES.filter((state) => state !== "pending"));
  });

  test.each([0, 120_000])("of no more than is usual all stay: %d ms", (gapMs) => {
    expect(carryOver(before, gapMs, 120_000)).toEqual(before);
  });

  test.each([
    [1000, 120_000],
    [40_000, 120_000],
    [40_001, 120_003],
    [3_600_000, 10_800_000],
  ])("usual at a poll each %d ms are %d ms", (pollIntervalMs, expected) => {
    expect(mostGapMs(pollIntervalMs)).toBe(expected);
  });
});

describe("an alert", () => {
  test("holds only while it fires, and is seen to", () => {
    expect(statesWith(isHolding)).toEqual(["firing"]);
    expect(isHolding(seen("firing", { quietSinceMs: START_MS }))).toBe(false);
  });

  test("fires or is unknown until it is seen to have ended", () => {
    expect(statesWith(isFiringOrUnknown).toSorted()).toEqual(["firing", "no_data"]);
  });

  test("is of a rule by its name and its expression", () => {
    const isOf = isOfRule(seen("firing"));
    expect(isOf(seen("pending", { rule: rule({ severity: "low" }) }))).toBe(true);
    expect(isOf(seen("firing", { rule: rule({ alert: "Other" }) }))).toBe(false);
    expect(isOf(seen("firing", { rule: rule({ expr: "cpu > 0.9" }) }))).toBe(false);
  });

  test("is of a name whatever its expression", () => {
    expect(isNamed("HighCpu")(seen("firing", { rule: rule({ expr: "cpu > 0.9" }) }))).toBe(true);
    expect(isNamed("HighCpu")(seen("firing", { rule: rule({ alert: "Other" }) }))).toBe(false);
  });

  test.each<[string, boolean, readonly Alert[]]>([
    ["none", true, []],
    ["one at rest", true, [seen("inactive")]],
    ["one that never had data", true, [seen("no_data", { firingAtMs: undefined })]],
    ["one that is pending", false, [seen("inactive"), seen("pending")]],
    ["one that fires", false, [seen("firing"), seen("inactive")]],
    ["one that fired and has no data", false, [seen("no_data")]],
    ["one that fired and is pending again", false, [seen("pending", { firingAtMs: START_MS })]],
  ])("of which there is %s is quiet: %p", (_, expected, alerts) => {
    expect(isQuiet(alerts)).toBe(expected);
  });

  test("is the more urgent the more severe, and then the longer it has fired", () => {
    const order = ["critical", "high", "medium", "low"] as const;
    expect([...SEVERITIES].toSorted()).toEqual([...order].toSorted());
    // The less severe ones have fired longer.
    const all = order.flatMap((severity, index) =>
      [2, 1].map((second) =>
        alert({ rule: rule({ severity }), firingAtMs: START_MS + second - 10 * index }),
      ),
    );
    const taken: Alert[] = [];
    for (let left = all; left.length > 0; left = left.filter((one) => !taken.includes(one)))
      taken.push(...[mostUrgent(left)].filter((one) => one !== undefined));
    expect(taken).toEqual([1, 0, 3, 2, 5, 4, 7, 6].flatMap((index) => all[index] ?? []));
    expect(mostUrgent(all.toReversed())).toBe(all[1]);
  });
});
