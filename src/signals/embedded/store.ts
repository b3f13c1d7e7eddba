/** Series in memory, for as long as rules look back. */

import type { Labels } from "../../core/model.ts";
import type { Clock } from "../../core/ports.ts";
import type { LabelMatcher, SeriesStore } from "../../promql/series.ts";
import { type Account, NO_ROOM, Pool, type Room } from "./account.ts";
import { bytesOf, DEFAULT_WINDOW_MS, type History, MAX_HISTORY_BYTES } from "./history.ts";
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
  /** Which series are kept for longer. Default: none. */
  readonly history?: Pick<History, "windowOf">;
  /** Of those, all together; past it a further one is refused. 256 MiB by default. */
  readonly maxHistoryBytes?: number;
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

const MAX_SERIES = 20_000;
const MAX_LABEL_BYTES = 32 * 1024 * 1024;
/** What may be kept for writers of their own; the rest is for whoever comes first. */
const RESERVED_SHARE = 1 / 2;
const MAX_SAMPLES_PER_SERIES = 4096;
const NO_HISTORY: Pick<History, "windowOf"> = { windowOf: () => undefined };
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
  #history: Pick<History, "windowOf">;
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
    windowMs = DEFAULT_WINDOW_MS,
    maxSeries = MAX_SERIES,
    maxLabelBytes = MAX_LABEL_BYTES,
    maxSamplesPerSeries = MAX_SAMPLES_PER_SERIES,
    history = NO_HISTORY,
    maxHistoryBytes = MAX_HISTORY_BYTES,
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
    this.#history = history;
    this.#pool = new Pool({
      series: maxSeries,
      labelBytes: maxLabelBytes,
      historyBytes: maxHistoryBytes,
    });
    this.#others = this.#pool.reserve(NO_ROOM);
  }

  /**
   * An account for one of that many writers, to open series with: each of them has its share of one half of
   * the room, whatever the others take of the rest.
   */
  account(writers: number): Account {
    const { series, labelBytes, historyBytes } = this.#pool.room;
    const share = RESERVED_SHARE / writers;
    return this.#pool.reserve({
      series: series * share,
      labelBytes: labelBytes * share,
      historyBytes: historyBytes * share,
    });
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
    const window = this.#history.windowOf(labels) ?? this.window;
    if (!account.take(this.#roomOf(key, window))) {
      this.#refusedSeries += 1;
      return undefined;
    }
    const series = new MemorySeries(labels, window);
    this.#byKey.set(key, series);
    this.#accounts.set(series, account);
    this.#index.add(series);
    this.#selections = new WeakMap();
    return series;
  }

  /**
   * From now on series are kept for as long as this says. One for which there is no room is removed: its
   * writer opens it again, and says that it could not.
   */
  setHistory(history: Pick<History, "windowOf">): void {
    this.#history = history;
    for (const series of [...this.#index]) {
      const wanted = history.windowOf(series.labels) ?? this.window;
      const account = this.#accounts.get(series);
      const isSame =
        wanted.durationMs === series.window.durationMs &&
        wanted.maxSamples === series.window.maxSamples;
      if (isSame || account === undefined) continue;
      const before = this.#historyRoomOf(series.window);
      account.giveBack(before);
      if (account.take(this.#historyRoomOf(wanted))) series.window = wanted;
      else {
        account.take(before);
        this.remove(series);
      }
    }
  }

  #roomOf(key: string, window: SampleWindow): Room {
    return { ...this.#historyRoomOf(window), series: 1, labelBytes: key.length };
  }

  /** What a series takes for being kept longer than others. */
  #historyRoomOf(window: SampleWindow): Room {
    return { ...NO_ROOM, historyBytes: window === this.window ? 0 : Math.ceil(bytesOf(window)) };
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
    this.#accounts.get(series)?.giveBack(this.#roomOf(key, series.window));
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
   * Removes series without a sample within their window, seen from now.
   *
   * @param most how many are removed at most
   * @returns whether there may be more
   */
  removeExpired(nowMs: number, most = Number.POSITIVE_INFINITY): boolean {
    let removed = 0;
    for (const series of this.#index) {
      if (series.newestMs >= nowMs - series.window.durationMs) continue;
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
