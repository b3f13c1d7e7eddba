/** One target: what it answers goes into the store, and so does whether it answered. */

import { maskText } from "../../text/redact.ts";
import type { Labels } from "../../core/model.ts";
import type { Clock } from "../../core/ports.ts";
import { type Account, UNCOUNTED } from "./account.ts";
import { createExpositionReader, type Exposition } from "./exposition.ts";
import { excessOf } from "./page-cost.ts";
import {
  failed,
  hasNoMetrics,
  isRefusal,
  type FetchPage,
  type MetricsPage,
  type ScrapeFailed,
  type ScrapeFailure,
} from "./scrape-page.ts";
import type { MemorySeries, MemoryStore } from "./store.ts";
import { type Tracked, track } from "./tracked.ts";
import { Turns } from "../turns.ts";

export interface ScrapeTarget {
  readonly job: string;
  /** http or https, such as `http://localhost:8000/metrics`; may hold a user and password. */
  readonly url: string;
  /** A prefix for the series that describe each scrape, such as `up`; empty by default. */
  readonly reportPrefix?: string;
  /** Metrics are only assumed here: a service that answers without any is not down. */
  readonly isAssumed?: true;
  /** Labels that every series gets; they win over `job` and `instance`, as in Prometheus. */
  readonly labels?: Labels;
}

const TARGET_HEALTHS = ["up", "down", "unknown"] as const;
/** `unknown` before the first scrape has ended. */
type TargetHealth = (typeof TARGET_HEALTHS)[number];

/** How a target stands after its last scrape. */
export interface TargetState {
  /** With `job` and `instance`. */
  readonly labels: Labels;
  /** Without user and password, and with what looks like a secret in its query masked. */
  readonly url: string;
  readonly health: TargetHealth;
  /** `undefined` unless the health is `down`. */
  readonly failure: ScrapeFailure | undefined;
  /** One line for people; empty unless the health is `down`. */
  readonly lastError: string;
  readonly lastScrapeMs: number | undefined;
  readonly lastScrapeDurationMs: number | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Samples of the last scrape; 0 if it failed. */
  readonly samples: number;
  /** Samples that were not stored: out of order, too far from now, or of a series that stood twice. */
  readonly droppedSamples: number;
}

interface ScrapeSettings {
  readonly store: MemoryStore;
  readonly clock: Clock;
  readonly fetchPage: FetchPage;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly maxSamples: number;
  /** How many targets share the store. */
  readonly writers: number;
}

/** What a target's own clock may be ahead, as in Prometheus. */
const MAX_AHEAD_MS = 10 * 60_000;

/** Bounds of a page beside its samples. Exporters have long help texts, and labels with SQL statements. */
const PAGE_BOUNDS = { maxLines: 200_000, maxLineLength: 32 * 1024, maxLabels: 128 } as const;

/** A page whose series are all in the store. */
interface ReadPage {
  readonly kind: "read";
  readonly exposition: Exposition<Tracked>;
}

interface Stored {
  readonly kind: "stored";
  readonly samples: number;
  readonly droppedSamples: number;
  readonly addedSeries: number;
}

export class TargetScraper {
  readonly labels: Labels;
  readonly #url: string;
  readonly #settings: ScrapeSettings;
  readonly #account: Account;
  readonly #reader = createExpositionReader((labels) => track(labels, this.labels));
  readonly #reports: Readonly<Record<Report, Tracked>>;
  /** Why the last page was refused, as a series; `undefined` if it was not. */
  #refusal: { readonly reason: string; readonly tracked: Tracked } | undefined;
  /** The series of the last scrape, but for those with times of their own: they end when they like. */
  #current: readonly Tracked[] = [];
  #state: TargetState;
  /** True until a page with metrics has come. */
  #isAssumed: boolean;

