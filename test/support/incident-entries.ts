/** Entries of a journal as an observer writes them. */

import { eventFields } from "../../src/incident/event-line.ts";
import type { IncidentEvent, WatchEvent } from "../../src/core/events.ts";
import type { NewJournalEntry } from "../../src/core/ports.ts";
import { alert, diagnosis, SERVICE_NAME, START_MS } from "./fixtures.ts";

export interface Told {
  readonly id?: string;
  readonly service?: string;
  /** Of the first event; each other is 5 s later. */
  readonly atMs?: number;
}

export const INCIDENT_ID = "20250101T120000-HighCpu";

/** Events of one incident. */
export function entriesOf(
  events: readonly IncidentEvent[],
  { id = INCIDENT_ID, service = SERVICE_NAME, atMs = START_MS }: Told = {},
): NewJournalEntry[] {
  return events.map((event, index) => {
    const stamp = { atMs: atMs + index * 5000, service, incident: id };
    const fields = eventFields({ ...event, ...stamp });
    return { ...stamp, type: event.type, fields: JSON.parse(JSON.stringify(fields)) };
  });
}

/** An event outside of incidents. */
export function entryOf(event: WatchEvent, atMs = START_MS): NewJournalEntry {
  const stamp = { atMs, service: SERVICE_NAME };
  const fields = eventFields({ ...event, ...stamp });
  const kept = JSON.parse(JSON.stringify(fields));
  return { ...stamp, incident: undefined, type: event.type, fields: kept };
}

/** An incident that was healed by a restart. */
export function healed(): readonly IncidentEvent[] {
  const argv = ["docker", "restart", SERVICE_NAME];
  return [
    { type: "incident_opened", alert: alert(), onsetMs: START_MS - 8000 },
    {
      type: "diagnosis_failed",
      diagnoser: "gemini-3.8-flash (Gemini)",
      reason: "timeout",
      message: "it took too long",
      durationMs: 20_000,
    },
    { type: "diagnosed", diagnoser: "playbook", diagnosis: diagnosis(), durationMs: 2000 },
    {
      type: "decided",
      decision: { kind: "act", action: "docker-restart", reason: "two_keys_agree" },
      argv,
    },
    { type: "action_started", action: "docker-restart", argv },
    {
      type: "action_finished",
      outcome: { kind: "succeeded", argv, exitCode: 0, output: "", durationMs: 1200 },
    },
    { type: "verification_started", verdictInMs: 30_000 },
    {
      type: "incident_closed",
      closing: {
        result: "acted",
        verdict: { kind: "healed", reason: "the alert is silent" },
        detectedAfterMs: 8000,
        actedAfterMs: 28_000,
        healedAfterMs: 43_000,
      },
    },
  ];
}

/** An incident of an observer that only looks on. */
export function shadowed(changes: Parameters<typeof alert>[0] = {}): readonly IncidentEvent[] {
  return [
    { type: "incident_opened", alert: alert(changes), onsetMs: undefined },
    {
      type: "decided",
      decision: { kind: "skip", action: "docker-restart", reason: "autonomy_observe" },
    },
    {
      type: "incident_closed",
      closing: {
        result: "skipped",
        reason: "autonomy_observe",
        verdict: undefined,
        detectedAfterMs: undefined,
        actedAfterMs: undefined,
        healedAfterMs: undefined,
      },
    },
  ];
}

/** As one that only counts would number them. */
export function numbered(...entries: readonly NewJournalEntry[]) {
  return entries.map((entry, index) => ({ ...entry, seq: index + 1 }));
}
