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
  return Object.assign(journal, { [Symbol.asyncDispose]: () => journal.close() });
}

/** A closed journal of a few incidents, in a folder of its own. */
async function someJournal(incidents = 20): Promise<string> {
  const path = join(newFolder(), "sentinel.db");
  await using journal = open(path);
  for (let index = 0; index < incidents; index += 1)
    await appendIncident(journal, `i${index}`, { characters: 1000 });
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
  test("is made by an observer, for this user alone, with what belongs to it", async () => {
    const path = join(newFolder(), "sentinel.db");
    await using journal = open(path);
    await journal.commit(newEntry());
    const names = readdirSync(join(path, "..")).toSorted();
    expect(names).toEqual([
      "sentinel.db",
      "sentinel.db-lock",
      "sentinel.db-shm",
      "sentinel.db-wal",
    ]);
    for (const name of names) expect(statSync(join(path, "..", name)).mode & 0o777).toBe(0o600);
  });

  test("keeps what is in it over a restart, and goes on counting", async () => {
    const path = await someJournal(2);
    await using journal = open(path);
    expect(incidentsOf(await journal.readAfter(0))).toEqual(["i0", "i1"]);
    expect((await journal.commit(newEntry())).seq).toBe(7);
  });

  test("that is empty is one that an observer may begin", async () => {
    const path = join(newFolder(), "sentinel.db");
    writeFileSync(path, "");
    await open(path).close();
    await using journal = open(path);
    expect((await journal.commit(newEntry())).seq).toBe(1);
  });

  test("whose first observer was ended between its first two writes is one that an observer may begin", async () => {
    const path = join(newFolder(), "sentinel.db");
    const db = new Database(path, { create: true });
    db.run("PRAGMA auto_vacuum = INCREMENTAL");
    db.close();
    expect(statSync(path).size).toBeGreaterThan(0);
    expect((await refusal(() => open(path, "reader"))).message).toBe(
      `there is no journal ${path} yet`,
    );
    await using journal = open(path);
    expect((await journal.commit(newEntry())).seq).toBe(1);
  });

  test("counts from the working folder if its path is relative", async () => {
    const name = `journal-of-a-test-${process.pid}.db`;
    const error = await refusal(() => open(name, "reader"));
    expect(error.message).toBe(`there is no journal ${join(process.cwd(), name)} yet`);
  });

  test.each(["operator", "reader"] as const)(
    "that is not there is not made by an %s",
    async (mode) => {
      const path = join(newFolder(), "sentinel.db");
      const error = await refusal(() => open(path, mode));
      expect(error.code).toBe("journal");
      expect(error.message).toBe(`there is no journal ${path} yet`);
      expect(error.hint).toContain("JOURNAL");
      expect(readdirSync(join(path, ".."))).toEqual([]);
    },
  );

  test("cannot be made in a folder that does not exist", async () => {
    const path = join(newFolder(), "nowhere", "sentinel.db");
    const error = await refusal(() => open(path));
    expect(error.code).toBe("journal");
    expect(error.message).toContain(`the folder ${join(path, "..")} does not exist`);
  });

  test("cannot be a folder", async () => {
    const error = await refusal(() => open(newFolder()));
    expect(error.message).toContain("is not a file");
  });
});

/** Files that may not be used, each with what is said of it. */
const STRANGERS: Readonly<
  Record<string, readonly [(path: string) => void | Promise<void>, RegExp]>
> = {
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
    async (path) => {
      copyFileSync(await someJournal(), path);
      using db = new Database(path);
      db.run("PRAGMA user_version = 2");
    },
    /has version 2, and this Sentinel reads version 1/,
  ],
  "a journal whose head is overwritten": [
    async (path) => {
      const bytes = readFileSync(await someJournal());
      writeFileSync(path, bytes.fill(0, 0, 50));
    },
    /not a journal/,
  ],
  "a journal with its second half cut off": [
    async (path) => {
      copyFileSync(await someJournal(), path);
      truncateSync(path, 8192);
    },
    /is damaged/,
  ],
  "a journal with one page of its entries overwritten": [
    async (path) => {
      const bytes = readFileSync(await someJournal());
      const page = Math.floor(bytes.length / 4096 / 2) * 4096;
      writeFileSync(path, bytes.fill(0xa5, page, page + 4096));
    },
    /is damaged/,
  ],
  "a journal with noise in the middle": [
    async (path) => {
      const bytes = readFileSync(await someJournal());
      writeFileSync(path, bytes.fill(0xa5, 4096 * 2, 4096 * 5));
    },
    /is damaged/,
  ],
};

