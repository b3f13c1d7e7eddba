import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  ask,
  INTERVAL_MS,
  load,
  parseValues,
  series,
  STALE,
  storeOf,
  type TestValue,
} from "../../../test/support/promql-series.ts";
import { evaluateInstant } from "../evaluate.ts";
import { parseExpression } from "../parse.ts";

/** The function's value on one series at a time in seconds. */
function valueOf(
  call: string,
  values: readonly TestValue[],
  atSeconds: number,
): number | undefined {
  const result = evaluateInstant(
    parseExpression(call),
    storeOf([series({ __name__: "x" }, values)]),
    { atMs: atSeconds * 1000 },
  );
  if (result.type !== "vector") throw new Error(`${call} gave a ${result.type}`);
  return result.samples[0]?.value;
}

describe("on samples of every 10 s", () => {
  const cases: readonly (readonly [string, string, string, number, number | undefined])[] = [
    ["rate of a steady counter is its slope", "rate(x[50s])", "0+10x10", 100, 1],
    ["a range is open on its left", "count_over_time(x[50s])", "0+10x10", 100, 5],
    ["and closed on its right", "last_over_time(x[50s])", "0+10x10", 100, 100],
    ["rate needs two samples", "rate(x[10s])", "0+10x10", 100, undefined],
    ["and takes two", "rate(x[20s])", "100+10x10", 100, 1],
    // 4 intervals of 10 s are seen, 40 in increase; the range begins a whole interval before.
    ["increase is extrapolated to the range", "increase(x[50s])", "1000+10x10", 100, 50],
    // The counter was 10 at the first sample in the range, so it was 0 just one second before it.
    ["but not to before the counter was zero", "increase(x[50s])", "_x6 1 11 21 31", 90, 31],
    ["nor to before one that begins at zero", "increase(x[50s])", "_x6 0 10 20 30", 90, 30],
    ["delta may go below zero", "delta(x[50s])", "_x6 1 11 21 31", 90, 35],
    // From 60 s on, the nearest sample is more than 1.1 intervals away from the range's start.
    [
      "and half an interval where the series begins",
      "increase(x[100s])",
      "_x6 500 510 520 530",
      90,
      35,
    ],
    ["a reset counts from zero", "increase(x[50s])", "1000 1010 1020 10 20 30", 50, 50],
    ["a reset is no fall of a gauge", "delta(x[50s])", "100 90 80 70 60 50", 50, -50],
    ["irate looks at the last two", "irate(x[50s])", "0 0 0 0 10 40", 50, 3],
    ["irate counts a reset from zero", "irate(x[50s])", "0 0 0 0 50 40", 50, 4],
    ["idelta takes the difference", "idelta(x[50s])", "0 0 0 0 50 40", 50, -10],
    ["deriv is the slope of the fitted line", "deriv(x[50s])", "0+30x10", 100, 3],
    ["deriv of a constant is zero", "deriv(x[50s])", "7x10", 100, 0],
    ["deriv of infinities is unknown", "deriv(x[50s])", "Inf Inf Inf Inf Inf Inf", 50, Number.NaN],
    ["predict_linear goes on from now", "predict_linear(x[50s], 60)", "0+30x10", 100, 480],
    [
      "and not from where an offset looks",
      "predict_linear(x[50s] offset 20s, 0)",
      "0+30x20",
      100,
      300,
    ],
    // Once the sum is too large the mean is rounded at each step; so is Prometheus' own.
    [
      "the mean of huge values is as exact as in Prometheus",
      "avg_over_time(x[60s]) / 1e291",
      "1.7e308 1e290 1.7e308 -1.7e308 -1.7e308",
      40,
      1.0179201547673605,
    ],
    ["changes counts differences", "changes(x[60s])", "1 1 2 2 1 1", 50, 2],
    ["NaN after NaN is no change", "changes(x[60s])", "1 NaN NaN 1", 30, 2],
    ["resets counts falls", "resets(x[60s])", "5 3 4 1 NaN 0", 50, 2],
    ["max passes over NaN", "max_over_time(x[60s])", "NaN 3 NaN 5 1", 40, 5],
    ["min passes over NaN", "min_over_time(x[60s])", "NaN 3 NaN 5 1", 40, 1],
    ["max of NaN alone is NaN", "max_over_time(x[60s])", "NaN NaN", 10, Number.NaN],
    ["sums keep small terms", "sum_over_time(x[60s])", "1 1e100 1 -1e100", 30, 2],
    [
      "the mean of huge values does not overflow",
      "avg_over_time(x[60s])",
      "1.7e308 1.7e308 1.7e308",
      20,
      1.7e308,
    ],
    [
      "a sum of them does",
      "sum_over_time(x[60s])",
      "1.7e308 1.7e308",
      10,
      Number.POSITIVE_INFINITY,
    ],
    ["stdvar", "stdvar_over_time(x[60s])", "1 2 3 4", 30, 1.25],
    ["stddev", "stddev_over_time(x[60s])", "0 8 8 2 3", 40, Math.sqrt(10.56)],
    ["the median", "quantile_over_time(0.5, x[60s])", "4 1 3 2", 30, 2.5],
    [
      "NaN is the smallest in a quantile",
      "quantile_over_time(0, x[60s])",
      "4 NaN 3",
      20,
      Number.NaN,
    ],
    ["a quantile above 1", "quantile_over_time(1.1, x[60s])", "4 1", 10, Number.POSITIVE_INFINITY],
    ["a quantile below 0", "quantile_over_time(-0.1, x[60s])", "4 1", 10, Number.NEGATIVE_INFINITY],
    ["a stale marker is no sample", "count_over_time(x[60s])", "1 2 stale 4", 30, 3],
    ["present is 1", "present_over_time(x[60s])", "5", 0, 1],
    ["no sample, no value", "present_over_time(x[60s])", "5", 60, undefined],
    ["one sample at the very end", "present_over_time(x[60s])", "5", 59, 1],
    ["stale markers alone are no samples", "count_over_time(x[60s])", "stale stale", 10, undefined],
    ["an offset moves the range", "sum_over_time(x[20s] offset 20s)", "1 2 4 8 16", 40, 6],
  ];
  test.each(cases)("%s: %s", (_name, call, notation, atSeconds, expected) => {
    const value = valueOf(call, parseValues(notation), atSeconds);
    if (expected === undefined || Number.isNaN(expected)) expect(value).toBe(expected as number);
    else expect(value).toBeCloseTo(expected, 9);
  });
});

