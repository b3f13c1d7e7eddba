/** Series for tests of PromQL, in the short notation of Prometheus' own tests. */

import { evaluateInstant, evaluateRange, type InstantOptions } from "../../src/promql/evaluate.ts";
import { parseExpression } from "../../src/promql/parse.ts";
import { markStaleAt, type SeriesStore, type StoredSeries } from "../../src/promql/series.ts";

/** Samples are this far apart, the first at 0. */
export const INTERVAL_MS = 10_000;

export const STALE = Symbol("stale");
export type TestValue = number | typeof STALE | undefined;

/** `1+2x3` is 1 3 5 7, `_` a gap, `_x3` three of them, `stale` a marker. */
export function parseValues(notation: string): TestValue[] {
  return notation.split(/\s+/).flatMap((word): TestValue[] => {
    if (word === "stale") return [STALE];
    const gap = /^_(?:x(\d+))?$/.exec(word);
    if (gap !== null) return new Array<undefined>(Number(gap[1] ?? 1)).fill(undefined);
    const run = /^(-?[\d.]+)([+-][\d.]+)?x(\d+)$/.exec(word);
    if (run === null) return [Number(word.replace("Inf", "Infinity"))];
    const [, first, step = "0", count] = run;
    return Array.from(
      { length: Number(count) + 1 },
      (_, index) => Number(first) + index * Number(step),
    );
  });
}

export function series(
  labels: Readonly<Record<string, string>>,
  values: readonly TestValue[],
): StoredSeries {
  const present = [...values.entries()].filter(([, value]) => value !== undefined);
  const stored = {
    labels,
    timestampsMs: Float64Array.from(present.map(([index]) => index * INTERVAL_MS)),
    values: Float64Array.from(present.map(([, value]) => (typeof value === "number" ? value : 0))),
    start: 0,
    end: present.length,
  };
  for (const [index, [, value]] of present.entries())
    if (value === STALE) markStaleAt(stored.values, index);
  return stored;
}

export function storeOf(all: readonly StoredSeries[]): SeriesStore {
  return {
    select: (matchers) =>
      all.filter(({ labels }) =>
        matchers.every(({ name, matches }) => matches(labels[name] ?? "")),
      ),
  };
}

/** One series a line: `up{job="api"} 1 1 0`. Label values hold no comma. */
export function load(text: string): SeriesStore {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return storeOf(
    lines.map((line) => {
      const [, name = "", labels = "", values = ""] =
        /^\s*(\w*)(?:\{(.*)\})?\s+(.*?)\s*$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/([\w.]+)="([^"]*)"/g)].map(([, key, value]) => [
        key,
        value,
      ]);
      return series(Object.fromEntries([["__name__", name], ...pairs]), parseValues(values));
    }),
  );
}

function written(labels: Readonly<Record<string, string>>): string {
  const { __name__: name = "", ...rest } = labels;
  const pairs = Object.entries(rest)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}="${value}"`);
  return pairs.length === 0 ? name || "{}" : `${name}{${pairs.join(",")}}`;
}

/**
 * What an instant query gives, each sample as `name{labels} value`, in their order; of a range
 * vector, all values of a series.
 */
export function ask(
  store: SeriesStore,
  expression: string,
  options: InstantOptions,
): readonly string[] | number | string {
  const value = evaluateInstant(parseExpression(expression), store, options);
  switch (value.type) {
    case "scalar":
    case "string":
      return value.value;
    case "vector":
      return value.samples.map(({ labels, value: one }) => `${written(labels)} ${one}`);
    case "matrix":
      return value.series.map(
        ({ labels, points }) =>
          `${written(labels)} ${points.map((point) => point.value).join(" ")}`,
      );
  }
}

/** What a range query gives, each series as `name{labels} value@seconds ...`. */
export function askRange(
  store: SeriesStore,
  expression: string,
  [startMs, endMs, stepMs]: readonly [number, number, number],
): readonly string[] {
  return evaluateRange(parseExpression(expression), store, { startMs, endMs, stepMs }).map(
    ({ labels, points }) =>
      `${written(labels)} ${points.map((point) => `${point.value}@${point.timestampMs / 1000}`).join(" ")}`,
  );
}
