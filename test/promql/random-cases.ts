/** Random expressions on random series: the same in every run, found by one seed. */

import fc from "fast-check";
import type { StoredSeries } from "../../src/promql/series.ts";
import { STALE, storedSeries, type Written } from "./array-store.ts";
import { DATA_START_MS } from "./dataset.ts";
import type { QuerySpan } from "./prometheus.ts";

const SEED = 20_240_229;
const WORLDS = 40;
const EXPRESSIONS_PER_WORLD = 15;
const SAMPLES = 60;
const LENGTH_S = 900;

/** Stands for the part of a metric's name that tells the worlds apart. */
const WORLD = "$WORLD";

const value = fc.oneof(
  { weight: 10, arbitrary: fc.integer({ min: -50, max: 200 }) },
  { weight: 4, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -0, 1e300, 1e-300) },
);

/** How one sample follows the one before it. */
const step = fc.record({
  /** Mostly a scrape's interval; sometimes scrapes are missed. */
  afterMs: fc.oneof(
    { weight: 12, arbitrary: fc.constant(15_000) },
    { weight: 2, arbitrary: fc.integer({ min: 1, max: 14_999 }) },
    { weight: 1, arbitrary: fc.integer({ min: 30_000, max: 360_000 }) },
  ),
  kind: fc.oneof(
    { weight: 16, arbitrary: fc.constant("value" as const) },
    { weight: 1, arbitrary: fc.constant(STALE) },
    { weight: 1, arbitrary: fc.constant("reset" as const) },
  ),
  gauge: value,
  growth: fc.nat({ max: 20 }),
});

const samples = fc
  .record({
    isCounter: fc.boolean(),
    startMs: fc.oneof(fc.constant(0), fc.nat({ max: 300_000 })),
    steps: fc.array(step, { minLength: 10, maxLength: SAMPLES, size: "max" }),
  })
  .map(({ isCounter, startMs, steps }): Written[] => {
    let timestampMs = DATA_START_MS + startMs;
    let counter = 0;
    return steps.map(({ afterMs, kind, gauge, growth }) => {
      timestampMs += afterMs;
      counter = kind === "reset" ? growth : counter + growth;
      if (kind === STALE) return [timestampMs, STALE];
      return [timestampMs, isCounter ? counter : gauge];
    });
  });

const LABEL_SETS = ["x", "y"].flatMap((g) => ["1", "2"].map((k) => ({ g, k })));

const world = fc.record({
  first: fc.array(samples, { minLength: 4, maxLength: 4 }),
  second: fc.array(samples, { minLength: 2, maxLength: 4 }),
  buckets: fc.array(samples, { minLength: 3, maxLength: 4 }),
});

const duration = fc.constantFrom("15s", "20s", "45s", "1m", "2m", "5m", "90500ms");
const number = fc.oneof(
  fc.integer({ min: -3, max: 100 }).map(String),
  fc.constantFrom("0.5", "1e3", "Inf", "NaN", "-0.25"),
);
const grouping = fc.constantFrom("", "by (g) ", "by (k) ", "by (g, k) ", "without (g) ", "by () ");
const selector = fc
  .tuple(
    fc.constantFrom("a", "b"),
    fc.constantFrom("", '{g="x"}', '{k=~"1|3"}', '{g!="x",k!~"2"}', '{missing=""}'),
    fc.constantFrom("", "", "", " offset 1m", " offset -30s", ` @ ${DATA_START_MS / 1000 + 400}`),
  )
  .map(([name, matchers, shift]) => ({ shift, text: `${WORLD}_${name}${matchers}` }));

