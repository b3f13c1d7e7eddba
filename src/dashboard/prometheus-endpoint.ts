/** What an endpoint of Prometheus' HTTP API is asked, what it tells of, and what it gives. */

import type { SeriesStore } from "../promql/series.ts";
import type { RuleGroupStatus, TargetStatus } from "./prometheus-status.ts";

/** What the API tells of. Times are in ms since 1970. */
export interface ApiSources {
  readonly store: SeriesStore;
  nowMs(): number;
  ruleGroups(): readonly RuleGroupStatus[];
  targets(): readonly TargetStatus[];
  /** Of Sentinel. */
  readonly version: string;
}

/** What one query may cost, whoever asks. */
export interface QueryBounds {
  readonly maxEvaluationMs: number;
  /** Of all that the query touches, as Prometheus' `--query.max-samples` does. */
  readonly maxSamples: number;
}

export interface Question {
  readonly parameters: URLSearchParams;
  readonly sources: ApiSources;
  readonly bounds: QueryBounds;
}

export interface Found {
  readonly data: unknown;
  /** Whether the limit left something out. */
  readonly isTruncated?: boolean;
}

/** @throws ApiError */
export type Answer = (question: Question) => Found;
