/**
 * Our PromQL against a real Prometheus, on the same samples at the same instants. Where the two
 * differ, Prometheus is right.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Expression } from "../../src/promql/ast.ts";
import { PromqlError } from "../../src/promql/errors.ts";
import { evaluateInstant, evaluateRange } from "../../src/promql/evaluate.ts";
import { parseExpression } from "../../src/promql/parse.ts";
import type { SeriesStore, StoredSeries } from "../../src/promql/series.ts";
import { describeUnless } from "../support/docker.ts";
import { arrayStore } from "./array-store.ts";
import {
  differenceOf,
  isEmpty,
  type Outcome,
  ourOutcome,
  ourRange,
  theirOutcome,
} from "./compare.ts";
import { DATA_END_MS, DATA_START_MS, dataset, RESET_AT_MS } from "./dataset.ts";
import { EXPRESSIONS } from "./expressions.ts";
import { misspeltExpressions } from "./misspelt.ts";
import {
  type QuerySpan,
  type RealPrometheus,
  startPrometheus,
  whyNoPrometheus,
} from "./prometheus.ts";
import { randomCases } from "./random-cases.ts";
import { REFUSED_ON_DATA, REFUSED_SPELLINGS, REFUSED_TEXTS } from "./refused.ts";

const MINUTE_MS = 60_000;

/** From before the first sample to after the last one is forgotten. */
const INSTANTS_MS = [
  DATA_START_MS - MINUTE_MS,
  DATA_START_MS,
  DATA_START_MS + 2 * MINUTE_MS + 1,
  // Within the time that series have gone stale.
  DATA_START_MS + 8 * MINUTE_MS,
  // One sample after the reset.
  DATA_START_MS + RESET_AT_MS + 15_001,
  // Within the gap of several series.
  DATA_START_MS + 12 * MINUTE_MS + 7_321,
  DATA_START_MS + 16 * MINUTE_MS + 15_000,
  DATA_START_MS + 21 * MINUTE_MS + 30_000,
  DATA_END_MS,
  // Samples are looked back at for less than 5 minutes.
  DATA_END_MS + 5 * MINUTE_MS - 1,
  DATA_END_MS + 5 * MINUTE_MS,
];

/** At which most series have a sample. */
const BUSY_MS = DATA_START_MS + 7 * MINUTE_MS + 4_000;

const SPANS: readonly QuerySpan[] = [
  { startMs: DATA_START_MS - 3 * MINUTE_MS, endMs: DATA_END_MS + 7 * MINUTE_MS, stepMs: MINUTE_MS },
  {
    startMs: DATA_START_MS + 8 * MINUTE_MS + 2_500,
    endMs: DATA_START_MS + 9 * MINUTE_MS + 58_000,
    stepMs: 7_003,
  },
];

const CONCURRENCY = 8;
const SHOWN_DIFFERENCES = 20;
const TIMEOUT_MS = 120_000;

interface Comparison {
  readonly expr: string;
  /** A number is an instant. */
  readonly at: number | QuerySpan;
}