describe("the name", () => {
  const store = load(`
    x{l="a"} 1 2 3
    y{l="a"} 4 5 6
    y{l="b"} 7 8 9
  `);
  const atMs = 20_000;

  test("goes with a computed value, and stays with one that was read", () => {
    expect(ask(store, "sum_over_time(y[1m])", { atMs })).toEqual(['{l="a"} 15', '{l="b"} 24']);
    expect(ask(store, "last_over_time(y[1m])", { atMs })).toEqual(['y{l="a"} 6', 'y{l="b"} 9']);
  });

  test("is needed where series differ by it alone", () => {
    const call = 'rate({__name__=~"x|y"}[1m])';
    expect(() => ask(store, call, { atMs })).toThrow(
      "vector cannot contain metrics with the same labelset",
    );
    expect(ask(store, 'last_over_time({l="a"}[1m])', { atMs })).toHaveLength(2);
  });
});

/** Gaps, stale markers, resets, NaN and infinities, as they come. */
const values: fc.Arbitrary<TestValue[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 1000 }) },
    { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity, -5, 0.1) },
    { weight: 1, arbitrary: fc.constant(STALE) },
    { weight: 2, arbitrary: fc.constant(undefined) },
  ),
  { minLength: 1, maxLength: 40 },
);
const seconds = fc.integer({ min: 0, max: 450 });
const rangeSeconds = fc.integer({ min: 1, max: 200 });

/** The samples of the range, by looking at each. */
function within(all: readonly TestValue[], endSeconds: number, range: number): [number, number][] {
  return [...all.entries()].flatMap(([index, value]): [number, number][] => {
    const at = (index * INTERVAL_MS) / 1000;
    return typeof value === "number" && at <= endSeconds && at > endSeconds - range
      ? [[at, value]]
      : [];
  });
}

/** As Prometheus' documentation tells it, step by step. */
function referenceIncrease(
  samples: readonly [number, number][],
  endSeconds: number,
  range: number,
): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (samples.length < 2 || first === undefined || last === undefined) return undefined;
  let increase = last[1] - first[1];
  for (const [index, [, value]] of samples.entries()) {
    const previous = samples[index - 1]?.[1];
    if (previous !== undefined && value < previous) increase += previous;
  }
  const sampled = last[0] - first[0];
  const interval = sampled / (samples.length - 1);
  const reach = (distance: number) => (distance >= interval * 1.1 ? interval / 2 : distance);
  let before = reach(first[0] - (endSeconds - range));
  if (increase > 0 && first[1] >= 0) before = Math.min(before, sampled * (first[1] / increase));
  return increase * ((sampled + before + reach(endSeconds - last[0])) / sampled);
}

describe("on whatever samples", () => {
  function check(
    call: (range: number) => string,
    reference: (samples: [number, number][], end: number, range: number) => number | undefined,
  ): void {
    fc.assert(
      fc.property(values, seconds, rangeSeconds, (all, end, range) => {
        const expected = reference(within(all, end, range), end, range);
        const value = valueOf(call(range), all, end);
        if (expected === undefined || !Number.isFinite(expected))
          expect(value).toBe(expected as number);
        else expect(value).toBeCloseTo(expected, 6);
      }),
      { numRuns: 500 },
    );
  }

  test("increase is what its documentation says", () => {
    check((range) => `increase(x[${range}s])`, referenceIncrease);
  });

  test("rate is the increase a second", () => {
    check(
      (range) => `rate(x[${range}s]) * ${range}`,
      (samples, end, range) => referenceIncrease(samples, end, range),
    );
  });

  test("count, last and present see the samples of the range and no others", () => {
    check(
      (range) => `count_over_time(x[${range}s])`,
      ({ length }) => length || undefined,
    );
    check(
      (range) => `last_over_time(x[${range}s])`,
      (samples) => samples.at(-1)?.[1],
    );
    check(
      (range) => `present_over_time(x[${range}s])`,
      ({ length }) => (length > 0 ? 1 : undefined),
    );
  });

  test("max and min are those of the numbers among them", () => {
    const numbers = (samples: readonly [number, number][]) =>
      samples.map(([, value]) => value).filter((value) => !Number.isNaN(value));
    const extreme = (pick: (...all: number[]) => number) => (samples: [number, number][]) => {
      if (samples.length === 0) return undefined;
      return numbers(samples).length === 0 ? Number.NaN : pick(...numbers(samples));
    };
    check((range) => `max_over_time(x[${range}s])`, extreme(Math.max));
    check((range) => `min_over_time(x[${range}s])`, extreme(Math.min));
  });

  test("a sum is that of its terms", () => {
    check(
      (range) => `sum_over_time(x[${range}s])`,
      (samples) =>
        samples.length === 0 ? undefined : samples.reduce((sum, [, value]) => sum + value, 0),
    );
  });
});
