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
