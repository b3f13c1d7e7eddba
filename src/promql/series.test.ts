import { describe, expect, test } from "bun:test";
import { isStaleAt, markStaleAt } from "./series.ts";

describe("stale markers", () => {
  test("are told from a NaN that was measured, and from numbers", () => {
    const values = Float64Array.of(1, Number.NaN, 0, Number.POSITIVE_INFINITY);
    markStaleAt(values, 2);
    expect([0, 1, 2, 3].map((index) => isStaleAt(values, index))).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(values[2]).toBeNaN();
  });

  test("survive a copy by set and by copyWithin, and in a view with an offset", () => {
    const values = new Float64Array(8).subarray(1);
    markStaleAt(values, 3);
    values.copyWithin(0, 3, 4);
    const copy = new Float64Array(7);
    copy.set(values);
    expect(isStaleAt(values, 0)).toBe(true);
    expect(isStaleAt(copy, 0)).toBe(true);
    expect(isStaleAt(copy, 1)).toBe(false);
  });

  test("are the bits that Prometheus writes", () => {
    const values = new Float64Array(1);
    markStaleAt(values, 0);
    expect(new BigUint64Array(values.buffer)[0]).toBe(0x7ff0000000000002n);
  });
});
