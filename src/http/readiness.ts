/** Whether the observer does its work: each service was read a short while ago, and its signals arrive. Pure. */

import { seconds } from "../text/time.ts";
import type { Rule, Service } from "../core/model.ts";
import type { Poll } from "../rules/monitor.ts";

/** A service that is watched, and how far its monitor is. */
export interface WatchedService {
  readonly service: Pick<Service, "name" | "job">;
  readonly monitor: {
    readonly rules: readonly Rule[];
    readonly windowMs: number;
    readonly lastPoll: Poll | undefined;
    readonly answeredAtMs: number | undefined;
  };
}

/** How old the newest scrape is, by the source's own clock. What was never scraped is not in them. */
export interface ScrapeAges {
  readonly ofJobs: ReadonlyMap<string, number>;
  /** By container, from what Docker says of it; empty where Docker is not asked. */
  readonly ofContainers: ReadonlyMap<string, number>;
}

interface ReadinessAt {
  readonly nowMs: number;
  readonly intervalMs: number;
  /** `undefined` if the source does not answer now. */
  readonly ages: ScrapeAges | undefined;
}

/** The number of poll intervals without an answer after which nothing is known of a service any more. */
export const MAX_SILENT_INTERVALS = 5;

/** Why the observer cannot be relied on now, as one line; `undefined` if it can. */
export function whyNotReady(
  watched: readonly WatchedService[],
  { nowMs, intervalMs, ages }: ReadinessAt,
): string | undefined {
  for (const one of watched) {
    const { service, monitor } = one;
    const { lastPoll, answeredAtMs } = monitor;
    const missing = lastPoll?.sourceDown;
    const why = missing === undefined ? "" : `: ${missing}`;
    if (answeredAtMs === undefined) return `${service.name} has not been read yet${why}`;
    const silentMs = nowMs - answeredAtMs;
    if (silentMs > MAX_SILENT_INTERVALS * intervalMs)
      return `${service.name} was last read ${seconds(silentMs)} ago${why}`;
    const stale = ages && whyStale(one, ages, intervalMs);
    if (stale !== undefined) return `${service.name}: ${stale}`;
  }
  return undefined;
}

/** A target that is down is scraped as well: its `up` says so. */
function whyStale(
  { service: { name, job }, monitor }: WatchedService,
  { ofJobs, ofContainers }: ScrapeAges,
  intervalMs: number,
): string | undefined {
  const what = job === undefined ? `container ${name}` : `job ${job}`;
  const ageMs = job === undefined ? ofContainers.get(name) : ofJobs.get(job);
  // The window of rates is four scrapes long, where their interval is known.
  const mostMs = Math.max(MAX_SILENT_INTERVALS * intervalMs, 2 * monitor.windowMs);
  if (ageMs !== undefined)
    return ageMs <= mostMs ? undefined : `the newest scrape of ${what} is ${seconds(ageMs)} old`;
  // Samples that are pushed have no `up`; what Sentinel itself sees of a service shows nothing of its metrics.
  const isOfMetrics = ({ on }: Rule) => job === undefined || on !== "own";
  return isMeasured(monitor, isOfMetrics) ? undefined : `no sample of ${what} arrives`;
}

/** Whether the signal of a rule that counts had any value at the last poll. */
function isMeasured(
  { rules, lastPoll }: WatchedService["monitor"],
  counts: (rule: Rule) => boolean,
): boolean {
  return rules.filter(counts).some((rule) => {
    const evaluation = lastPoll?.evaluationOf(rule);
    if (evaluation === undefined || evaluation.kind === "no_data") return false;
    return (evaluation.measured ?? []).length > 0;
  });
}
