/** Finds series by what their labels say, without looking at all of them. */

import type { LabelMatcher } from "../../promql/series.ts";
import type { MemorySeries } from "./memory-series.ts";

type ByValue = Map<string, Set<MemorySeries>>;

export class SeriesIndex {
  readonly #all = new Set<MemorySeries>();
  readonly #byLabel = new Map<string, ByValue>();

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): Iterator<MemorySeries> {
    return this.#all.values();
  }

  add(series: MemorySeries): void {
    this.#all.add(series);
    for (const [name, value] of Object.entries(series.labels)) {
      const byValue = this.#byLabel.get(name) ?? new Map<string, Set<MemorySeries>>();
      const having = byValue.get(value) ?? new Set<MemorySeries>();
      this.#byLabel.set(name, byValue.set(value, having.add(series)));
    }
  }

  remove(series: MemorySeries): void {
    this.#all.delete(series);
    for (const [name, value] of Object.entries(series.labels)) {
      const byValue = this.#byLabel.get(name);
      const having = byValue?.get(value);
      having?.delete(series);
      if (having?.size === 0) byValue?.delete(value);
      if (byValue?.size === 0) this.#byLabel.delete(name);
    }
  }

  /** Every series that all matchers match, in no order. */
  select(matchers: readonly LabelMatcher[]): MemorySeries[] {
    const tests = matchers.map((matcher) => ({ name: matcher.name, matches: remember(matcher) }));
    return [...this.#candidates(matchers)].filter(({ labels }) =>
      tests.every(({ name, matches }) => matches(labels[name] ?? "")),
    );
  }

  /** A superset of the selection, as small as is known without looking at the series. */
  #candidates(matchers: readonly LabelMatcher[]): Iterable<MemorySeries> {
    // One that matches nothing also matches the series without the label, which no list holds.
    const selective = matchers.filter((matcher) => !matcher.matches(""));
    const sets = selective
      .filter(({ operator }) => operator === "=")
      .map(({ name, value }) => this.#byLabel.get(name)?.get(value) ?? []);
    const smallest = sets.toSorted((a, b) => sizeOf(a) - sizeOf(b))[0];
    if (smallest !== undefined) return smallest;
    const [first] = selective;
    return first === undefined ? this.#all : this.#having(first);
  }

  #having(matcher: LabelMatcher): MemorySeries[] {
    const byValue = this.#byLabel.get(matcher.name) ?? new Map<string, Set<MemorySeries>>();
    return [...byValue].flatMap(([value, having]) => (matcher.matches(value) ? [...having] : []));
  }
}

function sizeOf(series: ReadonlySet<MemorySeries> | readonly MemorySeries[]): number {
  return series instanceof Set ? series.size : 0;
}

/** Series share values: each is matched once. An equality is quicker than remembering it. */
function remember(matcher: LabelMatcher): (text: string) => boolean {
  if (matcher.operator === "=" || matcher.operator === "!=") return (t) => matcher.matches(t);
  const known = new Map<string, boolean>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const matches = matcher.matches(text);
    known.set(text, matches);
    return matches;
  };
}
