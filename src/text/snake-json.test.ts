import { expect, test } from "bun:test";
import { snakeJson } from "./snake-json.ts";

test.each([
  [
    "a time",
    { openedAtMs: 1500, atMs: 0 },
    { opened_at: "1970-01-01T00:00:01.500Z", at: "1970-01-01T00:00:00.000Z" },
  ],
  [
    "a time with another name",
    { onsetMs: 0, untilMs: 0, coolsUntilMs: 0 },
    {
      onset: "1970-01-01T00:00:00.000Z",
      until: "1970-01-01T00:00:00.000Z",
      cools_until: "1970-01-01T00:00:00.000Z",
    },
  ],
  ["a duration", { durationMs: 1500, healedAfterMs: 0 }, { duration_s: 1.5, healed_after_s: 0 }],
  ["a word", { faultClass: "leakMs", exitCode: 1 }, { fault_class: "leakMs", exit_code: 1 }],
  [
    "what is nested",
    { alerts: [{ noDataReason: "gone" }] },
    { alerts: [{ no_data_reason: "gone" }] },
  ],
  [
    "somebody else's names",
    { labels: { podName: "a" }, annotations: { runbookUrl: "b" } },
    { labels: { podName: "a" }, annotations: { runbookUrl: "b" } },
  ],
  ["nothing", [null, undefined, 1, "aB", true], [null, undefined, 1, "aB", true]],
])("%s", (_, value, expected) => {
  expect<unknown>(snakeJson(value)).toEqual(expected);
});
