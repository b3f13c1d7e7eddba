import { expect, test } from "bun:test";
import { snakeFields } from "./snake-json.ts";

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
  [
    "what is not known",
    { onsetMs: undefined, ranMs: undefined },
    { onset: undefined, ran_s: undefined },
  ],
  ["a word", { faultClass: "leakMs", exitCode: 1 }, { fault_class: "leakMs", exit_code: 1 }],
  [
    "what is nested",
    { alerts: [{ noDataReason: "gone" }] },
    { alerts: [{ no_data_reason: "gone" }] },
  ],
  [
    "somebody else's names",
    { labels: { podName: "a" }, annotations: { runbookUrl: "b" }, joined: [{ podName: "c" }] },
    { labels: { podName: "a" }, annotations: { runbookUrl: "b" }, joined: [{ podName: "c" }] },
  ],
  ["what has such a name already", { active_at: "x", is_1: 1 }, { active_at: "x", is_1: 1 }],
  ["a time that is none", { atMs: Infinity }, { at: undefined }],
  [
    "a value that is no object",
    { values: [null, undefined, 1, "aB", true] },
    { values: [null, undefined, 1, "aB", true] },
  ],
])("%s", (_, fields, expected) => {
  expect<unknown>(snakeFields(fields)).toStrictEqual(expected);
});
