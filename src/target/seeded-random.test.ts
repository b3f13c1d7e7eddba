import { describe, expect, test } from "bun:test";
import { MAX_SEED } from "./fault.ts";
import { seededRandom } from "./seeded-random.ts";

const draw = (seed: number, count: number) => Array.from({ length: count }, seededRandom(seed));

describe("seeded randomness", () => {
  // Computed with the reference implementation in C of mulberry32 by its author.
  test.each<[number, readonly number[]]>([
    [0, [1_144_304_738, 1_416_247, 958_946_056]],
    [1, [2_693_262_067, 11_749_833, 2_265_367_787]],
    [MAX_SEED, [3_850_105_811, 813_802_916, 3_073_704_848]],
  ])("from the seed %d is that of mulberry32", (seed, expected) => {
    expect(draw(seed, 3).map((number) => number * 2 ** 32)).toEqual([...expected]);
  });

  test("is the same for the same seed, and another one for the next", () => {
    expect(draw(7, 1_000)).toEqual(draw(7, 1_000));
    expect(draw(7, 10)).not.toEqual(draw(8, 10));
  });

  test("is even: mean, tenths and bounds", () => {
    const count = 100_000;
    const numbers = draw(42, count);
    const mean = numbers.reduce((sum, number) => sum + number, 0) / count;
    // Five standard deviations of the mean, 1 / sqrt(12 n).
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 / Math.sqrt(12 * count));
    const tenths = Map.groupBy(numbers, (number) => Math.floor(number * 10));
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    expect([...tenths.keys()].toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const inTenth of tenths.values()) expect(inTenth.length).toBeWithin(9_500, 10_500);
  });
});
