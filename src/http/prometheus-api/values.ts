/** Series and numbers as Prometheus writes them into its answers. */

import type { Labels, Sample, Series } from "../../core/model.ts";

/** Labels in the order of their names. */
export function describeMetric(labels: Labels): Labels {
  return Object.fromEntries(sortedEntries(labels));
}

export function describeSample({ labels, value, timestampMs }: Sample) {
  return { metric: describeMetric(labels), value: describePoint(timestampMs, value) };
}

export function describeSeries({ labels, points }: Series) {
  return {
    metric: describeMetric(labels),
    values: points.map(({ timestampMs, value }) => describePoint(timestampMs, value)),
  };
}

export function describePoint(timestampMs: number, value: number): [number, string] {
  return [timestampMs / 1000, formatValue(value)];
}

/** What has labels, in the order in which Prometheus sorts them. */
export function sortByLabels<T extends { readonly labels: Labels }>(all: readonly T[]): T[] {
  return all
    .map((one) => ({ one, entries: sortedEntries(one.labels) }))
    .sort((a, b) => compareEntries(a.entries, b.entries))
    .map(({ one }) => one);
}

/** JavaScript writes a number as Go's JSON does, but for these. */
function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  if (Object.is(value, -0)) return "-0";
  return padExponent(String(value));
}

/** As Go's `%e`, in which Prometheus gives the value of an alert. */
export function formatExponent(value: number): string {
  return Number.isFinite(value) ? padExponent(value.toExponential()) : formatValue(value);
}

/** Go gives an exponent two digits at least. */
function padExponent(text: string): string {
  return text.replace(/e([-+])(\d)$/, "e$10$2");
}

/** A time as in RFC 3339; Go's zero time while there is none yet. */
export function formatTime(atMs: number | undefined): string {
  return atMs === undefined ? "0001-01-01T00:00:00Z" : new Date(atMs).toISOString();
}

type Entry = readonly [name: string, value: string];

function sortedEntries(labels: Labels): Entry[] {
  return Object.entries(labels).sort(([a], [b]) => compare(a, b));
}

function compareEntries(a: readonly Entry[], b: readonly Entry[]): number {
  for (const [index, [name, value]] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compare(name, other[0]) || compare(value, other[1]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
