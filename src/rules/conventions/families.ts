/** A service's series by the names of their metrics. Pure. */

import type { Labels } from "../../core/model.ts";

export class Families {
  readonly #byName = new Map<string, Labels[]>();

  /** @param series label sets with `__name__` */
  constructor(series: readonly Labels[]) {
    for (const labels of series) {
      const name = labels["__name__"];
      if (name !== undefined) this.#byName.getOrInsertComputed(name, () => []).push(labels);
    }
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  has(metric: string): boolean {
    return this.#byName.has(metric);
  }

  /** Of the label, in any of the metric's series. */
  values(metric: string, label: string): ReadonlySet<string> {
    return new Set(
      (this.#byName.get(metric) ?? []).flatMap((labels) => {
        const value = labels[label];
        return value === undefined || value === "" ? [] : [value];
      }),
    );
  }
}
