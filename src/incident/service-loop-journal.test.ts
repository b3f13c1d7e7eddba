/** The loop over one service and its journal: what waits for it, and what it keeps. */

import { describe, expect, test } from "bun:test";
import { rule, START_MS } from "../../test/support/fixtures.ts";
import { diagnoser, memoryJournal, type Story, tell } from "../../test/support/story.ts";
import { ofType, types, hot, hotSets, say, other } from "../../test/support/loop-story.ts";
import { recorderWith } from "../../test/support/recorder.ts";
import { openRecorder } from "./recorder.ts";
import type { Rule } from "../core/model.ts";
import type { JournalEntry } from "../core/ports.ts";
import { GONE } from "./service-loop.ts";

/** No intent can be written. */
const UNWRITABLE = { commit: async () => false, trouble: "the journal cannot be written" };

const LIMITS = { cooldownMs: 60_000, mostPerService: 1000, mostInAll: 1000 };

test("a firing that a person has paused is told of once, and once more when it comes back", async () => {
  const journal = memoryJournal();
  await say(journal, "paused");
  const told = await tell({
    journal,
    script: (_, elapsedMs) =>
      (elapsedMs >= 10_000 && elapsedMs < 22_000) || elapsedMs >= 40_000 ? 1.9 : 0.1,
    untilMs: 100_000,
  });
  expect(ofType(told, "left_alone").map(({ reason }) => reason)).toEqual(
    Array(2).fill("paused by a person; sentinel resume ends it"),
  );
});

describe("what waits for the journal", () => {
  interface Postponed {
    readonly script: Story["script"];
    /** The intent cannot be written until then. */
    readonly backMs: number;
    readonly rules?: readonly Rule[];
    /** What is said meanwhile. */
    readonly words?: Readonly<Record<number, JournalEntry["type"]>>;
  }

  /** An incident whose intent cannot be written until then. */
  async function postponed({ backMs, words = {}, ...story }: Postponed) {
    return await tell({
      ...story,
      serviceContext: async (clock) => {
        const journal = memoryJournal();
        const recorder = await openRecorder(journal, LIMITS, clock);
        const isDown = () => clock.elapsedMs < backMs;
        for (const [atMs, type] of Object.entries(words))
          clock.at(Number(atMs), async () => await say(journal, type));
        return {
          recorder: recorderWith(recorder, {
            commit: async (intent) => !isDown() && (await recorder.commit(intent)),
            get trouble() {
              return isDown() ? "the journal cannot be written" : undefined;
            },
          }),
        };
      },
      untilMs: 200_000,
    });
  }

  test("is done once it can be written, which a person is told before", async () => {
    const told = await postponed({ script: hot, backMs: 60_000 });
    expect(told.runs).toHaveLength(1);
    expect(told.runs[0]?.elapsedMs).toBeWithin(60_000, 67_000);
    expect(ofType(told, "left_alone").map(({ reason }) => reason)).toEqual([
      "the journal cannot be written; what was decided waits until it can",
    ]);
  });

  test.each([
    ["before it can be written", 100_000],
    ["at the poll at which it can be", 41_000],
  ])("ends when its alert is over %s, although another one fires", async (_, backMs) => {
    const rules = [rule(), other({ permits: [] })];
    const told = await postponed({
      script: (expr, elapsedMs) =>
        expr === "other" || (elapsedMs >= 10_000 && elapsedMs < 41_000) ? 1.9 : 0.1,
      backMs,
      rules,
    });
    expect(told.runs).toEqual([]);
    const opened = ofType(told, "incident_opened").find(({ alert }) => alert.rule === rules[0]);
    const closed = ofType(told, "incident_closed").filter(
      ({ incident }) => incident === opened?.incident,
    );
    expect(closed).toMatchObject([{ closing: { result: "skipped", reason: "alert_resolved" } }]);
    expect((closed[0]?.atMs ?? 0) - START_MS).toBeWithin(41_000, 47_000);
  });

  test("goes on while one of its label sets fires and another is only pending", async () => {
    const told = await postponed({
      script: (_, elapsedMs) => hotSets(...(elapsedMs < 50_000 ? [1] : [1, 2]))(_, elapsedMs),
      rules: [rule({ forMs: 15_000 })],
      backMs: 60_000,
    });
    expect(told.runs).toHaveLength(1);
    expect(ofType(told, "incident_opened")).toHaveLength(1);
  });

  test("waits on while the source does not answer", async () => {
    const told = await postponed({
      script: (_, elapsedMs) => {
        if (elapsedMs < 10_000) return 0.1;
        return elapsedMs >= 30_000 && elapsedMs < 90_000 ? new Error("it is down") : 1.9;
      },
      backMs: 60_000,
    });
    expect(told.runs[0]?.elapsedMs).toBeWithin(90_000, 97_000);
  });

  test("waits on while a person has paused it", async () => {
    const told = await postponed({
      script: hot,
      backMs: 60_000,
      words: { 40_000: "paused", 100_000: "resumed" },
    });
    expect(told.runs).toHaveLength(1);
    expect(told.runs[0]?.elapsedMs).toBeWithin(100_000, 107_000);
  });

  test("is done, and only what fires after it is taken up", async () => {
    const told = await postponed({
      script: (expr, elapsedMs) => {
        const fromMs = expr === "cpu" ? 10_000 : 60_000;
        return elapsedMs >= fromMs && elapsedMs < 62_000 ? 1.9 : 0.1;
      },
      backMs: 60_000,
      rules: [rule(), other({ severity: "low" })],
    });
    expect(told.runs).toHaveLength(1);
    expect(ofType(told, "incident_opened")).toHaveLength(1);
    // Which it would have been told of, had it been looked at.
    expect(types(told)).not.toContain("cooling_down");
  });

  test("ends with a service that is gone", async () => {
    const stop = new AbortController();
    const told = await tell({
      script: hot,
      stop,
      serviceContext: async (clock) => {
        clock.at(60_000, () => stop.abort(GONE));
        return {
          recorder: recorderWith(await openRecorder(memoryJournal(), LIMITS, clock), UNWRITABLE),
        };
      },
      untilMs: 100_000,
    });
    expect(told.closings).toMatchObject([{ result: "skipped", reason: "container_replaced" }]);
  });
});

describe("what is kept", () => {
  test("is each change of an alert, and that automation has ended", async () => {
    const told = await tell({
      script: hot,
      serviceContext: (clock) => ({
        checkHealth: async () => ({ ok: clock.elapsedMs < 11_500, message: "" }),
      }),
      untilMs: 120_000,
    });
    const kept = (await told.journal.readAfter(0)).map(({ type }) => type);
    expect(kept).toContain("automation_ended");
    expect(types(told)).toContain("automation_ended");
  });

  test("an intent that cannot be kept is neither told nor acted upon", async () => {
    const told = await tell({
      script: hot,
      serviceContext: async (clock) => ({
        diagnosers: [diagnoser(clock)],
        recorder: recorderWith(await openRecorder(memoryJournal(), LIMITS, clock), UNWRITABLE),
      }),
      untilMs: 30_000,
    });
    expect(told.runs).toEqual([]);
    expect(types(told)).toContain("decided");
    expect(types(told)).not.toContain("action_started");
  });
});
