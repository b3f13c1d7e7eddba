/** What a Sentinel that only looks on (`AUTONOMY=observe`) would have done. Pure. */

import { span } from "../text/time.ts";
import { printable } from "../text/printable.ts";
import type { JournalEntry } from "../core/ports.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import { readEvent } from "../core/journal-entry.ts";
import { align } from "../text/table.ts";

/** An alert that ended this soon would have needed no action. */
const SOON_MS = 10 * 60_000;
const MAX_CHARACTERS = 30;

interface DryRun {
  readonly alert: string;
  readonly action: string;
  /** With `AUTONOMY=auto`: on an alert below high a person would have been asked. */
  readonly wouldHave: "run" | "asked";
  readonly resolvedAfterMs: number | undefined;
}

/** For each alert and action how often, and how often the alert ended soon without it. */
export function renderDryRun(
  records: readonly IncidentRecord[],
  entries: readonly JournalEntry[],
): string[] {
  const dryRuns = dryRunsOf(records, entries);
  if (dryRuns.length === 0)
    return ["There is no incident in which AUTONOMY=observe held an action back."];
  const groups = Map.groupBy(dryRuns, ({ alert, action, wouldHave }) =>
    [alert, wouldHave, action].join("\n"),
  );
  const rows = [...groups.values()]
    .toSorted((a, b) => b.length - a.length)
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const soon = group.flatMap(({ resolvedAfterMs: ms }) =>
        ms !== undefined && ms <= SOON_MS ? ms : [],
      );
      const median = soon.toSorted((a, b) => a - b)[Math.floor(soon.length / 2)];
      return [
        [
          first.alert,
          first.action,
          first.wouldHave,
          `${group.length}`,
          `${soon.length}`,
          median === undefined ? "-" : span(median),
        ].map((text) => printable(text, MAX_CHARACTERS)),
      ];
    });
  return [
    "What AUTONOMY=auto would have done where AUTONOMY=observe held it back:",
    "",
    ...align(
      [["alert", "action", "would be", "times", "ended anyway", "median"], ...rows],
      [0, 1, 2],
    ),
    "",
    `Ended anyway: the alert resolved within ${span(SOON_MS)}, by itself or by somebody's hand.`,
  ];
}

function dryRunsOf(
  records: readonly IncidentRecord[],
  entries: readonly JournalEntry[],
): readonly DryRun[] {
  const ends = endsOf(entries);
  return records.flatMap((record, index) => {
    const { alert, decision, openedAtMs } = record;
    const key = keyOf(record.service, alert.name);
    if (decision?.reason !== "autonomy_observe" || decision.action === undefined) return [];
    // An end after the next incident of the same alert belongs to that incident.
    const untilMs = records
      .slice(index + 1)
      .find((later) => keyOf(later.service, later.alert.name) === key)?.openedAtMs;
    const endedAtMs = ends
      .get(key)
      ?.find((atMs) => atMs >= openedAtMs && (untilMs === undefined || atMs <= untilMs));
    const isUrgent = alert.severity === "high" || alert.severity === "critical";
    return {
      alert: alert.name,
      action: decision.action,
      wouldHave: isUrgent ? "run" : "asked",
      resolvedAfterMs: endedAtMs === undefined ? undefined : endedAtMs - openedAtMs,
    };
  });
}

/** When each alert of each service ended, in order. Missing data does not count as an end. */
function endsOf(entries: readonly JournalEntry[]): ReadonlyMap<string, readonly number[]> {
  const ends = entries.flatMap((entry) => {
    // Most entries are of other types, and reading each strictly takes time.
    const read = entry.type === "alert_changed" ? readEvent(entry) : undefined;
    if (read?.type !== "alert_changed" || read.alert.state !== "inactive") return [];
    return { key: keyOf(entry.service, read.alert.name), atMs: entry.atMs };
  });
  const byKey = Map.groupBy(ends, ({ key }) => key);
  return new Map([...byKey].map(([key, found]) => [key, found.map(({ atMs }) => atMs)]));
}

function keyOf(service: string, alert: string): string {
  return `${service}\n${alert}`;
}
