import { afterAll, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import {
  appendIncident,
  incidentsOf,
  MUCH,
  newEntry,
  refusal,
} from "../../test/contracts/journal.ts";
import { START_MS } from "../../test/support/fixtures.ts";
import { type JournalMode, sqliteJournal } from "./sqlite.ts";

const root = mkdtempSync(join(tmpdir(), "sentinel-sqlite-"));
afterAll(() => rmSync(root, { recursive: true }));

function newFolder(): string {
  return mkdtempSync(join(root, "f"));
}

function open(path: string, mode: JournalMode = "observer") {
  const journal = sqliteJournal(path, { mode });
  return Object.assign(journal, { [Symbol.dispose]: () => journal.close() });
}

/** A closed journal of a few incidents, in a folder of its own. */
function someJournal(incidents = 20): string {
  const path = join(newFolder(), "sentinel.db");
  using journal = open(path);
  for (let index = 0; index < incidents; index += 1)
    appendIncident(journal, `i${index}`, { characters: 1000 });
  return path;
}

/** Every file of the folder of that path with its bytes, but for the observer's empty lock. */
function bytesAround(path: string): Record<string, string> {
  const folder = join(path, "..");
  const names = readdirSync(folder).filter((name) => !name.endsWith("-lock"));
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(folder, name)).toString("base64")]),
  );
}

const MODES = ["observer", "operator", "reader"] as const;

describe("a file", () => {
  test("is made by an observer, for this user alone, with what belongs to it", () => {
    const path = join(newFolder(), "sentinel.db");
    using journal = open(path);
    journal.append(newEntry(), "now");
    const names = readdirSync(join(path, "..")).toSorted();
    expect(names).toEqual([
      "sentinel.db",
      "sentinel.db-lock",
      "sentinel.db-shm",
      "sentinel.db-wal",
    ]);
    for (const name of names) expect(statSync(join(path, "..", name)).mode & 0o777).toBe(0o600);
  });

  test("keeps what is in it over a restart, and goes on counting", () => {
    const path = someJournal(2);
    using journal = open(path);
    expect(incidentsOf(journal.readAfter(0))).toEqual(["i0", "i1"]);
    expect(journal.append(newEntry(), "now").seq).toBe(7);
  });

  test("that is empty is one that an observer may begin", () => {
    const path = join(newFolder(), "sentinel.db");
    writeFileSync(path, "");
    open(path).close();
    using journal = open(path);
    expect(journal.append(newEntry(), "now").seq).toBe(1);
  });

  test("whose first observer was ended between its first two writes is one that an observer may begin", () => {
    const path = join(newFolder(), "sentinel.db");
    const db = new Database(path, { create: true });
    db.run("PRAGMA auto_vacuum = INCREMENTAL");
    db.close();
    expect(statSync(path).size).toBeGreaterThan(0);
    expect(refusal(() => open(path, "reader")).message).toBe(`there is no journal ${path} yet`);
    using journal = open(path);
    expect(journal.append(newEntry(), "now").seq).toBe(1);
  });

  test("counts from the working folder if its path is relative", () => {
    const name = `journal-of-a-test-${process.pid}.db`;
    const error = refusal(() => open(name, "reader"));
    expect(error.message).toBe(`there is no journal ${join(process.cwd(), name)} yet`);
  });

  test.each(["operator", "reader"] as const)("that is not there is not made by an %s", (mode) => {
    const path = join(newFolder(), "sentinel.db");
    const error = refusal(() => open(path, mode));
    expect(error.code).toBe("journal");
    expect(error.message).toBe(`there is no journal ${path} yet`);
    expect(error.hint).toContain("JOURNAL");
    expect(readdirSync(join(path, ".."))).toEqual([]);
  });

  test("cannot be made in a folder that does not exist", () => {
    const path = join(newFolder(), "nowhere", "sentinel.db");
    const error = refusal(() => open(path));
    expect(error.code).toBe("journal");
    expect(error.message).toContain(`the folder ${join(path, "..")} does not exist`);
  });

  test("cannot be a folder", () => {
    const error = refusal(() => open(newFolder()));
    expect(error.message).toContain("is not a file");
  });
});

