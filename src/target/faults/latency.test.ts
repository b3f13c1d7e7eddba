import { describe, expect, test } from "bun:test";
import { delay, pickDelayMs } from "./latency.ts";

describe("a delay", () => {
  test.each([
    ["the lower bound at 0", 0, 1_000],
    ["the middle at a half", 0.5, 3_000],
    ["below the upper bound at almost 1", 0.999, 4_996],
  ])("is %s", (_, random, expected) => {
    expect(pickDelayMs(1_000, 5_000, () => random)).toBe(expected);
  });

  test("is what it must be when both bounds are the same", () => {
    expect(pickDelayMs(2_000, 2_000, () => 0.7)).toBe(2_000);
  });

  test("ends with the signal's reason, at once", async () => {
    const controller = new AbortController();
    const waiting = delay(60_000, controller.signal);
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  test("does not begin when the signal has aborted already", async () => {
    await expect(delay(60_000, AbortSignal.abort(new Error("before")))).rejects.toThrow("before");
  });
});
