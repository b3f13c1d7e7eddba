import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { askedWaitMs, retryWaitMs, type Standing } from "./retry.ts";

const lowest = () => 0;
const highest = () => 1 - Number.EPSILON;

function standing(changes: Partial<Standing> = {}): Standing {
  return { retries: 0, retryAfterMs: undefined, leftMs: 20_000, deadlineMs: 20_000, ...changes };
}

describe("how long to wait for the next try", () => {
  test.each<[string, Partial<Standing>, [number, number] | undefined]>([
    ["half to all of 500 ms at first", {}, [250, 500]],
    ["twice that before the second", { retries: 1 }, [500, 1000]],
    ["there is no third", { retries: 2 }, undefined],
    ["what the server asks for, and a little more", { retryAfterMs: 3000 }, [3000, 3250]],
    ["not at once, even if it asks for nothing", { retryAfterMs: 0 }, [0, 250]],
    ["as much as leaves a quarter of the deadline", { retryAfterMs: 14_750 }, [14_750, 15_000]],
    ["not more", { retryAfterMs: 15_001 }, undefined],
    ["less, if time has passed", { retryAfterMs: 14_750, leftMs: 19_749 }, undefined],
    ["none past the deadline", { leftMs: -1 }, undefined],
  ])("%s", (_, changes, expected) => {
    const [least, most] = [lowest, highest].map((random) => retryWaitMs(standing(changes), random));
    if (expected === undefined) {
      expect({ least, most }).toEqual({ least: undefined, most: undefined });
      return;
    }
    expect(least).toBeCloseTo(expected[0], 5);
    expect(most).toBeCloseTo(expected[1], 5);
  });

  test("it never ends past the deadline, whatever the server and the dice say", () => {
    const whole = fc.nat(100_000);
    const parts = [fc.nat(3), fc.option(whole, { nil: undefined }), whole, whole] as const;
    const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.tuple(...parts), dice, ([retries, retryAfterMs, leftMs, deadlineMs], die) => {
        const of = { retries, retryAfterMs, leftMs, deadlineMs };
        const waitMs = retryWaitMs(of, () => die) ?? 0;
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(leftMs);
      }),
    );
  });
});

describe("how long a server asks to wait", () => {
  const NOW_MS = Date.parse("2025-11-24T12:00:00Z");

  test.each<[string | null, number | undefined]>([
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7000],
    ["999999999", 999_999_999_000],
    ["Mon, 24 Nov 2025 12:00:30 GMT", 30_000],
    ["Mon, 24 Nov 2025 11:00:00 GMT", 0],
    [null, undefined],
    ["", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    ["soon", undefined],
    ["2030", 2_030_000],
    ["9999999999", undefined],
    ["tomorrow GMT", undefined],
    ["2025-11-24", undefined],
  ])("Retry-After %j is %p ms", (header, expected) => {
    expect(askedWaitMs(header, "", NOW_MS)).toBe(expected);
  });

  const google = (...details: readonly unknown[]) => JSON.stringify({ error: { details } });
  test.each<[string, string, number | undefined]>([
    ["Google's delay", google({ retryDelay: "34s" }), 34_000],
    ["with a fraction", google({ retryDelay: "34.074824224s" }), 34_075],
    ["after other details", google({ links: [] }, null, "?", { retryDelay: "2s" }), 2000],
    ["in another unit", google({ retryDelay: "2m" }), undefined],
    ["negative", google({ retryDelay: "-2s" }), undefined],
    ["as a number", google({ retryDelay: 2 }), undefined],
    ["no details", google(), undefined],
    ["another form", '{"error":"busy"}', undefined],
    ["no JSON", "<html>busy</html>", undefined],
  ])("in the body: %s", (_, body, expected) => {
    expect(askedWaitMs(null, body, NOW_MS)).toBe(expected);
  });

  test("the header wins", () => {
    expect(askedWaitMs("1", google({ retryDelay: "34s" }), NOW_MS)).toBe(1000);
  });
});
