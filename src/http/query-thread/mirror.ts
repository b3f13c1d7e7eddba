/** The series as the evaluating thread knows them: all labels, and the samples that a question needs. */

import type { Labels } from "../../core/model.ts";
import { labelOf } from "../../promql/labels.ts";
import type { LabelMatcher, SeriesStore, StoredSeries } from "../../promql/series.ts";
import type { Samples } from "./wire.ts";

const NONE = new Float64Array(0);

class MirroredSeries implements StoredSeries {
  timestampsMs: Float64Array = NONE;
  values: Float64Array = NONE;
  start = 0;
  end = 0;

  constructor(
    readonly id: number,
    readonly labels: Labels,
  ) {}
}

export class Mirror implements SeriesStore {
  readonly #byId = new Map<number, MirroredSeries>();
  #loaded: readonly MirroredSeries[] = [];

  change(
    added: readonly (readonly [id: number, labels: string])[],
    removed: readonly number[],
  ): void {
    for (const id of removed) this.#byId.delete(id);
    for (const [id, labels] of added) this.#byId.set(id, new MirroredSeries(id, parse(labels)));
  }

  select(matchers: readonly LabelMatcher[]): readonly MirroredSeries[] {
    // Series share values: each is matched once.
    const tests = matchers.map((matcher) => ({ matcher, known: new Map<string, boolean>() }));
    const isSelected = ({ labels }: MirroredSeries) =>
      tests.every(({ matcher, known }) => {
        const text = labelOf(labels, matcher.name);
        let matches = known.get(text);
        if (matches === undefined) {
          matches = matcher.matches(text);
          known.set(text, matches);
        }
        return matches;
      });
    return [...this.#byId.values()].filter(isSelected);
  }

  load({ ids, ends, timestampsMs, values }: Samples): void {
    const loaded: MirroredSeries[] = [];
    let start = 0;
    for (const [index, id] of ids.entries()) {
      const end = ends[index] ?? start;
      const series = this.#byId.get(id);
      if (series !== undefined) {
        Object.assign(series, { timestampsMs, values, start, end });
        loaded.push(series);
      }
      start = end;
    }
    this.#loaded = loaded;
  }

  /** Drops the samples. */
  unload(): void {
    for (const series of this.#loaded)
      Object.assign(series, { timestampsMs: NONE, values: NONE, start: 0, end: 0 });
    this.#loaded = [];
  }
}

/** Without a prototype, as the store has them: any name may be looked up. */
function parse(labels: string): Labels {
  return Object.assign(Object.create(null), JSON.parse(labels));
}
