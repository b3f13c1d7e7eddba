/**
 * The border between the clock that never jumps, which decides, and the wall clock, whose times are shown and
 * kept in the journal. Pure.
 */

import type { SentinelEvent } from "../core/events.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import type { Alert } from "../core/model.ts";
import type { Clock, JournalEntry } from "../core/ports.ts";

/** The same event with the wall clock's times, as people and the journal have it. */
export function inWallTime(event: SentinelEvent, clock: Pick<Clock, "toWall">): SentinelEvent {
  const atMs = clock.toWall(event.atMs);
  const byMs = atMs - event.atMs;
  // As long as nobody sets that clock.
  if (byMs === 0) return event;
  switch (event.type) {
    case "incident_opened":
      return {
        ...event,
        atMs,
        alert: moveAlert(event.alert, byMs),
        onsetMs: move(event.onsetMs, byMs),
      };
    case "approval_requested":
      return { ...event, atMs, expiresAtMs: event.expiresAtMs + byMs };
    case "cooling_down":
      return {
        ...event,
        atMs,
        alert: moveAlert(event.alert, byMs),
        untilMs: event.untilMs + byMs,
      };
    case "alert_changed":
    case "left_alone":
    case "alert_flapped":
    case "alert_unowned":
      return { ...event, atMs, alert: moveAlert(event.alert, byMs) };
    case "quiet":
    case "alerts_joined":
      return { ...event, atMs, alerts: event.alerts.map((alert) => moveAlert(alert, byMs)) };
    default:
      return { ...event, atMs };
  }
}

/** An alert with its times moved by so much. */
export function moveAlert(alert: Alert, byMs: number): Alert {
  const { activeAtMs, firingAtMs, quietSinceMs } = alert;
  return {
    ...alert,
    activeAtMs: move(activeAtMs, byMs),
    firingAtMs: move(firingAtMs, byMs),
    quietSinceMs: move(quietSinceMs, byMs),
  };
}

/** An incident with its times moved by so much; those that its container's engine tells are the wall clock's. */
export function moveRecord(record: IncidentRecord, byMs: number): IncidentRecord {
  if (byMs === 0) return record;
  const { openedAtMs, onsetMs, intentAtMs, verificationAtMs, closedAtMs, request } = record;
  return {
    ...record,
    openedAtMs: openedAtMs + byMs,
    onsetMs: move(onsetMs, byMs),
    intentAtMs: move(intentAtMs, byMs),
    verificationAtMs: move(verificationAtMs, byMs),
    closedAtMs: move(closedAtMs, byMs),
    request: request && {
      ...request,
      expiresAtMs: request.expiresAtMs + byMs,
      given: request.given && { ...request.given, atMs: request.given.atMs + byMs },
    },
  };
}

function move(atMs: number | undefined, byMs: number): number | undefined {
  return atMs === undefined ? undefined : atMs + byMs;
}

/**
 * What was kept before this start. Nothing is from the future, and no entry is later than one after it:
 * what looks like that was written before the wall clock was put back, and counts as if it were as old as what
 * came after it. So a cooldown, a budget or a pause lasts no longer than it was meant to, counted from now. A
 * clock that was put forward in between cannot be told from time that has passed.
 *
 * @param entries in order
 */
export function settleTimes(
  entries: readonly JournalEntry[],
  nowMs: number,
): readonly JournalEntry[] {
  let latestMs = nowMs;
  const settled = entries.toReversed().map((entry) => {
    latestMs = Math.min(latestMs, entry.atMs);
    return entryAt(entry, latestMs);
  });
  return settled.reverse();
}

/** Names of fields that hold a moment. */
const MOMENTS = ["onsetMs", "expiresAtMs", "until_ms"] as const;

/** The entry as if it had been written at that moment: all its times move with it. */
export function entryAt(entry: JournalEntry, atMs: number): JournalEntry {
  const byMs = atMs - entry.atMs;
  if (byMs === 0) return entry;
  const fields = { ...entry.fields };
  for (const name of MOMENTS) {
    const moment = fields[name];
    if (typeof moment === "number") fields[name] = moment + byMs;
  }
  return { ...entry, atMs, fields };
}
