/** Order by value. */

import { NO_LABELS } from "../labels.ts";
import { compareNanFirst } from "../quantile.ts";
import type { Vector } from "../vector.ts";

/** NaN comes last, whichever the direction. */
export function sortByValue(
  { labels, values }: Vector,
  direction: "ascending" | "descending",
): Vector {
  const order = [...values.keys()].sort((a, b) =>
    compareNanLast(values[a] ?? Number.NaN, values[b] ?? Number.NaN, direction),
  );
  return {
    labels: order.map((index) => labels[index] ?? NO_LABELS),
    values: order.map((index) => values[index] ?? Number.NaN),
  };
}

/** For `Array.sort`: NaN after everything, whichever the direction. */
export function compareNanLast(
  a: number,
  b: number,
  direction: "ascending" | "descending",
): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return -compareNanFirst(a, b);
  return direction === "ascending" ? compareNanFirst(a, b) : compareNanFirst(b, a);
}
