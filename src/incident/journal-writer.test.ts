import { describe, expect, test } from "bun:test";
import { slowJournal } from "../../test/support/slow-journal.ts";
import { memoryJournal } from "../../test/support/story.ts";
import { SentinelError } from "../core/errors.ts";
import type { Journal, NewJournalEntry } from "../core/ports.ts";
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
  const orFail =
    (write: Journal["record"]): Journal["record"] =>
    async (entry) => {
      if (now.failure !== undefined) throw now.failure;
      return write(entry);
    };
  const failing = { record: orFail(journal.record), commit: orFail(journal.commit) };
  const writer = createJournalWriter(failing, { nowMs: () => now.atMs });
  return { journal, now, writer };
}

/** Fails once, and asks again every 5 s. @returns how long after the failure the journal is usable again */
async function outageMs({ now, writer }: ReturnType<typeof writing>): Promise<number> {
  const fromMs = now.atMs;
  now.failure = new SentinelError("journal_unavailable", "it is full");
  await writer.commit(entryOf("a"));
  now.failure = undefined;
  while (writer.trouble !== undefined) {
    now.atMs += 5000;
    await writer.writeQueued();
  }
  return now.atMs - fromMs;
}

describe("a journal that failed is usable again", () => {
  test("after 15 s, twice as long after each relapse, and after 10 min at most", async () => {
    const story = writing();
    const outagesS: number[] = [];
    for (let outage = 0; outage < 8; outage += 1) outagesS.push((await outageMs(story)) / 1000);
    expect(outagesS).toEqual([15, 30, 60, 120, 240, 480, 600, 600]);
  });

  test.each([
    ["just within the hour is a relapse", 3_599_999, 30],
    ["an hour later is none", 3_600_000, 15],
  ])("a failure %s", async (_, afterMs, backAfterS) => {
    const story = writing();
    await outageMs(story);
    story.now.atMs = afterMs;
    expect((await outageMs(story)) / 1000).toBe(backAfterS);
  });
});

test("a journal that goes on failing is usable 15 s after its last failure", async () => {
  const { now, writer } = writing();
  writer.queue(entryOf("a"));
  now.failure = new Error("it is full");
  await writer.writeQueued();
  now.atMs = 5000;
  await writer.writeQueued();
  now.failure = undefined;
  now.atMs = 19_999;
  await writer.writeQueued();
  expect(writer.trouble).toBe("it is full");
  now.atMs = 25_000;
  await writer.writeQueued();
  expect(writer.trouble).toBeUndefined();
});

test("it is tried again no more often than every 5 s", async () => {
  const { now, writer } = writing();
  let tried = 0;
  const fail = async () => {
    tried += 1;
    throw new Error("it is full");
  };
  await writer.attempt(fail);
  writer.queue(entryOf("a"));
  now.failure = new Error("it is full");
  now.atMs = 5000;
  expect(await writer.writeQueued()).toBe(false);
  now.failure = undefined;
  now.atMs = 9999;
  expect(await writer.writeQueued()).toBe(false);
  now.atMs = 10_000;
  expect(await writer.writeQueued()).toBe(true);
  expect(tried).toBe(1);
});

describe("what could not be written", () => {
  test("is written in its order once that is possible, and is its own", async () => {
    const { journal, writer } = writing();
    writer.queue(entryOf("a"));
    writer.queue(entryOf("b"));
    expect(await writer.writeQueued()).toBe(true);
    expect(await writer.commit(entryOf("c"))).toBe(true);
    const entries = await journal.readAfter(0);
    expect(entries.map(({ type }) => type)).toEqual(["a", "b", "c"]);
    expect(entries.map(({ seq }) => writer.takeOwn(seq)?.type)).toEqual(["a", "b", "c"]);
    expect(entries.map(({ seq }) => writer.takeOwn(seq))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("is at most 1000 entries, of which the oldest is given up first", async () => {
    const { journal, writer } = writing();
    const givenUp: (string | undefined)[] = [];
    for (let index = 0; index <= 1000; index += 1)
      givenUp.push(writer.queue(entryOf(`${index}`))?.type);
    expect(givenUp.filter((type) => type !== undefined)).toEqual(["0"]);
    expect(givenUp.at(-1)).toBe("0");
    await writer.writeQueued();
    const types = (await journal.readAfter(0)).map(({ type }) => type);
    expect(types).toHaveLength(1000);
    expect([types[0], types.at(-1)]).toEqual(["1", "1000"]);
  });
});

test("an entry that is given up while it is written takes no other one with it", async () => {
  const journal = memoryJournal();
  const late = { record: slowJournal(journal).record, commit: journal.commit };
  const writer = createJournalWriter(late, { nowMs: () => 0 });
  writer.queue(entryOf("0"));
  const isWritten = writer.writeQueued();
  for (let index = 1; index <= 1000; index += 1) writer.queue(entryOf(`${index}`));
  expect(await isWritten).toBe(true);
  const types = (await journal.readAfter(0)).map(({ type }) => type);
  expect(types).toEqual(Array.from({ length: 1001 }, (_, index) => `${index}`));
});

describe("its trouble", () => {
  test.each([
    ["what failed", undefined, "it is full"],
    ["what failed, and what to do", "Free some space", "it is full. Free some space"],
  ])("says %s", async (_, hint, trouble) => {
    const { now, writer } = writing();
    now.failure = new SentinelError("journal_unavailable", "it is full", hint ? { hint } : {});
    expect(await writer.commit(entryOf("a"))).toBe(false);
    expect(writer.trouble).toBe(trouble);
  });

  test("is news once, and so is its end", async () => {
    const story = writing();
    const { writer, now } = story;
    expect(writer.takeNews()).toBeUndefined();
    now.failure = new Error("it is full");
    await writer.commit(entryOf("a"));
    expect(writer.takeNews()).toEqual({ type: "journal_down", reason: "it is full" });
    expect(writer.takeNews()).toBeUndefined();
    await outageMs(story);
    expect(writer.takeNews()).toEqual({ type: "journal_back" });
    expect(writer.takeNews()).toBeUndefined();
  });

  test("holds up whatever is to be written meanwhile", async () => {
    const { journal, now, writer } = writing();
    now.failure = new Error("it is full");
    await writer.commit(entryOf("a"));
    now.failure = undefined;
    expect(await writer.commit(entryOf("b"))).toBe(false);
    expect(await journal.readAfter(0)).toEqual([]);
  });
});