  /** @throws RangeError if it is not an http URL; the text is not repeated, as it may hold a password */
  constructor(target: ScrapeTarget, settings: ScrapeSettings) {
    const { job, url, labels, reportPrefix, isAssumed = false } = target;
    const parsed = URL.parse(url);
    if (parsed === null || !["http:", "https:"].includes(parsed.protocol))
      throw new RangeError(`the URL of job ${job} must be like http://localhost:8000/metrics`);
    this.#url = parsed.href;
    this.#isAssumed = isAssumed;
    this.#settings = settings;
    this.#account = settings.store.account(settings.writers);
    this.labels = withoutEmpty({ job, instance: parsed.host, ...labels });
    this.#reports = reportsOf(this.labels, reportPrefix ?? "");
    parsed.username = "";
    parsed.password = "";
    this.#state = {
      labels: this.labels,
      url: maskText(parsed.href),
      health: "unknown",
      failure: undefined,
      lastError: "",
      lastScrapeMs: undefined,
      lastScrapeDurationMs: undefined,
      intervalMs: settings.intervalMs,
      timeoutMs: settings.timeoutMs,
      samples: 0,
      droppedSamples: 0,
    };
    for (const report of Object.values(this.#reports)) this.#open(report, UNCOUNTED);
  }

  get state(): TargetState {
    return this.#state;
  }

  /**
   * All samples of one scrape are stored with the time at which it started, or none is: then the
   * series of the scrape before end, and `up` is 0. Never rejects; once aborted it stores nothing.
   */
  async scrape(signal: AbortSignal): Promise<void> {
    const { store, clock, fetchPage, timeoutMs, maxBodyBytes } = this.#settings;
    const fromMs = clock.nowMs();
    const request = { url: this.#url, deadlineMs: timeoutMs, maxBytes: maxBodyBytes };
    const page = await fetchPage(request, signal);
    if (signal.aborted) return;
    const read = page.kind === "page" ? await this.#read(page) : page;
    if (signal.aborted) return;
    // The time is taken once all is here, as the wall clock may have been set meanwhile.
    const startMs = store.timeOf(fromMs, clock);
    const result = read.kind === "read" ? this.#store(read, startMs) : read;
    if (result.kind === "failed") this.#endOthers([], startMs);
    this.#report(result, { startMs, durationMs: clock.nowMs() - fromMs });
  }

  /** In turns, as a page may have thousands of series that are new; none has a sample yet. */
  async #read(page: MetricsPage): Promise<ReadPage | ScrapeFailed> {
    const { store, maxSamples } = this.#settings;
    // Each sample is of a series, but for those that come twice: what can never fit is not read.
    const bounds = { ...PAGE_BOUNDS, maxSamples: Math.min(maxSamples, 2 * store.maxSeries) };
    const excess = excessOf(page.text, bounds);
    if (excess !== undefined) return failed(excess.failure, excess.message);
    const timestampUnitMs = page.openMetrics ? 1000 : 1;
    const options = { maxSamples, timestampUnitMs } as const;
    const exposition = await this.#reader.readInTurns(page.text, options);
    const { series, badLines, badLineCount, overLimit } = exposition;
    const [bad] = badLines;
    if (bad !== undefined) {
      const others = badLineCount === 1 ? "" : `, and ${badLineCount - 1} more`;
      const where = `line ${bad.lineNumber} (${bad.excerpt})${others}`;
      return failed("bad_lines", `answered with ${bad.reason} in ${where}`);
    }
    if (overLimit) return failed("too_many_samples", `sent more than ${maxSamples} samples`);
    if (!(await this.#openInTurns(series)))
      return failed(
        "too_many_series",
        `has more series than there is room for: ${store.maxSeries} for all targets, ${this.#account.reserved.series} of them kept for this one`,
      );
    return { kind: "read", exposition };
  }

  #store({ exposition }: ReadPage, startMs: number): Stored {
    const { series } = exposition;
    const addedSeries = new Set(series.filter((one) => one.series?.end === 0)).size;
    const droppedSamples = this.#append(exposition, startMs);
    return { kind: "stored", samples: series.length, droppedSamples, addedSeries };
  }

  /** @returns false, and none of those that are new is in the store, if one was refused */
  async #openInTurns(tracked: readonly Tracked[]): Promise<boolean> {
    const { store } = this.#settings;
    const turns = new Turns();
    const added: MemorySeries[] = [];
    for (const entry of tracked) {
      const isNew = entry.series === undefined || entry.series.removed;
      if (isNew) this.#open(entry, this.#account);
      if (entry.series === undefined) {
        for (const series of added) store.remove(series);
        return false;
      }
      if (!isNew) continue;
      if (entry.series.end === 0) added.push(entry.series);
      await turns.pause();
    }
    return true;
  }

  #open(entry: Tracked, account: Account): void {
    if (entry.series !== undefined && !entry.series.removed) return;
    entry.series = this.#settings.store.open(entry.labels, account);
  }

