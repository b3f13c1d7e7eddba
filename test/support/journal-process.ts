/** A process with a journal of its own, for the tests: `bun journal-process.ts WORK FILE`. */

import { type JournalMode, sqliteJournal } from "../../src/journals/sqlite.ts";
import { SentinelError } from "../../src/core/errors.ts";
import { newEntry } from "../contracts/journal.ts";

export const ENTRIES_OF_ONE = 200;

/** Holds it until it is killed. */
async function hold(file: string): Promise<void> {
  const journal = sqliteJournal(file, { mode: "observer" });
  await journal.commit(newEntry({ type: "action_started" }));
  console.log("ready");
  // Refers to it, or it would be collected, and so closed.
  setInterval(() => void journal.readAfter(0), 60_000);
}

async function add(file: string, mode: JournalMode): Promise<void> {
  const journal = sqliteJournal(file, { mode });
  for (let index = 0; index < ENTRIES_OF_ONE; index += 1)
    await journal[index % 10 === 0 ? "commit" : "record"](
      newEntry({ type: mode, fields: { index } }),
    );
  await journal.close();
}

/** Adds until it fails, then gives itself all the space there is, and adds once more. */
async function fill(file: string): Promise<void> {
  const journal = sqliteJournal(file, { mode: "observer" });
  const big = newEntry({ fields: { text: "x".repeat(5000) } });
  let added = 0;
  try {
    for (; added < 1000; added += 1) await journal.commit(big);
  } catch (error) {
    if (!(error instanceof SentinelError)) throw error;
    const kept = (await journal.readAfter(0)).length;
    Bun.spawnSync(["prlimit", "--pid", String(process.pid), "--fsize=unlimited"]);
    const seq = (await journal.commit(big)).seq;
    const { code, message } = error;
    console.log(JSON.stringify({ added, kept, code, message, seq }));
  }
}

if (import.meta.main) {
  const [work, file = ""] = process.argv.slice(2);
  if (work === "hold") await hold(file);
  if (work === "fill") await fill(file);
  if (work === "observer" || work === "operator") await add(file, work);
}
