/** The journal's file between processes: killed ones, several at once, and a disk without space. */

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteJournal } from "../../src/journals/sqlite.ts";
import { runToEnd, startProcess } from "../support/binary.ts";
import { newEntry, refusal } from "../contracts/journal.ts";
import { describeUnless } from "../support/docker.ts";
import { ENTRIES_OF_ONE } from "../support/journal-process.ts";

const root = mkdtempSync(join(tmpdir(), "sentinel-journal-"));
afterAll(() => rmSync(root, { recursive: true }));

const SCRIPT = join(import.meta.dir, "..", "support", "journal-process.ts");
const argvOf = (work: string, file: string) => [process.execPath, SCRIPT, work, file];

function newFile(): string {
  return join(mkdtempSync(join(root, "f")), "sentinel.db");
}

test("an observer that is killed keeps nobody out, and what it added is there", async () => {
  const file = newFile();
  await using first = startProcess(argvOf("hold", file));
  while (!first.stdout().includes("ready")) await Bun.sleep(10);
  const second = await refusal(() => sqliteJournal(file, { mode: "observer" }));
  expect(second.code).toBe("journal");
  expect(second.message).toBe(`another observer, process ${first.pid}, uses the journal ${file}`);

  first.kill("SIGKILL");
  await first.exited;
  const next = sqliteJournal(file, { mode: "observer" });
  expect((await next.readAfter(0)).map(({ type }) => type)).toEqual(["action_started"]);
  await next.close();
});

test("an observer and operators that add at the same time lose nothing", async () => {
  const file = newFile();
  await sqliteJournal(file, { mode: "observer" }).close();
  const works = ["observer", "operator", "operator"];
  const ended = await Promise.all(works.map((work) => runToEnd(argvOf(work, file))));
  expect(ended.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
    works.map(() => ({ exitCode: 0, stderr: "" })),
  );
  const journal = sqliteJournal(file, { mode: "reader" });
  const entries = await journal.readAfter(0);
  await journal.close();
  expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
  const indices = (type: string) =>
    entries.filter((entry) => entry.type === type).map(({ fields }) => fields["index"]);
  const all = Array.from({ length: ENTRIES_OF_ONE }, (_, index) => index);
  expect(indices("observer")).toEqual(all);
  expect(indices("operator").toSorted((a, b) => Number(a) - Number(b))).toEqual(
    all.flatMap((index) => [index, index]),
  );
});

describeUnless(Bun.which("prlimit") ? undefined : "prlimit is missing", "without space", () => {
  test("nothing is half-written, and it goes on when there is some again", async () => {
    const file = newFile();
    // A file may not grow past 200 KiB: the system refuses it as a full disk refuses it.
    const limited = `trap "" XFSZ; ulimit -S -f 400; exec "$@"`;
    const { stdout, stderr, exitCode } = await runToEnd([
      ...["sh", "-c", limited, "sh"],
      ...argvOf("fill", file),
    ]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    const result: Record<string, unknown> = JSON.parse(stdout);
    expect(result).toMatchObject({ code: "journal_unavailable", kept: result["added"] });
    expect(result["message"]).toContain("the disk is full or fails");
    const journal = sqliteJournal(file, { mode: "reader" });
    const numbers = (await journal.readAfter(0)).map(({ seq }) => seq);
    await journal.close();
    expect(numbers.at(-1)).toBe(Number(result["seq"]));
    expect(numbers).toHaveLength(Number(result["added"]) + 1);
  });
});

const NOBODY = 65_534;

/** Runs it as a user without rights, if this is one who has all. */
function asNobody<T>(work: () => T): T {
  const { geteuid, seteuid } = process;
  if (geteuid?.() !== 0 || seteuid === undefined) return work();
  seteuid(NOBODY);
  try {
    return work();
  } finally {
    seteuid(0);
  }
}

describe("without the right to", () => {
  test("write in the folder, an observer says so and leaves nothing behind", async () => {
    const file = newFile();
    chmodSync(root, 0o755);
    chmodSync(join(file, ".."), 0o555);
    const error = await refusal(() => asNobody(() => sqliteJournal(file, { mode: "observer" })));
    expect(error.code).toBe("journal");
    expect(error.message).toBe(
      `the journal ${file} cannot be opened for writing: permission is denied`,
    );
    expect(error.hint).toContain(join(file, ".."));
    chmodSync(join(file, ".."), 0o755);
  });

  test("read the file, a reader says so", async () => {
    const file = newFile();
    await sqliteJournal(file, { mode: "observer" }).close();
    chmodSync(root, 0o755);
    chmodSync(join(file, ".."), 0o755);
    chmodSync(file, 0);
    const error = await refusal(() => asNobody(() => sqliteJournal(file, { mode: "reader" })));
    expect(error.message).toContain("permission is denied");
  });

  test("write the file any more, adding fails and goes on when it may again", async () => {
    const file = newFile();
    const journal = sqliteJournal(file, { mode: "observer" });
    await journal.commit(newEntry());
    const folder = join(file, "..");
    chmodSync(root, 0o755);
    chmodSync(folder, 0o555);
    // What it has open stays open: it is opened anew when its log is gone.
    rmSync(`${file}-wal`);
    const error = await refusal(() => asNobody(async () => await journal.commit(newEntry())));
    expect(error.code).toBe("journal_unavailable");
    chmodSync(folder, 0o755);
    expect((await journal.commit(newEntry())).seq).toBe(2);
    await journal.close();
  });
});
