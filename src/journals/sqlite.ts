/** A journal in a SQLite file, which other processes can read and add to while an observer runs. */

import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Database } from "bun:sqlite";
import { SentinelError } from "../core/errors.ts";
import { parseJson } from "../text/json.ts";
import type { Journal, JournalEntry, NewJournalEntry } from "../core/ports.ts";
import { identityOf } from "./file.ts";
import { codeOf, journalError } from "./journal-error.ts";
import { lockForObserver, type ObserverLock } from "./observer-lock.ts";
import { examine, type JournalMode, numberOf, openDatabase } from "./sqlite-file.ts";
import { pruneDatabase } from "./sqlite-prune.ts";

export type { JournalMode } from "./sqlite-file.ts";

interface SqliteJournalOptions {
  readonly mode: JournalMode;
}

/**
 * Opens the journal in that file. An observer makes it if there is none; nobody changes a file that
 * is not a whole journal of this version. One journal of a file in a process at a time.
 *
 * A failure while it runs leaves nothing half-written, and the next call tries anew.
 *
 * @param path relative to the working folder; its folder must exist
 * @throws SentinelError `journal`, with what to do: damaged, another program's, newer, not there,
 *   not permitted, or another observer uses it
 */
export function sqliteJournal(path: string, { mode }: SqliteJournalOptions): Journal {
  const file = new JournalFile(path, mode);
  file.open();

  // SQLite answers at once: by the time of a call, what was asked for before is done.
  return {
    record: async (entry) => file.use((open) => file.add(entry, open, "NORMAL")),
    commit: async (entry) => file.use((open) => file.add(entry, open, "FULL")),
    readAfter: async (seq) =>
      file.use(({ db }) => {
        const entries = db.query<Row, [number]>(READ_AFTER).all(seq).map(readRow);
        file.sawEntry(entries.at(-1)?.seq ?? 0);
        return entries;
      }),
    saveState: async (name, text) =>
      file.use((open) => {
        if (text === undefined) open.db.query<unknown, [string]>(DROP_STATE).run(name);
        else open.db.query<unknown, [string, string]>(SAVE_STATE).run(name, text);
      }),
    readStates: async () =>
      file.use(({ db }) => {
        const rows = db.query<{ name: string; text: string }, []>(READ_STATES).all();
        return new Map(rows.map(({ name, text }) => [name, text]));
      }),
    prune: async (limits) => file.use(({ db }) => pruneDatabase(db, limits)),
    close: async () => file.close(),
  };
}

/** The file of one journal: opened when it is needed, and again after a failure. */
class JournalFile {
  readonly #file: string;
  readonly #mode: JournalMode;
  #lock: ObserverLock | undefined;
  #connection: Connection | undefined;
  #isClosed = false;
  /** The last entry known: a file without it is not the one that was opened. */
  #lastSeq = 0;

  constructor(path: string, mode: JournalMode) {
    this.#file = realPath(path);
    this.#mode = mode;
  }

