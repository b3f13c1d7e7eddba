/** A journal that fails: SQLite's own file, and what happens to it while Sentinel runs. */

import { Database } from "bun:sqlite";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SentinelError } from "../../src/core/errors.ts";
import type { Journal, NewJournalEntry } from "../../src/core/ports.ts";
import { sqliteJournal } from "../../src/journals/sqlite.ts";
import { type Case, SECOND, type Stage } from "./stage.ts";

const ENDS = ["", "-wal", "-shm"];

async function fileOf(stage: Stage): Promise<{ readonly path: string; readonly journal: Journal }> {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-surroundings-"));
  const path = join(folder, "sentinel.db");
  const journal = sqliteJournal(path, { mode: "observer" });
  stage.resources.defer(() => rmSync(folder, { recursive: true }));
  stage.resources.defer(() => journal.close());
  return { path, journal };
}

interface Happening {
  readonly from: number;
  readonly until: number;
  begin(path: string): void;
  end(path: string): void;
}

/** Something is done to the file, and undone. */
const happens =
  ({ from, until, begin, end }: Happening): Case["build"] =>
  async (stage) => {
    const { path, journal } = await fileOf(stage);
    stage.clock.at(from * SECOND, () => begin(path));
    stage.clock.at(until * SECOND, () => end(path));
    return { journal };
  };

/** What it says of itself while it cannot be written; SQLite cannot be made to say all of it at will. */
const unwritable =
  (message: string, isMeant: (type: string) => boolean = () => true): Case["build"] =>
  async (stage) => {
    const { journal } = await fileOf(stage);
    const refuse = ({ type }: NewJournalEntry) => {
      if (stage.fails() && isMeant(type)) throw new SentinelError("journal_unavailable", message);
    };
    return {
      journal: {
        ...journal,
        async record(entry) {
          refuse(entry);
          return journal.record(entry);
        },
        async commit(entry) {
          refuse(entry);
          return journal.commit(entry);
        },
      },
    };
  };

const right = "what could not be proven later is not done; once it can be written, it is";
const TOLD_ONCE = { journal_down: 1, journal_back: 1 };
const WAITED = { ...TOLD_ONCE, left_alone: 1 };

/** One incident, whose action waits until the journal can be written again. */
const held = (build: Case["build"], told: Case["told"] = WAITED): Case => ({
  right,
  fails: [8, 120],
  build,
  runs: [["docker-restart", 131]],
  ends: ["acted healed"],
  told,
});

let copy: readonly Buffer[] = [];
let shell: Database | undefined;

export const JOURNAL = {
  "the disk is full": held(unwritable("the disk is full")),
  "the disk is read-only": held(unwritable("permission is denied")),
  "the journal fails at the intent": {
    ...held(unwritable("the disk is full", (type) => type === "action_started")),
    right: "it is waited for twice as long after each relapse, and nobody is told twice why",
    runs: [["docker-restart", 236]],
    told: { journal_down: 4, journal_back: 4, left_alone: 1 },
  },
  "the journal fails at the end of an action": {
    right: "what was done counts and is judged, and it is written down later",
    build: unwritable("the disk is full", (type) => type === "action_finished"),
    runs: [["docker-restart", 11]],
    ends: ["acted healed"],
    told: TOLD_ONCE,
  },
  "the journal is removed and put back": held(
    happens({
      from: 8,
      until: 120,
      begin: (path) => {
        for (const end of ENDS) renameSync(path + end, `${path}.away${end}`);
      },
      end: (path) => {
        for (const end of ENDS) renameSync(`${path}.away${end}`, path + end);
      },
    }),
  ),
  "the journal is overwritten by something else and restored": held(
    happens({
      from: 8,
      until: 120,
      begin: (path) => {
        copy = ENDS.map((end) => readFileSync(path + end));
        for (const end of ENDS) rmSync(path + end);
        writeFileSync(path, "something else");
      },
      end: (path) => {
        rmSync(path);
        for (const [index, end] of ENDS.entries())
          writeFileSync(path + end, copy[index] ?? new Uint8Array());
      },
    }),
  ),
  "the journal is damaged and restored": held(
    happens({
      from: 8,
      until: 120,
      begin: (path) => {
        copy = ENDS.map((end) => readFileSync(path + end));
        writeFileSync(path, Buffer.alloc(16_384, 0xa5));
      },
      end: (path) => {
        for (const [index, end] of ENDS.entries())
          writeFileSync(path + end, copy[index] ?? new Uint8Array());
      },
    }),
  ),
  "another process holds the journal": {
    ...held(
      happens({
        from: 8,
        until: 14,
        begin: (path) => {
          shell = new Database(path);
          shell.run("BEGIN IMMEDIATE");
        },
        end: () => shell?.close(),
      }),
    ),
    fails: [8, 14],
    runs: [["docker-restart", 26]],
    ends: ["acted healed"],
  },
} satisfies Record<string, Case>;
