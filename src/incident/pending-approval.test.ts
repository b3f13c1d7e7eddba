import { describe, expect, test } from "bun:test";
import { answerTo, endOfRefused } from "./pending-approval.ts";

const NOW_MS = 1000;
const pending = {
  isAlertOpen: true,
  expiresAtMs: NOW_MS + 1,
  given: undefined,
  isUncertain: false,
} as const;

describe("the answer to a request", () => {
  test.each([
    ["none yet", {}, undefined],
    ["a person's yes", { given: "approved" }, "approved"],
    ["a person's no", { given: "denied" }, "denied"],
    [
      "a yes that cannot be acted upon now waits",
      { given: "approved", isUncertain: true },
      undefined,
    ],
    ["a no does not wait", { given: "denied", isUncertain: true }, "denied"],
    ["no answer stays none, whatever is uncertain", { isUncertain: true }, undefined],
    ["a no once the time is over, to the millisecond", { expiresAtMs: NOW_MS }, "expired"],
    ["too late a yes", { given: "approved", expiresAtMs: NOW_MS }, "expired"],
    [
      "a yes that waited too long",
      { given: "approved", isUncertain: true, expiresAtMs: 0 },
      "expired",
    ],
    ["needless once the alert is over", { isAlertOpen: false }, "withdrawn"],
    ["needless even after a yes", { isAlertOpen: false, given: "approved" }, "withdrawn"],
    ["needless rather than too late", { isAlertOpen: false, expiresAtMs: 0 }, "withdrawn"],
  ] as const)("%s", (_, changes, answer) => {
    expect(answerTo({ ...pending, ...changes }, NOW_MS)).toBe(answer);
  });
});

test.each([
  ["withdrawn", { result: "skipped", reason: "alert_resolved" }],
  ["denied", { result: "held", reason: "denied" }],
  ["expired", { result: "held", reason: "expired" }],
] as const)("an incident whose request is %s ends", (answer, end) => {
  expect(endOfRefused(answer)).toEqual(end);
});
