/** At most one observer on a journal: a lock that ends with the process that holds it. */

import { Database } from "bun:sqlite";
import { createPrivateFile, identityOf } from "./file.ts";

export interface ObserverLock {
  /** Whether it is still the one that another observer would meet: its file may be removed. */
  isHeld(): boolean;
  release(): void;
}

/**
 * SQLite's own lock on a file beside the journal, which stays empty. The system drops it when the
 * process ends, whatever ends it; so no stale lock is ever left, as a file with a pid in it would be.
 * The journal itself stays free for other processes to read and add to. The file is left behind:
 * to remove it would let a third observer lock another of the same name.
 *
 * @throws Error of SQLite with the code `SQLITE_BUSY` if another observer has it, in this process too
 */
export function lockForObserver(journalPath: string): ObserverLock {
  const path = `${journalPath}-lock`;
  createPrivateFile(path);
  const held = identityOf(path);
  const db = new Database(path, { readwrite: true });
  try {
    db.run("PRAGMA busy_timeout = 0");
    // Nothing is ever written, so nothing needs to be undone from a file.
    db.run("PRAGMA journal_mode = MEMORY");
    db.run("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    throw error;
  }
  return {
    isHeld: () => held !== undefined && identityOf(path) === held,
    release: () => db.close(),
  };
}