/** Files that may not be used, each with what is said of it. */
const STRANGERS: Readonly<Record<string, readonly [(path: string) => void, RegExp]>> = {
  "a text": [(path) => writeFileSync(path, "do not lose me\n".repeat(500)), /not a journal/],
  "a single byte": [(path) => writeFileSync(path, "x"), /not a journal/],
  "another program's database": [
    (path) => {
      using db = new Database(path, { create: true });
      db.run("PRAGMA journal_mode = WAL");
      db.run("CREATE TABLE entries (seq INTEGER PRIMARY KEY, text TEXT)");
    },
    /not a journal/,
  ],
  "a journal of a newer version": [
    (path) => {
      copyFileSync(someJournal(), path);
      using db = new Database(path);
      db.run("PRAGMA user_version = 2");
    },
    /has version 2, and this Sentinel reads version 1/,
  ],
  "a journal whose head is overwritten": [
    (path) => {
      const bytes = readFileSync(someJournal());
      writeFileSync(path, bytes.fill(0, 0, 50));
    },
    /not a journal/,
  ],
  "a journal with its second half cut off": [
    (path) => {
      copyFileSync(someJournal(), path);
      truncateSync(path, 8192);
    },
    /is damaged/,
  ],
  "a journal with one page of its entries overwritten": [
    (path) => {
      const bytes = readFileSync(someJournal());
      const page = Math.floor(bytes.length / 4096 / 2) * 4096;
      writeFileSync(path, bytes.fill(0xa5, page, page + 4096));
    },
    /is damaged/,
  ],
  "a journal with noise in the middle": [
    (path) => {
      const bytes = readFileSync(someJournal());
      writeFileSync(path, bytes.fill(0xa5, 4096 * 2, 4096 * 5));
    },
    /is damaged/,
  ],
};

describe.each(Object.entries(STRANGERS))("%s", (_, [make, said]) => {
  test("stops the start with what to do, and is not changed", () => {
    const path = join(newFolder(), "sentinel.db");
    make(path);
    const before = bytesAround(path);
    const error = refusal(() => open(path));
    expect(error.code).toBe("journal");
    expect(error.message).toMatch(said);
    expect(error.message).toContain(path);
    expect(error.hint).toContain(`Move ${path} away`);
    expect(error.hint).toContain("set JOURNAL to another path");
    expect(bytesAround(path)).toEqual(before);
  });

  test.each(["operator", "reader"] as const)("is neither read nor changed by an %s", (mode) => {
    const path = join(newFolder(), "sentinel.db");
    make(path);
    const before = bytesAround(path);
    const error = refusal(() => {
      using journal = open(path, mode);
      journal.readAfter(0);
    });
    expect(error.code).toStartWith("journal");
    expect(error.message).toMatch(said);
    const { [`sentinel.db-wal`]: _wal, [`sentinel.db-shm`]: _shm, ...after } = bytesAround(path);
    expect(after).toEqual(before);
  });
});

test("a newer version's hint says to update", () => {
  const path = join(newFolder(), "sentinel.db");
  STRANGERS["a journal of a newer version"]?.[0](path);
  expect(refusal(() => open(path)).hint).toStartWith("Update Sentinel. Or: Move ");
});

describe("several at once", () => {
  test("a second observer is refused, and told which process has it", () => {
    const path = someJournal();
    using first = open(path);
    const error = refusal(() => open(path));
    expect(error.code).toBe("journal");
    expect(error.message).toBe(
      `another observer, process ${process.pid}, uses the journal ${path}`,
    );
    expect(error.hint).toBe("End it first, or set JOURNAL to another path.");
    expect(first.append(newEntry(), "now").seq).toBe(61);
  });

  test("a second observer is refused by whatever link it comes", () => {
    const path = someJournal();
    const link = join(newFolder(), "link.db");
    symlinkSync(path, link);
    using _first = open(link);
    expect(refusal(() => open(path)).message).toContain("another observer");
    expect(readdirSync(join(link, ".."))).toEqual(["link.db"]);
  });

  test("an observer that has ended leaves nothing that refuses the next", () => {
    const path = someJournal();
    open(path).close();
    using next = open(path);
    expect(next.readAfter(0)).toHaveLength(60);
  });

  test("an operator adds while the observer runs, and each sees the other's entries at once", () => {
    const path = someJournal(1);
    using observer = open(path);
    using operator = open(path, "operator");
    using reader = open(path, "reader");
    const paused = operator.append(newEntry({ type: "paused", incident: undefined }), "now");
    expect(observer.readAfter(3)).toEqual([paused]);
    const opened = observer.append(newEntry(), "soon");
    expect(operator.readAfter(paused.seq)).toEqual([opened]);
    expect(reader.readAfter(3)).toEqual([paused, opened]);
  });

  test("a reader adds nothing", () => {
    const path = someJournal(1);
    using reader = open(path, "reader");
    expect(refusal(() => reader.append(newEntry(), "now")).code).toBe("journal_unavailable");
    expect(reader.readAfter(0)).toHaveLength(3);
  });

  test("what is locked by another is not waited for long, and then goes on", () => {
    const path = someJournal(1);
    using journal = open(path);
    const shell = new Database(path);
    shell.run("BEGIN IMMEDIATE");
    const fromMs = performance.now();
    const error = refusal(() => journal.append(newEntry(), "now"));
    expect(performance.now() - fromMs).toBeLessThan(10_000);
    expect(error.code).toBe("journal_unavailable");
    expect(error.message).toBe(`the journal ${path} is locked by another process`);
    expect(journal.readAfter(0)).toHaveLength(3);
    shell.close();
    expect(journal.append(newEntry(), "now").seq).toBe(4);
  });
});

