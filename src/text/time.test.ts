import { describe, expect, test } from "bun:test";
import { exactSeconds, isoTime, seconds, secondsWithTenths, timeOrDate } from "./time.ts";

describe("a duration", () => {
  test.each([
    [0, "0 s", "0 s", "0.0 s"],
    [1_740, "1.7 s", "1.74 s", "1.7 s"],
    [5_000, "5 s", "5 s", "5.0 s"],
    [9_960, "10 s", "9.96 s", "10.0 s"],
    [10_400, "10 s", "10.4 s", "10.4 s"],
    [59_949, "60 s", "59.949 s", "59.9 s"],
  ])("of %i ms is %s measured, %s as a limit, %s in a table", (ms, measured, limit, cell) => {
    expect([seconds(ms), exactSeconds(ms), secondsWithTenths(ms)]).toEqual([measured, limit, cell]);
  });
});

describe("a time", () => {
  const NOON_MS = new Date(2026, 2, 4, 12, 5).getTime();

  test("of today is the time of day", () => {
    expect(timeOrDate(NOON_MS, NOON_MS + 1000)).toBe("12:05");
  });

  test("of another day has its date", () => {
    expect(timeOrDate(NOON_MS, NOON_MS + 86_400_000)).toBe("2026-03-04 12:05");
  });

  test.each([
    [0, "1970-01-01T00:00:00.000Z"],
    [8.64e15, "+275760-09-13T00:00:00.000Z"],
    [8.64e15 + 1, undefined],
    [Number.NaN, undefined],
    [undefined, undefined],
  ])("%p is %p in UTC", (ms, text) => {
    expect(isoTime(ms)).toBe(text);
  });
});
