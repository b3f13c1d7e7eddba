/** Writes to the journal, keeps what could not be written, and tells when the journal is in trouble. */

import { messageOf, SentinelError } from "../core/errors.ts";
import type { WatchEvent } from "../core/events.ts";
import type { Clock, Journal, NewJournalEntry } from "../core/ports.ts";

export type JournalNews = Extract<WatchEvent, { type: "journal_down" | "journal_back" }>;

type Durability = "now" | "soon";

export interface JournalWriter {
  /** Why the journal cannot be used now, and what to do; `undefined` while it can. */
  readonly trouble: string | undefined;
  /** What a person should be told of it: once, whoever asks first. */
  takeNews(): JournalNews | undefined;
  /** Writes what could not be written before. @returns whether nothing is pending any more */
  catchUp(): boolean;
  /** @returns whether it is in the journal */
  write(entry: NewJournalEntry, durability: Durability): boolean;
  /** Writes it once the journal can be written. */
  postpone(entry: NewJournalEntry): void;
  /** Does something with the journal. @returns whether it succeeded; a failure is a trouble */
  attempt(work: () => void): boolean;
  /** Whether it was this that wrote the entry of that number; asked once for each. */
  takeOwn(seq: number): boolean;
}

export function createJournalWriter(
  journal: Pick<Journal, "append">,
  clock: Pick<Clock, "nowMs">,
): JournalWriter {
  return new Writer(journal, clock);
}

/** Entries that could not be written yet; past it the oldest are given up. */
const MAX_PENDING = 1000;
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
  readonly #journal: Pick<Journal, "append">;
  readonly #clock: Pick<Clock, "nowMs">;
  /** Numbers of the entries that were written here. */
  readonly #own = new Set<number>();
  readonly #pending: NewJournalEntry[] = [];
  #trouble: string | undefined;
  #triedAtMs = -Infinity;
  #failedAtMs = -Infinity;
  #backAfterMs = BACK_AFTER_MS;
  #isToldDown = false;

  constructor(journal: Pick<Journal, "append">, clock: Pick<Clock, "nowMs">) {
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

  catchUp(): boolean {
    const nowMs = this.#clock.nowMs();
    if (this.#trouble !== undefined && nowMs - this.#triedAtMs < RETRY_EVERY_MS) return false;
    this.#triedAtMs = nowMs;
    return this.attempt(() => {
      for (let next = this.#pending[0]; next !== undefined; next = this.#pending[0]) {
        this.#append(next, "soon");
        this.#pending.shift();
      }
      if (nowMs - this.#failedAtMs >= this.#backAfterMs) this.#trouble = undefined;
    });
  }

  write(entry: NewJournalEntry, durability: Durability): boolean {
    return this.#trouble === undefined && this.attempt(() => this.#append(entry, durability));
  }

  postpone(entry: NewJournalEntry): void {
    this.#pending.push(entry);
    if (this.#pending.length > MAX_PENDING) this.#pending.shift();
  }

  attempt(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  takeOwn(seq: number): boolean {
    return this.#own.delete(seq);
  }

  #append(entry: NewJournalEntry, durability: Durability): void {
    this.#own.add(this.#journal.append(entry, durability).seq);
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
