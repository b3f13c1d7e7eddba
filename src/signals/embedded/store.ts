/** Series in memory, for as long as rules look back. */

import type { Labels } from "../../core/model.ts";
import type { Clock } from "../../core/ports.ts";
import type { LabelMatcher, SeriesStore } from "../../promql/series.ts";
import { type Account, Pool, type Room } from "./account.ts";
import { MemorySeries, type SampleWindow } from "./memory-series.ts";
import { SeriesIndex } from "./series-index.ts";

export type { MemorySeries } from "./memory-series.ts";

interface SeriesStoreOptions {
  /** How long samples are kept; 15 minutes by default. */
  readonly windowMs?: number;
  /** The number of series above which a new one is refused; 20,000 by default. */
  readonly maxSeries?: number;
  /** The size of all series' labels as JSON, above which a new series is refused. 32 MiB by default. */
  readonly maxLabelBytes?: number;
  /** The samples of one series, above which the oldest are dropped, even within the window. 4096 by default. */
  readonly maxSamplesPerSeries?: number;
}

/** A range of time, both ends included. */
interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
}

interface StoreStats {
  readonly series: number;
  /** The number of samples, stale markers included. */
  readonly samples: number;
  /** Series that were not opened, for there were too many; and samples no newer than the newest. */
  readonly refusedSeries: number;
  readonly droppedSamples: number;
}

const WINDOW_MS = 15 * 60_000;
const MAX_SERIES = 20_000;
const MAX_LABEL_BYTES = 32 * 1024 * 1024;
/** What may be kept for writers of their own; the rest is for whoever comes first. */
const RESERVED_SHARE = 1 / 2;
const MAX_SAMPLES_PER_SERIES = 4096;
const ALWAYS: TimeRange = { startMs: -Infinity, endMs: Infinity };

/** @throws RangeError on an option that is not above zero */
export function createSeriesStore(options: SeriesStoreOptions = {}): MemoryStore {
  return new MemoryStore(options);
}

/**
 * What a writer does: `open` a series once, `append` to what it got, and `open` it again should it
 * have been `removed` meanwhile.
 */
export class MemoryStore implements SeriesStore {
  readonly window: SampleWindow;
  readonly maxSeries: number;
  readonly #index = new SeriesIndex();
  readonly #byKey = new Map<string, MemorySeries>();
  readonly #pool: Pool;
  /** The account of writers that have none of their own. */
  readonly #others: Account;
  readonly #accounts = new WeakMap<MemorySeries, Account>();
  /** Rules ask with the same matchers at each poll; what they select holds until a series comes or goes. */
  #selections = new WeakMap<readonly LabelMatcher[], readonly MemorySeries[]>();
  /** By how much the wall clock was last known to be ahead of the clock that never jumps. */
  #aheadMs = 0;
  #refusedSeries = 0;
  #droppedSamples = 0;

  constructor({
    windowMs = WINDOW_MS,
    maxSeries = MAX_SERIES,
    maxLabelBytes = MAX_LABEL_BYTES,
    maxSamplesPerSeries = MAX_SAMPLES_PER_SERIES,
  }: SeriesStoreOptions) {
    for (const [name, value] of Object.entries({
      windowMs,
      maxSeries,
      maxLabelBytes,
      maxSamplesPerSeries,
    }))
      if (!(value > 0)) throw new RangeError(`${name} must be above 0, not ${value}`);
    this.window = { durationMs: windowMs, maxSamples: maxSamplesPerSeries };
    this.maxSeries = maxSeries;
    this.#pool = new Pool({ series: maxSeries, labelBytes: maxLabelBytes });
    this.#others = this.#pool.reserve({ series: 0, labelBytes: 0 });
  }

  /**
   * An account for one of that many writers, to open series with: each of them has its share of one half of
   * the room, whatever the others take of the rest.
   */
  account(writers: number): Account {
    const { series, labelBytes } = this.#pool.room;
    const share = RESERVED_SHARE / writers;
    return this.#pool.reserve({ series: series * share, labelBytes: labelBytes * share });
  }

  /**
   * The series of these labels, new if there is none.
   *
   * @param labels with `__name__`, without empty values and without a prototype, since any name may
   *   be looked up in them; kept, so they must not change
   * @returns `undefined` if it would be one too many
   */
  open(labels: Labels, account = this.#others): MemorySeries | undefined {
    const key = keyOf(labels);
    const present = this.#byKey.get(key);
    if (present !== undefined) return present;
    if (!account.take(roomOf(key))) {
      this.#refusedSeries += 1;
      return undefined;
    }
    const series = new MemorySeries(labels, this.window);
    this.#byKey.set(key, series);
    this.#accounts.set(series, account);
    this.#index.add(series);
    this.#selections = new WeakMap();
    return series;
  }

