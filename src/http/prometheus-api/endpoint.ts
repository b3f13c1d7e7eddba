/** What an endpoint of Prometheus' HTTP API is asked, what it tells of, and what it gives. */

import type { Alert, Labels, Rule } from "../../core/model.ts";
import type { SeriesStore } from "../../promql/series.ts";

interface RecordedSeries {
  readonly record: string;
  readonly expr: string;
  readonly labels: Labels;
}

export interface RuleGroupStatus {
  readonly name: string;
  readonly intervalMs: number;
  readonly rules: readonly Rule[];
  /** Rules that record a series; none by default. */
  readonly recordings?: readonly RecordedSeries[];
  /** More series or alerts of one rule are refused; 0, the default, is without a limit. */
  readonly limit?: number;
  /** As they stand after the last poll. */
  readonly alerts: readonly Alert[];
  readonly lastEvaluationMs: number | undefined;
}

export interface TargetStatus {
  readonly labels: Labels;
  readonly url: string;
  readonly health: "up" | "down" | "unknown";
  readonly lastError: string;
  readonly lastScrapeMs: number | undefined;
  readonly lastScrapeDurationMs: number | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** A question, as plain values: it may be answered in another thread. */
export interface Asked {
  /** Below `/api/v1/`, or `rules/select`. */
  readonly path: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
  readonly nowMs: number;
  /** The label sets of the rules, for `rules/select`. */
  readonly labelSets?: readonly Labels[];
}

export interface Reply {
  readonly status: number;
  /** JSON, in UTF-8. */
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** What the API tells of. Times are in ms since 1970. */
export interface ApiSources {
  readonly store: SeriesStore;
  nowMs(): number;
  ruleGroups(): readonly RuleGroupStatus[];
  targets(): readonly TargetStatus[];
  /** Sentinel's version. */
  readonly version: string;
  /** Evaluates in a thread that holds up nothing else; by default in this one. */
  readonly evaluate?: (asked: Asked) => Promise<Reply>;
}

/** What one query may cost, whoever asks. */
export interface QueryBounds {
  readonly maxEvaluationMs: number;
  /** Samples that a query may touch, as `--query.max-samples` of Prometheus counts them. */
  readonly maxSamples: number;
  readonly maxAnswerBytes: number;
}

export interface Question {
  readonly parameters: URLSearchParams;
  readonly sources: Pick<ApiSources, "store" | "nowMs">;
  readonly bounds: QueryBounds;
}

export interface Found {
  readonly data?: unknown;
  /** Instead of the data: each is made when it is written. */
  readonly rows?: { readonly resultType?: string; readonly all: Iterable<unknown> };
  /** Whether the limit left something out. */
  readonly isTruncated?: boolean;
}

/** @throws ApiError */
export type Answer = (question: Question) => Found;

/** The rows up to the limit. */
export function rowsOf<T>(
  all: readonly T[],
  limit: number,
  how: { readonly describe: (row: T) => unknown; readonly resultType?: string },
): Found {
  const { describe, resultType } = how;
  function* described() {
    for (const row of all.slice(0, limit)) yield describe(row);
  }
  return {
    rows: { all: described(), ...(resultType === undefined ? {} : { resultType }) },
    isTruncated: all.length > limit,
  };
}
