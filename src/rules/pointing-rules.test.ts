import { describe, expect, test } from "bun:test";
import { arrayStore, storedSeries } from "../../test/promql/array-store.ts";
import { service } from "../../test/support/fixtures.ts";
import type { Labels } from "../core/model.ts";
import { evaluateInstant } from "../promql/evaluate.ts";
import { parseExpression } from "../promql/parse.ts";
import type { StoredSeries } from "../promql/series.ts";
import { budgetBurnRule, budgetLeakRule, memoryTrendRule } from "./pointing-rules.ts";
import { readRule, type RuleSource } from "./rules.ts";

const STEP_MS = 15_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MB = 1024 * 1024;
const SHOP = service({ name: "shop", job: "shop" });

/** A sample for each step of so much time, by the time since the beginning. */
function over(forMs: number, labels: Labels, valueAt: (sinceMs: number) => number): StoredSeries {
  const count = Math.floor(forMs / STEP_MS) + 1;
  const times = Array.from({ length: count }, (_, index) => index * STEP_MS);
  return storedSeries(
    labels,
    times.map((sinceMs) => [sinceMs, valueAt(sinceMs)]),
  );
}

/** The values for which the rule holds at that time. */
function holdsFor({ expr }: RuleSource, series: readonly StoredSeries[], atMs: number) {
  const value = evaluateInstant(parseExpression(expr), arrayStore(series), { atMs });
  if (value.type !== "vector") throw new Error(`it gives a ${value.type}`);
  return value.samples.map((sample) => sample.value);
}

describe("MemoryFilling", () => {
  const rule = memoryTrendRule(SHOP, { bytes: 'rss{job="shop"}', limit: 500 * MB });
  const END_MS = 2 * HOUR_MS;
  const at = (valueAt: (sinceMs: number) => number) =>
    holdsFor(rule, [over(END_MS, { __name__: "rss", job: "shop" }, valueAt)], END_MS);
  /** Of a leak that began so long before the end. */
  const leak = (sinceMs: number, forMs: number, mbAMinute: number) =>
    200 * MB + Math.max(0, (sinceMs - END_MS + forMs) / MINUTE_MS) * mbAMinute * MB;

  test("tells where a leak of 15 minutes will be in as many", () => {
    const [inLimit = 0, ...more] = at((sinceMs) => leak(sinceMs, 15 * MINUTE_MS, 12));
    expect(more).toEqual([]);
    expect(inLimit / MB).toBeCloseTo(200 + 30 * 12, 0);
  });

  test.each([
    ["a leak that will not reach the limit", (ms: number) => leak(ms, 15 * MINUTE_MS, 5)],
    ["one that has not lasted", (ms: number) => leak(ms, 6 * MINUTE_MS, 30)],
    ["one jump", (ms: number) => (ms < END_MS - 8 * MINUTE_MS ? 200 : 380) * MB],
    ["a sawtooth", (ms: number) => (200 + ((ms % (18 * MINUTE_MS)) / MINUTE_MS) * 15) * MB],
    ["what falls", (ms: number) => (900 - ms / MINUTE_MS) * MB],
    ["what rests", () => 200 * MB],
  ])("is quiet about %s", (_, valueAt) => {
    expect(at(valueAt)).toEqual([]);
  });

  test("shows the memory of now while there is no trend, and leaves what is over the limit to its own rule", () => {
    const { signal } = readRule(rule, "here", "shop");
    expect(signal?.isWhole).toBe(true);
    const shown = (bytes: number) => {
      const series = [over(END_MS, { __name__: "rss", job: "shop" }, () => bytes)];
      return holdsFor({ ...rule, expr: signal?.expr ?? "" }, series, END_MS);
    };
    expect(shown(200 * MB)).toEqual([200 * MB]);
    expect(shown(900 * MB)).toEqual([500 * MB]);
  });

  test("does not trust a process that has not been there for so long", () => {
    const young = over(10 * MINUTE_MS, { __name__: "rss", job: "shop" }, (ms) => ms * MB);
    expect(holdsFor(rule, [young], 10 * MINUTE_MS)).toEqual([]);
  });

  test("permits nothing", () => {
    expect(readRule(rule, "here", "shop").permits).toEqual([]);
  });
});

describe("an error budget of 0.1 %", () => {
  const errors = {
    ratio: (range: string) => `sum(rate(failed[${range}])) / sum(rate(all[${range}]))`,
    count: (range: string) => `sum(increase(failed[${range}]))`,
  };
  const burn = budgetBurnRule(SHOP, 0.999, errors);
  const leak = budgetLeakRule(SHOP, 0.999, errors);
  const DAYS_MS = 4 * 24 * HOUR_MS;
  const END_MS = DAYS_MS;

  /** Of 10 requests a second, a share fails since so long before the end. */
  function failing(rule: RuleSource, share: number, forMs: number) {
    const failed = (ms: number) => (Math.max(0, ms - (END_MS - forMs)) / 1000) * 10 * share;
    const series = [
      over(END_MS, { __name__: "all" }, (ms) => (ms / 1000) * 10),
      over(END_MS, { __name__: "failed" }, failed),
    ];
    return holdsFor(rule, series, END_MS).length > 0;
  }

  test.each([
    // 14.4 times the budget within 1 h, and still.
    { share: 0.03, forMs: 31 * MINUTE_MS, isBurn: true },
    { share: 0.03, forMs: 20 * MINUTE_MS, isBurn: false },
    // 6 times within 6 h.
    { share: 0.007, forMs: 5.5 * HOUR_MS, isBurn: true },
    { share: 0.007, forMs: 4 * HOUR_MS, isBurn: false },
    { share: 0.001, forMs: DAYS_MS, isBurn: false },
  ])("burns at $share for $forMs ms: $isBurn", ({ share, forMs, isBurn }) => {
    expect(failing(burn, share, forMs)).toBe(isBurn);
  });

  test.each([
    { share: 0.0035, forMs: 22 * HOUR_MS, isLeak: true },
    { share: 0.0035, forMs: 3 * HOUR_MS, isLeak: false },
    { share: 0.0012, forMs: 66 * HOUR_MS, isLeak: true },
    { share: 0.0008, forMs: DAYS_MS, isLeak: false },
  ])("leaks at $share for $forMs ms: $isLeak", ({ share, forMs, isLeak }) => {
    expect(failing(leak, share, forMs)).toBe(isLeak);
  });

  test("few requests that are unlucky do not count", () => {
    // 4 of 10 a day: 40 %.
    const rare = (each: number) => (ms: number) => Math.floor(ms / each);
    const series = [
      over(END_MS, { __name__: "all" }, rare(2.4 * HOUR_MS)),
      over(END_MS, { __name__: "failed" }, rare(6 * HOUR_MS)),
    ];
    expect(holdsFor(burn, series, END_MS)).toEqual([]);
  });

  test("permits nothing, and says what the budget is", () => {
    for (const rule of [burn, leak]) {
      expect(readRule(rule, "here", "shop").permits).toEqual([]);
      expect(rule.annotations?.["summary"]).toContain("of 0.1 % that may");
    }
  });
});
