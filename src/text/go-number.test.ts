import { describe, expect, test } from "bun:test";
import { formatBound, formatE, formatF, formatG, parseGoFloat } from "./go-number.ts";

describe("Go's %.4g", () => {
  test.each([
    [0, "0"],
    [-0, "-0"],
    [1, "1"],
    [1.25, "1.25"],
    [12.345, "12.35"],
    [12.3449, "12.34"],
    [999.95, "1000"],
    [999.94, "999.9"],
    [9999.5, "1e+04"],
    [12345, "1.234e+04"],
    [0.0001, "0.0001"],
    [0.00001234, "1.234e-05"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
    [5e-324, "4.941e-324"],
  ])("%p is %p", (value, text) => expect(formatG(value, 4)).toBe(text));
});

describe("a half goes to the even digit", () => {
  test.each([
    [formatG(1.25, 2), "1.2"],
    [formatG(1.75, 2), "1.8"],
    [formatF(2.5, 0), "2"],
    [formatF(3.5, 0), "4"],
    [formatF(0.5, 0), "0"],
    [formatF(1.5, 0), "2"],
    [formatF(0.05, 1), "0.1"],
    [formatF(0.04, 1), "0.0"],
    [formatF(0.004, 1), "0.0"],
    [formatF(0.125, 2), "0.12"],
    [formatE(25, 0), "2e+01"],
  ])("%p", (written, expected) => expect(written).toBe(expected));
});

test("the shortest form has an exponent from a million on", () => {
  expect(formatG(100_000)).toBe("100000");
  expect(formatG(1_000_000)).toBe("1e+06");
  expect(formatG(1_234_567)).toBe("1.234567e+06");
  expect(formatG(0.1)).toBe("0.1");
});

test("whole and fixed digits are written out", () => {
  expect(formatF(1234.5678, 2)).toBe("1234.57");
  expect(formatF(99.999, 2)).toBe("100.00");
  expect(formatF(1e22, 1)).toBe("10000000000000000000000.0");
  expect(formatF(-0.001, 2)).toBe("-0.00");
  expect(formatE(1234.5678)).toBe("1.234568e+03");
  expect(formatE(0, 2)).toBe("0.00e+00");
});

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
