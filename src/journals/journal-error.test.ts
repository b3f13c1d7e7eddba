import { expect, test } from "bun:test";
import { SentinelError } from "../core/errors.ts";
import { journalError } from "./journal-error.ts";

const PATH = "/var/lib/sentinel/sentinel.db";

test.each([
  ["SQLITE_FULL", "the disk is full"],
  ["ENOSPC", "the disk is full"],
  ["SQLITE_BUSY", "is locked by another process"],
  ["SQLITE_BUSY_SNAPSHOT", "is locked by another process"],
  ["SQLITE_CORRUPT_INDEX", "is damaged"],
  ["SQLITE_NOTADB", "is damaged"],
  ["SQLITE_READONLY_DIRECTORY", "permission is denied"],
  ["SQLITE_CANTOPEN", "permission is denied"],
  ["EROFS", "permission is denied"],
  ["ENOENT", "the folder /var/lib/sentinel does not exist"],
  ["SQLITE_IOERR_FSYNC", "the disk is full or fails"],
  ["SQLITE_MISUSE", "cannot be used: the system's own words"],
  ["", "cannot be used: the system's own words"],
])("%j says that it %s, and what to do", (code, said) => {
  const thrown = Object.assign(new Error("the system's own words"), { code });
  const error = journalError(thrown, PATH, "journal_unavailable");
  expect(error.code).toBe("journal_unavailable");
  expect(error.message).toContain(`the journal ${PATH} `);
  expect(error.message).toContain(said);
  expect(error.hint).toMatch(/^[A-Z].+\.$/);
  expect(error.cause).toBe(thrown);
});

test("what is told already keeps its words, with the code of the moment", () => {
  const told = new SentinelError("journal", "it was removed", { hint: "Put it back." });
  expect(journalError(told, PATH, "journal")).toBe(told);
  const later = journalError(told, PATH, "journal_unavailable");
  expect(later).toMatchObject({ code: "journal_unavailable", message: "it was removed" });
  expect(later.hint).toBe("Put it back.");
});
