import { describe, expect, test } from "bun:test";
import { memoryJournal } from "../../test/support/story.ts";
import { SentinelError } from "../core/errors.ts";
import type { NewJournalEntry } from "../core/ports.ts";
import { createJournalWriter } from "./journal-writer.ts";

const entryOf = (type: string): NewJournalEntry => ({
  atMs: 0,
  service: "shop",
  incident: undefined,
  type,
  fields: {},
});

/** A writer to a journal that can be full, at a time that is set. */
function writing() {
  const journal = memoryJournal();
  const now: { atMs: number; failure: Error | undefined } = { atMs: 0, failure: undefined };
  const failing: typeof journal.append = (entry, durability) => {
    if (now.failure !== undefined) throw now.failure;
    return journal.append(entry, durability);
  };
  const writer = createJournalWriter({ append: failing }, { nowMs: () => now.atMs });
  return { journal, now, writer };
}

/** Fails once, and asks again every 5 s. @returns how long after the failure the journal is usable again */
function outageMs({ now, writer }: ReturnType<typeof writing>): number {
  const fromMs = now.atMs;
  now.failure = new SentinelError("journal_unavailable", "it is full");
  writer.write(entryOf("a"), "soon");
  now.failure = undefined;
  while (writer.trouble !== undefined) {
    now.atMs += 5000;
    writer.catchUp();
  }
  return now.atMs - fromMs;
}

describe("a journal that failed is usable again", () => {
  test("after 15 s, twice as long after each relapse, and after 10 min at most", () => {
    const story = writing();
    const outagesS = Array.from({ length: 8 }, () => outageMs(story) / 1000);
    expect(outagesS).toEqual([15, 30, 60, 120, 240, 480, 600, 600]);
  });

  test.each([
    ["just within the hour is a relapse", 3_599_999, 30],
    ["an hour later is none", 3_600_000, 15],
  ])("a failure %s", (_, afterMs, backAfterS) => {
    const story = writing();
    outageMs(story);
    story.now.atMs = afterMs;
    expect(outageMs(story) / 1000).toBe(backAfterS);
  });
});

test("it is tried again no more often than every 5 s", () => {
  const { now, writer } = writing();
  let tried = 0;
  const fail = () => {
    tried += 1;
    throw new Error("it is full");
  };
  writer.attempt(fail);
  writer.postpone(entryOf("a"));
  now.failure = new Error("it is full");
  now.atMs = 5000;
  expect(writer.catchUp()).toBe(false);
  now.failure = undefined;
  now.atMs = 9999;
  expect(writer.catchUp()).toBe(false);
  now.atMs = 10_000;
  expect(writer.catchUp()).toBe(true);
  expect(tried).toBe(1);
});

describe("what could not be written", () => {
  test("is written in its order once that is possible, and is its own", () => {
    const { journal, writer } = writing();
    writer.postpone(entryOf("a"));
    writer.postpone(entryOf("b"));
    expect(writer.catchUp()).toBe(true);
    expect(writer.write(entryOf("c"), "now")).toBe(true);
    const entries = journal.readAfter(0);
    expect(entries.map(({ type }) => type)).toEqual(["a", "b", "c"]);
    expect(entries.map(({ seq }) => writer.takeOwn(seq))).toEqual([true, true, true]);
    expect(entries.map(({ seq }) => writer.takeOwn(seq))).toEqual([false, false, false]);
  });

  test("is at most 1000 entries, of which the oldest is given up first", () => {
    const { journal, writer } = writing();
    for (let index = 0; index <= 1000; index += 1) writer.postpone(entryOf(`${index}`));
    writer.catchUp();
    const types = journal.readAfter(0).map(({ type }) => type);
    expect(types).toHaveLength(1000);
    expect([types[0], types.at(-1)]).toEqual(["1", "1000"]);
  });
});

describe("its trouble", () => {
  test.each([
    ["what failed", undefined, "it is full"],
    ["what failed, and what to do", "Free some space", "it is full. Free some space"],
  ])("says %s", (_, hint, trouble) => {
    const { now, writer } = writing();
    now.failure = new SentinelError("journal_unavailable", "it is full", hint ? { hint } : {});
    expect(writer.write(entryOf("a"), "now")).toBe(false);
    expect(writer.trouble).toBe(trouble);
  });

  test("is news once, and so is its end", () => {
    const story = writing();
    const { writer, now } = story;
    expect(writer.takeNews()).toBeUndefined();
    now.failure = new Error("it is full");
    writer.write(entryOf("a"), "now");
    expect(writer.takeNews()).toEqual({ type: "journal_down", reason: "it is full" });
    expect(writer.takeNews()).toBeUndefined();
    outageMs(story);
    expect(writer.takeNews()).toEqual({ type: "journal_back" });
    expect(writer.takeNews()).toBeUndefined();
  });

  test("holds up whatever is to be written meanwhile", () => {
    const { journal, now, writer } = writing();
    now.failure = new Error("it is full");
    writer.write(entryOf("a"), "now");
    now.failure = undefined;
    expect(writer.write(entryOf("b"), "now")).toBe(false);
    expect(journal.readAfter(0)).toEqual([]);
  });
});
