import { describe, expect, test } from "bun:test";
import { delayAt, pickDelayMs, spreadEvenly } from "./latency.ts";

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
});

describe("a profile of delays", () => {
  const profile = { p50: 0.1, p90: 0.5, p99: 2 };

  test.each([
    ["half of p50 at the bottom", 0, 0.05],
    ["p50 in the middle", 0.5, 0.1],
    ["half-way between p50 and p90", 0.7, 0.3],
    ["p90", 0.9, 0.5],
    ["p99", 0.99, 2],
    ["on the same line above p99", 0.999, 2.15],
  ])("gives %s", (_, quantile, expected) => {
    expect(delayAt(profile, quantile)).toBeCloseTo(expected, 9);
  });
});

test("a few numbers are spread as evenly as many", () => {
  for (const count of [10, 100, 1000]) {
    const next = spreadEvenly(0.3);
    const sorted = Array.from({ length: count }, next).sort((a, b) => a - b);
    for (const share of [0.1, 0.5, 0.9]) {
      expect(sorted[Math.floor(count * share)]).toBeWithin(share - 2 / count, share + 2 / count);
    }
  }
});
