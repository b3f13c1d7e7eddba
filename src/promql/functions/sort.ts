/** Order by value. */

import { NO_LABELS } from "../labels.ts";
import type { Vector } from "../vector.ts";

type Direction = "ascending" | "descending";

export function sortByValue({ labels, values }: Vector, direction: Direction): Vector {
  const order = sortedByValue(values, direction);
  return {
    labels: order.map((index) => labels[index] ?? NO_LABELS),
    values: order.map((index) => values[index] ?? Number.NaN),
  };
}

/**
 * Indices in the order of their values. NaN comes last, whichever the direction, and the latest NaN
 * first: Prometheus takes NaN for less than NaN.
 */
export function sortedByValue(values: readonly number[], direction: Direction): number[] {
  const sign = direction === "ascending" ? 1 : -1;
  return [...values.keys()].sort((a, b) => {
    const [first = Number.NaN, second = Number.NaN] = [values[a], values[b]];
    if (Number.isNaN(first)) return Number.isNaN(second) ? b - a : 1;
    if (Number.isNaN(second)) return -1;
    // Infinities of one sign have no difference, but are equal.
    return first === second ? 0 : sign * (first - second);
  });
}