  /** @returns how many samples were dropped */
  #append({ series, values, timestampsMs }: Exposition<Tracked>, startMs: number): number {
    const { store } = this.#settings;
    const haveTimes = timestampsMs.size > 0;
    const current: Tracked[] = [];
    let dropped = 0;
    for (const [index, tracked] of series.entries()) {
      const value = values[index];
      // The series may have been removed while the rest of the page was read.
      this.#open(tracked, this.#account);
      if (tracked.series === undefined || value === undefined) continue;
      const ownTimeMs = haveTimes ? timestampsMs.get(index) : undefined;
      if (ownTimeMs === undefined) current.push(tracked);
      else tracked.series.hasOwnTimes = true;
      const timeMs = ownTimeMs ?? startMs;
      const inBounds =
        timeMs <= startMs + MAX_AHEAD_MS && timeMs >= startMs - store.window.durationMs;
      if (!inBounds || !store.append(tracked.series, timeMs, value)) dropped += 1;
    }
    this.#endOthers(current, startMs);
    return dropped;
  }

  /**
   * A series that the scrape before had, and this one lacks, has ended. The others have a sample of
   * this time by now, so that no stale marker is stored.
   */
  #endOthers(current: readonly Tracked[], startMs: number): void {
    const { store } = this.#settings;
    for (const { series } of this.#current)
      if (series !== undefined) store.appendStale(series, startMs);
    this.#current = current;
  }

  #tellRefusal(reason: string | undefined, startMs: number): void {
    const { store } = this.#settings;
    if (this.#refusal !== undefined && this.#refusal.reason !== reason) {
      const { series } = this.#refusal.tracked;
      if (series !== undefined) store.appendStale(series, startMs);
      this.#refusal = undefined;
    }
    if (reason === undefined) return;
    const labels = { __name__: REFUSED_SERIES, reason: maskText(reason) };
    this.#refusal ??= { reason, tracked: track(labels, this.labels) };
    const { tracked } = this.#refusal;
    this.#open(tracked, UNCOUNTED);
    if (tracked.series !== undefined) store.append(tracked.series, startMs, 1);
  }

  /** A target whose page is too much for Sentinel, or was only assumed: to restart it would cure nothing. */
  #answers(failure: ScrapeFailure): boolean {
    return isRefusal(failure) || (this.#isAssumed && hasNoMetrics(failure));
  }

  #report(result: Stored | ScrapeFailed, { startMs, durationMs }: ScrapeTime): void {
    const { store } = this.#settings;
    const stored = result.kind === "stored" ? result : NOTHING;
    if (result.kind === "stored") this.#isAssumed = false;
    const values = {
      up: result.kind === "stored" || this.#answers(result.failure) ? 1 : 0,
      scrape_duration_seconds: durationMs / 1000,
      scrape_samples_scraped: stored.samples,
      scrape_samples_post_metric_relabeling: stored.samples,
      scrape_series_added: stored.addedSeries,
    } satisfies Record<Report, number>;
    for (const name of REPORTS) {
      this.#open(this.#reports[name], UNCOUNTED);
      const { series } = this.#reports[name];
      if (series !== undefined) store.append(series, startMs, values[name]);
    }
    const failure = result.kind === "failed" ? result : undefined;
    const isRefused = failure !== undefined && isRefusal(failure.failure);
    this.#tellRefusal(isRefused ? failure.message : undefined, startMs);
    this.#state = {
      ...this.#state,
      health: failure === undefined ? "up" : "down",
      failure: failure?.failure,
      // It may quote a line of the page, or an address with its password.
      lastError: maskText(failure?.message ?? ""),
      lastScrapeMs: startMs,
      lastScrapeDurationMs: durationMs,
      samples: stored.samples,
      droppedSamples: stored.droppedSamples,
    };
  }
}

/** 1 while Sentinel refuses a target's page; the label `reason` says why. */
const REFUSED_SERIES = "sentinel_scrape_refused";

/** When a scrape began, as its samples have it, and how long it took. */
interface ScrapeTime {
  readonly startMs: number;
  readonly durationMs: number;
}

const NOTHING: Stored = { kind: "stored", samples: 0, droppedSamples: 0, addedSeries: 0 };

/** What Prometheus says of each scrape, as series of the target. */
const REPORTS = [
  "up",
  "scrape_duration_seconds",
  "scrape_samples_scraped",
  "scrape_samples_post_metric_relabeling",
  "scrape_series_added",
] as const;
type Report = (typeof REPORTS)[number];

function reportsOf(target: Labels, prefix: string): Record<Report, Tracked> {
  const report = (name: Report) => track({ __name__: prefix + name }, target);
  return {
    up: report("up"),
    scrape_duration_seconds: report("scrape_duration_seconds"),
    scrape_samples_scraped: report("scrape_samples_scraped"),
    scrape_samples_post_metric_relabeling: report("scrape_samples_post_metric_relabeling"),
    scrape_series_added: report("scrape_series_added"),
  };
}

function withoutEmpty(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));
}
