/** Series that are given, as one more target: so that they end as any target's do. */

import { messageOf } from "../../core/errors.ts";
import { SERVICE_LABEL, type SeriesGiver, type ServiceSeries } from "../../core/given-series.ts";
import { type FetchPage, failed } from "./scrape-page.ts";
import { createScraper, type Scraper, type ScraperOptions } from "./scraper.ts";

/** A user's `up == 0` is about scraped targets, and this is none. */
const OWN_PREFIX = "sentinel_";

/** Asks for them at an interval. */
export function createGivenScraper(
  { job, minIntervalMs = 0, give }: SeriesGiver,
  options: Omit<ScraperOptions, "targets" | "fetchPage">,
): Scraper {
  const fetchPage: FetchPage = async ({ deadlineMs }, signal) => {
    try {
      const text = renderSeries(await give(deadlineMs, signal));
      return { kind: "page", text, openMetrics: false };
    } catch (error) {
      return failed("unreachable", messageOf(error));
    }
  };
  return createScraper({
    ...options,
    intervalMs: Math.max(options.intervalMs, minIntervalMs),
    targets: [{ job, url: `http://${job}/`, reportPrefix: OWN_PREFIX }],
    fetchPage,
  });
}

/** Prometheus' text format. */
function renderSeries(services: readonly ServiceSeries[]): string {
  const lines = services.flatMap(({ service, samples }) =>
    samples.map(({ name, labels, value }) => {
      const all = Object.entries({ ...labels, [SERVICE_LABEL]: service });
      const written = all.map(([label, text]) => `${label}="${escaped(text)}"`);
      return `${name}{${written.join()}} ${value}\n`;
    }),
  );
  return lines.join("");
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
