/** The journal's connection itself: what it makes durable, what it keeps open, and when it begins anew. */

import { afterAll, beforeEach, describe, expect, spyOn, test } from "bun:test";
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import { appendIncident, newEntry, refusal } from "../../test/contracts/journal.ts";
import { lockForObserver } from "./observer-lock.ts";
import { type JournalMode, sqliteJournal } from "./sqlite.ts";
import { openDatabase } from "./sqlite-file.ts";

const root = mkdtempSync(join(tmpdir(), "sentinel-sqlite-connection-"));
afterAll(() => rmSync(root, { recursive: true }));

function newPath(): string {
  return join(mkdtempSync(join(root, "f")), "sentinel.db");
}

function open(path: string, mode: JournalMode = "observer") {
  const journal = sqliteJournal(path, { mode });
  return Object.assign(journal, { [Symbol.asyncDispose]: () => journal.close() });
}

const runs = spyOn(Database.prototype, "run");
beforeEach(() => void runs.mockClear());
afterAll(() => runs.mockRestore());

/** A closed journal with that many incidents, each of three entries. */
async function someJournal(incidents: number): Promise<string> {
  const path = newPath();
  const journal = open(path);
  for (let index = 0; index < incidents; index += 1) await appendIncident(journal, `i${index}`);
  await journal.close();
  runs.mockClear();
  return path;
}

/** Files of the folder of that path which this process has open, those that were removed as well. */
function openFiles(path: string): string[] {
  const folder = join(path, "..");
  const files = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // It was the one that read the list.
      return [];
    }
  });
  return files
    .filter((file) => file.startsWith(folder))
    .map((file) => file.slice(folder.length + 1));
}

/** The connection that was last used, which the journal keeps to itself. */
function connection(): Database {
  const last = runs.mock.contexts.at(-1);
  if (!(last instanceof Database)) throw new Error("there was no connection");
  return last;
}

/** How often a connection was opened, by what each is told first. */
function opened(): number {
  return runs.mock.calls.filter(([sql]) => /^PRAGMA busy_timeout = [1-9]/.test(sql)).length;
}

function pragma(db: Database, name: string): unknown {
  return Object.values(db.query<object, []>(`PRAGMA ${name}`).get() ?? {})[0];
}

describe("what is written", () => {
  const FULL = 2;
  const NORMAL = 1;

  test("and committed is on the disk before that resolves; what is recorded need not be", async () => {
    await using journal = open(newPath());
    const levels: unknown[] = [];
    for (const how of ["commit", "record", "record", "commit", "commit", "record"] as const) {
      await journal[how](newEntry());
      levels.push(pragma(connection(), "synchronous"));
    }
    expect(levels).toEqual([FULL, NORMAL, NORMAL, FULL, FULL, NORMAL]);
  });

  test.each([
    ["commit", FULL],
    ["record", NORMAL],
  ] as const)("by %s is so too after the connection was made anew", async (how, level) => {
    const path = newPath();
    await using journal = open(path);
    await journal[how](newEntry());
    for (const to of [".away", ""]) {
      const from = to === "" ? ".away" : "";
      for (const end of ["", "-wal", "-shm"]) renameSync(path + from + end, path + to + end);
      if (to !== "") await refusal(() => journal.readAfter(0));
    }
    await journal[how](newEntry());
    expect(opened()).toBe(2);
    expect(pragma(connection(), "synchronous")).toBe(level);
  });

  test("is in a file that says whose it is, with a log that is cut back", async () => {
    const path = newPath();
    await using _journal = open(path);
    expect(readFileSync(path).toString("latin1", 68, 72)).toBe("SNTL");
    expect(pragma(connection(), "journal_mode")).toBe("wal");
    expect(pragma(connection(), "journal_size_limit")).toBe(1_048_576);
    await using _operator = open(path, "operator");
    expect(pragma(connection(), "journal_size_limit")).toBe(1_048_576);
    using reader = openDatabase(path, "reader");
    expect(pragma(reader, "journal_size_limit")).toBe(-1);
  });

  test.each([
    ["observer", 200],
    ["operator", 2000],
  ] as const)("by an %s waits for another that writes, %d ms at most", async (mode, waitMs) => {
    const path = await someJournal(1);
    await using _journal = open(path, mode);
    expect(pragma(connection(), "busy_timeout")).toBe(waitMs);
  });

  test("by an operator waits in truth", async () => {
    const path = await someJournal(1);
    await using journal = open(path, "operator");
    const code = `const { Database } = require("bun:sqlite");
      const db = new Database(process.argv[1]);
      db.run("BEGIN IMMEDIATE"); console.log("locked"); Bun.sleepSync(500); db.run("COMMIT");`;
    const other = Bun.spawn([process.execPath, "-e", code, path], { stdout: "pipe" });
    const { value } = await other.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe("locked\n");
    expect((await journal.commit(newEntry())).seq).toBe(4);
    expect(await other.exited).toBe(0);
  });
});

