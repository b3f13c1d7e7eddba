/** What the journal's entries come to, taken in their order. */

import { createLimitTracker, type LimitTracker, type Limits } from "../decision/limits.ts";
import { createIncidentFold } from "../core/incident-record.ts";
import type { JournalEntry, NewJournalEntry } from "../core/ports.ts";
import type { JournalWriter } from "./journal-writer.ts";
import { entryAt } from "./wall-time.ts";

/** What was recorded here, as it is written, and as it counts: by the clock that never jumps. */
export interface OwnEntry {
  readonly entry: NewJournalEntry;
  readonly counted: JournalEntry;
}

/** When the journal was read, and by which clocks. */
interface Reading {
  readonly nowMs: number;
  /** How much the wall clock shows more than the clock. */
  readonly aheadMs: number;
  readonly writer: Pick<JournalWriter, "takeOwn">;
}

/**
 * What is recorded here counts at once, although it is written a moment later. What others have written
 * in between comes before it in the journal, and so it does here as soon as it is read: as after a restart.
 */
export class JournalFolds {
  /** What the journal says, as far as it was read. */
  readonly #read: Folds;
  /** The same, and after it what was recorded here since. */
  #now: Folds;
  /** Recorded here, and not read in the journal yet. */
  #unread: readonly OwnEntry[] = [];
  #seenSeq: number;
  #readAtMs: number;

  constructor(
    past: readonly JournalEntry[],
    { limits, nowMs }: { readonly limits: Limits; readonly nowMs: number },
  ) {
    this.#read = { limitTracker: createLimitTracker(limits), incidents: createIncidentFold() };
    for (const entry of past) apply(entry, this.#read);
    this.#now = copyOf(this.#read);
    this.#seenSeq = past.at(-1)?.seq ?? 0;
    this.#readAtMs = nowMs;
  }

  /** Of the last entry of the journal that was read. */
  get seenSeq(): number {
    return this.#seenSeq;
  }

  get limitTracker(): LimitTracker {
    return this.#now.limitTracker;
  }

  get incidents(): Folds["incidents"] {
    return this.#now.incidents;
  }

  /** Forgets incidents that ended before, so that the folds of a process that runs for long stay small. */
  forgetClosed(): void {
    this.#read.incidents.forgetClosed();
    this.#now.incidents.forgetClosed();
  }

  /** Counts what is recorded here. */
  count(own: OwnEntry): void {
    this.forgetClosed();
    apply(own.counted, this.#now);
    this.#unread = [...this.#unread, own];
  }

  /** It will not be written, and counts as what has come before all that is read from now on. */
  giveUp(entry: NewJournalEntry): void {
    this.#settle(entry);
  }

  /** Counts what is not kept. */
  countUnkept(counted: JournalEntry): void {
    this.forgetClosed();
    apply(counted, this.#now);
    apply(counted, this.#read);
  }

  /** Takes in what has come since the journal was last read. */
  takeIn(entries: readonly JournalEntry[], { nowMs, aheadMs, writer }: Reading): void {
    let isOnlyOwn = true;
    for (const entry of entries) {
      this.#seenSeq = entry.seq;
      const written = writer.takeOwn(entry.seq);
      if (written !== undefined) {
        this.#settle(written);
        continue;
      }
      isOnlyOwn = false;
      // It has come since then, whatever the wall clock has shown meanwhile.
      const atMs = Math.min(Math.max(entry.atMs - aheadMs, this.#readAtMs), nowMs);
      apply(entryAt(entry, atMs), this.#read);
    }
    this.#readAtMs = nowMs;
    if (isOnlyOwn) return;
    this.#now = copyOf(this.#read);
    for (const { counted } of this.#unread) apply(counted, this.#now);
  }

  #settle(entry: NewJournalEntry): void {
    const own = this.#unread.find((one) => one.entry === entry);
    if (own === undefined) return;
    apply(own.counted, this.#read);
    this.#unread = this.#unread.filter((one) => one !== own);
  }
}

interface Folds {
  readonly limitTracker: LimitTracker;
  readonly incidents: ReturnType<typeof createIncidentFold>;
}

function apply(entry: JournalEntry, { limitTracker, incidents }: Folds): void {
  const step = incidents.apply(entry);
  if (step !== undefined) limitTracker.apply(step);
}

function copyOf({ limitTracker, incidents }: Folds): Folds {
  return { limitTracker: limitTracker.copy(), incidents: incidents.copy() };
}
