/** Writes to the journal, keeps what could not be written, and tells when the journal is in trouble. */

import { messageOf, SentinelError } from "../core/errors.ts";
import type { WatchEvent } from "../core/events.ts";
import type { Clock, Journal, NewJournalEntry } from "../core/ports.ts";

export type JournalNews = Extract<WatchEvent, { type: "journal_down" | "journal_back" }>;

/** Its calls come one after the other: each waits for the one before. */
export interface JournalWriter {
  /** Why the journal cannot be used now, and what to do; `undefined` while it can. */
  readonly trouble: string | undefined;
  /** What a person should be told of it: once, whoever asks first. */
  takeNews(): JournalNews | undefined;
  /** Queues an entry, at any time: `writeQueued` writes it. @returns one that is given up for it */
  queue(entry: NewJournalEntry): NewJournalEntry | undefined;
  /** @returns whether all that was queued is in the journal; else it is tried again later */
  writeQueued(): Promise<boolean>;
  /** Adds an entry unless the journal is in trouble. @returns whether it is on the disk */
  commit(entry: NewJournalEntry): Promise<boolean>;
  /** Does something with the journal. @returns whether it succeeded; a failure is a trouble */
  attempt(work: () => Promise<void>): Promise<boolean>;
  /** What was written here as the entry of that number, if it was; asked once for each. */
  takeOwn(seq: number): NewJournalEntry | undefined;
}

export function createJournalWriter(
  journal: Pick<Journal, "record" | "commit">,
  clock: Pick<Clock, "nowMs">,
): JournalWriter {
  return new Writer(journal, clock);
}

/** Entries that are not written yet; past it the oldest are given up. */
const MAX_QUEUED = 1000;
/**
 * One that fails is tried anew no more often than this, whoever asks: a lock is waited for, which holds up all
 * loops.
 */
const RETRY_EVERY_MS = 5000;
/**
 * It counts as usable again after this long without a failure, twice as long after each relapse: a disk that is
 * nearly full comes and goes, and each time an action would be decided anew.
 */
const BACK_AFTER_MS = 15_000;
const MAX_BACK_AFTER_MS = 10 * 60_000;
/** Without a failure for this long, the next one is no relapse. */
const RELAPSE_MS = 3_600_000;

class Writer implements JournalWriter {
  readonly #journal: Pick<Journal, "record" | "commit">;
  readonly #clock: Pick<Clock, "nowMs">;
  /** What was written here, by the numbers of the entries. */
  readonly #own = new Map<number, NewJournalEntry>();
  readonly #queued: NewJournalEntry[] = [];
  #trouble: string | undefined;
  #triedAtMs = -Infinity;
  #failedAtMs = -Infinity;
  #backAfterMs = BACK_AFTER_MS;
  #isToldDown = false;

  constructor(journal: Pick<Journal, "record" | "commit">, clock: Pick<Clock, "nowMs">) {
    this.#journal = journal;
    this.#clock = clock;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  takeNews(): JournalNews | undefined {
    const trouble = this.#trouble;
    if (this.#isToldDown === (trouble !== undefined)) return undefined;
    this.#isToldDown = trouble !== undefined;
    return trouble === undefined
      ? { type: "journal_back" }
      : { type: "journal_down", reason: trouble };
  }

  queue(entry: NewJournalEntry): NewJournalEntry | undefined {
    this.#queued.push(entry);
    return this.#queued.length > MAX_QUEUED ? this.#queued.shift() : undefined;
  }

  async writeQueued(): Promise<boolean> {
    const nowMs = this.#clock.nowMs();
    if (this.#trouble !== undefined && nowMs - this.#triedAtMs < RETRY_EVERY_MS) return false;
    this.#triedAtMs = nowMs;
    return this.attempt(async () => {
      for (let next = this.#queued[0]; next !== undefined; next = this.#queued[0]) {
        const { seq } = await this.#journal.record(next);
        this.#own.set(seq, next);
        // Meanwhile it may have been given up for others.
        if (this.#queued[0] === next) this.#queued.shift();
      }
      if (nowMs - this.#failedAtMs >= this.#backAfterMs) this.#trouble = undefined;
    });
  }

  async commit(entry: NewJournalEntry): Promise<boolean> {
    if (this.#trouble !== undefined) return false;
    return this.attempt(async () => {
      const { seq } = await this.#journal.commit(entry);
      this.#own.set(seq, entry);
    });
  }

  async attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  takeOwn(seq: number): NewJournalEntry | undefined {
    const entry = this.#own.get(seq);
    this.#own.delete(seq);
    return entry;
  }

  #fail(error: unknown): void {
    const nowMs = this.#clock.nowMs();
    const isRelapse = nowMs - this.#failedAtMs < RELAPSE_MS;
    if (this.#trouble === undefined)
      this.#backAfterMs = isRelapse
        ? Math.min(this.#backAfterMs * 2, MAX_BACK_AFTER_MS)
        : BACK_AFTER_MS;
    this.#trouble = withRemedy(error);
    this.#failedAtMs = nowMs;
  }
}

function withRemedy(error: unknown): string {
  const hint = error instanceof SentinelError ? error.hint : undefined;
  return [messageOf(error), hint].filter((part) => part !== undefined).join(". ");
}
