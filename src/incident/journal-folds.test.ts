import { describe, expect, test } from "bun:test";
import type { JournalEntry, NewJournalEntry } from "../core/ports.ts";
import { JournalFolds, type OwnEntry } from "./journal-folds.ts";

const LIMITS = { cooldownMs: 60_000, mostPerService: 1, mostInAll: 10 };
const SERVICE = "api";
const INCIDENT = { service: SERVICE, incident: "i" };
const ALERT = { name: "HighCpu", severity: "high", labels: {} };
const BY = { by: "a test" };
const OPENED_AT_MS = 1000;

const entryOf = (type: string, fields: object = {}, place: Partial<JournalEntry> = {}) => ({
  ...{ seq: 0, atMs: OPENED_AT_MS, service: SERVICE, incident: undefined, type },
  ...place,
  fields: { ...fields },
});

/** Recorded here; an entry is written under the number of its `seq`. */
const ownOf = (counted: JournalEntry): OwnEntry => ({ counted, entry: { ...counted } });

/** Folds of what was written before, and a writer that wrote these entries. */
function foldsOf(past: readonly JournalEntry[] = []) {
  const folds = new JournalFolds(past, { limits: LIMITS, nowMs: OPENED_AT_MS });
  const written = new Map<number, NewJournalEntry>();
  const takeOwn = (seq: number) => written.get(seq);
  const read = (entries: readonly JournalEntry[], nowMs = OPENED_AT_MS, aheadMs = 0) =>
    folds.takeIn(entries, { nowMs, aheadMs, writer: { takeOwn } });
  const limits = () => folds.limitTracker.limitState({ service: SERVICE, alert: "HighCpu" }, 0);
  const record = () => folds.incidents.find(INCIDENT);
  return { folds, written, read, limits, record };
}

const opened = () => entryOf("incident_opened", { alert: ALERT }, INCIDENT);
const joined = () => entryOf("alerts_joined", { alerts: [], count: 1 }, INCIDENT);
const closed = () => entryOf("incident_closed", { closing: { result: "held" } }, INCIDENT);
const flapped = () => entryOf("alert_flapped", { alert: ALERT, times: 3 }, INCIDENT);
const ended = () => entryOf("automation_ended");
const resumed = (seq: number) => entryOf("resumed", BY, { seq });
const paused = (seq: number) => entryOf("paused", BY, { seq, service: "other" });

describe("the last entry that was read", () => {
  test("is none in an empty journal, the last one of before, or of what has come", () => {
    expect(foldsOf().folds.seenSeq).toBe(0);
    const { folds, read } = foldsOf([resumed(4), resumed(7)]);
    expect(folds.seenSeq).toBe(7);
    read([]);
    expect(folds.seenSeq).toBe(7);
    read([resumed(8), resumed(9)]);
    expect(folds.seenSeq).toBe(9);
  });
});

describe("what is recorded here", () => {
  test("counts at once, and no second time when it is read", () => {
    const { folds, written, read, record } = foldsOf([opened()]);
    const own = ownOf(joined());
    folds.count(own);
    expect(record()?.joinedCount).toBe(1);
    written.set(2, own.entry);
    const before = folds.limitTracker;
    read([{ ...own.counted, seq: 2 }]);
    expect(record()?.joinedCount).toBe(1);
    // Nothing of others has come.
    expect(folds.limitTracker).toBe(before);
    read([paused(3)]);
    expect(record()?.joinedCount).toBe(1);
    expect(folds.limitTracker).not.toBe(before);
  });

  test("counts after what others have written before it", () => {
    const { folds, read, limits } = foldsOf();
    folds.count(ownOf(ended()));
    read([resumed(1)]);
    expect(limits().automationEnded).toBe(true);
  });

  test("counts before what others have written after it", () => {
    const { folds, written, read, limits } = foldsOf();
    const own = ownOf(ended());
    folds.count(own);
    written.set(1, own.entry);
    read([{ ...own.counted, seq: 1 }, resumed(2)]);
    expect(limits().automationEnded).toBe(false);
  });

  test("counts once, however often others are heard before it is written", () => {
    const { folds, read, record } = foldsOf([opened()]);
    folds.count(ownOf(joined()));
    read([paused(1)]);
    folds.count(ownOf(joined()));
    read([paused(2)]);
    expect(record()?.joinedCount).toBe(2);
  });

  test("and is given up counts before what others say from then on", () => {
    const { folds, read, limits } = foldsOf();
    const own = ownOf(ended());
    folds.count(own);
    folds.giveUp(own.entry);
    expect(limits().automationEnded).toBe(true);
    read([paused(1)]);
    expect(limits().automationEnded).toBe(true);
    read([resumed(2)]);
    expect(limits().automationEnded).toBe(false);
  });

  test("and is not kept counts as well, and stays", () => {
    const { folds, read } = foldsOf();
    const times = () => folds.limitTracker.flapping({ service: SERVICE, labels: {} }, 0)?.times;
    folds.countUnkept(flapped());
    expect(times()).toBe(3);
    read([paused(1)]);
    expect(times()).toBe(3);
  });
});

describe("an incident that has ended", () => {
  test.each<[string, (folds: JournalFolds) => void]>([
    ["is recorded", (folds) => folds.count(ownOf(ended()))],
    ["is counted that is not kept", (folds) => folds.countUnkept(ended())],
  ])("is forgotten when something else %s", (_, happens) => {
    const { folds, record } = foldsOf([opened()]);
    folds.count(ownOf(closed()));
    expect(record()?.phase).toBe("closed");
    happens(folds);
    expect(record()).toBeUndefined();
  });

  test("is forgotten for good", () => {
    const { folds, read, record } = foldsOf([opened(), closed()]);
    folds.forgetClosed();
    expect(record()).toBeUndefined();
    read([paused(1)]);
    expect(record()).toBeUndefined();
  });
});

describe("what others write has come since the journal was last read,", () => {
  const HOUR_MS = 3_600_000;

  test.each([
    ["when it says so", 1500, 0, 1500],
    ["by the clock that never jumps", 1500 + HOUR_MS, HOUR_MS, 1500],
    ["and no sooner", 200, 0, OPENED_AT_MS],
    ["and not in the future", 9999, 0, 2000],
  ])("%s", (_, atMs, aheadMs, expected) => {
    const { read, limits } = foldsOf();
    const until_ms = atMs + HOUR_MS;
    read([entryOf("paused", { ...BY, until_ms }, { seq: 1, atMs })], 2000, aheadMs);
    expect(limits().pausedUntilMs).toBe(expected + HOUR_MS);
  });

  test("which is each time later", () => {
    const { read, limits } = foldsOf();
    read([], 2000);
    read([entryOf("paused", { ...BY, until_ms: HOUR_MS }, { seq: 1, atMs: 0 })], 3000);
    expect(limits().pausedUntilMs).toBe(2000 + HOUR_MS);
  });
});