describe.each(Object.entries(STRANGERS))("%s", (_, [make, said]) => {
  test("stops the start with what to do, and is not changed", async () => {
    const path = join(newFolder(), "sentinel.db");
    await make(path);
    const before = bytesAround(path);
    const error = await refusal(() => open(path));
    expect(error.code).toBe("journal");
    expect(error.message).toMatch(said);
    expect(error.message).toContain(path);
    expect(error.hint).toContain(`Move ${path} away`);
    expect(error.hint).toContain("set JOURNAL to another path");
    expect(bytesAround(path)).toEqual(before);
  });

  test.each(["operator", "reader"] as const)(
    "is neither read nor changed by an %s",
    async (mode) => {
      const path = join(newFolder(), "sentinel.db");
      await make(path);
      const before = bytesAround(path);
      const error = await refusal(async () => {
        await using journal = open(path, mode);
        await journal.readAfter(0);
      });
      expect(error.code).toStartWith("journal");
      expect(error.message).toMatch(said);
      const { [`sentinel.db-wal`]: _wal, [`sentinel.db-shm`]: _shm, ...after } = bytesAround(path);
      expect(after).toEqual(before);
    },
  );
});

test("a newer version's hint says to update", async () => {
  const path = join(newFolder(), "sentinel.db");
  await STRANGERS["a journal of a newer version"]?.[0](path);
  expect((await refusal(() => open(path))).hint).toStartWith("Update Sentinel. Or: Move ");
});

describe("several at once", () => {
  test("a second observer is refused, and told which process has it", async () => {
    const path = await someJournal();
    await using first = open(path);
    const error = await refusal(() => open(path));
    expect(error.code).toBe("journal");
    expect(error.message).toBe(
      `another observer, process ${process.pid}, uses the journal ${path}`,
    );
    expect(error.hint).toBe("End it first, or set JOURNAL to another path.");
    expect((await first.commit(newEntry())).seq).toBe(61);
  });

  test("a second observer is refused by whatever link it comes", async () => {
    const path = await someJournal();
    const link = join(newFolder(), "link.db");
    symlinkSync(path, link);
    await using _first = open(link);
    expect((await refusal(() => open(path))).message).toContain("another observer");
    expect(readdirSync(join(link, ".."))).toEqual(["link.db"]);
  });

  test("an observer that has ended leaves nothing that refuses the next", async () => {
    const path = await someJournal();
    await open(path).close();
    await using next = open(path);
    expect(await next.readAfter(0)).toHaveLength(60);
  });

  test("an operator adds while the observer runs, and each sees the other's entries at once", async () => {
    const path = await someJournal(1);
    await using observer = open(path);
    await using operator = open(path, "operator");
    await using reader = open(path, "reader");
    const paused = await operator.commit(newEntry({ type: "paused", incident: undefined }));
    expect(await observer.readAfter(3)).toEqual([paused]);
    const opened = await observer.record(newEntry());
    expect(await operator.readAfter(paused.seq)).toEqual([opened]);
    expect(await reader.readAfter(3)).toEqual([paused, opened]);
  });

  test("a reader adds nothing", async () => {
    const path = await someJournal(1);
    await using reader = open(path, "reader");
    expect((await refusal(() => reader.commit(newEntry()))).code).toBe("journal_unavailable");
    expect(await reader.readAfter(0)).toHaveLength(3);
  });

  test("what is locked by another is not waited for long, and then goes on", async () => {
    const path = await someJournal(1);
    await using journal = open(path);
    const shell = new Database(path);
    shell.run("BEGIN IMMEDIATE");
    const fromMs = performance.now();
    const error = await refusal(() => journal.commit(newEntry()));
    expect(performance.now() - fromMs).toBeLessThan(10_000);
    expect(error.code).toBe("journal_unavailable");
    expect(error.message).toBe(`the journal ${path} is locked by another process`);
    expect(await journal.readAfter(0)).toHaveLength(3);
    shell.close();
    expect((await journal.commit(newEntry())).seq).toBe(4);
  });
});

