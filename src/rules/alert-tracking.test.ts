import { describe, expect, test } from "bun:test";
import { alert, rule } from "../../test/support/fixtures.ts";
import { isOfRule } from "./alert-state.ts";
import { createAlertTracker } from "./alert-tracking.ts";
import type { Alert } from "../core/model.ts";

const of = (instance: string, changes: Partial<Alert> = {}) =>
  alert({ labels: { alertname: "HighCpu", instance }, ...changes });
const A = of("a");
const B = of("b");
const OTHER = alert({ rule: rule({ alert: "HighMemory", expr: "memory > 5" }) });
const changesOf = (tracker: ReturnType<typeof createAlertTracker>, alerts: readonly Alert[]) =>
  tracker.changesTo(alerts).map((event) => ("from" in event ? event.from : event.type));

describe("what changed", () => {
  test("is told once, against the poll before", () => {
    const tracker = createAlertTracker();
    expect(changesOf(tracker, [of("a", { state: "pending" })])).toEqual(["inactive"]);
    expect(changesOf(tracker, [A])).toEqual(["pending"]);
    expect(changesOf(tracker, [A])).toEqual([]);
    expect(changesOf(tracker, [])).toEqual(["firing"]);
    expect(changesOf(tracker, [])).toEqual([]);
  });

  test("of many, first those that an incident is about", () => {
    const tracker = createAlertTracker();
    const many = Array.from({ length: 20 }, (_, index) => of(`${index}`));
    const last = many.at(-1) ?? A;
    tracker.handle([last]);
    const [first] = tracker.changesTo(many);
    expect(first).toMatchObject({ type: "alert_changed", alert: last });
  });
});

describe("what an incident is about", () => {
  test("is one label set of one rule, until it is released", () => {
    const tracker = createAlertTracker();
    tracker.handle([A, OTHER]);
    expect([A, B, OTHER].map(tracker.isHandled)).toEqual([true, false, true]);
    tracker.release([A, B]);
    expect([A, B, OTHER].map(tracker.isHandled)).toEqual([false, false, true]);
  });

  test.each([
    ["it fires", [A], true],
    ["it has no data", [of("a", { state: "no_data" })], true],
    ["it is pending again", [of("a", { state: "pending" })], false],
    ["it is quiet", [of("a", { state: "inactive" })], false],
    ["it is gone, and another fires", [B], false],
    ["nothing is left", [], false],
  ])("is remembered when %s: %#", (_, alerts, isRemembered) => {
    const tracker = createAlertTracker();
    tracker.handle([A]);
    tracker.forgetResolved(alerts);
    expect(tracker.isHandled(A)).toBe(isRemembered);
  });

  test("may be more: what fires, holds, is of its rule and of no incident", () => {
    const tracker = createAlertTracker();
    const handled = of("handled");
    tracker.handle([handled]);
    const others = [
      handled,
      OTHER,
      of("kept firing", { quietSinceMs: 1 }),
      of("pending", { state: "pending" }),
      of("without data", { state: "no_data" }),
    ];
    expect(tracker.unhandledOf([...others, A, B], isOfRule(A))).toEqual([A, B]);
  });
});

describe("why an alert is left alone", () => {
  test("is news once for each reason", () => {
    const tracker = createAlertTracker();
    const asked = ["paused", "paused", "cooling", "paused"];
    expect(asked.map((why) => tracker.isNewReason(A, why))).toEqual([true, false, true, true]);
  });

  test("is another's news as well", () => {
    const tracker = createAlertTracker();
    expect([A, B].map((one) => tracker.isNewReason(one, "paused"))).toEqual([true, true]);
  });

  test.each([
    ["while it fires is remembered", [A], false],
    ["is forgotten when it has resolved", [], true],
  ])("%s", (_, alerts, isNews) => {
    const tracker = createAlertTracker();
    tracker.isNewReason(A, "paused");
    tracker.forgetResolved(alerts);
    expect(tracker.isNewReason(A, "paused")).toBe(isNews);
  });
});
