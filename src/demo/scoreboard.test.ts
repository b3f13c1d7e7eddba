import { describe, expect, test } from "bun:test";
import { isHealed, median, renderScores, type Score, seconds } from "./scoreboard.ts";

const healed: Score = {
  fault: "cpu",
  detectedAfterMs: 2140,
  diagnosedBy: "built-in playbook",
  action: "supervisor-restart",
  healedAfterMs: 8260,
  verdict: "healed",
};
const missed: Score = {
  fault: "killed",
  detectedAfterMs: undefined,
  diagnosedBy: undefined,
  action: undefined,
  healedAfterMs: undefined,
  verdict: "not found",
};

describe("the scores", () => {
  test("are a table where they fit", () => {
    expect(renderScores([healed, missed], 100)).toEqual([
      "fault   detected after  diagnosed by       action              healed after  verdict",
      "──────  ──────────────  ─────────────────  ──────────────────  ────────────  ─────────",
      "cpu     2.1 s           built-in playbook  supervisor-restart  8.3 s         healed",
      "killed  -               -                  -                   -             not found",
    ]);
  });

  test("are a list one column below that, and no line of it is wider than 40", () => {
    const [, rule = ""] = renderScores([healed], 100);
    expect(renderScores([healed], rule.length)).toHaveLength(3);
    const list = renderScores([healed], rule.length - 1);
    expect(list).toEqual([
      "cpu",
      "  detected after  2.1 s",
      "  diagnosed by    built-in playbook",
      "  action          supervisor-restart",
      "  healed after    8.3 s",
      "  verdict         healed",
    ]);
    expect(Math.max(...list.map((line) => line.length))).toBeLessThanOrEqual(40);
  });

  test("count as healed by their verdict alone", () => {
    expect([healed, missed, { ...healed, verdict: "not_healed" }].map(isHealed)).toEqual([
      true,
      false,
      false,
    ]);
  });
});

test.each<[number[], number | undefined]>([
  [[], undefined],
  [[3], 3],
  [[5, 1, 3], 3],
  [[4, 1, 3, 2], 2.5],
])("the median of %p is %p", (values, expected) => {
  expect(median(values)).toBe(expected as number);
});

test("a time that there is not is a dash", () => {
  expect([seconds(undefined), seconds(0), seconds(59_949)]).toEqual(["-", "0.0 s", "59.9 s"]);
});
