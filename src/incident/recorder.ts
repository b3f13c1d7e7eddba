/** What is kept of what happens: the journal, and what its folds tell. */

import { moveSaved, readSavedAlerts, type SavedAlerts } from "../rules/alert-memory.ts";
import { eventFields } from "./event-line.ts";
import type { SentinelEvent, SentinelFact, SentinelIntent, ToldEvent } from "../core/events.ts";
import { createLock } from "../core/lock.ts";
import { fingerprint } from "../rules/alert-state.ts";
import { isToldFlap } from "../rules/flapping.ts";
import { isTakenUpAgain, type LimitTracker, type Limits } from "../decision/limits.ts";
import type { Clock, Journal, NewJournalEntry } from "../core/ports.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import { JournalFolds, type OwnEntry } from "./journal-folds.ts";
import { createJournalWriter, type JournalNews, type JournalWriter } from "./journal-writer.ts";
import { entryAt, inWallTime, moveRecord, settleTimes } from "./wall-time.ts";

export interface Recorder {
  readonly limitTracker: Pick<LimitTracker, "limitState" | "answerTo" | "flapping">;
  /** What was known of the alerts of each service when the journal was opened, as far as it still holds. */
  readonly savedAlerts: ReadonlyMap<string, SavedAlerts>;
  /** Keeps what is known of the service's alerts now, once what was recorded before is written. */
  saveAlerts(service: string, saved: SavedAlerts): void;
  /** The last incidents of the service that have ended, oldest first. */
  former(service: string): readonly IncidentRecord[];
  /** What was not ended when the journal was opened, for that service; it is given once. */
  takeUnfinished(service: string): readonly IncidentRecord[];
  /**
   * Keeps what happens in incidents, and of the rest what is needed later. It counts at once, and is written
   * in order, without anybody waiting for it.
   */
  record(event: SentinelFact): void;
  /**
   * Keeps an intent, which counts only if it is kept.
   *
   * @returns whether it is on the disk, with all that was recorded before: if not, it must not be acted upon
   */
  commit(intent: SentinelIntent): Promise<boolean>;
  /** What was just kept, by the wall clock and with what its readers need to know besides it. */
  told(event: SentinelEvent): ToldEvent;
  /** Takes in what others have written, such as a person's answer. */
  refresh(): Promise<void>;
  /** Resolves when what was recorded is written, or waits until the journal can be written. */
  flush(): Promise<void>;
  /** Why the journal cannot be used now, and what to do; `undefined` while it can. */
  readonly trouble: string | undefined;
  /** What a person should be told of the journal: once, whichever loop asks first. */
  takeNews(): JournalNews | undefined;
}

/** Of entries that are in no journal. */
const NOT_KEPT = 0;

interface PollOption {
  /** How far apart polls are: states that are much older say nothing of now. Default: 5 s. */
  readonly pollIntervalMs?: number;
}
const DEFAULT_POLL_INTERVAL_MS = 5000;

type RecorderClock = Pick<Clock, "nowMs" | "toWall">;

/**
 * Times are the clock's; the journal's are those of the wall clock.
 *
 * @throws SentinelError when the journal cannot be read
 */
export async function openRecorder(
  journal: Journal,
  { pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, ...limits }: Limits & PollOption,
  clock: RecorderClock,
): Promise<Recorder> {
  const nowMs = clock.nowMs();
  const past = settleTimes(await journal.readAfter(0), nowMs);
  const states = await journal.readStates();
  const folds = new JournalFolds(past, { limits, nowMs });
  const savedAlerts = readStates(states, folds.incidents.records(), { nowMs, pollIntervalMs });
  return new JournalRecorder(journal, { folds, savedAlerts }, clock);
}

