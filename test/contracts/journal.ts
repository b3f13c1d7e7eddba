/** What holds for every Journal. */

import { expect, test } from "bun:test";
import { SentinelError } from "../../src/core/errors.ts";
import type { Journal, JournalEntry, NewJournalEntry } from "../../src/core/ports.ts";
import { SERVICE_NAME, START_MS } from "../support/fixtures.ts";

/** An entry of an incident, unless the changes say otherwise. */
export function newEntry(changes: Partial<NewJournalEntry> = {}): NewJournalEntry {
  return {
    atMs: START_MS,
    service: SERVICE_NAME,
    incident: "20250101T120000-HighCpu",
    type: "incident_opened",
    fields: {},
    ...changes,
  };
}

/** One whole incident, `minutes` after the start, of about so many characters. */
export async function appendIncident(
  journal: Journal,
  id: string,
  options: IncidentOptions = {},
): Promise<void> {
  const { minutes = 0, characters = 100, isOpen = false } = options;
  const atMs = START_MS + minutes * 60_000;
  const common = { atMs, incident: id };
  await journal.record(newEntry(common));
  const fields = { text: "x".repeat(characters) };
  await journal.record(newEntry({ ...common, type: "diagnosed", fields }));
  const closed = { ...common, type: "incident_closed", atMs: atMs + 1000 };
  if (!isOpen) await journal.record(newEntry(closed));
}

interface IncidentOptions {
  readonly minutes?: number;
  readonly characters?: number;
  readonly isOpen?: boolean;
}

export const MUCH = Number.MAX_SAFE_INTEGER;

/** The incidents of which anything is left, in order. */
export function incidentsOf(entries: readonly JournalEntry[]): string[] {
  return [...new Set(entries.flatMap(({ incident }) => incident ?? []))];
}

/** The code and text of what it throws, or rejects with. */
export async function refusal(run: () => unknown): Promise<SentinelError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof SentinelError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

