import { describe, expect, test } from "bun:test";
import { alert, rule, START_MS } from "../../test/support/fixtures.ts";
import type { Point, RuleSignal } from "../core/model.ts";
import { estimateOnset } from "./onset.ts";

const STEP_MS = 5000;
const NOW_MS = START_MS + 3_600_000;

/** Points one step apart, the newest last; on a clock that is not ours. */
function history(values: readonly number[]): Point[] {
  return values.map((value, index) => ({ timestampMs: 7_000_000 + index * STEP_MS, value }));
}

function stepsBack(signal: RuleSignal | undefined, values: readonly number[]): number | undefined {
  const points = history(values);
  const onsetMs = estimateOnset(points, alert({ rule: rule({ signal }) }), NOW_MS);
  return onsetMs === undefined ? undefined : (NOW_MS - onsetMs) / STEP_MS;
}

const above: RuleSignal = { expr: "cpu", operator: ">", threshold: 0.5 };
const below: RuleSignal = { expr: "free", operator: "<", threshold: 10 };
const down: RuleSignal = { expr: "up", operator: "==", threshold: 0 };
const notOne: RuleSignal = { expr: "up", operator: "!=", threshold: 1 };

describe("steps from the onset to now", () => {
  const cases: readonly (readonly [string, RuleSignal, readonly number[], number])[] = [
    ["a jump began at the last point before it", above, [0.1, 0.1, 2, 2], 2],
    // A rate over four steps reaches its height a window after the fault began.
    [
      "a rate began to climb before it passed the threshold",
      above,
      [0.02, 0.02, 0.2, 0.4, 0.6, 0.8],
      4,
    ],
    ["a flat stretch ends the climb", above, [0.02, 0.3, 0.3, 0.4, 0.6], 2],
    ["an earlier peak is not part of it", above, [2, 0.1, 0.1, 2], 1],
    ["noise far below the threshold is no climb", above, [0.01, 0.013, 0.016, 0.02, 2], 1],
    ["the threshold itself is not past it", above, [0.5, 0.5, 0.6], 1],
    ["all of a history that is past it", above, [2, 2, 2], 2],
    ["a history of one point", above, [2], 0],
    ["a fall below", below, [50, 50, 30, 9, 5], 3],
    ["down: from the last point that was up", down, [1, 1, 1, 0, 0], 2],
    ["down for all of the history", down, [0, 0, 0], 2],
    ["down, up, down", down, [0, 1, 0], 1],
    ["not what it should be", notOne, [1, 1, 0, 0], 2],
    ["NaN, as without traffic, is not part of it", above, [NaN, NaN, 2, 2], 1],
    ["the newest point has already fallen", above, [0.1, 2, 2, 0.4], 3],
  ];
  test.each(cases)("%s", (_, signal, values, expected) => {
    expect(stepsBack(signal, values)).toBe(expected);
  });
});

test("without a history or a threshold it is not known", () => {
  expect(stepsBack(above, [])).toBeUndefined();
  expect(stepsBack(undefined, [0, 2])).toBeUndefined();
});