describe("a file that changes under a running observer", () => {
  const move = (from: string, to: string) => {
    for (const end of ["", "-wal", "-shm"])
      if (statSync(from + end, { throwIfNoEntry: false })) renameSync(from + end, to + end);
  };

  test("and was removed is told, not made anew, and used again once it is back", async () => {
    const path = await someJournal(1);
    await using journal = open(path);
    const kept = await journal.commit(newEntry());
    move(path, `${path}.away`);
    for (const work of [
      async () => await journal.commit(newEntry()),
      async () => await journal.readAfter(0),
      async () => await journal.prune({ beforeMs: 0, maxBytes: MUCH }),
    ]) {
      const error = await refusal(work);
      expect(error.code).toBe("journal_unavailable");
      expect(error.message).toBe(`the journal ${path} was removed`);
      expect(error.hint).toContain("Put it back");
    }
    expect(readdirSync(join(path, ".."))).not.toContain("sentinel.db");
    move(`${path}.away`, path);
    expect(await journal.readAfter(3)).toEqual([kept]);
    expect((await journal.commit(newEntry())).seq).toBe(5);
  });

  test("and was replaced by one that knows less is told, and left alone", async () => {
    const path = await someJournal(2);
    await using journal = open(path);
    await journal.readAfter(0);
    move(path, `${path}.away`);
    copyFileSync(await someJournal(1), path);
    const before = readFileSync(path);
    const error = await refusal(() => journal.commit(newEntry()));
    expect(error.code).toBe("journal_unavailable");
    expect(error.message).toBe(`the journal ${path} was replaced by another`);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("and was overwritten by something else is told", async () => {
    const path = await someJournal(2);
    await using journal = open(path);
    move(path, `${path}.away`);
    writeFileSync(path, "something else");
    const error = await refusal(() => journal.commit(newEntry()));
    expect(error.code).toBe("journal_unavailable");
    expect(error.message).toContain("is not a journal");
    expect(readFileSync(path, "utf8")).toBe("something else");
  });

  test("whose lock was removed is locked again before anything is added", async () => {
    const path = await someJournal(1);
    await using journal = open(path);
    rmSync(`${path}-lock`);
    await journal.commit(newEntry());
    expect((await refusal(() => open(path))).message).toContain("another observer");
  });

  test("and whose lock another has taken meanwhile adds nothing", async () => {
    const path = await someJournal(1);
    await using journal = open(path);
    rmSync(`${path}-lock`);
    await using other = open(path);
    const error = await refusal(() => journal.commit(newEntry()));
    expect(error.code).toBe("journal_unavailable");
    expect(error.message).toContain("another observer");
    expect(await other.readAfter(0)).toHaveLength(3);
  });
});

describe("what is forgotten", () => {
  test("gives its space back", async () => {
    const path = await someJournal(2000);
    const before = statSync(path).size;
    expect(before).toBeGreaterThan(2_000_000);
    await using journal = open(path);
    await journal.prune({ beforeMs: 0, maxBytes: 500_000 });
    expect(statSync(path).size).toBeLessThanOrEqual(500_000);
    expect(statSync(path).size).toBeGreaterThan(300_000);
    expect(statSync(`${path}-wal`).size).toBe(0);
    expect(incidentsOf(await journal.readAfter(0)).at(-1)).toBe("i1999");
  });

  test("is not what an operator has just added to an incident that is open", async () => {
    const path = await someJournal(1);
    await using observer = open(path);
    await using operator = open(path, "operator");
    await appendIncident(observer, "open", { isOpen: true });
    await operator.commit(newEntry({ incident: "open", type: "approval_given" }));
    await observer.prune({ beforeMs: START_MS * 2, maxBytes: 0 });
    expect((await observer.readAfter(0)).map(({ type }) => type)).toEqual([
      "incident_opened",
      "diagnosed",
      "approval_given",
    ]);
  });

  test("leaves the log beside the database bounded, however much is added", async () => {
    const path = await someJournal(1);
    await using journal = open(path);
    for (let index = 0; index < 20; index += 1)
      await appendIncident(journal, `big${index}`, { characters: 1_000_000 });
    for (let index = 0; index < 20; index += 1) await journal.commit(newEntry());
    expect(statSync(`${path}-wal`).size).toBeLessThan(8_000_000);
  });
});

test.each(MODES)("a fields column that is no JSON is read as nothing by an %s", async (mode) => {
  const path = await someJournal(1);
  {
    using db = new Database(path);
    db.run("UPDATE entries SET fields = '{\"a\":' WHERE seq = 1");
    db.run("UPDATE entries SET fields = '7' WHERE seq = 2");
  }
  await using journal = open(path, mode);
  expect((await journal.readAfter(0)).map(({ fields }) => fields)).toEqual([{}, {}, {}]);
});