describe("a file that changes under a running observer", () => {
  const move = (from: string, to: string) => {
    for (const end of ["", "-wal", "-shm"])
      if (statSync(from + end, { throwIfNoEntry: false })) renameSync(from + end, to + end);
  };

  test("and was removed is told, not made anew, and used again once it is back", () => {
    const path = someJournal(1);
    using journal = open(path);
    const kept = journal.append(newEntry(), "now");
    move(path, `${path}.away`);
    for (const work of [
      () => journal.append(newEntry(), "now"),
      () => journal.readAfter(0),
      () => journal.prune({ beforeMs: 0, maxBytes: MUCH }),
    ]) {
      const error = refusal(work);
      expect(error.code).toBe("journal_unavailable");
      expect(error.message).toBe(`the journal ${path} was removed`);
      expect(error.hint).toContain("Put it back");
    }
    expect(readdirSync(join(path, ".."))).not.toContain("sentinel.db");
    move(`${path}.away`, path);
    expect(journal.readAfter(3)).toEqual([kept]);
    expect(journal.append(newEntry(), "now").seq).toBe(5);
  });

  test("and was replaced by one that knows less is told, and left alone", () => {
    const path = someJournal(2);
    using journal = open(path);
    journal.readAfter(0);
    move(path, `${path}.away`);
    copyFileSync(someJournal(1), path);
    const before = readFileSync(path);
    const error = refusal(() => journal.append(newEntry(), "now"));
    expect(error.code).toBe("journal_unavailable");
    expect(error.message).toBe(`the journal ${path} was replaced by another`);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("and was overwritten by something else is told", () => {
    const path = someJournal(2);
    using journal = open(path);
    move(path, `${path}.away`);
    writeFileSync(path, "something else");
    const error = refusal(() => journal.append(newEntry(), "now"));
    expect(error.code).toBe("journal_unavailable");
    expect(error.message).toContain("is not a journal");
    expect(readFileSync(path, "utf8")).toBe("something else");
  });

  test("whose lock was removed is locked again before anything is added", () => {
    const path = someJournal(1);
    using journal = open(path);
    rmSync(`${path}-lock`);
    journal.append(newEntry(), "now");
    expect(refusal(() => open(path)).message).toContain("another observer");
  });

  test("and whose lock another has taken meanwhile adds nothing", () => {
    const path = someJournal(1);
    using journal = open(path);
    rmSync(`${path}-lock`);
    using other = open(path);
    const error = refusal(() => journal.append(newEntry(), "now"));
    expect(error.code).toBe("journal_unavailable");
    expect(error.message).toContain("another observer");
    expect(other.readAfter(0)).toHaveLength(3);
  });
});

describe("what is forgotten", () => {
  test("gives its space back", () => {
    const path = someJournal(2000);
    const before = statSync(path).size;
    expect(before).toBeGreaterThan(2_000_000);
    using journal = open(path);
    journal.prune({ beforeMs: 0, maxBytes: 500_000 });
    expect(statSync(path).size).toBeLessThanOrEqual(500_000);
    expect(statSync(path).size).toBeGreaterThan(300_000);
    expect(statSync(`${path}-wal`).size).toBe(0);
    expect(incidentsOf(journal.readAfter(0)).at(-1)).toBe("i1999");
  });

  test("is not what an operator has just added to an incident that is open", () => {
    const path = someJournal(1);
    using observer = open(path);
    using operator = open(path, "operator");
    appendIncident(observer, "open", { isOpen: true });
    operator.append(newEntry({ incident: "open", type: "approval_given" }), "now");
    observer.prune({ beforeMs: START_MS * 2, maxBytes: 0 });
    expect(observer.readAfter(0).map(({ type }) => type)).toEqual([
      "incident_opened",
      "diagnosed",
      "approval_given",
    ]);
  });

  test("leaves the log beside the database bounded, however much is added", () => {
    const path = someJournal(1);
    using journal = open(path);
    for (let index = 0; index < 20; index += 1)
      appendIncident(journal, `big${index}`, { characters: 1_000_000 });
    for (let index = 0; index < 20; index += 1) journal.append(newEntry(), "now");
    expect(statSync(`${path}-wal`).size).toBeLessThan(8_000_000);
  });
});

test.each(MODES)("a fields column that is no JSON is read as nothing by an %s", (mode) => {
  const path = someJournal(1);
  {
    using db = new Database(path);
    db.run("UPDATE entries SET fields = '{\"a\":' WHERE seq = 1");
    db.run("UPDATE entries SET fields = '7' WHERE seq = 2");
  }
  using journal = open(path, mode);
  expect(journal.readAfter(0).map(({ fields }) => fields)).toEqual([{}, {}, {}]);
});
