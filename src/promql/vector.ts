/** An instant vector while it is computed: labels and values side by side. */

import type { Labels } from "../core/model.ts";

/** `values[i]` belongs to `labels[i]`; all are of one instant. */
export interface Vector {
  readonly labels: readonly Labels[];
  readonly values: readonly number[];
}

export const EMPTY_VECTOR: Vector = { labels: [], values: [] };

/** A vector that is being put together. */
export class VectorBuilder implements Vector {
  readonly labels: Labels[] = [];
  readonly values: number[] = [];

  add(labels: Labels, value: number): void {
    this.labels.push(labels);
    this.values.push(value);
  }
}