class JournalRecorder implements Recorder {
  readonly savedAlerts: ReadonlyMap<string, SavedAlerts>;
  readonly #journal: Journal;
  readonly #clock: RecorderClock;
  readonly #folds: JournalFolds;
  readonly #writer: JournalWriter;
  /** Held by whoever uses the journal: what was written here is known as such before anything is read. */
  readonly #turns = createLock();
  /** States of alerts that are not written yet, by their names. */
  readonly #unsaved = new Map<string, string | undefined>();
  /** What a restart cut short: a record is another one once something has happened in its incident. */
  readonly #dormant: readonly IncidentRecord[];
  #unfinished: readonly IncidentRecord[];

  constructor(
    journal: Journal,
    { folds, savedAlerts }: Pick<Recorder, "savedAlerts"> & { readonly folds: JournalFolds },
    clock: RecorderClock,
  ) {
    this.savedAlerts = savedAlerts;
    this.#journal = journal;
    this.#clock = clock;
    this.#folds = folds;
    this.#writer = createJournalWriter(journal, clock);
    folds.forgetClosed();
    this.#dormant = folds.incidents.records();
    this.#unfinished = this.#dormant;
  }

  get limitTracker(): Recorder["limitTracker"] {
    return this.#folds.limitTracker;
  }

  get trouble(): string | undefined {
    return this.#writer.trouble;
  }

  takeNews(): JournalNews | undefined {
    return this.#writer.takeNews();
  }

  former(service: string): readonly IncidentRecord[] {
    return this.#folds.incidents.former(service);
  }

  takeUnfinished(service: string): readonly IncidentRecord[] {
    const taken = this.#unfinished.filter((record) => record.service === service);
    this.#unfinished = this.#unfinished.filter((record) => record.service !== service);
    return taken;
  }

  saveAlerts(service: string, saved: SavedAlerts): void {
    const aheadMs = this.#clock.toWall(saved.savedAtMs) - saved.savedAtMs;
    const text = saved.alerts.length > 0 ? JSON.stringify(moveSaved(saved, aheadMs)) : undefined;
    this.#unsaved.set(ALERTS_OF + service, text);
    this.#writeSoon();
  }

  record(event: SentinelFact): void {
    if (!isKept(event)) return;
    const own = this.#toOwn(event);
    // What was done counts, also where it cannot be written down.
    if (event.type === "alert_flapped" && !event.isOver && !isToldFlap(event.times))
      return this.#folds.countUnkept(own.counted);
    this.#folds.count(own);
    const givenUp = this.#writer.queue(own.entry);
    if (givenUp !== undefined) this.#folds.giveUp(givenUp);
    this.#writeSoon();
  }

