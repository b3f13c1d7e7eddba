/** What is kept of what happens: the journal, and what its folds tell. */

import { moveSaved, readSavedAlerts, type SavedAlerts } from "../rules/alert-memory.ts";
import { eventFields } from "./event-line.ts";
import type { SentinelEvent, ToldEvent } from "../core/events.ts";
import { fingerprint } from "../rules/alert-state.ts";
import { isToldFlap } from "../rules/flapping.ts";
import {
  createLimitTracker,
  isTakenUpAgain,
  type LimitTracker,
  type Limits,
} from "../decision/limits.ts";
import type { Clock, Journal, JournalEntry, NewJournalEntry } from "../core/ports.ts";
import { createIncidentFold, type IncidentRecord } from "../core/incident-record.ts";
import { createJournalWriter, type JournalNews, type JournalWriter } from "./journal-writer.ts";
import { entryAt, inWallTime, moveRecord, settleTimes } from "./wall-time.ts";

export interface Recorder {
  readonly limitTracker: Pick<LimitTracker, "limitState" | "answerTo" | "flapping">;
  /** What was known of the alerts of each service when the journal was opened, as far as it still holds. */
  readonly savedAlerts: ReadonlyMap<string, SavedAlerts>;
  /** Keeps what is known of the service's alerts now. @returns whether it is kept */
  saveAlerts(service: string, saved: SavedAlerts): boolean;
  /** The last incidents of the service that have ended, oldest first. */
  former(service: string): readonly IncidentRecord[];
  /** What was not ended when the journal was opened, for that service; it is given once. */
  takeUnfinished(service: string): readonly IncidentRecord[];
  /**
   * Keeps what happens in incidents, and of the rest what is needed later.
   *
   * @returns whether it is in the journal, if it has to be: an intent must not be acted upon if not
   */
  keep(event: SentinelEvent): boolean;
  /** What was just kept, by the wall clock and with what its readers need to know besides it. */
  told(event: SentinelEvent): ToldEvent;
  /** Takes in what others have written, such as a person's answer. */
  refresh(): void;
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

/**
 * Times are the clock's; the journal's are those of the wall clock.
 *
 * @throws SentinelError when the journal cannot be read
 */
export function openRecorder(
  journal: Journal,
  { pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, ...limits }: Limits & PollOption,
  clock: Pick<Clock, "nowMs" | "toWall">,
): Recorder {
  const openedAtMs = clock.nowMs();
  const past = settleTimes(journal.readAfter(0), openedAtMs);
  const folds = new JournalFolds(past, { limits, nowMs: openedAtMs });
  const { limitTracker, incidents } = folds;
  const opened = { nowMs: openedAtMs, pollIntervalMs };
  const savedAlerts = readStates(journal, incidents.records(), opened);
  incidents.forgetClosed();
  /** What a restart cut short: a record is another one once something has happened in its incident. */
  const dormant = incidents.records();
  let unfinished = dormant;
  const writer = createJournalWriter(journal, clock);
  const refresh = () => {
    if (!writer.catchUp()) return;
    writer.attempt(() => {
      const nowMs = clock.nowMs();
      const entries = journal.readAfter(folds.seenSeq);
      folds.takeIn(entries, { nowMs, aheadMs: clock.toWall(nowMs) - nowMs, writer });
    });
  };

  return {
    limitTracker,
    savedAlerts,
    former: (service) => incidents.former(service),
    saveAlerts(service, saved) {
      if (writer.trouble !== undefined) return false;
      const aheadMs = clock.toWall(saved.savedAtMs) - saved.savedAtMs;
      const text = saved.alerts.length > 0 ? JSON.stringify(moveSaved(saved, aheadMs)) : undefined;
      return writer.attempt(() => journal.saveState(ALERTS_OF + service, text));
    },
    takeUnfinished(service) {
      const taken = unfinished.filter((record) => record.service === service);
      unfinished = unfinished.filter((record) => record.service !== service);
      return taken;
    },
    keep(event) {
      if (!isKept(event)) return true;
      const entry = toEntry(inWallTime(event, clock));
      const counted = entryAt({ ...entry, seq: NOT_KEPT }, event.atMs);
      incidents.forgetClosed();
      // In the order of the journal: what happens now comes after what others have said until now.
      if (writer.trouble === undefined || event.type === "action_started") refresh();
      if (event.type === "action_started") {
        if (!writer.write(entry, "now")) return false;
        folds.apply(counted);
        return true;
      }
      // What was done counts, also where it cannot be written down.
      folds.apply(counted);
      if (event.type === "alert_flapped" && !event.isOver && !isToldFlap(event.times)) return true;
      if (writer.write(entry, "soon")) return true;
      writer.postpone(entry);
      return false;
    },
    told: (event) => toldOf(event, { folds, dormant }, clock),
    refresh,
    get trouble() {
      return writer.trouble;
    },
    takeNews: () => writer.takeNews(),
  };
}

/** What the journal's entries come to, taken in their order. */
class JournalFolds {
  readonly limitTracker: LimitTracker;
  readonly incidents = createIncidentFold();
  #seenSeq: number;
  #readAtMs: number;

  constructor(
    past: readonly JournalEntry[],
    { limits, nowMs }: { readonly limits: Limits; readonly nowMs: number },
  ) {
    this.limitTracker = createLimitTracker(limits);
    for (const entry of past) this.apply(entry);
    this.#seenSeq = past.at(-1)?.seq ?? 0;
    this.#readAtMs = nowMs;
  }

  /** Of the last entry of the journal that was read. */
  get seenSeq(): number {
    return this.#seenSeq;
  }

  apply(entry: JournalEntry): void {
    const step = this.incidents.apply(entry);
    if (step !== undefined) this.limitTracker.apply(step);
  }

  /** Takes in what has come since the journal was last read; what was written here counts already. */
  takeIn(entries: readonly JournalEntry[], { nowMs, aheadMs, writer }: Reading): void {
    for (const entry of entries) {
      this.#seenSeq = entry.seq;
      if (writer.takeOwn(entry.seq)) continue;
      // It has come since then, whatever the wall clock has shown meanwhile.
      const atMs = Math.min(Math.max(entry.atMs - aheadMs, this.#readAtMs), nowMs);
      this.apply(entryAt(entry, atMs));
    }
    this.#readAtMs = nowMs;
  }
}

interface Reading {
  readonly nowMs: number;
  /** How much the wall clock shows more than the clock. */
  readonly aheadMs: number;
  readonly writer: Pick<JournalWriter, "takeOwn">;
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
  journal: Journal,
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
  for (const [name, text] of journal.readStates()) {
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
