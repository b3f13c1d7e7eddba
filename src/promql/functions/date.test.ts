import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ask, load } from "../../../test/support/promql-series.ts";
import { dateFunctions } from "./date.ts";

describe("the parts of a date", () => {
  const leapDay = Date.UTC(2024, 1, 29, 23, 59, 59) / 1000;
  const cases: readonly (readonly [keyof typeof dateFunctions, number, number])[] = [
    ["minute", leapDay, 59],
    ["hour", leapDay, 23],
    ["day_of_week", leapDay, 4],
    ["day_of_month", leapDay, 29],
    ["day_of_year", leapDay, 60],
    ["days_in_month", leapDay, 29],
    ["month", leapDay, 2],
    ["year", leapDay, 2024],
    ["day_of_month", leapDay + 1, 1],
    ["days_in_month", Date.UTC(2100, 1, 1) / 1000, 28],
    ["day_of_year", Date.UTC(2023, 11, 31) / 1000, 365],
    ["year", -1, 1969],
    ["hour", -0.5, 0],
    ["year", 1e13, 318_857],
    ["month", 1e13, 5],
    ["year", Number.NaN, 292_277_026_596],
    ["month", 1e300, 12],
    ["hour", -Infinity, 15],
  ];
  test.each(cases)("%s of %p is %p", (name, seconds, expected) => {
    expect(dateFunctions[name](seconds)).toBe(expected);
  });

  test("are those of a Date, where there is one", () => {
    fc.assert(
      fc.property(fc.integer({ min: -8.64e12, max: 8.64e12 }), (seconds) => {
        const date = new Date(seconds * 1000);
        expect(dateFunctions.year(seconds)).toBe(date.getUTCFullYear());
        expect(dateFunctions.month(seconds)).toBe(date.getUTCMonth() + 1);
        expect(dateFunctions.day_of_month(seconds)).toBe(date.getUTCDate());
        expect(dateFunctions.day_of_week(seconds)).toBe(date.getUTCDay());
        expect(dateFunctions.hour(seconds)).toBe(date.getUTCHours());
      }),
    );
  });

  test("are of the evaluation's time without an argument", () => {
    const atMs = leapDay * 1000;
    expect(ask(load(""), "day_of_month()", { atMs })).toEqual(["{} 29"]);
    expect(ask(load("x 0"), "year(x)", { atMs: 0 })).toEqual(["{} 1970"]);
  });
});
