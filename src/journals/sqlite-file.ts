/** The file of a journal: what makes it ours, and how it is opened without harming another's. */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { Database } from "bun:sqlite";
import { SentinelError } from "../core/errors.ts";
import { createPrivateFile } from "./file.ts";
import { moveAway } from "./journal-error.ts";

/** `observer` makes the file and is the only one; `operator` adds to one that exists; `reader` reads it. */
export type JournalMode = "observer" | "operator" | "reader";

/** "SNTL": where a tool such as `file` looks for whose database it is. */
const APPLICATION_ID = 0x534e544c;
const SCHEMA_VERSION = 1;
/**
 * An append waits for another's, which takes milliseconds. An observer does nothing else meanwhile, and tries again
 * a moment later anyway; a person's command has nothing else to do.
 */
const BUSY_TIMEOUT_MS = { observer: 200, operator: 2000, reader: 2000 } as const satisfies Record<
  JournalMode,
  number
>;
/** The log ahead of the database is cut back to this when it was written into it. */
const LOG_BYTES = 1024 * 1024;

/** `seq` is never given twice, not even that of an entry which was forgotten: hence AUTOINCREMENT. */
const SCHEMA = `
  CREATE TABLE entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms REAL NOT NULL,
    service TEXT NOT NULL,
    incident TEXT,
    type TEXT NOT NULL,
    fields TEXT NOT NULL
  ) STRICT;
  CREATE INDEX entries_of_incident ON entries (incident) WHERE incident IS NOT NULL;
  CREATE TABLE observer (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    pid INTEGER NOT NULL
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Of no use to an older Sentinel, and not in a journal that one has begun. */
const STATES = `CREATE TABLE IF NOT EXISTS states (
  name TEXT PRIMARY KEY,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID`;

const HEADER_BYTES = 100;
const MAGIC = "SQLite format 3\0";
const SCHEMA_COOKIE_AT = 40;
const VERSION_AT = 60;
const APPLICATION_AT = 68;

/**
 * Looks at a file without SQLite, which would lay files of its own beside a stranger's, or write a
 * newer version's log into it.
 *
 * Closing a file gives up this process' locks on it, so no other connection to it may be open here.
 *
 * @returns whether there is anything in it
 * @throws SentinelError `journal` if it is not a journal of this version
 * @see https://www.sqlite.org/fileformat2.html#the_database_header
 */
export function examine(path: string): boolean {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined) return false;
  if (!file.isFile())
    throw new SentinelError("journal", `the journal ${path} is not a file`, {
      hint: "Set JOURNAL to the path of a file.",
    });
  if (file.size === 0) return false;
  const header = readHeader(path);
  const isDatabase =
    header.length === HEADER_BYTES && header.toString("latin1", 0, MAGIC.length) === MAGIC;
  if (isDatabase && isUnused(header)) return false;
  if (!isDatabase || header.readUInt32BE(APPLICATION_AT) !== APPLICATION_ID)
    throw new SentinelError("journal", `${path} is not a journal of Sentinel, or is damaged`, {
      hint: moveAway(path),
    });
  requireVersion(header.readUInt32BE(VERSION_AT), path);
  return true;
}

/**
 * Whether no table was ever made in the database and nobody has named it: Sentinel was ended between the
 * two writes that begin a journal, the first of which cannot be part of a transaction.
 */
function isUnused(header: Buffer): boolean {
  return [SCHEMA_COOKIE_AT, VERSION_AT, APPLICATION_AT].every(
    (at) => header.readUInt32BE(at) === 0,
  );
}

function readHeader(path: string): Buffer {
  const file = openSync(path, "r");
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    return header.subarray(0, readSync(file, header, 0, HEADER_BYTES, 0));
  } finally {
    closeSync(file);
  }
}

function requireVersion(version: number, path: string): void {
  if (version === SCHEMA_VERSION) return;
  const newer = version > SCHEMA_VERSION;
  throw new SentinelError(
    "journal",
    `the journal ${path} has version ${version}, and this Sentinel reads version ${SCHEMA_VERSION}`,
    { hint: `${newer ? "Update Sentinel. Or: " : ""}${moveAway(path)}` },
  );
}

/**
 * Opens a file that was examined. An observer fills it first if it is empty.
 *
 * @throws SentinelError `journal`, or whatever SQLite throws
 */
export function openDatabase(path: string, mode: JournalMode): Database {
  if (mode === "observer") createPrivateFile(path);
  const isReader = mode === "reader";
  const db = new Database(path, isReader ? { readonly: true } : { readwrite: true });
  try {
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS[mode]}`);
    if (mode === "observer") fill(db);
    requireVersion(numberOf(db, "SELECT user_version AS value FROM pragma_user_version"), path);
    if (mode === "observer") requireWhole(db, path);
    // After the schema was written: so what makes the file ours is in the file itself, not in a log.
    if (mode === "observer") db.run("PRAGMA journal_mode = WAL");
    if (mode === "observer") db.run(STATES);
    if (!isReader) db.run(`PRAGMA journal_size_limit = ${LOG_BYTES}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Nothing has been written yet, or the writing of the schema broke off and was undone. */
function fill(db: Database): void {
  if (numberOf(db, "SELECT count(*) AS value FROM sqlite_schema") > 0) return;
  // Before the first table, or it has no effect.
  db.run("PRAGMA auto_vacuum = INCREMENTAL");
  db.transaction(() => db.run(SCHEMA)).immediate();
}

function requireWhole(db: Database, path: string): void {
  const found = db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
  if (found === "ok") return;
  throw new SentinelError("journal", `the journal ${path} is damaged`, {
    hint: moveAway(path),
    cause: new Error(found),
  });
}

/** The one number that a statement gives, as `value`. */
export function numberOf(db: Database, sql: string): number {
  return db.query<{ value: number }, []>(sql).get()?.value ?? 0;
}
