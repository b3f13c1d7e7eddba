/** Quantiles and shares of classic histograms. */

import { labelOf, Projection, withoutNames } from "../labels.ts";
import { type Vector, VectorBuilder } from "../vector.ts";

const BUCKET_LABEL = "le";

/** Counts that differ by less, relatively, are taken for equal: the rest is rounding. */
const COUNT_TOLERANCE = 1e-12;

/** Smallest number that is held with full precision. */
const MIN_NORMAL = 2 ** -1022;

interface Bucket {
  readonly upperBound: number;
  /** Of all observations up to the bound. */
  count: number;
}

/** All buckets of a histogram share these labels, its name among them. */
const histogramLabels = new Projection(false, [BUCKET_LABEL]);

/** What is made of all buckets of one histogram. */
type Summarize = (buckets: readonly Bucket[]) => number;

/**
 * @param buckets a series each, told apart by `le`; one whose `le` is no number is left out
 * @throws PromqlError `execution` if two histograms differ by their names alone
 */
export function histogramQuantile(q: number, buckets: Vector): Vector {
  return ofHistograms(buckets, (own) => bucketQuantile(q, own));
}

/** As `histogramQuantile`, for the share of all observations that is above one bound and up to another. */
export function histogramFraction(bounds: Bounds, buckets: Vector): Vector {
  return ofHistograms(buckets, (own) => bucketFraction(bounds, own));
}

function ofHistograms(buckets: Vector, summarize: Summarize): Vector {
  const histograms = new Map<string, { readonly index: number; readonly buckets: Bucket[] }>();
  for (const [index, labels] of buckets.labels.entries()) {
    const upperBound = parseBound(labelOf(labels, BUCKET_LABEL));
    if (upperBound === undefined) continue;
    const bucket = { upperBound, count: buckets.values[index] ?? Number.NaN };
    const signature = histogramLabels.signature(labels);
    const histogram = histograms.get(signature);
    if (histogram === undefined) histograms.set(signature, { index, buckets: [bucket] });
    else histogram.buckets.push(bucket);
  }
  const result = new VectorBuilder();
  for (const histogram of histograms.values()) {
    const labels = buckets.labels[histogram.index];
    if (labels !== undefined)
      result.add(histogramLabels.apply(labels), summarize(histogram.buckets));
  }
  return { labels: withoutNames(result.labels), values: result.values };
}

function parseBound(text: string): number | undefined {
  if (/^[+]?inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^-inf(inity)?$/i.test(text)) return Number.NEGATIVE_INFINITY;
  if (/^[+-]?nan$/i.test(text)) return Number.NaN;
  const value = text.trim() === text && text !== "" ? Number(text) : Number.NaN;
  return Number.isNaN(value) ? undefined : value;
}

/**
 * Interpolated within the bucket that holds the quantile, as if its observations were spread evenly.
 *
 * @returns NaN without observations or without a bucket up to infinity
 * @see https://github.com/prometheus/prometheus/blob/v3.5.0/promql/quantile.go
 */
export function bucketQuantile(q: number, unsorted: readonly Bucket[]): number {
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const sorted = byBound(unsorted);
  if (sorted.at(-1)?.upperBound !== Number.POSITIVE_INFINITY) return Number.NaN;
  const buckets = mergeEqualBounds(sorted);
  makeMonotonic(buckets);
  const total = buckets.at(-1)?.count ?? 0;
  if (buckets.length < 2 || total === 0) return Number.NaN;

  let rank = q * total;
  const last = buckets.length - 1;
  const index = firstReaching(rank, buckets.slice(0, last));
  const bucket = buckets[index];
  if (bucket === undefined) return Number.NaN;
  const below = buckets[index - 1];
  if (index === last) return below?.upperBound ?? Number.NaN;
  if (below === undefined) {
    if (bucket.upperBound <= 0) return bucket.upperBound;
    return bucket.upperBound * (rank / bucket.count);
  }
  rank -= below.count;
  const width = bucket.upperBound - below.upperBound;
  return below.upperBound + width * (rank / (bucket.count - below.count));
}

interface Bounds {
  readonly lower: number;
  readonly upper: number;
}

/**
 * Interpolated within the buckets that hold the bounds, as if their observations were spread evenly.
 *
 * @returns NaN as for a quantile
 * @see https://github.com/prometheus/prometheus/blob/v3.5.0/promql/quantile.go
 */
function bucketFraction({ lower, upper }: Bounds, unsorted: readonly Bucket[]): number {
  const sorted = byBound(unsorted);
  if (sorted.at(-1)?.upperBound !== Number.POSITIVE_INFINITY) return Number.NaN;
  const buckets = mergeEqualBounds(sorted);
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  return (countUpTo(upper, buckets, total) - countUpTo(lower, buckets, total)) / total;
}

/** How many observations are taken to be up to that value; never more than all. */
function countUpTo(value: number, buckets: readonly Bucket[], total: number): number {
  let below = { upperBound: Number.NEGATIVE_INFINITY, count: 0 };
  for (const bucket of buckets) {
    if (below.upperBound >= value) return Math.min(below.count, total);
    if (bucket.upperBound > value) {
      const share = (value - below.upperBound) / (bucket.upperBound - below.upperBound);
      const count = below.count + (bucket.count - below.count) * share;
      return count > total ? total : count;
    }
    below = bucket;
  }
  return total;
}

function byBound(buckets: readonly Bucket[]): Bucket[] {
  return buckets.toSorted((a, b) =>
    a.upperBound < b.upperBound ? -1 : a.upperBound > b.upperBound ? 1 : 0,
  );
}

/** Index of the first bucket whose count is at least the rank; their number if there is none. */
function firstReaching(rank: number, buckets: readonly Bucket[]): number {
  let low = 0;
  let high = buckets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((buckets[middle]?.count ?? Number.NaN) >= rank) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** `le="1"` and `le="1.0"` are one bucket. */
function mergeEqualBounds(sorted: readonly Bucket[]): Bucket[] {
  const merged: Bucket[] = [];
  for (const { upperBound, count } of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && last.upperBound === upperBound) last.count += count;
    else merged.push({ upperBound, count });
  }
  return merged;
}

/** Buckets that were scraped or added up at different times may shrink as bounds grow. */
function makeMonotonic(buckets: readonly Bucket[]): void {
  let previous = buckets[0]?.count ?? 0;
  for (const bucket of buckets.slice(1)) {
    const { count } = bucket;
    if (count === previous) continue;
    if (count < previous || almostEqual(count, previous)) bucket.count = previous;
    else previous = count;
  }
}

function almostEqual(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < MIN_NORMAL) return difference < COUNT_TOLERANCE * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < COUNT_TOLERANCE;
}
