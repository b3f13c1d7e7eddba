/** Series in arrays, for tests: the plainest store that can be. */

import type { Labels } from "../../src/core/model.ts";
import type { LabelMatcher, SeriesStore, StoredSeries } from "../../src/promql/series.ts";
import { markStaleAt } from "../../src/promql/series.ts";

/** Says that a series ends here, where a value would stand. */
export const STALE = "stale";

export type Written = readonly [timestampMs: number, value: number | typeof STALE];

/**
 * A series of these samples.
 *
 * @param labels with `__name__`
 * @param written oldest first, no two at one time
 */
export function storedSeries(labels: Labels, written: readonly Written[]): StoredSeries {
  const timestampsMs = Float64Array.from(written, ([timestampMs]) => timestampMs);
  const values = new Float64Array(written.length);
  for (const [index, [, value]] of written.entries()) {
    if (value === STALE) markStaleAt(values, index);
    else values[index] = value;
  }
  return { labels, timestampsMs, values, start: 0, end: written.length };
}

/** Selects by looking at each series of the name, or at all of them where no name is given. */
export function arrayStore(series: readonly StoredSeries[]): SeriesStore {
  const byName = Map.groupBy(series, ({ labels }) => labels["__name__"] ?? "");
  return {
    select(matchers: readonly LabelMatcher[]) {
      const name = matchers.find((one) => one.name === "__name__" && one.operator === "=");
      const candidates = name === undefined ? series : (byName.get(name.value) ?? []);
      return candidates.filter(({ labels }) =>
        matchers.every((one) => one.matches(labels[one.name] ?? "")),
      );
    },
  };
}
