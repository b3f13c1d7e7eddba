/** The probes of services, as one more target: so that their series end as any target's do. */

import type { Service } from "../../core/model.ts";
import { probeSeries } from "../probes/probe-series.ts";
import { OWN_PREFIX, renderSeries } from "./platform-series.ts";
import type { FetchPage } from "./scrape-page.ts";
import { createScraper, type ScraperOptions } from "./scraper.ts";

const JOB = "sentinel-probe";

/** A service that answers late is no sick one, however often rules are evaluated. */
const MIN_INTERVAL_MS = 2000;

/** Between two probes of a service. */
export function probeIntervalMs(pollIntervalMs: number): number {
  return Math.max(pollIntervalMs, MIN_INTERVAL_MS);
}

export function createProbeScraper(
  services: readonly Pick<Service, "name" | "health">[],
  options: Omit<ScraperOptions, "targets" | "fetchPage">,
) {
  const fetchPage: FetchPage = async ({ deadlineMs }, signal) => {
    const told = await probeSeries({ services, deadlineMs }, signal);
    return { kind: "page", text: renderSeries(told), openMetrics: false };
  };
  return createScraper({
    ...options,
    intervalMs: probeIntervalMs(options.intervalMs),
    targets: [{ job: JOB, url: `http://${JOB}/`, reportPrefix: OWN_PREFIX }],
    fetchPage,
  });
}
