import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refusal } from "../../test/contracts/journal.ts";
import { SERVICE_NAME, START_MS } from "../../test/support/fixtures.ts";
import { entriesOf, healed, shadowed } from "../../test/support/incident-entries.ts";
import { showIncidents } from "./incidents.ts";
import { sqliteJournal } from "../journals/sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "sentinel-incidents-"));
const path = join(folder, "sentinel.db");
const FIRST = "20250101T120000-HighCpu";
const SECOND = "20250101T120000-HighLatency";
const THIRD = "20250102T000000-HighCpu";

// Open all the while, as an observer has it.
const observer = sqliteJournal(path, { mode: "observer" });
const stories = [
  entriesOf(healed(), { id: FIRST }),
  entriesOf(shadowed(), { id: SECOND, atMs: START_MS + 1000 }),
  entriesOf(healed(), { id: THIRD, atMs: START_MS + 43_200_000 }),
  entriesOf(healed(), { id: THIRD, service: "shop", atMs: START_MS + 43_200_000 }),
];
for (const entry of stories.flat()) await observer.record(entry);
afterAll(async () => {
  await observer.close();
  rmSync(folder, { recursive: true });
});

describe("sentinel incidents", () => {
  test("lists what a running observer has written", async () => {
    const rows = (await showIncidents(path, undefined, {}))
      .split("\n")
      .filter((line) => line.startsWith("2025"));
    expect(rows).toHaveLength(4);
    expect(rows[0]).toStartWith("20250102T0000");
  });

  test("as JSON is one array, the newest first, of all that is known", async () => {
    const found: { id: string }[] = JSON.parse(
      await showIncidents(path, undefined, { json: true }),
    );
    expect(found.map(({ id }) => id)).toEqual([THIRD, THIRD, SECOND, FIRST]);
    expect(found[3]).toMatchObject({ service: SERVICE_NAME, phase: "closed", resumptions: 0 });
    expect(JSON.parse(await showIncidents(path, FIRST, { json: true }))).toEqual([found[3]]);
  });

  test("as JSON has keys in snake_case alone, and no milliseconds", async () => {
    const text = await showIncidents(path, undefined, { json: true });
    const keys = [...text.matchAll(/^ *"(\w+)":/gm)].map(([, key]) => key ?? "");
    expect(keys.filter((key) => !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(key))).toEqual([]);
    expect(keys.filter((key) => key.endsWith("_ms"))).toEqual([]);
    expect(text).toContain('"opened_at": "2025-01-0');
  });

  test.each([FIRST, "20250101T120000-HighC"])(
    "shows the one whose id begins with %s",
    async (id) => {
      expect(await showIncidents(path, id, {})).toStartWith(`# Incident ${FIRST}\n`);
    },
  );

  test("shows both of two services that share an id", async () => {
    expect((await showIncidents(path, "20250102", {})).match(/^# Incident .*$/gm)).toHaveLength(2);
  });

  test.each([
    ["2025010", '"2025010" begins the ids of 3 incidents', `Write more of it: ${THIRD}, `],
    ["", 'there is no incident ""', "sentinel incidents lists them."],
    ["20250101T120000-HighCpux", "there is no incident", `Did you mean ${FIRST}?`],
    ["20250103T0000", "there is no incident", `Did you mean ${THIRD}?`],
    ["nonsense", 'there is no incident "nonsense"', "sentinel incidents lists them."],
  ])("of %j is refused with what was meant", async (id, message, hint) => {
    const error = await refusal(() => showIncidents(path, id, {}));
    expect(error.code).toBe("usage");
    expect(error.message).toContain(message);
    expect(error.hint).toStartWith(hint);
  });

  test("sums up what would have been done", async () => {
    expect(await showIncidents(path, undefined, { shadow: true })).toMatch(
      /HighCpu +docker-restart +run/,
    );
  });

  test.each([
    [FIRST, { shadow: true }],
    [undefined, { shadow: true, json: true }],
  ])("of %j with %j is refused", async (id, options) => {
    expect((await refusal(() => showIncidents(path, id, options))).code).toBe("usage");
  });

  test("without a journal says where one would be", async () => {
    const error = await refusal(() => showIncidents(join(folder, "no.db"), undefined, {}));
    expect(error.code).toBe("journal");
    expect(error.message).toContain(join(folder, "no.db"));
  });
});
