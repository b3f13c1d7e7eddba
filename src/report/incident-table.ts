/** Incidents as a table for a terminal. Pure. */

import { span } from "../text/time.ts";
import { printable } from "../text/printable.ts";
import { openRequests } from "../decision/operator-commands.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import { align } from "../text/table.ts";

const MAX_ROWS = 50;
const MAX_CHARACTERS = 30;
/** The length of the time with which an id begins, to the minute. */
const SHORTEST_ID = 13;

/**
 * The newest incidents, newest first. At most 80 characters wide with the names that Sentinel itself
 * gives, if they are all of one service.
 *
 * @param records in the order in which they were opened
 */
export function renderIncidents(records: readonly IncidentRecord[], nowMs: number): string[] {
  if (records.length === 0) return ["There are no incidents."];
  const shown = records.slice(-MAX_ROWS).toReversed();
  const services = [...new Set(shown.map(({ service }) => service))];
  const withService = services.length > 1;
  const titles = ["incident", "age", "service", "alert", "chose", "action", "verdict", "took"];
  const shortIds = shortestPrefixes(records.map(({ id }) => id));
  const rows = shown.map((record) => [
    shortIds.get(record.id) ?? record.id,
    span(nowMs - record.openedAtMs),
    record.service,
    record.alert.name,
    record.decision?.kind ?? "-",
    record.action?.id ?? record.decision?.action ?? "-",
    standing(record),
    record.closedAtMs === undefined ? "-" : span(record.closedAtMs - record.openedAtMs),
  ]);
  const cells = [titles, ...rows].map((row) =>
    row
      .filter((_, column) => withService || column !== titles.indexOf("service"))
      .map((text) => printable(text, MAX_CHARACTERS)),
  );
  const last = (cells[0]?.length ?? 0) - 1;
  const textColumns = cells[0]?.flatMap((_, column) =>
    column === 1 || column === last ? [] : column,
  );
  const [service = ""] = services;
  const count =
    records.length > shown.length ? ` The newest ${shown.length} of ${records.length}.` : "";
  return [
    ...(withService ? [] : [`Incidents of ${printable(service, MAX_CHARACTERS)}:`, ""]),
    ...align(cells, textColumns),
    "",
    `sentinel incidents ID shows one; the beginning of its id is enough.${count}`,
    ...(openRequests(records, nowMs).length > 0
      ? ["sentinel approve ID lets it act where it waits for a person; sentinel deny ID does not."]
      : []),
  ];
}

/** The verdict; without one, how it ended or how far it is. */
export function standing({ closing, phase }: IncidentRecord): string {
  if (closing === undefined) return phase;
  if (closing.madeWorse) return "made worse";
  return closing.verdict?.kind.replace("_", " ") ?? closing.result;
}

/** For each id the shortest beginning that no other one has, though at least the time in it. */
function shortestPrefixes(ids: readonly string[]): ReadonlyMap<string, string> {
  const sorted = [...new Set(ids)].toSorted();
  const shared = (a: string, b = "") => {
    let length = 0;
    while (length < a.length && a[length] === b[length]) length += 1;
    return length;
  };
  return new Map(
    sorted.map((id, index) => {
      const most = Math.max(shared(id, sorted[index - 1]), shared(id, sorted[index + 1]));
      return [id, id.slice(0, Math.max(most + 1, SHORTEST_ID))];
    }),
  );
}
