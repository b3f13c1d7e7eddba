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
export function appendIncident(journal: Journal, id: string, options: IncidentOptions = {}): void {
  const { minutes = 0, characters = 100, isOpen = false } = options;
  const atMs = START_MS + minutes * 60_000;
  const common = { atMs, incident: id };
  journal.append(newEntry(common), "soon");
  const fields = { text: "x".repeat(characters) };
  journal.append(newEntry({ ...common, type: "diagnosed", fields }), "soon");
  const closed = { ...common, type: "incident_closed", atMs: atMs + 1000 };
  if (!isOpen) journal.append(newEntry(closed), "soon");
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

/** The code and text of what it throws. */
export function refusal(run: () => unknown): SentinelError {
  try {
    run();
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
    return { journal, [Symbol.dispose]: () => journal.close() };
  };

  test("an empty one has nothing to read", () => {
    using opened = openJournal();
    expect(opened.journal.readAfter(0)).toEqual([]);
  });

  test("entries are read in the order in which they were added, each with a greater number", () => {
    using opened = openJournal();
    const { journal } = opened;
    const added = [
      journal.append(newEntry(), "now"),
      journal.append(newEntry({ type: "decided", atMs: START_MS - 5 }), "soon"),
      journal.append(newEntry({ type: "paused", incident: undefined, service: "" }), "now"),
    ];
    expect(journal.readAfter(0)).toEqual(added);
    const [first, second, third] = added.map(({ seq }) => seq);
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first ?? 0);
    expect(third).toBeGreaterThan(second ?? 0);
  });

  test("only what comes after a number is read", () => {
    using opened = openJournal();
    const { journal } = opened;
    const [first, second] = [journal.append(newEntry(), "now"), journal.append(newEntry(), "soon")];
    expect(journal.readAfter(first.seq)).toEqual([second]);
    expect(journal.readAfter(second.seq)).toEqual([]);
    expect(journal.readAfter(second.seq + 1000)).toEqual([]);
  });

  test("what comes back is what JSON makes of it, whatever the text", () => {
    using opened = openJournal();
    const { journal } = opened;
    const odd = "'; DROP TABLE entries; --\u0000\u001b[2J\u202e\ud83d\ude00\n";
    const fields = { odd, [odd]: [1, 0.1, null, true], nothing: undefined, nan: Number.NaN };
    const expected = { odd, [odd]: [1, 0.1, null, true], nan: null };
    const added = journal.append(newEntry({ type: odd, service: odd, fields }), "now");
    expect(Object.keys(added.fields)).toEqual(Object.keys(expected));
    expect(added.fields).toEqual(expected);
    expect(journal.readAfter(0)).toEqual([added]);
  });

  test("what it was given may change afterwards", () => {
    using opened = openJournal();
    const fields = { list: [1] };
    opened.journal.append(newEntry({ fields }), "now");
    fields.list.push(2);
    expect(opened.journal.readAfter(0)[0]?.fields).toEqual({ list: [1] });
  });

  test("a time may have a part of a millisecond", () => {
    using opened = openJournal();
    opened.journal.append(newEntry({ atMs: START_MS + 0.25 }), "now");
    expect(opened.journal.readAfter(0)[0]?.atMs).toBe(START_MS + 0.25);
  });

  test("a state is what was saved last by its name, and outlives the entries", () => {
    using opened = openJournal();
    const { journal } = opened;
    expect(journal.readStates()).toEqual(new Map());
    const odd = "'; DROP TABLE states; --\u001b[2J\n";
    journal.saveState("a", "1");
    journal.saveState(odd, odd);
    journal.saveState("b", "");
    journal.saveState("a", "2");
    journal.prune({ beforeMs: MUCH, maxBytes: 0 });
    const states = { a: "2", b: "", [odd]: odd };
    expect(Object.fromEntries(journal.readStates())).toEqual(states);
    journal.saveState("a", undefined);
    journal.saveState("never", undefined);
    expect(journal.readStates().has("a")).toBe(false);
    expect(journal.readAfter(0)).toEqual([]);
  });

  test("an incident is forgotten whole when its last entry is older, and not a moment sooner", () => {
    using opened = openJournal();
    const { journal } = opened;
    appendIncident(journal, "old");
    appendIncident(journal, "newer", { minutes: 1 });
    const lastMs = START_MS + 1000;
    journal.prune({ beforeMs: lastMs, maxBytes: MUCH });
    expect(incidentsOf(journal.readAfter(0))).toEqual(["old", "newer"]);
    journal.prune({ beforeMs: lastMs + 1, maxBytes: MUCH });
    expect(incidentsOf(journal.readAfter(0))).toEqual(["newer"]);
    expect(journal.readAfter(0)).toHaveLength(3);
  });

  test("an incident that is open stays whole, whatever its age and size", () => {
    using opened = openJournal();
    const { journal } = opened;
    appendIncident(journal, "open", { isOpen: true });
    appendIncident(journal, "ended", { minutes: 1 });
    const before = journal.readAfter(0).filter(({ incident }) => incident === "open");
    journal.prune({ beforeMs: MUCH, maxBytes: 0 });
    expect(journal.readAfter(0)).toEqual(before);
  });

  test("an incident's name that two services share is open until both have ended", () => {
    using opened = openJournal();
    const { journal } = opened;
    journal.append(newEntry({ service: "other" }), "now");
    appendIncident(journal, newEntry().incident ?? "");
    journal.prune({ beforeMs: MUCH, maxBytes: 0 });
    expect(journal.readAfter(0)).toHaveLength(4);
    journal.append(newEntry({ service: "other", type: "incident_closed" }), "now");
    journal.prune({ beforeMs: MUCH, maxBytes: 0 });
    expect(journal.readAfter(0)).toEqual([]);
  });

  test("past the size the oldest go first, and no more than must", () => {
    using opened = openJournal();
    const { journal } = opened;
    const ids = Array.from({ length: 40 }, (_, index) => `i${index}`);
    for (const [minutes, id] of ids.entries())
      appendIncident(journal, id, { minutes, characters: 20_000 });
    journal.prune({ beforeMs: 0, maxBytes: 400_000 });
    const left = incidentsOf(journal.readAfter(0));
    expect(left).toEqual(ids.slice(-left.length));
    expect(left.length).toBeGreaterThan(14);
    expect(left.length).toBeLessThan(21);
    journal.prune({ beforeMs: 0, maxBytes: 400_000 });
    expect(incidentsOf(journal.readAfter(0))).toEqual(left);
  });

  test("outside of incidents the newest of each type and service stays", () => {
    using opened = openJournal();
    const { journal } = opened;
    const outside = (type: string, service: string) =>
      journal.append(newEntry({ type, service, incident: undefined }), "soon").seq;
    outside("paused", "shop");
    const kept = [outside("paused", "shop"), outside("paused", ""), outside("resumed", "shop")];
    journal.prune({ beforeMs: MUCH, maxBytes: MUCH });
    expect(journal.readAfter(0).map(({ seq }) => seq)).toEqual(kept);
    journal.prune({ beforeMs: 0, maxBytes: 0 });
    expect(journal.readAfter(0).map(({ seq }) => seq)).toEqual(kept);
  });

  test("a number is never given again, even when the newest entries were forgotten", () => {
    using opened = openJournal();
    const { journal } = opened;
    appendIncident(journal, "old");
    const last = journal.readAfter(0).at(-1)?.seq ?? 0;
    journal.prune({ beforeMs: MUCH, maxBytes: MUCH });
    expect(journal.readAfter(0)).toEqual([]);
    expect(journal.append(newEntry(), "now").seq).toBeGreaterThan(last);
  });

  test("one that is closed says so, and closing it again is nothing", () => {
    using opened = openJournal();
    const { journal } = opened;
    journal.close();
    journal.close();
    expect(refusal(() => journal.append(newEntry(), "now")).code).toBe("journal_unavailable");
    expect(refusal(() => journal.readAfter(0)).message).toContain("closed");
  });
}
