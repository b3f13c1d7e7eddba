/** What is wrong with a journal's file, and what a person can do about it. */

import { dirname } from "node:path";
import { type ErrorCode, messageOf, SentinelError } from "../core/errors.ts";

/** `journal` stops a start; `journal_unavailable` happens while it runs, and may pass. */
type JournalErrorCode = Extract<ErrorCode, "journal" | "journal_unavailable">;

interface Fault {
  readonly message: string;
  readonly hint: string;
}

/** For a file that is not to be touched, as nobody knows what is in it. */
export const moveAway = (path: string) =>
  `Move ${path} away to begin a new one, or set JOURNAL to another path.`;

/**
 * Whatever SQLite or the file system threw, as a failure of this journal. One that is already told
 * keeps its words.
 */
export function journalError(error: unknown, path: string, code: JournalErrorCode): SentinelError {
  if (error instanceof SentinelError) {
    const { hint, message } = error;
    if (error.code === code) return error;
    return new SentinelError(code, message, { cause: error, ...(hint ? { hint } : {}) });
  }
  const { message, hint } = explain(error, path);
  return new SentinelError(code, message, { hint, cause: error });
}

function explain(error: unknown, path: string): Fault {
  const thrown = codeOf(error);
  const fault = FAULTS.find(({ codes }) => codes.test(thrown));
  if (fault !== undefined) return fault.explain(path);
  return {
    message: `the journal ${path} cannot be used: ${messageOf(error)}`,
    hint: "See what is wrong with the file, or set JOURNAL to another path.",
  };
}

/** `SQLITE_BUSY`, or with its second half such as `SQLITE_IOERR_WRITE`; else the system's, such as `EACCES`. */
export function codeOf(error: unknown): string {
  const isCoded = typeof error === "object" && error !== null && "code" in error;
  return isCoded ? String(error.code) : "";
}

const FAULTS: readonly {
  readonly codes: RegExp;
  readonly explain: (path: string) => Fault;
}[] = [
  {
    codes: /^(SQLITE_FULL|ENOSPC|EDQUOT)/,
    explain: (path) => ({
      message: `the journal ${path} cannot be written: the disk is full`,
      hint: `Free some space in ${dirname(path)}.`,
    }),
  },
  {
    codes: /^SQLITE_(BUSY|LOCKED)/,
    explain: (path) => ({
      message: `the journal ${path} is locked by another process`,
      hint: "End what holds it, such as a database shell with a transaction open.",
    }),
  },
  {
    codes: /^SQLITE_(CORRUPT|NOTADB)/,
    explain: (path) => ({ message: `the journal ${path} is damaged`, hint: moveAway(path) }),
  },
  {
    codes: /^(SQLITE_(READONLY|PERM|AUTH|CANTOPEN)|EACCES|EPERM|EROFS)/,
    explain: (path) => ({
      message: `the journal ${path} cannot be opened for writing: permission is denied`,
      hint: `Let this user write both the file and its folder ${dirname(path)}.`,
    }),
  },
  {
    codes: /^ENO(ENT|TDIR)$/,
    explain: (path) => ({
      message: `the journal ${path} cannot be there: the folder ${dirname(path)} does not exist`,
      hint: "Make the folder, or set JOURNAL to another path.",
    }),
  },
  {
    codes: /^(SQLITE_IOERR|EIO)/,
    explain: (path) => ({
      message: `the journal ${path} cannot be read or written: the disk is full or fails`,
      hint: `See whether ${dirname(path)} has space, and what the system's log says of its disk.`,
    }),
  },
];
