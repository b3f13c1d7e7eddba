/** Series that nobody has to scrape: a platform gives them, or whoever looks at a service. */

import type { Labels } from "./model.ts";

/** The label by which a rule or a series says whose it is; it wins over all others. */
export const SERVICE_LABEL = "sentinel_service";

/** One value of one series, given at a poll, which also gives it its time. */
export interface GivenSample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/** What is given of one service at a poll. */
export interface ServiceSeries {
  readonly service: string;
  readonly samples: readonly GivenSample[];
}

/** Whoever is asked for series at each poll. */
export interface SeriesGiver {
  /** The job of its series. */
  readonly job: string;
  /** No oftener than this. */
  readonly minIntervalMs?: number;
  /** @throws Error if nothing can be told, with why on one line: then all of its series end */
  give(deadlineMs: number, abort: AbortSignal): Promise<readonly ServiceSeries[]>;
}
