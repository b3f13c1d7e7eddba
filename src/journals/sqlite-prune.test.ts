/** What is forgotten of a journal, on either side of each limit. */

import { expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { pruneDatabase } from "./sqlite-prune.ts";

const MUCH = Number.MAX_SAFE_INTEGER;

/** Entries outside of incidents, of one type, one a second: all but the newest may be forgotten. */
function databaseOf(entries: number, characters = 10) {
  const db = new Database(":memory:");
  db.run("PRAGMA auto_vacuum = INCREMENTAL");
  db.run(`CREATE TABLE entries (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms REAL, service TEXT,
    incident TEXT, type TEXT, fields TEXT)`);
  const insert = db.query(
    "INSERT INTO entries (at_ms, service, type, fields) VALUES (?, '', 'a', ?)",
  );
  for (let second = 1; second <= entries; second += 1)
    insert.run(second * 1000, "x".repeat(characters));
  const left = () =>
    db
      .query<{ at_ms: number }, []>("SELECT at_ms FROM entries ORDER BY seq")
      .all()
      .map(({ at_ms: atMs }) => atMs / 1000);
  const usedBytes = () => {
    const page = (name: string) =>
      Number(Object.values(db.query<object, []>(`PRAGMA ${name}`).get() ?? {})[0]);
    return (page("page_count") - page("freelist_count")) * page("page_size");
  };
  return { db, left, usedBytes, [Symbol.dispose]: () => db.close() };
}

test.each([
  [1000, [1, 2, 3, 4, 5]],
  [1001, [2, 3, 4, 5]],
  [3000, [3, 4, 5]],
  [3001, [4, 5]],
  [MUCH, [5]],
])("older than %d ms is forgotten, but the newest of its type", (beforeMs, expected) => {
  using journal = databaseOf(5);
  pruneDatabase(journal.db, { beforeMs, maxBytes: MUCH });
  expect(journal.left()).toEqual(expected);
});

test("as much as is there is not too much", () => {
  using journal = databaseOf(400, 1000);
  pruneDatabase(journal.db, { beforeMs: 0, maxBytes: journal.usedBytes() });
  expect(journal.left()).toHaveLength(400);
});

test("nor is it where something is old, and has to stay", () => {
  using journal = databaseOf(400, 1000);
  journal.db.run(
    "INSERT INTO entries (at_ms, service, type, fields) VALUES (500, 'another', 'a', '')",
  );
  pruneDatabase(journal.db, { beforeMs: 501, maxBytes: journal.usedBytes() });
  expect(journal.left()).toHaveLength(401);
});

test("what is just young enough goes by its size", () => {
  using journal = databaseOf(3);
  pruneDatabase(journal.db, { beforeMs: 2000, maxBytes: 0 });
  expect(journal.left()).toEqual([3]);
});

test("what is a page too much is forgotten, and hardly more than that", () => {
  using journal = databaseOf(400, 1000);
  const maxBytes = journal.usedBytes() - 1;
  pruneDatabase(journal.db, { beforeMs: 0, maxBytes });
  expect(journal.usedBytes()).toBeLessThanOrEqual(maxBytes);
  expect(journal.left().length).toBeGreaterThan(390);
  expect(journal.left().at(-1)).toBe(400);
});

test("what is far too much goes in halves of what is left to go, so that not too much goes", () => {
  using journal = databaseOf(400, 1000);
  pruneDatabase(journal.db, { beforeMs: 0, maxBytes: 200_000 });
  expect(journal.usedBytes()).toBeLessThanOrEqual(200_000);
  expect(journal.usedBytes()).toBeGreaterThan(190_000);
});

test("its age and its size count together, and what is too old is not counted twice", () => {
  using journal = databaseOf(400, 1000);
  pruneDatabase(journal.db, { beforeMs: 100_001, maxBytes: 250_000 });
  expect(journal.usedBytes()).toBeLessThanOrEqual(250_000);
  expect(journal.usedBytes()).toBeGreaterThan(240_000);
  expect(journal.left()[0]).toBeGreaterThan(100);
});

test("its pages are given back", () => {
  using journal = databaseOf(400, 1000);
  pruneDatabase(journal.db, { beforeMs: 0, maxBytes: 50_000 });
  expect(journal.db.query("PRAGMA freelist_count").get()).toEqual({ freelist_count: 0 });
});