  open(): void {
    try {
      this.#connection = this.#connect(true);
    } catch (error) {
      this.#lock?.release();
      throw journalError(error, this.#file, "journal");
    }
  }

  use<T>(work: (connection: Connection) => T): T {
    const file = this.#file;
    try {
      if (this.#isClosed) throw new SentinelError("journal", `the journal ${file} is closed`);
      // A removed file could still be written to, and nobody would ever see it again.
      const isGone = this.#connection?.files !== filesOf(file) || this.#lock?.isHeld() === false;
      if (isGone) this.#disconnect();
      this.#connection ??= this.#connect(false);
      return work(this.#connection);
    } catch (error) {
      // Nothing is wrong with a connection that had to wait too long or has no space.
      if (!/^SQLITE_(BUSY|FULL)/.test(codeOf(error))) this.#disconnect();
      throw journalError(error, file, "journal_unavailable");
    }
  }

  add(entry: NewJournalEntry, open: Connection, synchronous: Synchronous): JournalEntry {
    if (open.synchronous !== synchronous) open.db.run(`PRAGMA synchronous = ${synchronous}`);
    open.synchronous = synchronous;
    const { atMs, service, incident, type } = entry;
    const fields = JSON.stringify(entry.fields);
    const { lastInsertRowid } = open.db
      .query<unknown, Written>(INSERT)
      .run(atMs, service, incident ?? null, type, fields);
    const seq = Number(lastInsertRowid);
    this.sawEntry(seq);
    return { ...entry, seq, fields: readFields(fields) };
  }

  /** An entry of that number was written or read. */
  sawEntry(seq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, seq);
  }

  close(): void {
    this.#isClosed = true;
    this.#disconnect();
    this.#lock?.release();
    this.#lock = undefined;
  }

  #connect(isStart: boolean): Connection {
    const file = this.#file;
    const isObserver = this.#mode === "observer";
    const hasContent = examine(file);
    if (!hasContent && !(isStart && isObserver)) throw nothingThere(file, isStart);
    if (isObserver && this.#lock?.isHeld() !== true) {
      this.#lock?.release();
      this.#lock = undefined;
      this.#lock = takeLock(file);
    }
    const db = openDatabase(file, this.#mode);
    try {
      if (numberOf(db, LAST_SEQ) < this.#lastSeq) throw replaced(file);
      if (isObserver) db.run(NAME_OBSERVER, [process.pid]);
      return { db, files: filesOf(file), synchronous: undefined };
    } catch (error) {
      db.close();
      throw error;
    }
  }

  #disconnect(): void {
    this.#connection?.db.close();
    this.#connection = undefined;
  }
}

/** By whatever link it is named, it is one journal with one lock. */
function realPath(path: string): string {
  const absolute = resolve(path);
  return existsSync(absolute) ? realpathSync(absolute) : absolute;
}

interface Connection {
  readonly db: Database;
  /** Which files they were when it was opened. */
  readonly files: string;
  synchronous: Synchronous | undefined;
}

/** Whether a write waits for the disk. */
type Synchronous = "FULL" | "NORMAL";

const LAST_SEQ = "SELECT seq AS value FROM sqlite_sequence WHERE name = 'entries'";
const NAME_OBSERVER = "INSERT OR REPLACE INTO observer (only, pid) VALUES (1, ?)";
const INSERT =
  "INSERT INTO entries (at_ms, service, incident, type, fields) VALUES (?, ?, ?, ?, ?)";
const SAVE_STATE = "INSERT OR REPLACE INTO states (name, text) VALUES (?, ?)";
const DROP_STATE = "DELETE FROM states WHERE name = ?";
const READ_STATES = "SELECT name, text FROM states";
const READ_AFTER =
  "SELECT seq, at_ms, service, incident, type, fields FROM entries WHERE seq > ? ORDER BY seq";

type Written = [number, string, string | null, string, string];

/** Its columns are strict, so SQLite itself holds their types. */
interface Row {
  readonly seq: number;
  readonly at_ms: number;
  readonly service: string;
  readonly incident: string | null;
  readonly type: string;
  readonly fields: string;
}

function readRow({ seq, at_ms: atMs, service, incident, type, fields }: Row): JournalEntry {
  return { seq, atMs, service, incident: incident ?? undefined, type, fields: readFields(fields) };
}

function readFields(text: string): JournalEntry["fields"] {
  const value = parseJson(text);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** The database and its log: both must stay what they were. */
function filesOf(path: string): string {
  return `${identityOf(path)} ${identityOf(`${path}-wal`)}`;
}

function takeLock(file: string): ObserverLock {
  try {
    return lockForObserver(file);
  } catch (error) {
    if (!codeOf(error).startsWith("SQLITE_BUSY")) throw error;
    const pid = observerOf(file);
    const whose = pid === undefined ? "" : `, process ${pid},`;
    throw new SentinelError("journal", `another observer${whose} uses the journal ${file}`, {
      hint: "End it first, or set JOURNAL to another path.",
      cause: error,
    });
  }
}

/** `undefined` while it is still opening the journal. */
function observerOf(file: string): number | undefined {
  try {
    using db = openDatabase(file, "reader");
    return numberOf(db, "SELECT pid AS value FROM observer") || undefined;
  } catch {
    // Whose it is only helps to find it; that it is taken is known.
    return undefined;
  }
}

function nothingThere(file: string, isStart: boolean): SentinelError {
  if (!isStart)
    return new SentinelError("journal", `the journal ${file} was removed`, {
      hint: "Put it back, or start Sentinel again to begin a new one.",
    });
  return new SentinelError("journal", `there is no journal ${file} yet`, {
    hint: "An observer begins it: run this in its folder, or set JOURNAL to the path of its journal.",
  });
}

function replaced(file: string): SentinelError {
  return new SentinelError("journal", `the journal ${file} was replaced by another`, {
    hint: "Put the first one back, or start Sentinel again to go on with this one.",
  });
}
