/** Forgets what is old in a journal's database, so that its file shrinks. */

import type { Database } from "bun:sqlite";
import type { JournalLimits } from "../core/ports.ts";
import { numberOf } from "./sqlite-file.ts";

/**
 * What may be forgotten, oldest first: an incident that was closed (each of that name, if two
 * services share it), with all that belongs to it; and
 * outside of incidents an entry that a newer one of the same type and service has replaced.
 */
const FORGETTABLE = `
  WITH newest AS (
    SELECT max(seq) AS seq FROM entries WHERE incident IS NULL GROUP BY type, service
  )
  SELECT max(seq) AS last_seq, max(at_ms) AS last_ms, incident,
    sum(length(fields) + length(type) + length(service) + ifnull(length(incident), 0)) AS characters
  FROM entries
  GROUP BY coalesce(incident, seq)
  HAVING CASE WHEN incident IS NULL
    THEN max(seq) NOT IN (SELECT seq FROM newest)
    ELSE sum(type = 'incident_closed') > 0
      AND sum(type = 'incident_closed') >= sum(type = 'incident_opened') END
  ORDER BY last_seq
`;

interface Unit {
  readonly last_seq: number;
  readonly last_ms: number;
  readonly characters: number;
  readonly incident: string | null;
}

/** @throws what SQLite throws */
export function pruneDatabase(db: Database, limits: JournalLimits): void {
  const oldestMs = numberOf(db, "SELECT min(at_ms) AS value FROM entries");
  if (oldestMs >= limits.beforeMs && usedBytes(db) <= limits.maxBytes) return;
  db.transaction(() => forget(db, limits)).immediate();
  // All rows are asked for: each step gives one page back.
  db.query("PRAGMA incremental_vacuum").all();
  db.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
}

function forget(db: Database, { beforeMs, maxBytes }: JournalLimits): void {
  const dropIncident = db.query<unknown, [string]>("DELETE FROM entries WHERE incident = ?");
  const dropEntry = db.query<unknown, [number]>("DELETE FROM entries WHERE seq = ?");
  const drop = ({ incident, last_seq: seq }: Unit) =>
    incident === null ? dropEntry.run(seq) : dropIncident.run(incident);

  const units = db.query<Unit, []>(FORGETTABLE).all();
  for (const unit of units) if (unit.last_ms < beforeMs) drop(unit);
  const rest = units.filter(({ last_ms: lastMs }) => lastMs >= beforeMs);
  // An entry takes more than its text, and a page is free only when all its entries are gone: so half
  // of what is too much is dropped, and what that freed is measured.
  let charactersToDrop = 0;
  for (const unit of rest) {
    if (charactersToDrop <= 0) {
      const excess = usedBytes(db) - maxBytes;
      if (excess <= 0) return;
      charactersToDrop = excess / 2;
    }
    drop(unit);
    charactersToDrop -= unit.characters;
  }
}

function usedBytes(db: Database): number {
  return numberOf(
    db,
    `SELECT (page_count - freelist_count) * page_size AS value
     FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
  );
}
