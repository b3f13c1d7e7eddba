import { describe, expect, test } from "bun:test";
import { SentinelError } from "../core/errors.ts";
import { dueAtMs, dueCount, type LoadOptions, parsePlan, requestCount } from "./plan.ts";

const USUAL: LoadOptions = { rate: "50", duration: "10", url: "http://localhost:8000" };

function refusal(options: Partial<LoadOptions>): SentinelError {
  try {
    parsePlan({ ...USUAL, ...options });
  } catch (error) {
    if (error instanceof SentinelError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(options)} was accepted`);
}

describe("the options", () => {
  test("make a plan", () => {
    expect(parsePlan(USUAL)).toEqual({ rate: 50, durationS: 10, url: "http://localhost:8000" });
  });

  test.each([
    ["1", "1"],
    ["10000", "3600"],
  ])("may be at their bounds: %s/s for %s s", (rate, duration) => {
    const plan = parsePlan({ ...USUAL, rate, duration });
    expect([plan.rate, plan.durationS]).toEqual([Number(rate), Number(duration)]);
  });

  test.each([
    "0",
    "10001",
    "-1",
    "1.5",
    "1e3",
    "0x10",
    "",
    " 5",
    "5 ",
    "many",
    "NaN",
    "9".repeat(40),
  ])("--rate %j is refused", (rate) => {
    const { code, message } = refusal({ rate });
    expect(code).toBe("usage");
    expect(message).toBe(
      `--rate must be a whole number of requests a second from 1 to 10000, not ${JSON.stringify(rate)}`,
    );
  });

  test.each(["0", "3601", "10s", "Infinity"])("--duration %j is refused", (duration) => {
    const { code, message } = refusal({ duration });
    expect(code).toBe("usage");
    expect(message).toContain("--duration must be a whole number of seconds from 1 to 3600, not ");
  });

  test.each([
    ["http://127.0.0.1:8000/", "http://127.0.0.1:8000"],
    ["https://shop.example", "https://shop.example"],
    ["http://[::1]:8000", "http://[::1]:8000"],
    ["http://host:8000/behind/a/path/", "http://host:8000/behind/a/path"],
  ])("--url %s is %s", (url, expected) => {
    expect(parsePlan({ ...USUAL, url }).url).toBe(expected);
  });

  test.each([
    "localhost:8000",
    "ftp://localhost",
    "http://",
    "",
    "http://user:secret@host?x=1",
    "http://host/#top",
    "http://host:99999",
  ])("--url %j is refused, and not shown", (url) => {
    const { code, message, hint } = refusal({ url });
    expect(code).toBe("usage");
    expect(message).toBe("--url must be an http URL without a query or a fragment");
    expect(hint).toContain("http://localhost:8000");
  });
});

describe("the schedule", () => {
  const plan = { rate: 3, durationS: 2, url: "" };

  test("is even, and begins at once", () => {
    const due = Array.from({ length: requestCount(plan) }, (_, index) => dueAtMs(plan, index));
    expect(due.map(Math.round)).toEqual([0, 333, 667, 1000, 1333, 1667]);
  });

  test("does not drift: the last request of an hour is due where it should be", () => {
    const long = { rate: 9999, durationS: 3600, url: "" };
    expect(dueAtMs(long, requestCount(long))).toBe(3_600_000);
  });

  test.each([
    [0, 1],
    [333, 1],
    [334, 2],
    [1000, 4],
    [1999, 6],
    [60_000, 6],
  ])("after %d ms %d are due", (elapsedMs, count) => {
    expect(dueCount(plan, elapsedMs)).toBe(count);
  });
});