/** Registers the tests; call it within a `describe`. @param open an empty journal */
export function journalContract(open: () => Journal): void {
  const openJournal = () => {
    const journal = open();
    return { journal, [Symbol.asyncDispose]: () => journal.close() };
  };

  test("an empty one has nothing to read", async () => {
    await using opened = openJournal();
    expect(await opened.journal.readAfter(0)).toEqual([]);
  });

  test("entries are read in the order in which they were added, each with a greater number", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    const added = [
      await journal.commit(newEntry()),
      await journal.record(newEntry({ type: "decided", atMs: START_MS - 5 })),
      await journal.commit(newEntry({ type: "paused", incident: undefined, service: "" })),
    ];
    expect(await journal.readAfter(0)).toEqual(added);
    const [first, second, third] = added.map(({ seq }) => seq);
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first ?? 0);
    expect(third).toBeGreaterThan(second ?? 0);
  });

  test("what nobody waits for is done in the order of the calls", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    const added = ["a", "b", "c", "d"].map((type, index) =>
      index % 2 === 0 ? journal.record(newEntry({ type })) : journal.commit(newEntry({ type })),
    );
    void journal.saveState("a", "1");
    const [entries, states] = [journal.readAfter(0), journal.readStates()];
    void journal.record(newEntry({ type: "e" }));
    expect((await entries).map(({ type }) => type)).toEqual(["a", "b", "c", "d"]);
    expect(await entries).toEqual(await Promise.all(added));
    expect(await states).toEqual(new Map([["a", "1"]]));
  });

  test("what was recorded before is there once an entry is committed", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    const before = [
      journal.record(newEntry({ type: "a" })),
      journal.record(newEntry({ type: "b" })),
    ];
    const { seq } = await journal.commit(newEntry({ type: "c" }));
    const numbers = (await Promise.all(before)).map((entry) => entry.seq);
    expect(numbers.every((number) => number < seq)).toBe(true);
  });

  test("only what comes after a number is read", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    const [first, second] = [await journal.commit(newEntry()), await journal.record(newEntry())];
    expect(await journal.readAfter(first.seq)).toEqual([second]);
    expect(await journal.readAfter(second.seq)).toEqual([]);
    expect(await journal.readAfter(second.seq + 1000)).toEqual([]);
  });

  test("what comes back is what JSON makes of it, whatever the text", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    const odd = "'; DROP TABLE entries; --\u0000\u001b[2J\u202e\ud83d\ude00\n";
    const fields = { odd, [odd]: [1, 0.1, null, true], nothing: undefined, nan: Number.NaN };
    const expected = { odd, [odd]: [1, 0.1, null, true], nan: null };
    const added = await journal.commit(newEntry({ type: odd, service: odd, fields }));
    expect(Object.keys(added.fields)).toEqual(Object.keys(expected));
    expect(added.fields).toEqual(expected);
    expect(await journal.readAfter(0)).toEqual([added]);
  });

  test("what it was given may change afterwards", async () => {
    await using opened = openJournal();
    const fields = { list: [1] };
    const added = opened.journal.commit(newEntry({ fields }));
    fields.list.push(2);
    expect((await added).fields).toEqual({ list: [1] });
    expect((await opened.journal.readAfter(0))[0]?.fields).toEqual({ list: [1] });
  });

  test("a time may have a part of a millisecond", async () => {
    await using opened = openJournal();
    await opened.journal.commit(newEntry({ atMs: START_MS + 0.25 }));
    expect((await opened.journal.readAfter(0))[0]?.atMs).toBe(START_MS + 0.25);
  });

  test("a state is what was saved last by its name, and outlives the entries", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    expect(await journal.readStates()).toEqual(new Map());
    const odd = "'; DROP TABLE states; --\u001b[2J\n";
    await journal.saveState("a", "1");
    await journal.saveState(odd, odd);
    await journal.saveState("b", "");
    await journal.saveState("a", "2");
    await journal.prune({ beforeMs: MUCH, maxBytes: 0 });
    const states = { a: "2", b: "", [odd]: odd };
    expect(Object.fromEntries(await journal.readStates())).toEqual(states);
    await journal.saveState("a", undefined);
    await journal.saveState("never", undefined);
    expect((await journal.readStates()).has("a")).toBe(false);
    expect(await journal.readAfter(0)).toEqual([]);
  });

  test("an incident is forgotten whole when its last entry is older, and not a moment sooner", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    await appendIncident(journal, "old");
    await appendIncident(journal, "newer", { minutes: 1 });
    const lastMs = START_MS + 1000;
    await journal.prune({ beforeMs: lastMs, maxBytes: MUCH });
    expect(incidentsOf(await journal.readAfter(0))).toEqual(["old", "newer"]);
    await journal.prune({ beforeMs: lastMs + 1, maxBytes: MUCH });
    expect(incidentsOf(await journal.readAfter(0))).toEqual(["newer"]);
    expect(await journal.readAfter(0)).toHaveLength(3);
  });

  test("an incident that is open stays whole, whatever its age and size", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    await appendIncident(journal, "open", { isOpen: true });
    await appendIncident(journal, "ended", { minutes: 1 });
    const before = (await journal.readAfter(0)).filter(({ incident }) => incident === "open");
    await journal.prune({ beforeMs: MUCH, maxBytes: 0 });
    expect(await journal.readAfter(0)).toEqual(before);
  });

  test("an incident's name that two services share is open until both have ended", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    await journal.commit(newEntry({ service: "other" }));
    await appendIncident(journal, newEntry().incident ?? "");
    await journal.prune({ beforeMs: MUCH, maxBytes: 0 });
    expect(await journal.readAfter(0)).toHaveLength(4);
    await journal.commit(newEntry({ service: "other", type: "incident_closed" }));
    await journal.prune({ beforeMs: MUCH, maxBytes: 0 });
    expect(await journal.readAfter(0)).toEqual([]);
  });

  test("past the size the oldest go first, and no more than must", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    const ids = Array.from({ length: 40 }, (_, index) => `i${index}`);
    for (const [minutes, id] of ids.entries())
      await appendIncident(journal, id, { minutes, characters: 20_000 });
    await journal.prune({ beforeMs: 0, maxBytes: 400_000 });
    const left = incidentsOf(await journal.readAfter(0));
    expect(left).toEqual(ids.slice(-left.length));
    expect(left.length).toBeGreaterThan(14);
    expect(left.length).toBeLessThan(21);
    await journal.prune({ beforeMs: 0, maxBytes: 400_000 });
    expect(incidentsOf(await journal.readAfter(0))).toEqual(left);
  });

  test("outside of incidents the newest of each type and service stays", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    const outside = async (type: string, service: string) =>
      (await journal.record(newEntry({ type, service, incident: undefined }))).seq;
    await outside("paused", "shop");
    const kept = [
      await outside("paused", "shop"),
      await outside("paused", ""),
      await outside("resumed", "shop"),
    ];
    await journal.prune({ beforeMs: MUCH, maxBytes: MUCH });
    expect((await journal.readAfter(0)).map(({ seq }) => seq)).toEqual(kept);
    await journal.prune({ beforeMs: 0, maxBytes: 0 });
    expect((await journal.readAfter(0)).map(({ seq }) => seq)).toEqual(kept);
  });

  test("a number is never given again, even when the newest entries were forgotten", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    await appendIncident(journal, "old");
    const last = (await journal.readAfter(0)).at(-1)?.seq ?? 0;
    await journal.prune({ beforeMs: MUCH, maxBytes: MUCH });
    expect(await journal.readAfter(0)).toEqual([]);
    expect((await journal.commit(newEntry())).seq).toBeGreaterThan(last);
  });

  test("closing it does first what was asked for before", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    const asked = [journal.record(newEntry()), journal.commit(newEntry())];
    await journal.close();
    expect(await Promise.all(asked)).toHaveLength(2);
  });

  test("one that is closed says so, and closing it again is nothing", async () => {
    await using opened = openJournal();
    const { journal } = opened;
    await journal.close();
    await journal.close();
    expect((await refusal(() => journal.commit(newEntry()))).code).toBe("journal_unavailable");
    expect((await refusal(() => journal.readAfter(0))).message).toContain("closed");
  });
}
