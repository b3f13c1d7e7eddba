/** What a platform says of its services, as one more target, so that its series end as those of any target. */

import { messageOf } from "../../core/errors.ts";
import { SERVICE_LABEL, type ServiceSeries } from "../../core/given-series.ts";
import type { Platform, PlatformSeries, ServiceProblem } from "../../core/ports.ts";
import { type FetchPage, failed } from "./scrape-page.ts";
import { createScraper, type ScraperOptions } from "./scraper.ts";

/** A platform, and those of its services that settings name. */
export interface AskedPlatform {
  readonly platform: Pick<Platform, "name" | "series">;
  readonly services: readonly string[];
}

/** What a platform last said beside its series. */
export interface PlatformState {
  readonly platform: Platform["name"];
  /** Services that it found and that want to be watched, running or not. */
  readonly found: readonly string[];
  /** Problems that were found twice in a row. */
  readonly problems: readonly ServiceProblem[];
  /** Why it gave no answer when it was last asked; `undefined` if it did. */
  readonly error: string | undefined;
}

/** A user's `up == 0` is about scrape targets, and a platform is not one. */
export const OWN_PREFIX = "sentinel_";

/** Docker counts CPU and memory once a second, and keeps an asker waiting until then. */
const MIN_INTERVAL_MS = 2000;

/** Asks a platform at an interval. */
export function createPlatformScraper(
  { platform, services }: AskedPlatform,
  options: Omit<ScraperOptions, "targets" | "fetchPage">,
) {
  let found: readonly string[] = [];
  let latest: readonly ServiceProblem[] = [];
  let lasting: readonly ServiceProblem[] = [];
  const keep = (told: PlatformSeries) => {
    found = told.found;
    // What is seen once may be a container on its way in or out.
    const before = new Set(latest.map(({ service }) => service));
    lasting = told.problems.filter(({ service }) => before.has(service));
    latest = told.problems;
  };
  const fetchPage: FetchPage = async ({ deadlineMs }, signal) => {
    try {
      const told = await platform.series({ services, deadlineMs }, signal);
      keep(told);
      return { kind: "page", text: renderSeries(told.services), openMetrics: false };
    } catch (error) {
      return failed("unreachable", messageOf(error));
    }
  };
  const { name } = platform;
  const scraper = createScraper({
    ...options,
    intervalMs: Math.max(options.intervalMs, MIN_INTERVAL_MS),
    targets: [{ job: name, url: `http://${name}/`, reportPrefix: OWN_PREFIX }],
    fetchPage,
  });
  const state = (): PlatformState => ({
    platform: name,
    found,
    problems: lasting,
    error: scraper.targets().find(({ health }) => health === "down")?.lastError,
  });
  return { ...scraper, state };
}

/** Prometheus' text format. */
export function renderSeries(services: readonly ServiceSeries[]): string {
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
