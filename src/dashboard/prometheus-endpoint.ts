/** What an endpoint of Prometheus' HTTP API is asked, what it tells of, and what it gives. */

import type { SeriesStore } from "../promql/series.ts";
import type { Asked, Reply } from "./prometheus-evaluated.ts";
import type { RuleGroupStatus, TargetStatus } from "./prometheus-status.ts";

/** What the API tells of. Times are in ms since 1970. */
export interface ApiSources {
  readonly store: SeriesStore;
  nowMs(): number;
  ruleGroups(): readonly RuleGroupStatus[];
  targets(): readonly TargetStatus[];
  /** Of Sentinel. */
  readonly version: string;
  /** Answers where it cannot hold up anything; without it, here. */
  readonly evaluate?: (asked: Asked) => Promise<Reply>;
}

/** What one query may cost, whoever asks. */
export interface QueryBounds {
  readonly maxEvaluationMs: number;
  /** Of all that the query touches, as Prometheus' `--query.max-samples` does. */
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
