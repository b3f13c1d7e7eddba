/** One evaluation: its store, its times, its limits. */

import { PromqlError } from "./errors.ts";
import type { SeriesStore } from "./series.ts";

/** Prometheus' own defaults. */
export const DEFAULT_LOOKBACK_MS = 300_000;
const DEFAULT_SUBQUERY_STEP_MS = 60_000;
const DEFAULT_MAX_SAMPLES = 50_000_000;
/** Prometheus has none: there a label that is doubled forty times is the end of it. */
const DEFAULT_MAX_LABEL_BYTES = 16 * 1024 * 1024;
/** What a label set, and each label in it, takes beside its text. */
const LABEL_SET_BYTES = 64;
const LABEL_BYTES = 16;

export interface Limits {
  /** Samples held at once, 50 million without it. */
  readonly maxSamples?: number;
  /** Of all labels that functions of the query write, 16 MiB without it. */
  readonly maxLabelBytes?: number;
  /** Asked now and then; true ends the evaluation. */
  readonly shouldStop?: () => boolean;
}

export interface EvaluationOptions {
  /** How old the last sample of a series may be, 5 minutes without it. */
  readonly lookbackMs?: number;
  /** Step of a subquery that names none: Prometheus' evaluation interval, 1 minute without it. */
  readonly defaultSubqueryStepMs?: number;
  readonly limits?: Limits;
}

export interface Span {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** What all parts of an expression share while it is evaluated, step by step, in ascending order. */
export class Query {
  readonly lookbackMs: number;
  readonly defaultSubqueryStepMs: number;
  private readonly maxSamples: number;
  private readonly maxLabelBytes: number;
  private readonly shouldStop: () => boolean;
  private inStep = 0;
  private kept = 0;
  private labelBytes = 0;

  constructor(
    readonly store: SeriesStore,
    readonly span: Span,
    options: EvaluationOptions,
  ) {
    const { limits = {} } = options;
    this.lookbackMs = options.lookbackMs ?? DEFAULT_LOOKBACK_MS;
    this.defaultSubqueryStepMs = options.defaultSubqueryStepMs ?? DEFAULT_SUBQUERY_STEP_MS;
    this.maxSamples = limits.maxSamples ?? DEFAULT_MAX_SAMPLES;
    this.maxLabelBytes = limits.maxLabelBytes ?? DEFAULT_MAX_LABEL_BYTES;
    this.shouldStop = limits.shouldStop ?? (() => false);
  }

  /** @throws PromqlError `timeout` */
  beginStep(): void {
    this.inStep = 0;
    this.checkStop();
  }

  /** @throws PromqlError `timeout` */
  checkStop(): void {
    if (this.shouldStop()) throw new PromqlError("timeout", "query timed out in query execution");
  }

  /**
   * Counts samples that live until the step ends.
   *
   * @throws PromqlError `execution` if there are too many
   */
  count(samples: number): void {
    this.inStep += samples;
    this.refuseExcess();
  }

  /** Runs a step of its own within a step: what it counted is let go when it is done. */
  inOwnStep<T>(step: () => T): T {
    this.checkStop();
    const before = this.inStep;
    const result = step();
    this.inStep = before;
    return result;
  }

  /** As `count`, for samples that live until the query ends, or, if negative, are let go. */
  keep(samples: number): void {
    this.kept += samples;
    this.refuseExcess();
  }

  /**
   * Counts a label set that is about to be written, with the characters that are new in it.
   *
   * @throws PromqlError `execution` if the query has written too much
   */
  writeLabels(labels: number, characters: number): void {
    this.labelBytes += LABEL_SET_BYTES + labels * LABEL_BYTES + characters;
    if (this.labelBytes > this.maxLabelBytes)
      throw new PromqlError(
        "execution",
        `query processing would write more than ${this.maxLabelBytes} bytes of labels`,
      );
  }

  private refuseExcess(): void {
    if (this.inStep + this.kept > this.maxSamples)
      throw new PromqlError(
        "execution",
        "query processing would load too many samples into memory in query execution",
      );
  }
}
