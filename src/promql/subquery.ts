/** An expression evaluated at steps of its own, as a range of samples. */

import type { Labels } from "../core/model.ts";
import type { Subquery } from "./ast.ts";
import { labelsKey } from "./labels.ts";
import type { Query } from "./query.ts";
import { type RangeSource, ReusedWindow, shiftTime } from "./selection.ts";
import type { StoredSeries } from "./series.ts";
import type { Vector } from "./vector.ts";

/** The results for one label set, oldest first; those before `start` are no longer needed. */
class Results implements StoredSeries {
  timestampsMs = new Float64Array(16);
  values = new Float64Array(16);
  start = 0;
  end = 0;

  constructor(readonly labels: Labels) {}

  add(timestampMs: number, value: number): void {
    if (this.end === this.values.length) this.makeRoom();
    this.timestampsMs[this.end] = timestampMs;
    this.values[this.end] = value;
    this.end += 1;
  }

  /** @returns how many were let go */
  forgetUntil(timeMs: number): number {
    const before = this.start;
    while (this.start < this.end && (this.timestampsMs[this.start] ?? 0) <= timeMs) this.start += 1;
    return this.start - before;
  }

  private makeRoom(): void {
    const length = Math.max(16, (this.end - this.start) * 2);
    const timestampsMs = new Float64Array(length);
    const values = new Float64Array(length);
    timestampsMs.set(this.timestampsMs.subarray(this.start, this.end));
    values.set(this.values.subarray(this.start, this.end));
    this.timestampsMs = timestampsMs;
    this.values = values;
    this.end -= this.start;
    this.start = 0;
  }
}

/**
 * Steps are multiples of the step's length, whatever the query's start. As a query goes forward in
 * time, each is evaluated once, though many ranges hold it.
 */
export function selectSubquery(
  subquery: Subquery,
  query: Query,
  evaluate: (tsMs: number) => Vector,
): RangeSource {
  const { rangeMs, stepMs = query.defaultSubqueryStepMs } = subquery;
  const shift = shiftTime(subquery, query);
  const series = new Map<string, Results>();
  const window = new ReusedWindow();
  let nextMs = Number.NEGATIVE_INFINITY;

  function advance(): void {
    const { startMs, endMs } = window;
    // The first step after the open end of the range.
    nextMs = Math.max(nextMs, (Math.floor(startMs / stepMs) + 1) * stepMs);
    for (; nextMs <= endMs; nextMs += stepMs) {
      const { labels, values } = query.inOwnStep(() => evaluate(nextMs));
      for (const [index, one] of labels.entries()) {
        const key = labelsKey(one);
        let results = series.get(key);
        if (results === undefined) {
          results = new Results(one);
          series.set(key, results);
        }
        results.add(nextMs, values[index] ?? Number.NaN);
      }
      query.keep(labels.length);
    }
    for (const results of series.values()) query.keep(-results.forgetUntil(startMs));
  }

  return {
    sharesName: false,
    visit(tsMs, visit) {
      window.evaluatedAtMs = tsMs;
      window.endMs = shift(tsMs);
      window.startMs = window.endMs - rangeMs;
      advance();
      for (const results of series.values())
        if (window.fill(results, results.start, results.end)) visit(results.labels, window);
    },
  };
}
