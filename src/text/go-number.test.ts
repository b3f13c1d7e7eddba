import { expect, test } from "bun:test";
import { formatBound, parseGoFloat } from "./go-number.ts";

test("a bound has a point or an exponent", () => {
  const bounds = [1, 0, -1, 0.5, 100_000, 1_000_000, 1e-9, Number.POSITIVE_INFINITY, Number.NaN];
  expect(bounds.map(formatBound)).toEqual([
    ...["1.0", "0.0", "-1.0", "0.5", "100000.0", "1e+06", "1e-09", "+Inf", "NaN"],
  ]);
});

test("numbers are read as Go reads them", () => {
  const texts = ["1", "+.5", "1e3", "Inf", "-infinity", "0x1p-2", "1e400", "", " 1", "0x1", "1_0"];
  expect(texts.map(parseGoFloat)).toEqual([
    ...[1, 0.5, 1000, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.25],
    ...[undefined, undefined, undefined, undefined, undefined],
  ]);
});
