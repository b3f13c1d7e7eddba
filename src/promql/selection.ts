/** What selectors see of the store at an instant, and over a range that ends there. */

import type { Labels } from "../core/model.ts";
import type { RangeSelector, TimeShift, VectorSelector } from "./ast.ts";
import type { Window } from "./functions/range.ts";
import { shareName } from "./labels.ts";
import type { Query } from "./query.ts";
import { isStaleAt, type StoredSeries } from "./series.ts";
import { type Vector, VectorBuilder } from "./vector.ts";

/** Series between two looks at whether the query is to stop. */
const SERIES_BETWEEN_CHECKS = 1024;

/** The time at which a selector looks when the expression is evaluated at `tsMs`. */
export function shiftTime({ offsetMs = 0, at }: TimeShift, query: Query): (tsMs: number) => number {
  if (at === undefined) return (tsMs) => tsMs - offsetMs;
  const { startMs, endMs } = query.span;
  const fixedMs = (at === "start" ? startMs : at === "end" ? endMs : at) - offsetMs;
  return () => fixedMs;
}

/** Index of the last sample not later than the time, or one before the first. */
function lastNotAfter({ timestampsMs, start, end }: StoredSeries, timeMs: number): number {
  // Most queries ask for the present, which is where the series end.
  if (end > start && (timestampsMs[end - 1] ?? 0) <= timeMs) return end - 1;
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timestampsMs[middle] ?? 0) <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The last sample of each series within the lookback, unless the series has ended. */
export function selectInstant(
  selector: VectorSelector,
  query: Query,
): (tsMs: number, useTimestamps?: boolean) => Vector {
  const series = query.store.select(selector.matchers);
  const shift = shiftTime(selector, query);
  return (tsMs, useTimestamps = false) => {
    const timeMs = shift(tsMs);
    const vector = new VectorBuilder();
    for (const one of series) {
      const index = lastNotAfter(one, timeMs);
      if (index < one.start) continue;
      const sampledMs = one.timestampsMs[index] ?? 0;
      if (sampledMs <= timeMs - query.lookbackMs || isStaleAt(one.values, index)) continue;
      vector.add(one.labels, useTimestamps ? sampledMs / 1000 : (one.values[index] ?? Number.NaN));
    }
    query.count(vector.values.length);
    return vector;
  };
}

/** The same series, each with its samples within a range that ends at the time of evaluation. */
export interface RangeSource {
  /** Calls `visit` for each series that has samples there. The window is good for that call only. */
  visit(tsMs: number, visit: (labels: Labels, window: Window) => void): void;
  /** Whether all series are known to have one name, or none. */
  readonly sharesName: boolean;
}

/** A window that is filled anew for each series, so that none is allocated. */
export class ReusedWindow implements Window {
  timestampsMs: Float64Array = new Float64Array(0);
  values: Float64Array = new Float64Array(0);
  from = 0;
  to = 0;
  startMs = 0;
  endMs = 0;
  evaluatedAtMs = 0;

  /** @returns whether there are any samples, stale markers apart */
  fill(series: StoredSeries, from: number, to: number): boolean {
    this.timestampsMs = series.timestampsMs;
    this.values = series.values;
    this.from = from;
    this.to = to;
    for (let index = from; index < to; index += 1)
      if (isStaleAt(series.values, index)) return this.fillWithoutStale(series, from, to);
    return to > from;
  }

  private fillWithoutStale(series: StoredSeries, from: number, to: number): boolean {
    const timestampsMs: number[] = [];
    const values: number[] = [];
    for (let index = from; index < to; index += 1) {
      if (isStaleAt(series.values, index)) continue;
      timestampsMs.push(series.timestampsMs[index] ?? 0);
      values.push(series.values[index] ?? Number.NaN);
    }
    this.timestampsMs = Float64Array.from(timestampsMs);
    this.values = Float64Array.from(values);
    this.from = 0;
    this.to = this.values.length;
    return this.to > 0;
  }
}

export function selectRange({ selector, rangeMs }: RangeSelector, query: Query): RangeSource {
  const series = query.store.select(selector.matchers);
  const shift = shiftTime(selector, query);
  const window = new ReusedWindow();
  return {
    sharesName: shareName(series.map(({ labels }) => labels)),
    visit(tsMs, visit) {
      window.evaluatedAtMs = tsMs;
      window.endMs = shift(tsMs);
      window.startMs = window.endMs - rangeMs;
      let visited = 0;
      for (const one of series) {
        visited += 1;
        if (visited % SERIES_BETWEEN_CHECKS === 0) query.checkStop();
        const to = lastNotAfter(one, window.endMs) + 1;
        if (to <= one.start) continue;
        const from = firstAfter(one, window.startMs, to);
        if (window.fill(one, from, to)) visit(one.labels, window);
      }
    },
  };
}

/** Index of the first sample later than the time, searched backwards from `to`: ranges are short. */
function firstAfter({ timestampsMs, start }: StoredSeries, timeMs: number, to: number): number {
  let high = to;
  let step = 8;
  // Doubling steps find a bound near the end, where the range is, before halving finds the place.
  while (high - step >= start && (timestampsMs[high - step] ?? 0) > timeMs) {
    high -= step;
    step *= 2;
  }
  let low = Math.max(start, high - step);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timestampsMs[middle] ?? 0) > timeMs) high = middle;
    else low = middle + 1;
  }
  return low;
}