  async commit(intent: SentinelIntent): Promise<boolean> {
    const own = this.#toOwn(intent);
    using _ = await this.#turns.acquire();
    await this.#catchUp();
    if (!(await this.#writer.commit(own.entry))) return false;
    this.#folds.count(own);
    return true;
  }

  told(event: SentinelEvent): ToldEvent {
    return toldOf(event, { folds: this.#folds, dormant: this.#dormant }, this.#clock);
  }

  async refresh(): Promise<void> {
    using _ = await this.#turns.acquire();
    await this.#catchUp();
  }

  async flush(): Promise<void> {
    using _ = await this.#turns.acquire();
  }

  #toOwn(event: SentinelEvent): OwnEntry {
    const entry = toEntry(inWallTime(event, this.#clock));
    return { entry, counted: entryAt({ ...entry, seq: NOT_KEPT }, event.atMs) };
  }

  /** Nobody waits for it; what fails is tried again when others are to be heard. */
  #writeSoon(): void {
    if (this.#writer.trouble === undefined) void this.#write();
  }

  async #write(): Promise<void> {
    using _ = await this.#turns.acquire();
    await this.#writeQueued();
  }

  /** @returns whether the journal can be read */
  async #writeQueued(): Promise<boolean> {
    // A state is never written before what was recorded before it.
    const states = [...this.#unsaved];
    if (!(await this.#writer.writeQueued())) return false;
    for (const [name, text] of states) {
      if (this.#writer.trouble !== undefined) break;
      const isSaved = await this.#writer.attempt(() => this.#journal.saveState(name, text));
      if (isSaved && this.#unsaved.get(name) === text) this.#unsaved.delete(name);
    }
    return true;
  }

  /** Writes what is queued, and reads what has come since the last time. */
  async #catchUp(): Promise<void> {
    if (!(await this.#writeQueued())) return;
    await this.#writer.attempt(async () => {
      const entries = await this.#journal.readAfter(this.#folds.seenSeq);
      const nowMs = this.#clock.nowMs();
      const aheadMs = this.#clock.toWall(nowMs) - nowMs;
      this.#folds.takeIn(entries, { nowMs, aheadMs, writer: this.#writer });
    });
  }
}

/** What was just kept, with what its readers need to know besides it. */
function toldOf(
  event: SentinelEvent,
  { folds, dormant }: { readonly folds: JournalFolds; readonly dormant: readonly IncidentRecord[] },
  clock: Pick<Clock, "toWall">,
): ToldEvent {
  const { limitTracker, incidents } = folds;
  const record = "incident" in event ? incidents.find(event) : undefined;
  const open = incidents
    .records()
    .filter((one) => one.phase !== "closed" && !dormant.includes(one));
  const shown = inWallTime(event, clock);
  return {
    ...shown,
    record: record && moveRecord(record, shown.atMs - event.atMs),
    othersOpen: open.filter((one) => one !== record).length,
    isFlapping: isFlapping(event, { limitTracker, open }),
  };
}

/** Whether it is a change of an alert that has come back to an incident that is over, and to no other one. */
function isFlapping(
  event: SentinelEvent,
  {
    limitTracker,
    open,
  }: { readonly limitTracker: LimitTracker; readonly open: readonly IncidentRecord[] },
): boolean {
  if (event.type !== "alert_changed") return false;
  const { service, atMs, alert } = event;
  const times = limitTracker.flapping({ service, labels: alert.labels }, atMs)?.times ?? 0;
  const key = fingerprint(alert.labels);
  const isAbout = (one: IncidentRecord) =>
    one.service === service && fingerprint(one.alert.labels) === key;
  return times > 0 && !open.some(isAbout);
}

/** An event as the journal keeps it; its times are the wall clock's. */
export function toEntry(event: SentinelEvent): NewJournalEntry {
  const { atMs, service, type } = event;
  const { service: _, incident: __, ...fields } = eventFields(event);
  const incident = "incident" in event ? event.incident : undefined;
  return { atMs, service, incident, type, fields };
}

/** That an alert has ended shows what would have come of leaving it alone. */
function isKept(event: SentinelEvent): boolean {
  if ("incident" in event || event.type === "automation_ended") return true;
  return (
    event.type === "alert_changed" && event.from === "firing" && event.alert.state === "inactive"
  );
}

const ALERTS_OF = "alerts of ";

/** Those of which the last incident ended without having been judged are to be taken up again. */
function readStates(
  states: ReadonlyMap<string, string>,
  records: readonly IncidentRecord[],
  now: { readonly nowMs: number; readonly pollIntervalMs: number },
): ReadonlyMap<string, SavedAlerts> {
  const isOpen = new Map(
    records.map(({ service, alert, closing, intentAtMs }) => [
      `${service}\n${alert.name}`,
      isTakenUpAgain(closing?.reason) ||
        // Sentinel was told to stop before anything was done about it.
        (closing?.result === "cancelled" && intentAtMs === undefined),
    ]),
  );
  const found = new Map<string, SavedAlerts>();
  for (const [name, text] of states) {
    const service = name.startsWith(ALERTS_OF) ? name.slice(ALERTS_OF.length) : undefined;
    const saved = readSavedAlerts(text, now);
    if (service === undefined || saved === undefined) continue;
    const alerts = saved.alerts.map((alert) =>
      isOpen.get(`${service}\n${alert.name}`) ? { ...alert, isHandled: false } : alert,
    );
    found.set(service, { ...saved, alerts });
  }
  return found;
}
