/** What the evaluator reads: series in memory, with Prometheus' matching and staleness. */

import type { Labels } from "../core/model.ts";

export const MATCH_OPERATORS = ["=", "!=", "=~", "!~"] as const;
export type MatchOperator = (typeof MATCH_OPERATORS)[number];

/** One label matcher, compiled. A label that a series lacks has the empty text. */
export interface LabelMatcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
  matches(text: string): boolean;
}

/**
 * One series. Its samples are those from index `start` to before `end`, oldest first, no two at one
 * time. A view, not a copy: it holds until the store takes the next sample.
 */
export interface StoredSeries {
  /** With `__name__`. */
  readonly labels: Labels;
  readonly timestampsMs: Float64Array;
  /** A stale marker is a NaN of its own: ask `isStaleAt`, and copy by `set` or `copyWithin` alone. */
  readonly values: Float64Array;
  readonly start: number;
  readonly end: number;
}

export interface SeriesStore {
  /** Every series that all matchers match, in no order. */
  select(matchers: readonly LabelMatcher[]): readonly StoredSeries[];
}

/**
 * The bits of Prometheus' stale marker, low word first: written when a series has ended, so that
 * its last value is not taken for the present one.
 *
 * @see https://github.com/prometheus/prometheus/blob/main/model/value/value.go
 */
const STALE_LOW = 0x00000002;
const STALE_HIGH = 0x7ff00000;

/** JavaScript may change the bits of a NaN that passes through a variable, so they are written as words. */
export function markStaleAt(values: Float64Array, index: number): void {
  const words = new Uint32Array(values.buffer, values.byteOffset + index * 8, 2);
  words[0] = STALE_LOW;
  words[1] = STALE_HIGH;
}

export function isStaleAt(values: Float64Array, index: number): boolean {
  if (!Number.isNaN(values[index])) return false;
  const words = new Uint32Array(values.buffer, values.byteOffset + index * 8, 2);
  return words[0] === STALE_LOW && words[1] === STALE_HIGH;
}