describeUnless(whyNoPrometheus(), "PromQL as Prometheus evaluates it", () => {
  let prometheus: RealPrometheus;
  const { series: randomSeries, comparisons: randomComparisons } = randomCases();
  const series = dataset();

  beforeAll(async () => {
    prometheus = await startPrometheus();
    await prometheus.write([...series, ...randomSeries]);
  }, TIMEOUT_MS);
  afterAll(() => prometheus[Symbol.asyncDispose]());

  test(
    "holds at every instant, from before the first sample to after the last",
    async () => {
      const comparisons = EXPRESSIONS.flatMap((expr) => INSTANTS_MS.map((at) => ({ expr, at })));
      await expectNoDifference(comparisons, series);
    },
    TIMEOUT_MS,
  );

  test(
    "holds over ranges",
    async () => {
      const comparisons = EXPRESSIONS.flatMap((expr) => SPANS.map((at) => ({ expr, at })));
      await expectNoDifference(comparisons, series);
    },
    TIMEOUT_MS,
  );

  test(
    "holds for random expressions on random series",
    () => expectNoDifference(randomComparisons, randomSeries),
    TIMEOUT_MS,
  );

  test(
    "refuses what Prometheus refuses",
    async () => {
      const refused = [...REFUSED_TEXTS, ...REFUSED_ON_DATA];
      const outcomes = await pooled(refused, async (expr) =>
        theirOutcome(await prometheus.query(expr, BUSY_MS)),
      );
      expect(refused.filter((_, index) => outcomes[index]?.kind !== "refused")).toEqual([]);
      const store = arrayStore(series);
      expect(refused.filter((expr) => evaluate(expr, store, BUSY_MS).kind !== "refused")).toEqual(
        [],
      );
    },
    TIMEOUT_MS,
  );

  test("refuses spellings that its grammar lacks, and never misreads them", async () => {
    const store = arrayStore(series);
    for (const expr of REFUSED_SPELLINGS) {
      expect(theirOutcome(await prometheus.query(expr, DATA_END_MS)).kind).not.toBe("refused");
      expect(evaluate(expr, store, DATA_END_MS).kind).toBe("refused");
    }
  });

  test(
    "never reads a misspelt expression in another way",
    async () => {
      const store = arrayStore(series);
      const texts = misspeltExpressions();
      let readByBoth = 0;
      let readByOne = 0;
      const differences = await pooled(texts, async (expr) => {
        const theirs = theirOutcome(await prometheus.query(expr, BUSY_MS));
        const ours = evaluate(expr, store, BUSY_MS);
        const [isOurs, isTheirs] = [ours.kind !== "refused", theirs.kind !== "refused"];
        if (isOurs !== isTheirs) readByOne += 1;
        if (!isOurs || !isTheirs) return [];
        readByBoth += 1;
        return differenceOf(ours, theirs, false) === undefined ? [] : [expr];
      });
      expect(differences.flat()).toEqual([]);
      expect(readByBoth).toBeGreaterThan(texts.length / 10);
      // Spellings that the grammar lacks, and the few that it has alone: see the docs.
      expect(readByOne).toBeLessThan(texts.length / 200);
    },
    TIMEOUT_MS,
  );

  async function expectNoDifference(
    comparisons: readonly Comparison[],
    on: readonly StoredSeries[],
  ): Promise<void> {
    const store = arrayStore(on);
    let answered = 0;
    const differences = await pooled(comparisons, async ({ expr, at }) => {
      const theirs = theirOutcome(
        await (typeof at === "number"
          ? prometheus.query(expr, at)
          : prometheus.queryRange(expr, at)),
      );
      if (!isEmpty(theirs)) answered += 1;
      return differenceOf(evaluate(expr, store, at), theirs, isOrdered(expr, at));
    });
    const texts = comparisons.flatMap(({ expr, at }, index) => {
      const difference = differences[index];
      return difference === undefined ? [] : `${expr}\n  at ${describeAt(at)}\n    ${difference}`;
    });
    const summary = `${texts.length} of ${comparisons.length} answers differ`;
    if (texts.length > 0)
      throw new Error([summary, ...texts.slice(0, SHOWN_DIFFERENCES)].join("\n"));
    // Two engines that find nothing agree, too.
    expect(answered).toBeGreaterThan(comparisons.length / 2);
  }
});

const parsed = new Map<string, Expression>();

/** Throws, and so fails the test, on any error but the engine's own. */
function evaluate(expr: string, store: SeriesStore, at: number | QuerySpan): Outcome {
  try {
    const expression = parsed.get(expr) ?? parseExpression(expr);
    parsed.set(expr, expression);
    if (typeof at !== "number") return ourRange(evaluateRange(expression, store, at));
    return ourOutcome(evaluateInstant(expression, store, { atMs: at }));
  } catch (error) {
    if (error instanceof PromqlError) return { kind: "refused", message: error.message };
    throw new Error(`${expr} at ${describeAt(at)}`, { cause: error });
  }
}

/** Prometheus gives an order to the values of these alone, and only at an instant. */
function isOrdered(expr: string, at: number | QuerySpan): boolean {
  const expression = parsed.get(expr);
  if (typeof at !== "number" || expression === undefined) return false;
  if (expression.kind === "call")
    return expression.name === "sort" || expression.name === "sort_desc";
  if (expression.kind !== "aggregation") return false;
  const { operator, grouping } = expression;
  // Groups stand in no order.
  const isOneGroup = !grouping.without && grouping.labels.length === 0;
  return isOneGroup && (operator === "topk" || operator === "bottomk");
}

function describeAt(at: number | QuerySpan): string {
  const since = (ms: number) => `start ${(ms - DATA_START_MS) / 1000} s`;
  if (typeof at === "number") return `${since(at)} (${at / 1000})`;
  return `${since(at.startMs)} to ${since(at.endMs)} by ${at.stepMs / 1000} s`;
}

/** Results in the order of the inputs. */
async function pooled<T, R>(inputs: readonly T[], work: (input: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = inputs.entries();
  const workers = Array.from({ length: CONCURRENCY }, async () => {
    for (const [index, input] of queue) results[index] = await work(input);
  });
  await Promise.all(workers);
  return results;
}