const { vector } = fc.letrec<{ vector: string; range: string; scalar: string }>((tie) => ({
  scalar: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 6, arbitrary: number },
    { weight: 1, arbitrary: fc.constant("time()") },
    { weight: 1, arbitrary: tie("vector").map((of) => `scalar(${of})`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie("scalar"), fc.constantFrom("+", "-", "*", "/", "%"), tie("scalar"))
        .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
    },
  ),
  range: fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(selector, duration)
        .map(([{ text, shift }, range]) => `${text}[${range}]${shift}`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie("vector"), duration, fc.constantFrom("7s", "15s", "30s", "1m"))
        .map(([of, range, resolution]) => `(${of})[${range}:${resolution}]`),
    },
  ),
  vector: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    { weight: 3, arbitrary: selector.map(({ text, shift }) => text + shift) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          fc.constantFrom(
            ...["rate", "irate", "increase", "delta", "idelta", "deriv", "changes", "resets"],
            ...["avg", "min", "max", "sum", "count", "stddev", "stdvar", "last", "present"].map(
              (name) => `${name}_over_time`,
            ),
          ),
          tie("range"),
        )
        .map(([name, of]) => `${name}(${of})`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom("0", "0.3", "0.9", "1", "2"), tie("range"))
        .map(([quantile, of]) => `quantile_over_time(${quantile}, ${of})`),
    },
    {
      weight: 1,
      arbitrary: tie("range").map((of) => `predict_linear(${of}, 60)`),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          fc.constantFrom("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"),
          grouping,
          tie("vector"),
        )
        .map(([name, groups, of]) => `${name} ${groups}(${of})`),
    },
    {
      // Which of equals is chosen depends on their order, which only stored series have.
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom("topk", "bottomk"), grouping, selector)
        .map(([name, groups, { text, shift }]) => `${name} ${groups}(2, ${text}${shift})`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(grouping, fc.constantFrom("0", "0.4", "1"), tie("vector"))
        .map(([groups, quantile, of]) => `quantile ${groups}(${quantile}, ${of})`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom("abs", "ceil", "floor", "round", "sgn", "-"), tie("vector"))
        .map(([name, of]) => `${name}(${of})`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom("clamp_min", "clamp_max"), tie("vector"), tie("scalar"))
        .map(([name, of, bound]) => `${name}(${of}, ${bound})`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom("timestamp", "absent", "sort"), tie("vector"))
        .map(([name, of]) => `${name}(${of})`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom("0.5", "0.9"), duration)
        .map(
          ([quantile, range]) => `histogram_quantile(${quantile}, rate(${WORLD}_bucket[${range}]))`,
        ),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          tie("vector"),
          fc.constantFrom("+", "-", "*", "/", "%", ">", "<=", "== bool", "!=", "^"),
          tie("scalar"),
          fc.boolean(),
        )
        .map(([of, operator, by, isSwapped]) =>
          isSwapped ? `(${by} ${operator} ${of})` : `(${of} ${operator} ${by})`,
        ),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          tie("vector"),
          fc.constantFrom("+", "-", "*", "/", ">", "< bool", "=="),
          fc.constantFrom(
            "",
            "on (g, k) ",
            "ignoring (k) ",
            "on (g) group_left () ",
            "on () group_right () ",
          ),
          tie("vector"),
        )
        .map(([left, operator, matching, right]) => `(${left} ${operator} ${matching}${right})`),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          tie("vector"),
          fc.constantFrom("and", "or", "unless"),
          fc.constantFrom("", "on (g) ", "ignoring (k) ", "on () "),
          tie("vector"),
        )
        .map(([left, operator, matching, right]) => `(${left} ${operator} ${matching}${right})`),
    },
  ),
}));

const instantMs = fc.nat({ max: LENGTH_S * 1000 }).map((ms) => DATA_START_MS + ms);
const span = fc
  .tuple(instantMs, fc.integer({ min: 5_000, max: 70_000 }))
  .map(([startMs, stepMs]): QuerySpan => ({ startMs, endMs: startMs + 10 * stepMs + 1, stepMs }));
/** Also on the 15 s on which most samples lie: that is where the edges of windows are decided. */
const onSampleMs = fc.nat({ max: LENGTH_S / 15 }).map((index) => DATA_START_MS + index * 15_000);

const question = fc.record({
  expr: vector,
  ats: fc.tuple(instantMs, onSampleMs, onSampleMs, span),
});

export interface RandomCases {
  readonly series: readonly StoredSeries[];
  readonly comparisons: readonly { readonly expr: string; readonly at: number | QuerySpan }[];
}

/** A few hundred expressions, each at three instants and over one range. */
export function randomCases(seed = SEED): RandomCases {
  const worlds = fc.sample(world, { seed, numRuns: WORLDS });
  const questions = fc.sample(question, { seed, numRuns: WORLDS * EXPRESSIONS_PER_WORLD });
  return {
    series: worlds.flatMap(({ first, second, buckets }, index) => [
      ...first.map((written, nth) =>
        storedSeries({ __name__: `r${index}_a`, ...LABEL_SETS[nth] }, written),
      ),
      ...second.map((written, nth) =>
        storedSeries({ __name__: `r${index}_b`, ...LABEL_SETS[nth] }, written),
      ),
      ...buckets.map((written, nth) =>
        storedSeries(
          { __name__: `r${index}_bucket`, g: "x", le: ["1", "2.5", "+Inf", "0.5"][nth] ?? "" },
          written,
        ),
      ),
    ]),
    comparisons: questions.flatMap(({ expr, ats }, index) =>
      ats.map((at) => ({ expr: expr.replaceAll(WORLD, () => `r${index % WORLDS}`), at })),
    ),
  };
}