describe("nothing is left open", () => {
  const MODES = ["observer", "operator", "reader"] as const;

  test.each(MODES)("by an %s that was closed", async (mode) => {
    const path = await someJournal(1);
    const journal = open(path, mode);
    await journal.readAfter(0);
    expect(openFiles(path)).toContain("sentinel.db");
    await journal.close();
    expect(openFiles(path)).toEqual([]);
    const error = await refusal(() => journal.readAfter(0));
    expect(error.code).toBe("journal_unavailable");
    expect(error.message).toBe(`the journal ${path} is closed`);
    expect(openFiles(path)).toEqual([]);
  });

  test.each<[string, (path: string) => void]>([
    ["a text", (path) => writeFileSync(path, "do not lose me\n".repeat(100))],
    ["half a journal", (path) => truncateSync(path, 8192)],
  ])("after %s was refused", async (_, spoil) => {
    const path = await someJournal(20);
    spoil(path);
    for (const mode of MODES) await refusal(() => open(path, mode).readAfter(0));
    expect(openFiles(path)).toEqual([]);
  });

  test("after another journal was found in its place, but for the lock", async () => {
    const path = await someJournal(2);
    await using journal = open(path);
    await journal.readAfter(0);
    rmSync(`${path}-wal`);
    rmSync(`${path}-shm`);
    rmSync(path);
    copyFileSync(await someJournal(1), path);
    await refusal(() => journal.readAfter(0));
    expect(openFiles(path)).toEqual(["sentinel.db-lock"]);
  });

  test("of a lock that was removed, once there is another", async () => {
    const path = await someJournal(1);
    await using journal = open(path);
    rmSync(`${path}-lock`);
    await journal.commit(newEntry());
    expect(openFiles(path).filter((name) => name.includes("lock"))).toEqual(["sentinel.db-lock"]);
  });
});

describe("a connection", () => {
  test("is kept while another process only holds it up", async () => {
    const path = await someJournal(1);
    await using journal = open(path);
    const shell = new Database(path);
    shell.run("BEGIN IMMEDIATE");
    expect((await refusal(() => journal.commit(newEntry()))).message).toContain("is locked");
    shell.close();
    await journal.commit(newEntry());
    expect(opened()).toBe(1);
  });

  test("is kept while the disk is full", async () => {
    await using journal = open(await someJournal(1));
    const pages = Number(pragma(connection(), "page_count"));
    connection().run(`PRAGMA max_page_count = ${pages}`);
    const long = newEntry({ fields: { text: "x".repeat(100_000) } });
    expect((await refusal(() => journal.commit(long))).message).toContain("the disk is full");
    connection().run("PRAGMA max_page_count = 1000000");
    await journal.commit(long);
    expect(opened()).toBe(1);
  });

  test("is made anew after any other failure", async () => {
    const path = await someJournal(1);
    await using journal = open(path);
    using shell = new Database(path);
    shell.run("ALTER TABLE entries RENAME TO away");
    const error = await refusal(() => journal.commit(newEntry()));
    expect(error.message).toContain("cannot be used");
    shell.run("ALTER TABLE away RENAME TO entries");
    expect((await journal.commit(newEntry())).seq).toBe(4);
    expect(opened()).toBe(2);
  });

  test.each<[string, (path: string) => void]>([
    [
      "its file",
      (path) => {
        copyFileSync(path, `${path}.copy`);
        renameSync(`${path}.copy`, path);
      },
    ],
    ["its log", (path) => rmSync(`${path}-wal`)],
  ])("is made anew when %s is another one", async (_, change) => {
    const path = await someJournal(1);
    await using journal = open(path);
    change(path);
    await journal.readAfter(0);
    expect(opened()).toBe(2);
  });

  test("to a journal that knows one entry less is refused, with what to do", async () => {
    const path = await someJournal(2);
    await using journal = open(path);
    await journal.readAfter(0);
    const older = await someJournal(2);
    {
      using db = new Database(older);
      db.run("UPDATE sqlite_sequence SET seq = 5 WHERE name = 'entries'");
    }
    rmSync(`${path}-wal`);
    renameSync(older, path);
    const error = await refusal(() => journal.readAfter(0));
    expect(error.message).toBe(`the journal ${path} was replaced by another`);
    expect(error.hint).toBe(
      "Put the first one back, or start Sentinel again to go on with this one.",
    );
  });

  test("to an empty journal is as good as the one before", async () => {
    const path = newPath();
    await using journal = open(path);
    expect(await journal.readAfter(0)).toEqual([]);
    rmSync(`${path}-wal`);
    expect(await journal.readAfter(0)).toEqual([]);
    expect(opened()).toBe(2);
  });
});

