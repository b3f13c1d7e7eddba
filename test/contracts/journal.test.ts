import { afterAll, describe } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryJournal } from "../../src/journals/memory.ts";
import { sqliteJournal } from "../../src/journals/sqlite.ts";
import { slowJournal } from "../support/slow-journal.ts";
import { journalContract } from "./journal.ts";

const folder = mkdtempSync(join(tmpdir(), "sentinel-journal-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

describe("a journal in memory", () => journalContract(memoryJournal));

describe("a journal that answers late", () => journalContract(() => slowJournal()));

describe("a journal in a file", () =>
  journalContract(() => {
    files += 1;
    return sqliteJournal(join(folder, `${files}.db`), { mode: "observer" });
  }));
