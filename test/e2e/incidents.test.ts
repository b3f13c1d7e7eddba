/** The command `incidents`, from the compiled executable. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteJournal } from "../../src/journals/sqlite.ts";
import { runToEnd, sentinelBinary } from "../support/binary.ts";
import { entriesOf, healed, INCIDENT_ID } from "../support/incident-entries.ts";

const BUILD_TIMEOUT_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), "sentinel-incidents-"));
afterAll(() => rmSync(folder, { recursive: true }));

let sentinel = "";
beforeAll(async () => {
  sentinel = sentinelBinary();
  const journal = sqliteJournal(join(folder, "sentinel.db"), { mode: "observer" });
  for (const entry of entriesOf(healed())) await journal.commit(entry);
  await journal.close();
}, BUILD_TIMEOUT_MS);

const run = (args: readonly string[], env = {}) =>
  runToEnd([sentinel, "incidents", ...args], { cwd: folder, env });

test("the journal of the working folder is listed", async () => {
  const { exitCode, stdout, stderr } = await run([]);
  expect(stdout).toContain("20250101T1200");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
});

test("JSON is nothing but JSON", async () => {
  const { exitCode, stdout } = await run(["--json", INCIDENT_ID]);
  expect(JSON.parse(stdout)).toMatchObject([{ id: INCIDENT_ID, phase: "closed" }]);
  expect(exitCode).toBe(0);
});

test.each<[string[], Record<string, string>, number, string]>([
  [[], { JOURNAL: "elsewhere.db" }, 1, `there is no journal ${join(folder, "elsewhere.db")} yet`],
  [[], { JOURNAL: "." }, 1, "is not a file"],
  [["20250101T1201"], {}, 2, `Did you mean ${INCIDENT_ID}?`],
  [["--shadow", "--json"], {}, 2, "--shadow goes with neither"],
  [["--shdow"], {}, 2, "(Did you mean --shadow?). Options of incidents: --json, --shadow, --help."],
  [["a", "b"], {}, 2, "too many arguments"],
])("%j with %j is exit %i and one line", async (args, env, code, said) => {
  const { exitCode, stdout, stderr } = await run(args, env);
  expect(stderr).toContain(said);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: "" });
});