describe("a journal that another observer begins at this moment", () => {
  test("is refused without a process, and left as it is", async () => {
    const path = newPath();
    writeFileSync(path, "");
    const lock = lockForObserver(path);
    const error = await refusal(() => open(path));
    lock.release();
    expect(error.message).toBe(`another observer uses the journal ${path}`);
    expect(error.cause).toMatchObject({ code: "SQLITE_BUSY" });
    expect(statSync(path).size).toBe(0);
  });

  test("is refused without a process, while that has not said which it is", async () => {
    const path = await someJournal(1);
    {
      using db = new Database(path);
      db.run("DELETE FROM observer");
    }
    const lock = lockForObserver(path);
    const error = await refusal(() => open(path));
    lock.release();
    expect(error.message).toBe(`another observer uses the journal ${path}`);
  });
});

describe("what cannot be a journal", () => {
  test.each(["operator", "reader"] as const)("an empty file is none yet to an %s", async (mode) => {
    const path = newPath();
    writeFileSync(path, "");
    expect((await refusal(() => open(path, mode))).message).toBe(`there is no journal ${path} yet`);
  });

  test("a folder, with what to do", async () => {
    const path = join(newPath(), "..");
    const error = await refusal(() => open(path));
    expect(error.message).toBe(`the journal ${path} is not a file`);
    expect(error.hint).toBe("Set JOURNAL to the path of a file.");
  });

  test("the first bytes of one", async () => {
    const path = newPath();
    writeFileSync(path, readFileSync(await someJournal(1)).subarray(0, 50));
    expect((await refusal(() => open(path))).message).toContain("is not a journal of Sentinel");
  });

  test("one of an older version, whose hint is not to update", async () => {
    const path = await someJournal(1);
    {
      using db = new Database(path);
      db.run("PRAGMA user_version = 0");
    }
    const error = await refusal(() => open(path));
    expect(error.message).toContain("has version 0");
    expect(error.hint).toStartWith("Move ");
  });

  test("one with a hole, and what SQLite says of it", async () => {
    const path = await someJournal(200);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 4096 * 3, 4096 * 4));
    const error = await refusal(() => open(path));
    expect(error.message).toBe(`the journal ${path} is damaged`);
    expect(error.cause).toBeInstanceOf(Error);
  });
});

test.each(["null", "7", '"abc"', "[1]"])("fields of %s are read as an object", async (text) => {
  const path = await someJournal(1);
  {
    using db = new Database(path);
    db.query("UPDATE entries SET fields = ? WHERE seq = 1").run(text);
  }
  await using journal = open(path);
  expect((await journal.readAfter(0))[0]?.fields).toEqual(text === "[1]" ? { 0: 1 } : {});
});
