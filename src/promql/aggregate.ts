/** Aggregation over the series of a vector. */

import type { Labels } from "../core/model.ts";
import type { Aggregation, Aggregator, Grouping } from "./ast.ts";
import { Best } from "./best.ts";
import { PromqlError } from "./errors.ts";
import { KahanMean, KahanSum } from "./kahan.ts";
import { METRIC_NAME, NO_LABELS, Projection, projectionOf, withLabel } from "./labels.ts";
import { formatValue } from "./number.ts";
import { quantile } from "./quantile.ts";
import { EMPTY_VECTOR, type Vector, VectorBuilder } from "./vector.ts";

/** Those that reduce a group to one value, without a parameter. */
type Reducer = Exclude<Aggregator, "topk" | "bottomk" | "quantile" | "count_values">;

/** Which group each element belongs to, and the labels of the groups. */
interface Groups {
  readonly groupOf: Uint32Array;
  readonly labels: readonly Labels[];
}

function projectionFor(grouping: Grouping): Projection {
  return projectionOf(grouping, () =>
    grouping.without
      ? new Projection(false, [...grouping.labels, METRIC_NAME])
      : new Projection(true, grouping.labels),
  );
}

function group({ labels }: Vector, grouping: Grouping): Groups {
  const groupOf = new Uint32Array(labels.length);
  if (!grouping.without && grouping.labels.length === 0)
    return { groupOf, labels: labels.length === 0 ? [] : [NO_LABELS] };
  const projection = projectionFor(grouping);
  const groups = new Map<string, number>();
  const groupLabels: Labels[] = [];
  for (const [index, one] of labels.entries()) {
    const signature = projection.signature(one);
    let found = groups.get(signature);
    if (found === undefined) {
      found = groupLabels.length;
      groups.set(signature, found);
      groupLabels.push(projection.apply(one));
    }
    groupOf[index] = found;
  }
  return { groupOf, labels: groupLabels };
}

/** Takes the values of one group, one after the other. */
interface Accumulator {
  add(value: number): void;
  value(): number;
}

class Extreme implements Accumulator {
  private best = Number.NaN;
  constructor(private readonly isBetter: (value: number, than: number) => boolean) {}

  add(value: number): void {
    if (Number.isNaN(this.best) || this.isBetter(value, this.best)) this.best = value;
  }

  value(): number {
    return this.best;
  }
}

class Count implements Accumulator {
  private count = 0;

  add(): void {
    this.count += 1;
  }

  value(): number {
    return this.count;
  }
}

/** By Welford's method, as in Prometheus. */
class Variance implements Accumulator {
  private count = 0;
  private mean = 0;
  private squares = 0;

  add(value: number): void {
    this.count += 1;
    const delta = value - this.mean;
    this.mean += delta / this.count;
    this.squares += delta * (value - this.mean);
  }

  value(): number {
    return this.squares / this.count;
  }
}

const reducers = {
  sum: () => new KahanSum(),
  avg: () => new KahanMean(),
  min: () => new Extreme((value, than) => value < than),
  max: () => new Extreme((value, than) => value > than),
  count: () => new Count(),
  group: () => ({ add: () => undefined, value: () => 1 }),
  stdvar: () => new Variance(),
  stddev: () => {
    const variance = new Variance();
    return { add: (value) => variance.add(value), value: () => Math.sqrt(variance.value()) };
  },
} as const satisfies Record<Reducer, () => Accumulator>;

/** The parameter of an aggregation at one instant. */
type AggregationParameter = number | string | undefined;

/** @throws PromqlError `execution` on a parameter that is out of range */
export function aggregate(
  { operator, grouping }: Aggregation,
  vector: Vector,
  parameter: AggregationParameter,
): Vector {
  switch (operator) {
    case "count_values":
      return countValues(vector, grouping, String(parameter));
    case "topk":
    case "bottomk":
      return select(vector, group(vector, grouping), {
        count: Number(parameter),
        isTop: operator === "topk",
      });
    case "quantile": {
      const { groupOf, labels } = group(vector, grouping);
      const members = membersOf(groupOf, labels.length);
      const values = members.map((indices) =>
        quantile(
          Number(parameter),
          indices.map((index) => vector.values[index] ?? Number.NaN),
        ),
      );
      return { labels, values };
    }
    default: {
      const { groupOf, labels } = group(vector, grouping);
      const accumulators = labels.map((): Accumulator => reducers[operator]());
      for (let index = 0; index < groupOf.length; index += 1)
        accumulators[groupOf[index] ?? 0]?.add(vector.values[index] ?? Number.NaN);
      return { labels, values: accumulators.map((accumulator) => accumulator.value()) };
    }
  }
}

function membersOf(groupOf: Uint32Array, groupCount: number): number[][] {
  const members = Array.from({ length: groupCount }, (): number[] => []);
  for (const [index, found] of groupOf.entries()) members[found]?.push(index);
  return members;
}

function countValues(vector: Vector, grouping: Grouping, label: string): Vector {
  if (label === "") throw new PromqlError("execution", `invalid label name "${label}"`);
  const labelled = vector.labels.map((labels, index) =>
    withLabel(labels, label, formatValue(vector.values[index] ?? Number.NaN)),
  );
  const withValue = grouping.without
    ? grouping
    : { ...grouping, labels: [...grouping.labels, label] };
  const { groupOf, labels } = group({ ...vector, labels: labelled }, withValue);
  const counts = new Array<number>(labels.length).fill(0);
  for (const found of groupOf) counts[found] = (counts[found] ?? 0) + 1;
  return { labels, values: counts };
}

interface Choice {
  readonly count: number;
  readonly isTop: boolean;
}

/** Beyond it Go has no whole number for the parameter. */
const INT64_LIMIT = 2 ** 63;

/** The first of each group in order of value, best first, with all their labels; NaN is last. */
function select(vector: Vector, { groupOf, labels }: Groups, { count, isTop }: Choice): Vector {
  if (count < 1 || labels.length === 0) return EMPTY_VECTOR;
  if (!(count < INT64_LIMIT)) {
    const shown = Number.isFinite(count) ? count.toExponential() : formatValue(count);
    throw new PromqlError("execution", `Scalar value ${shown} overflows int64`);
  }
  const chosen = labels.map(() => new Best(vector.values, Math.trunc(count), isTop));
  for (let index = 0; index < groupOf.length; index += 1) chosen[groupOf[index] ?? 0]?.offer(index);
  const result = new VectorBuilder();
  for (const index of chosen.flatMap((best) => best.inOrder()))
    result.add(vector.labels[index] ?? NO_LABELS, vector.values[index] ?? Number.NaN);
  return result;
}
