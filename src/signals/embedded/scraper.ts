/** Scrapes targets at an interval into a store, each by itself. */

import type { Clock } from "../../core/ports.ts";
import { type FetchPage, fetchPage } from "./scrape-page.ts";
import { type ScrapeTarget, TargetScraper, type TargetState } from "./scrape-target.ts";
import type { MemoryStore } from "./store.ts";
import { Turns } from "../turns.ts";

export interface ScraperOptions {
  readonly targets: readonly ScrapeTarget[];
  readonly store: MemoryStore;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** The timeout of one scrape; at most the interval. 10 s by default, or the interval if that is shorter. */
  readonly timeoutMs?: number;
  /** A scrape with a larger body fails; 16 MiB by default, decompressed. */
  readonly maxBodyBytes?: number;
  /** A scrape with more samples fails; 50,000 by default. */
  readonly maxSamples?: number;
  /** How many targets share the store, those of other scrapers included; the number of targets by default. */
  readonly writers?: number;
  /** How a page is fetched; for tests. */
  readonly fetchPage?: FetchPage;
}

export interface Scraper {
  /** In the order of the options. */
  targets(): readonly TargetState[];
  /** Scrapes every target once, all at the same time; resolves when the last has answered or failed. */
  scrapeAll(signal: AbortSignal): Promise<void>;
  /**
   * Scrapes every target at once and then at each interval, until the signal aborts. A scrape that takes
   * longer than its interval delays none of the others', and its own skip what they missed.
   */
  run(signal: AbortSignal): Promise<void>;
}

const TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const MAX_SAMPLES = 50_000;
/** Series that have expired are looked for this often in a window. */
const CLEANUPS_PER_WINDOW = 15;
const REMOVALS_BETWEEN_LOOKS = 256;

/**
 * @throws RangeError on what is not an http URL, on two targets with the same labels, or on times
 *   that make no sense
 */
export function createScraper(options: ScraperOptions): Scraper {
  const { store, clock, intervalMs } = options;
  const { timeoutMs = Math.min(intervalMs, TIMEOUT_MS) } = options;
  if (!(intervalMs > 0)) throw new RangeError(`intervalMs must be above 0, not ${intervalMs}`);
  if (!(timeoutMs > 0 && timeoutMs <= intervalMs))
    throw new RangeError(`timeoutMs must be above 0 and at most the interval, not ${timeoutMs}`);
  const settings = {
    fetchPage,
    maxBodyBytes: MAX_BODY_BYTES,
    maxSamples: MAX_SAMPLES,
    writers: options.targets.length,
    ...options,
    timeoutMs,
  };
  const scrapers = options.targets.map((target) => new TargetScraper(target, settings));
  refuseSameLabels(scrapers);

  const cleanupMs = store.window.durationMs / CLEANUPS_PER_WINDOW;
  let cleanedAtMs = clock.nowMs();
  const cleanUp = async () => {
    const nowMs = clock.nowMs();
    if (nowMs - cleanedAtMs < cleanupMs) return;
    cleanedAtMs = nowMs;
    const turns = new Turns();
    while (store.removeExpired(store.timeOf(nowMs, clock), REMOVALS_BETWEEN_LOOKS))
      await turns.pause();
  };
  const scrape = async (scraper: TargetScraper, signal: AbortSignal) => {
    await scraper.scrape(signal);
    await cleanUp();
  };
  const runOne = async (scraper: TargetScraper, signal: AbortSignal) => {
    let dueMs = clock.nowMs();
    while (!signal.aborted) {
      await scrape(scraper, signal);
      const nowMs = clock.nowMs();
      // A timer may fire a little early: the next is one after this, whatever the time is.
      dueMs += intervalMs * Math.max(Math.ceil((nowMs - dueMs) / intervalMs), 1);
      await clock.sleep(dueMs - nowMs, signal);
    }
  };
  const everyOne = async (
    work: (scraper: TargetScraper, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ) => {
    await Promise.all(scrapers.map((scraper) => work(scraper, signal)));
  };

  return {
    targets: () => scrapers.map(({ state }) => state),
    scrapeAll: (signal) => everyOne(scrape, signal),
    run: (signal) => everyOne(runOne, signal),
  };
}

/** Their series would be the same, and each would end the other's. */
function refuseSameLabels(scrapers: readonly TargetScraper[]): void {
  const seen = new Set<string>();
  for (const { labels, state } of scrapers) {
    const key = JSON.stringify(Object.entries(labels).sort());
    if (seen.has(key))
      throw new RangeError(`two targets have the labels of ${state.url}: give one another job`);
    seen.add(key);
  }
}
