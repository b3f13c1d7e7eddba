/** From the samples of one series within a range to one value. */

import { KahanMean, KahanSum } from "../kahan.ts";
import { quantile } from "../quantile.ts";
import type { RangeFunction } from "../signatures.ts";

/**
 * The samples of one series from index `from` to before `to`, at least one, without stale markers;
 * all later than `startMs` and not later than `endMs`. One object is filled anew for each series.
 */
export interface Window {
  readonly timestampsMs: Float64Array;
  readonly values: Float64Array;
  readonly from: number;
  readonly to: number;
  readonly startMs: number;
  readonly endMs: number;
  /** The time of the evaluation, which an offset does not shift. */
  readonly evaluatedAtMs: number;
}

/** `undefined` if the samples are too few. `parameter` is the function's scalar argument. */
type RangeFunctionBody = (window: Window, parameter: number) => number | undefined;

/** The value at an index that is known to be within the window. */
function at(array: Float64Array, index: number): number {
  return array[index] ?? Number.NaN;
}

interface Extrapolation {
  readonly isCounter: boolean;
  readonly perSecond: boolean;
}

/**
 * The increase over the window, extrapolated to its edges, unless the series seems to begin or to
 * end within it: then by half an interval only, and never to before a counter was zero.
 *
 * @see https://github.com/prometheus/prometheus/blob/v3.5.0/promql/functions.go (extrapolatedRate)
 */
function extrapolate({ isCounter, perSecond }: Extrapolation): RangeFunctionBody {
  return ({ timestampsMs, values, from, to, startMs, endMs }) => {
    const last = to - 1;
    if (last <= from) return undefined;
    const firstValue = at(values, from);
    let increase = at(values, last) - firstValue;
    if (isCounter) {
      let previous = firstValue;
      for (let index = from + 1; index < to; index += 1) {
        const value = at(values, index);
        if (value < previous) increase += previous;
        previous = value;
      }
    }

    const firstMs = at(timestampsMs, from);
    const lastMs = at(timestampsMs, last);
    const sampledSeconds = (lastMs - firstMs) / 1000;
    const intervalSeconds = sampledSeconds / (last - from);
    const thresholdSeconds = intervalSeconds * 1.1;

    let toStart = (firstMs - startMs) / 1000;
    if (toStart >= thresholdSeconds) toStart = intervalSeconds / 2;
    if (isCounter && increase > 0 && firstValue >= 0) {
      const toZero = sampledSeconds * (firstValue / increase);
      if (toZero < toStart) toStart = toZero;
    }
    let toEnd = (endMs - lastMs) / 1000;
    if (toEnd >= thresholdSeconds) toEnd = intervalSeconds / 2;

    const factor = (sampledSeconds + toStart + toEnd) / sampledSeconds;
    return increase * (perSecond ? factor / ((endMs - startMs) / 1000) : factor);
  };
}

/** Between the last two samples. */
function lastChange({ isCounter, perSecond }: Extrapolation): RangeFunctionBody {
  return ({ timestampsMs, values, from, to }) => {
    if (to - from < 2) return undefined;
    const last = at(values, to - 1);
    const previous = at(values, to - 2);
    const change = isCounter && last < previous ? last : last - previous;
    if (!perSecond) return change;
    return change / ((at(timestampsMs, to - 1) - at(timestampsMs, to - 2)) / 1000);
  };
}

/** The line through the samples that fits best: its slope a second, and its value at `originMs`. */
function fitLine(
  { timestampsMs, values, from, to }: Window,
  originMs: number,
): { readonly slope: number; readonly intercept: number } {
  const x = new KahanSum();
  const y = new KahanSum();
  const xy = new KahanSum();
  const xx = new KahanSum();
  const first = at(values, from);
  let isConstant = true;
  for (let index = from; index < to; index += 1) {
    const seconds = (at(timestampsMs, index) - originMs) / 1000;
    const value = at(values, index);
    if (index > from && value !== first) isConstant = false;
    x.add(seconds);
    y.add(value);
    xy.add(seconds * value);
    xx.add(seconds * seconds);
  }
  if (isConstant)
    return Math.abs(first) === Number.POSITIVE_INFINITY
      ? { slope: Number.NaN, intercept: Number.NaN }
      : { slope: 0, intercept: first };
  const count = to - from;
  const covariance = xy.value() - (x.value() * y.value()) / count;
  const variance = xx.value() - (x.value() * x.value()) / count;
  const slope = covariance / variance;
  return { slope, intercept: y.value() / count - (slope * x.value()) / count };
}

/** The one for which no other is better; NaN only if there is nothing else. */
function extreme(isBetter: (value: number, than: number) => boolean): RangeFunctionBody {
  return ({ values, from, to }) => {
    let best = at(values, from);
    for (let index = from + 1; index < to; index += 1) {
      const value = at(values, index);
      if (isBetter(value, best) || Number.isNaN(best)) best = value;
    }
    return best;
  };
}

function variance({ values, from, to }: Window): number {
  const mean = new KahanSum();
  const squares = new KahanSum();
  let count = 0;
  for (let index = from; index < to; index += 1) {
    count += 1;
    const value = at(values, index);
    const delta = value - mean.value();
    mean.add(delta / count);
    squares.add(delta * (value - mean.value()));
  }
  return squares.value() / count;
}

/** How often a pair of neighbours passes the test. */
function countPairs(test: (value: number, previous: number) => boolean): RangeFunctionBody {
  return ({ values, from, to }) => {
    let count = 0;
    for (let index = from + 1; index < to; index += 1)
      if (test(at(values, index), at(values, index - 1))) count += 1;
    return count;
  };
}

export const rangeFunctions = {
  rate: extrapolate({ isCounter: true, perSecond: true }),
  increase: extrapolate({ isCounter: true, perSecond: false }),
  delta: extrapolate({ isCounter: false, perSecond: false }),
  irate: lastChange({ isCounter: true, perSecond: true }),
  idelta: lastChange({ isCounter: false, perSecond: false }),
  deriv: (window) =>
    window.to - window.from < 2
      ? undefined
      : fitLine(window, at(window.timestampsMs, window.from)).slope,
  predict_linear: (window, seconds) => {
    if (window.to - window.from < 2) return undefined;
    const { slope, intercept } = fitLine(window, window.evaluatedAtMs);
    return slope * seconds + intercept;
  },
  changes: countPairs(
    (value, previous) => value !== previous && !(Number.isNaN(value) && Number.isNaN(previous)),
  ),
  resets: countPairs((value, previous) => value < previous),
  avg_over_time: ({ values, from, to }) => {
    const mean = new KahanMean();
    for (let index = from; index < to; index += 1) mean.add(at(values, index));
    return mean.value();
  },
  sum_over_time: ({ values, from, to }) => {
    const sum = new KahanSum();
    for (let index = from; index < to; index += 1) sum.add(at(values, index));
    return sum.value();
  },
  min_over_time: extreme((value, than) => value < than),
  max_over_time: extreme((value, than) => value > than),
  count_over_time: ({ from, to }) => to - from,
  stddev_over_time: (window) => Math.sqrt(variance(window)),
  stdvar_over_time: variance,
  last_over_time: ({ values, to }) => at(values, to - 1),
  present_over_time: () => 1,
  quantile_over_time: ({ values, from, to }, q) => quantile(q, values.slice(from, to)),
} as const satisfies Record<RangeFunction, RangeFunctionBody>;
