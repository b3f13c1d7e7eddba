/** The command `incidents`: what a journal tells, as a table, as JSON, or one incident as Markdown. */

import { SentinelError } from "../core/errors.ts";
import { renderIncidentPage } from "../report/incident-page.ts";
import { renderIncidents } from "../report/incident-table.ts";
import { nearest } from "../text/did-you-mean.ts";
import { snakeFields } from "../text/snake-json.ts";
import { foldIncidents, type IncidentRecord } from "../core/incident-record.ts";
import { renderDryRun } from "../report/dry-run.ts";
import { sqliteJournal } from "../journals/sqlite.ts";

export interface IncidentsOptions {
  readonly json?: boolean;
  readonly shadow?: boolean;
}

const MAX_NAMED = 5;

/**
 * Reads the journal, whether or not an observer runs, and changes nothing in it.
 *
 * @param id of one incident, or a beginning of it that no other one has
 * @returns what to print
 * @throws SentinelError `usage` if there is no such incident; `journal` or `journal_unavailable`
 */
export async function showIncidents(
  journalPath: string,
  id: string | undefined,
  { json = false, shadow: dryRun = false }: IncidentsOptions,
): Promise<string> {
  if (dryRun && (json || id !== undefined))
    throw new SentinelError("usage", "--shadow goes with neither an id nor --json");
  const journal = sqliteJournal(journalPath, { mode: "reader" });
  try {
    const entries = await journal.readAfter(0);
    const records = foldIncidents(entries);
    if (dryRun) return renderDryRun(records, entries).join("\n");
    const chosen = id === undefined ? records : find(id, records);
    if (json) return JSON.stringify(chosen.toReversed().map(snakeFields), null, 2);
    if (id === undefined) return renderIncidents(records, Date.now()).join("\n");
    return chosen.map((record) => renderIncidentPage(record, entries).join("\n")).join("\n\n");
  } finally {
    await journal.close();
  }
}

/** The incidents of that id: several only if two services had the same alert at the same moment. */
function find(id: string, records: readonly IncidentRecord[]): readonly IncidentRecord[] {
  const exact = records.filter((record) => record.id === id);
  if (exact.length > 0) return exact;
  const begun = id === "" ? [] : records.filter((record) => record.id.startsWith(id));
  const ids = [...new Set(begun.map((record) => record.id))];
  if (ids.length === 1) return begun;
  const quoted = JSON.stringify(id);
  if (ids.length > 1) {
    const more = ids.length > MAX_NAMED ? `, and ${ids.length - MAX_NAMED} older ones` : "";
    throw new SentinelError("usage", `${quoted} begins the ids of ${ids.length} incidents`, {
      hint: `Write more of it: ${ids.slice(-MAX_NAMED).toReversed().join(", ")}${more}.`,
    });
  }
  const near = nearestId(
    id,
    records.map((record) => record.id),
  );
  throw new SentinelError("usage", `there is no incident ${quoted}`, {
    hint: near === undefined ? "sentinel incidents lists them." : `Did you mean ${near}?`,
  });
}

/** The one whose beginning is nearest, as that is what is written. */
function nearestId(id: string, ids: readonly string[]): string | undefined {
  const newestFirst = ids.toReversed();
  const near = nearest(
    id,
    newestFirst.map((candidate) => candidate.slice(0, id.length)),
  );
  return near === undefined || near === ""
    ? undefined
    : newestFirst.find((candidate) => candidate.startsWith(near));
}
