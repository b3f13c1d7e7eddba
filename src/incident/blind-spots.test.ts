import { describe, expect, test } from "bun:test";
import { alert, rule, START_MS } from "../../test/support/fixtures.ts";
import { BLIND_AFTER_MS, createBlindSpots } from "./blind-spots.ts";

const memory = rule({ alert: "HighMemory" });
const known = alert({
  rule: memory,
  state: "inactive",
  activeAtMs: undefined,
  firingAtMs: undefined,
});
const missing = { ...known, state: "no_data", noDataReason: "there are no samples" } as const;
const firing = alert({ state: "firing" });
const LOST = { type: "signal_lost", alertname: "HighMemory", reason: "there are no samples" };
const BACK = { type: "signal_back", alertname: "HighMemory" };
const STEP_MS = BLIND_AFTER_MS / 4;

/** What is told at polls that are so far apart that four of them are long enough. */
function toldOf(polls: string): readonly unknown[] {
  const blind = createBlindSpots();
  const alerts = { ".": [known], x: [missing], f: [missing, firing] };
  return [...polls].flatMap((poll, index) =>
    blind.polled(
      { alerts: poll === "x" ? alerts.x : poll === "f" ? alerts.f : alerts["."], atRest: () => [] },
      START_MS + index * STEP_MS,
    ),
  );
}

describe("of a signal is told", () => {
  test.each([
    ["nothing while it is known", "........", []],
    ["nothing when it is missing for a moment", "..xxxx..", []],
    ["once that it is lost, however long", "..xxxxxxxxxxxx", [LOST]],
    ["from the start, if it never was there", "xxxxxxx", [LOST]],
    ["that it is back, and again that it is lost", "xxxxx.xxxxx", [LOST, BACK, LOST]],
    ["nothing while an alert fires, which says more", "xxffffffffxx", []],
  ])("%s", (_, polls, told) => {
    expect(toldOf(polls)).toEqual([...told]);
  });
});