  /** @returns false, and it is counted, if the sample is not newer than the newest of its series */
  append(series: MemorySeries, timestampMs: number, value: number): boolean {
    const stored = series.append(timestampMs, value);
    if (!stored) this.#droppedSamples += 1;
    return stored;
  }

  /** Says that the series has ended; nothing if it has a sample of that time or a newer one. */
  appendStale(series: MemorySeries, timestampMs: number): void {
    series.appendStale(timestampMs);
  }

  remove(series: MemorySeries): void {
    if (series.removed) return;
    series.removed = true;
    const key = keyOf(series.labels);
    this.#byKey.delete(key);
    this.#accounts.get(series)?.giveBack(roomOf(key));
    this.#index.remove(series);
    this.#selections = new WeakMap();
  }

  /**
   * The time of a sample taken at that moment. Samples have the wall clock's times, as in Prometheus; when
   * that clock is set, all of them move with it: the next sample is newer still, and rates and ages hold.
   * A series with times of another clock begins again, as nobody knows whether that one was set as well.
   */
  timeOf(atMs: number, clock: Pick<Clock, "toWall">): number {
    const wallAtMs = clock.toWall(atMs);
    const movedMs = wallAtMs - atMs - this.#aheadMs;
    if (movedMs === 0) return wallAtMs;
    this.#aheadMs += movedMs;
    for (const series of [...this.#index]) {
      if (series.hasOwnTimes) this.remove(series);
      else series.move(movedMs);
    }
    return wallAtMs;
  }

  /**
   * Removes series without a sample within the window, seen from now.
   *
   * @param most how many are removed at most
   * @returns whether there may be more
   */
  removeExpired(nowMs: number, most = Number.POSITIVE_INFINITY): boolean {
    const oldestMs = nowMs - this.window.durationMs;
    let removed = 0;
    for (const series of this.#index) {
      if (series.newestMs >= oldestMs) continue;
      if (removed === most) return true;
      this.remove(series);
      removed += 1;
    }
    return false;
  }

  select(matchers: readonly LabelMatcher[]): readonly MemorySeries[] {
    const before = this.#selections.get(matchers);
    if (before !== undefined) return before;
    const selected = this.#index.select(matchers);
    this.#selections.set(matchers, selected);
    return selected;
  }

  /** Series with a sample, be it a stale marker, in the time range. */
  series(matchers: readonly LabelMatcher[], range: TimeRange = ALWAYS): readonly MemorySeries[] {
    return this.select(matchers).filter((series) => hasSampleIn(series, range));
  }

  /** Sorted. Without matchers, of all series. */
  labelNames(matchers: readonly LabelMatcher[] = [], range: TimeRange = ALWAYS): readonly string[] {
    const names = this.series(matchers, range).flatMap(({ labels }) => Object.keys(labels));
    return [...new Set(names)].sort();
  }

  /** Sorted. Without matchers, of all series. */
  labelValues(
    name: string,
    matchers: readonly LabelMatcher[] = [],
    range: TimeRange = ALWAYS,
  ): readonly string[] {
    const values = this.series(matchers, range).flatMap(({ labels }) => labels[name] ?? []);
    return [...new Set(values)].sort();
  }

  stats(): StoreStats {
    let samples = 0;
    for (const { start, end } of this.#index) samples += end - start;
    return {
      series: this.#index.size,
      samples,
      refusedSeries: this.#refusedSeries,
      droppedSamples: this.#droppedSamples,
    };
  }
}

function roomOf(key: string): Room {
  return { series: 1, labelBytes: key.length };
}

/** One text for one set of labels, whatever their order. */
function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function hasSampleIn(
  { timestampsMs, start, end }: MemorySeries,
  { startMs, endMs }: TimeRange,
): boolean {
  const first = firstAtOrAfter(timestampsMs, startMs, { start, end });
  return first < end && (timestampsMs[first] ?? NaN) <= endMs;
}

function firstAtOrAfter(
  timestampsMs: Float64Array,
  timeMs: number,
  { start, end }: { readonly start: number; readonly end: number },
): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timestampsMs[middle] ?? NaN) < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
