/** What is kept of what happens: the journal, and what its folds tell. */

import { moveSaved, readSavedAlerts, type SavedAlerts } from "../rules/alert-memory.ts";
import { messageOf, SentinelError } from "../core/errors.ts";
import { toEventLine } from "./event-line.ts";
import type { SentinelEvent, ToldEvent, WatchEvent } from "../core/events.ts";
import { fingerprint } from "../rules/alert-state.ts";
import { isToldFlap } from "../rules/flapping.ts";
import { createLedger, isTakenUpAgain, type Ledger, type Limits } from "../decision/limits.ts";
import type { Clock, Journal, JournalEntry, NewJournalEntry } from "../core/ports.ts";
import { createIncidentFold, type IncidentRecord } from "../core/incident-record.ts";
import { entryAt, inWallTime, moveRecord, settleTimes } from "./wall-time.ts";

export interface Book {
  readonly ledger: Pick<Ledger, "restraint" | "answerTo" | "flapping">;
  /** What was known of the alerts of each service when the journal was opened, as far as it still holds. */
  readonly savedAlerts: ReadonlyMap<string, SavedAlerts>;
  /** Keeps what is known of the service's alerts now. @returns whether it is kept */
  saveAlerts(service: string, saved: SavedAlerts): boolean;
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

type JournalNews = Extract<WatchEvent, { type: "journal_down" | "journal_back" }>;

/** Entries that could not be written yet; past it the oldest are given up. */
const MOST_PENDING = 1000;
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
export function openBook(
  journal: Journal,
  { pollIntervalMs = DEFAULT_POLL_INTERVAL_MS, ...limits }: Limits & PollOption,
  clock: Pick<Clock, "nowMs" | "toWall">,
): Book {
  const ledger = createLedger(limits);
  let readAtMs = clock.nowMs();
  const past = settleTimes(journal.readAfter(0), readAtMs);
  const incidents = createIncidentFold();
  const apply = (entry: JournalEntry) => {
    const step = incidents.apply(entry);
    if (step !== undefined) ledger.apply(step);
  };
  for (const entry of past) apply(entry);
  let seenSeq = past.at(-1)?.seq ?? 0;
  const savedAlerts = readStates(journal, incidents.records(), {
    nowMs: readAtMs,
    pollIntervalMs,
  });
  incidents.forgetClosed();
  let unfinished = incidents.records();
  /** What a restart cut short: a record is another one once something has happened in its incident. */
  const dormant = unfinished;
  const own = new Set<number>();
  const pending: NewJournalEntry[] = [];
  let trouble: string | undefined;
  let triedAtMs = -Infinity;
  let failedAtMs = -Infinity;
  let backAfterMs = BACK_AFTER_MS;
  let isToldDown = false;

  const fail = (error: unknown) => {
    const nowMs = clock.nowMs();
    if (trouble === undefined)
      backAfterMs =
        nowMs - failedAtMs < RELAPSE_MS
          ? Math.min(backAfterMs * 2, MAX_BACK_AFTER_MS)
          : BACK_AFTER_MS;
    trouble = withRemedy(error);
    failedAtMs = nowMs;
  };
  const append = (entry: NewJournalEntry, durability: "now" | "soon") => {
    own.add(journal.append(entry, durability).seq);
  };
  /** @returns whether nothing is pending any more */
  const catchUp = (): boolean => {
    const nowMs = clock.nowMs();
    if (trouble !== undefined && nowMs - triedAtMs < RETRY_EVERY_MS) return false;
    triedAtMs = nowMs;
    try {
      for (let next = pending[0]; next !== undefined; next = pending[0]) {
        append(next, "soon");
        pending.shift();
      }
      if (nowMs - failedAtMs >= backAfterMs) trouble = undefined;
      return true;
    } catch (error) {
      fail(error);
      return false;
    }
  };

  const refresh = () => {
    if (!catchUp()) return;
    try {
      const nowMs = clock.nowMs();
      const aheadMs = clock.toWall(nowMs) - nowMs;
      for (const entry of journal.readAfter(seenSeq)) {
        seenSeq = entry.seq;
        if (own.delete(entry.seq)) continue;
        // It has come since the journal was last read, whatever the wall clock has shown meanwhile.
        const atMs = Math.min(Math.max(entry.atMs - aheadMs, readAtMs), nowMs);
        apply(entryAt(entry, atMs));
      }
      readAtMs = nowMs;
    } catch (error) {
      fail(error);
    }
  };
  /** @returns whether it is in the journal */
  const write = (entry: NewJournalEntry, durability: "now" | "soon"): boolean => {
    if (trouble !== undefined) return false;
    try {
      append(entry, durability);
      return true;
    } catch (error) {
      fail(error);
      return false;
    }
  };

  return {
    ledger,
    savedAlerts,
    saveAlerts(service, saved) {
      if (trouble !== undefined) return false;
      const aheadMs = clock.toWall(saved.savedAtMs) - saved.savedAtMs;
      const text = saved.alerts.length > 0 ? JSON.stringify(moveSaved(saved, aheadMs)) : undefined;
      try {
        journal.saveState(ALERTS_OF + service, text);
        return true;
      } catch (error) {
        fail(error);
        return false;
      }
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
      if (trouble === undefined || event.type === "action_started") refresh();
      if (event.type === "action_started") {
        if (!write(entry, "now")) return false;
        apply(counted);
        return true;
      }
      // What was done counts, also where it cannot be written down.
      apply(counted);
      if (event.type === "alert_flapped" && !event.isOver && !isToldFlap(event.times)) return true;
      if (write(entry, "soon")) return true;
      pending.push(entry);
      if (pending.length > MOST_PENDING) pending.shift();
      return false;
    },
    told(event) {
      const record = "incident" in event ? incidents.find(event) : undefined;
      const open = incidents
        .records()
        .filter((one) => one.phase !== "closed" && !dormant.includes(one));
      const othersOpen = open.filter((one) => one !== record).length;
      const shown = inWallTime(event, clock);
      return {
        ...shown,
        record: record && moveRecord(record, shown.atMs - event.atMs),
        othersOpen,
        isFlapping: isFlapping(event, { ledger, open }),
      };
    },
    refresh,
    get trouble() {
      return trouble;
    },
    takeNews() {
      if (isToldDown === (trouble !== undefined)) return undefined;
      isToldDown = trouble !== undefined;
      return trouble === undefined
        ? { type: "journal_back" }
        : { type: "journal_down", reason: trouble };
    },
  };
}

/** Whether it is a change of an alert that has come back to an incident that is over, and to no other one. */
function isFlapping(
  event: SentinelEvent,
  { ledger, open }: { readonly ledger: Ledger; readonly open: readonly IncidentRecord[] },
): boolean {
  if (event.type !== "alert_changed") return false;
  const { service, atMs, alert } = event;
  const times = ledger.flapping({ service, labels: alert.labels }, atMs)?.times ?? 0;
  const key = fingerprint(alert.labels);
  const isAbout = (one: IncidentRecord) =>
    one.service === service && fingerprint(one.alert.labels) === key;
  return times > 0 && !open.some(isAbout);
}

function withRemedy(error: unknown): string {
  const hint = error instanceof SentinelError ? error.hint : undefined;
  return [messageOf(error), hint].filter((part) => part !== undefined).join(". ");
}

/** An event as the journal keeps it; its times are the wall clock's. */
export function toEntry(event: SentinelEvent): NewJournalEntry {
  const { atMs, service, type } = event;
  const { service: _, incident: __, ...fields } = toEventLine(event).fields;
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
