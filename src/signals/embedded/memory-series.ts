/** One series in memory: its samples within a window of time. */

import type { Labels } from "../../core/model.ts";
import { markStaleAt, type StoredSeries } from "../../promql/series.ts";

const FIRST_CAPACITY = 16;
/** A buffer grows to what its samples will need, and each time by no less and no more than this. */
const MIN_GROWTH = 1.25;
const MAX_GROWTH = 16;
/** The size of a buffer over what the window will hold. */
export const SLACK = 1.13;
/** Moving the samples to the front must free this share, or it would be done too often. */
const MIN_FREED_SHARE = 1 / 10;
export const BYTES_PER_SAMPLE = 16;

export interface SampleWindow {
  /** Samples as old as this, seen from the newest, are still kept. */
  readonly durationMs: number;
  /** With more within the window, the oldest are dropped. */
  readonly maxSamples: number;
}

/** Appending takes constant time on average: the samples slide through a buffer with slack. */
export class MemorySeries implements StoredSeries {
  timestampsMs = new Float64Array(0);
  values = new Float64Array(0);
  start = 0;
  end = 0;
  /** The store no longer has it: whoever writes must open it again. */
  removed = false;
  /** Its samples came with times of another clock. */
  hasOwnTimes = false;

  constructor(
    readonly labels: Labels,
    public window: SampleWindow,
  ) {}

  /** Time of the newest sample; `-Infinity` without any. */
  get newestMs(): number {
    return this.end > this.start ? (this.timestampsMs[this.end - 1] ?? NaN) : -Infinity;
  }

  /** Time of the oldest sample; `Infinity` without any. */
  get oldestMs(): number {
    return this.end > this.start ? (this.timestampsMs[this.start] ?? NaN) : Infinity;
  }

  /** @returns false, and nothing is stored, if it is not newer than the newest sample */
  append(timestampMs: number, value: number): boolean {
    if (!this.#appendTime(timestampMs)) return false;
    this.values[this.end - 1] = value;
    return true;
  }

  /** Marks the series as ended at that time. */
  appendStale(timestampMs: number): boolean {
    if (!this.#appendTime(timestampMs)) return false;
    markStaleAt(this.values, this.end - 1);
    return true;
  }

  /** Moves all samples in time, so that their ages stay what they were when the clock was set. */
  move(byMs: number): void {
    for (let index = this.start; index < this.end; index += 1)
      this.timestampsMs[index] = (this.timestampsMs[index] ?? NaN) + byMs;
  }

  #appendTime(timestampMs: number): boolean {
    // Also false for NaN.
    if (!(timestampMs > this.newestMs)) return false;
    const oldestMs = timestampMs - this.window.durationMs;
    while (this.oldestMs < oldestMs) this.start += 1;
    if (this.end - this.start >= this.window.maxSamples) this.start += 1;
    if (this.end === this.timestampsMs.length) this.#makeRoom();
    this.timestampsMs[this.end] = timestampMs;
    this.end += 1;
    return true;
  }

  #makeRoom(): void {
    const { timestampsMs, values, start, end } = this;
    const capacity = timestampsMs.length;
    if (start > capacity * MIN_FREED_SHARE) {
      timestampsMs.copyWithin(0, start, end);
      values.copyWithin(0, start, end);
    } else {
      const grown = this.#grownCapacity();
      const buffer = new ArrayBuffer(grown * BYTES_PER_SAMPLE);
      this.timestampsMs = new Float64Array(buffer, 0, grown);
      this.values = new Float64Array(buffer, grown * Float64Array.BYTES_PER_ELEMENT, grown);
      this.timestampsMs.set(timestampsMs.subarray(start, end));
      this.values.set(values.subarray(start, end));
    }
    this.start = 0;
    this.end = end - start;
  }

  /**
   * Straight to what a whole window will take, at the pace so far: many small steps would leave as
   * much memory in outgrown buffers as the samples need.
   */
  #grownCapacity(): number {
    const capacity = this.timestampsMs.length;
    if (capacity === 0) return FIRST_CAPACITY;
    const spanMs = this.newestMs - this.oldestMs;
    const intervalMs = spanMs / (this.end - this.start - 1);
    const needed =
      Math.min(this.window.durationMs / intervalMs + 1, this.window.maxSamples) * SLACK;
    return Math.ceil(Math.min(Math.max(needed, capacity * MIN_GROWTH), capacity * MAX_GROWTH));
  }
}
