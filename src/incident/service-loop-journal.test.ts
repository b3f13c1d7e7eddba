/** The loop over one service by itself: when it polls, what it remembers, and what it ends with. */

import { describe, expect, test } from "bun:test";
import {
  containerState,
  NEVER,
  rule,
  type Script,
  SERVICE_NAME,
  type SimulatedClock,
  sample,
  simulatedClock,
  START_MS,
} from "../../test/support/fixtures.ts";
import {
  diagnoser,
  hotUntil,
  memoryJournal,
  type Story,
  type Told,
  tell,
} from "../../test/support/story.ts";
import { recorderWith } from "../../test/support/recorder.ts";
import { openRecorder } from "./recorder.ts";
import type { ToldEvent } from "../core/events.ts";
import { createLock } from "../core/lock.ts";
import type { Rule } from "../core/model.ts";
import type { Journal, JournalEntry } from "../core/ports.ts";
import { GONE } from "./service-loop.ts";

const SECOND = 1000;
const LIMITS = { cooldownMs: 60_000, mostPerService: 1000, mostInAll: 1000 };

function ofType<T extends ToldEvent["type"]>({ events }: Told, type: T) {
  return events.filter((event): event is Extract<ToldEvent, { type: T }> => event.type === type);
}

const types = ({ events }: Told) => events.map(({ type }) => type);
const always = () => 1.9;
const hot = hotUntil(Infinity);

/** Label sets of the rule, all hot from 10 s on. */
const hotSets =
  (...indexes: readonly number[]): Script =>
  (_, elapsedMs) =>
    elapsedMs < 10_000 ? 0.1 : indexes.map((index) => sample(1.9, { instance: `i${index}` }));

/** What a person writes into the journal. */
async function say(
  journal: Journal,
  type: JournalEntry["type"],
  fields: object = {},
): Promise<void> {
  const entry = { atMs: START_MS, service: SERVICE_NAME, incident: undefined, type };
  await journal.commit({ ...entry, fields: { by: "a test", ...fields } });
}

/** No intent can be written. */
const UNWRITABLE = { commit: async () => false, trouble: "the journal cannot be written" };

/** A rule of the same service on another signal. */
const other = (changes: Partial<Rule> = {}) =>
  rule({
    alert: "Other",
    expr: "other > 0.5",
    signal: { expr: "other", operator: ">", threshold: 0.5 },
    ...changes,
  });

/** The same time and journal again, as after a restart of Sentinel. */
const again = ({ clock, journal }: Told, forMs = 120_000) => ({
  clock,
  journal,
  untilMs: clock.elapsedMs + forMs,
});

describe("polls", () => {
  async function pollsOf(takesMs: number, clock: SimulatedClock = simulatedClock()) {
    const atMs: number[] = [];
    await tell({
      clock,
      script: () => 0.1,
      source: (own) => ({
        query: async (expr) => {
          if (expr !== "cpu") return [];
          atMs.push(own.elapsedMs);
          own.pass(takesMs);
          return [sample(0.1)];
        },
        range: async () => [],
        scrapeIntervalMs: async () => 5000,
      }),
      untilMs: 29_000,
    });
    return atMs;
  }

  test.each([
    [
      "at once, and then as far apart as they should be",
      0,
      [0, 5000, 10_000, 15_000, 20_000, 25_000],
    ],
    ["as far apart, though each takes a while", 2000, [0, 5000, 10_000, 15_000, 20_000, 25_000]],
    [
      "as far apart, though each takes almost as long",
      4999,
      [0, 5000, 10_000, 15_000, 20_000, 25_000],
    ],
    ["one after the other, if each takes longer", 7000, [0, 7000, 14_000, 21_000, 28_000]],
  ])("are %s", async (_, takesMs, expected) => {
    expect(await pollsOf(takesMs)).toEqual(expected);
  });

  test("wait for the time to pass, also when it does so in a turn of its own", async () => {
    const inner = simulatedClock();
    const sleep: SimulatedClock["sleep"] = async (durationMs, signal) => {
      await Promise.resolve();
      await inner.sleep(durationMs, signal);
    };
    const clock = Object.defineProperties(
      { ...inner, sleep },
      {
        elapsedMs: { get: () => inner.elapsedMs },
      },
    );
    expect(await pollsOf(0, clock)).toEqual([0, 5000, 10_000, 15_000, 20_000, 25_000]);
  });

  test("come at once after an incident: what else fires does not wait for the next one", async () => {
    const told = await tell({
      script: hot,
      rules: [rule({ permits: [] }), other({ permits: [] })],
      untilMs: 60_000,
    });
    const [first, second] = ofType(told, "incident_opened");
    expect(first?.atMs).toBe(START_MS + 10_000);
    // As long as the diagnosis of the first took.
    expect(second?.atMs).toBe(START_MS + 11_000);
  });

  test("that end with a stop of Sentinel say nothing any more", async () => {
    const stop = new AbortController();
    const told = await tell({
      stop,
      script: (_, elapsedMs) => {
        if (elapsedMs >= 10_000) stop.abort();
        return elapsedMs >= 10_000 ? 1.9 : 0.1;
      },
      untilMs: 60_000,
    });
    expect(types(told)).toEqual(["quiet"]);
  });
});

describe("quiet", () => {
  test("is told with every alert at rest, of files as well", async () => {
    const told = await tell({
      script: () => [sample(0.1, { service: "sentinel-target-api" })],
      rules: [rule()],
      files: [
        rule({
          alert: "OfAFile",
          expr: "io > 5",
          signal: { expr: "io", operator: ">", threshold: 5 },
        }),
      ],
      untilMs: 4000,
    });
    const [quiet] = ofType(told, "quiet");
    expect(quiet?.alerts.map((alert) => alert.rule.alert).toSorted()).toEqual([
      "HighCpu",
      "OfAFile",
    ]);
  });

  test("is told again a minute after an incident has ended, and not before", async () => {
    const told = await tell({ script: hotUntil(13_000), untilMs: 180_000 });
    const endedMs = ofType(told, "incident_closed")[0]?.atMs ?? 0;
    const after = ofType(told, "quiet").filter(({ atMs }) => atMs > endedMs);
    expect(after[0]?.atMs).toBeWithin(endedMs + 60_000, endedMs + 70_000);
    expect(ofType(told, "quiet").filter(({ atMs }) => atMs < endedMs)).toHaveLength(1);
  });

  test("is not told until a source that failed is back for good", async () => {
    const told = await tell({
      script: (_, elapsedMs) => (elapsedMs < 61_000 ? new Error("it is down") : 0.1),
      rules: [rule()],
      untilMs: 90_000,
    });
    expect(types(told).filter((type) => !type.startsWith("alert"))).toEqual([
      "source_down",
      "source_back",
      "quiet",
    ]);
    expect(ofType(told, "source_down")[0]?.reason).toContain("it is down");
  });

  test.each<[string, number, readonly ToldEvent["type"][]]>([
    ["two polls", 2, ["source_down"]],
    ["three polls", 3, ["source_down", "source_back"]],
  ])("a source that failed at first is back after %s: %p", async (_, polls, expected) => {
    const told = await tell({
      script: (_expr, elapsedMs) => (elapsedMs < 5000 ? new Error("it is down") : 0.1),
      untilMs: polls * 5000 + 2000,
    });
    expect(types(told).filter((type) => type.startsWith("source"))).toEqual([...expected]);
  });
});

describe("a firing that was taken up before a restart of Sentinel", () => {
  const incurable: Story = { script: always, untilMs: 120_000 };

  test("is left to a person, who is told once, until it has resolved", async () => {
    const first = await tell(incurable);
    expect([first.runs.length, first.closings.length]).toEqual([1, 1]);
    const second = await tell({ ...incurable, ...again(first) });
    expect(second.runs).toEqual([]);
    expect(types(second)).not.toContain("incident_opened");
    expect(ofType(second, "left_alone").map(({ reason }) => reason)).toEqual([
      "an incident took it up before Sentinel was restarted; it is a person's until it has resolved",
    ]);
    const resolvedMs = second.clock.elapsedMs + 20_000;
    const third = await tell({
      ...incurable,
      ...again(second, 300_000),
      script: (_, elapsedMs) =>
        elapsedMs > resolvedMs && elapsedMs < resolvedMs + 20_000 ? 0.1 : 1.9,
    });
    expect(third.runs).toHaveLength(1);
  });

  test("is not told of while its incident is open", async () => {
    const first = await tell({ ...incurable, killAt: ({ type }) => type === "decided" });
    const second = await tell({ ...incurable, ...again(first) });
    expect(ofType(second, "left_alone")).toEqual([]);
    expect(ofType(second, "incident_resumed")).toHaveLength(1);
  });

  test("is told of while the incident of another alert is open", async () => {
    const memory = rule({
      alert: "HighMemory",
      expr: "memory > 0.5",
      signal: { expr: "memory", operator: ">", threshold: 0.5 },
    });
    const both: Story = { ...incurable, rules: [rule(), memory], untilMs: 400_000 };
    let opened = 0;
    const first = await tell({
      ...both,
      killAt: ({ type }) => type === "incident_opened" && (opened += 1) === 2,
    });
    const second = await tell({ ...both, ...again(first) });
    expect(ofType(second, "left_alone").map(({ alert }) => alert.rule.alert)).toEqual(["HighCpu"]);
    expect(ofType(second, "incident_resumed").map(({ alertname }) => alertname)).toEqual([
      "HighMemory",
    ]);
  });

  test("at the very end of its incident is not taken up again, nor what had joined it", async () => {
    const script = hotSets(1, 2);
    const first = await tell({
      script,
      untilMs: 120_000,
      killAt: ({ type }) => type === "incident_closed",
    });
    expect(ofType(first, "alerts_joined")).toHaveLength(1);
    const second = await tell({ ...again(first), script });
    expect(types(second)).not.toContain("incident_opened");
    expect(second.runs).toEqual([]);
  });

  test("and of which there are more than are kept is told of once for each label set", async () => {
    const script = hotSets(...Array.from({ length: 230 }, (_, index) => index));
    const first = await tell({ script, untilMs: 120_000 });
    const second = await tell({ ...again(first), script });
    expect(ofType(second, "left_alone")).toHaveLength(230);
    expect(types(second)).not.toContain("incident_opened");
  });

  test("before anything of its incident was written is taken up", async () => {
    const first = await tell({ ...incurable, killAt: ({ type }) => type === "alert_changed" });
    const second = await tell({ ...incurable, ...again(first) });
    expect(second.runs).toHaveLength(1);
  });

  test("is the same firing over several restarts, and costs one action", async () => {
    let told = await tell(incurable);
    let runs = told.runs.length;
    for (let restart = 0; restart < 5; restart += 1) {
      told = await tell({ ...incurable, ...again(told, 20_000 + 7000 * restart) });
      runs += told.runs.length;
    }
    expect(runs).toBe(1);
  });
});

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

describe("what a restart cut short", () => {
  test("is told once, however often it is looked at before it goes on", async () => {
    const first = await tell({ script: hot, killInAction: true, untilMs: 60_000 });
    const second = await tell({
      ...again(first),
      script: hot,
      serviceContext: () => ({
        platform: {
          inspect: async () => {
            throw new Error("Docker does not answer");
          },
          logs: async () => [],
        },
      }),
    });
    expect(second.closings).toEqual([]);
    expect(ofType(second, "incident_resumed")).toHaveLength(1);
  });

  test.each(["incident_opened", "verification_started"] as const)(
    "after %s goes on once the source answers, and not before",
    async (at) => {
      const first = await tell({ script: hot, untilMs: 60_000, killAt: ({ type }) => type === at });
      const { clock } = first;
      const backMs = clock.elapsedMs + 40_000;
      const second = await tell({
        ...again(first),
        script: (expr, elapsedMs) =>
          elapsedMs < backMs ? new Error("it is down") : hot(expr, elapsedMs),
      });
      const [resumed, ...more] = ofType(second, "incident_resumed");
      expect(more).toEqual([]);
      expect((resumed?.atMs ?? 0) - START_MS).toBeWithin(backMs, backMs + 10_000);
    },
  );

  test("takes its own label set up, and leaves the others of its rule to join it", async () => {
    const script = hotSets(1, 2);
    const first = await tell({
      script,
      untilMs: 60_000,
      killAt: ({ type }) => type === "incident_opened",
    });
    const second = await tell({ ...again(first), script });
    expect(ofType(second, "incident_opened")).toEqual([]);
    const joined = ofType(second, "alerts_joined").flatMap(({ alerts }) =>
      alerts.map(({ labels }) => labels["instance"]),
    );
    expect(joined).toEqual(["i2"]);
  });

  test("does not take its own label set for one that joins it, where no states were kept", async () => {
    const script = hotSets(1, 2);
    const first = await tell({
      script,
      untilMs: 60_000,
      killAt: ({ type }) => type === "incident_opened",
    });
    const journal = { ...first.journal, readStates: async () => new Map() };
    const second = await tell({ ...again(first), journal, script });
    const joined = ofType(second, "alerts_joined").flatMap(({ alerts }) =>
      alerts.map(({ labels }) => labels["instance"]),
    );
    expect(joined).toEqual(["i2"]);
  });

  test.each([
    ["ends", "observe", "incident_closed"],
    ["comes to ask a person", "approve", "approval_requested"],
  ] as const)("%s, and only what fires after it is taken up", async (_, autonomy, expected) => {
    const first = await tell({
      script: hot,
      untilMs: 60_000,
      killAt: ({ type }) => type === "incident_opened",
    });
    const restartMs = first.clock.elapsedMs;
    const second = await tell({
      ...again(first),
      policy: { autonomy },
      rules: [rule(), other()],
      script: (expr, elapsedMs) => (expr === "cpu" || elapsedMs === restartMs ? 1.9 : 0.1),
    });
    expect(types(second)).toContain(expected);
    expect(ofType(second, "incident_opened")).toEqual([]);
  });

  test("holds up the other label sets of its rule until it goes on", async () => {
    const first = await tell({
      script: hotSets(1),
      untilMs: 60_000,
      killAt: ({ type }) => type === "incident_opened",
    });
    const { clock } = first;
    clock.pass(3000);
    const restartMs = clock.elapsedMs;
    // Started since its alert began, so that nothing can be told of it for a while, but before the other's.
    const container = containerState({ startedAtMs: clock.nowMs() - 1000 });
    const second = await tell({
      ...again(first),
      script: (_, elapsedMs) => hotSets(...(elapsedMs > restartMs ? [1, 2] : [1]))(_, elapsedMs),
      serviceContext: () => ({
        platform: { inspect: async () => container, logs: async () => [] },
      }),
    });
    expect(ofType(second, "incident_opened")).toEqual([]);
    const [joined] = ofType(second, "alerts_joined");
    expect(joined?.incident).toBe(ofType(first, "incident_opened")[0]?.incident ?? "");
  });
});

describe("since when an alert has been pending", () => {
  test("is kept over a restart of Sentinel", async () => {
    const patient: Story = { script: hot, rules: [rule({ forMs: 60_000 })], untilMs: 40_000 };
    const first = await tell(patient);
    const second = await tell({ ...patient, ...again(first) });
    const [opened] = ofType(second, "incident_opened");
    expect((opened?.atMs ?? 0) - START_MS).toBeWithin(70_000, 76_000);
  });

  test("is written down when it changes, and now and again, but not at each poll", async () => {
    const written: string[] = [];
    const inner = memoryJournal();
    const journal: Journal = {
      ...inner,
      async saveState(name, text) {
        written.push(name);
        await inner.saveState(name, text);
      },
    };
    await tell({ script: () => 0.1, journal, untilMs: 120_000 });
    expect(written).toEqual([]);
    await tell({ script: hot, rules: [rule({ forMs: 600_000 })], journal, untilMs: 130_000 });
    // At 10, 40, 70 and 100 s.
    expect(written).toHaveLength(4);
  });
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

describe("label sets that fire beside the one of an incident", () => {
  const set = (index: number) => sample(1.9, { instance: `i${index}` });

  test("join it while they hold, the first twenty by name, and no other rule's", async () => {
    const memory = rule({
      alert: "HighMemory",
      expr: "memory > 0.5",
      signal: { expr: "memory", operator: ">", threshold: 0.5 },
      severity: "medium",
    });
    const told = await tell({
      rules: [rule(), memory],
      script: (expr, elapsedMs) => {
        if (elapsedMs < 10_000) return 0.1;
        return expr === "cpu" ? Array.from({ length: 26 }, (_, index) => set(index)) : 1.9;
      },
      untilMs: 30_000,
    });
    const [joined, ...more] = ofType(told, "alerts_joined");
    expect(more).toEqual([]);
    expect(joined?.count).toBe(25);
    expect(joined?.alerts.map(({ labels }) => labels["instance"])).toEqual(
      Array.from({ length: 20 }, (_, index) => `i${index + 1}`),
    );
    const [{ incident } = { incident: undefined }] = ofType(told, "incident_opened");
    expect(joined?.incident).toBe(incident ?? "");
  });

  /** One is hot from 10 s on and kept firing, the other at those times. */
  const keptFiring = (isHot: (elapsedMs: number) => boolean): Story => ({
    rules: [rule({ keepFiringForMs: 600_000 })],
    script: (_, elapsedMs) => [
      sample(elapsedMs >= 10_000 ? 1.9 : 0.1, { instance: "i1" }),
      sample(isHot(elapsedMs) ? 1.9 : 0.1, { instance: "i2" }),
    ],
    untilMs: 300_000,
  });

  test("do not join it once they are quiet, nor are they taken up when they come back", async () => {
    const told = await tell(
      keptFiring(
        (elapsedMs) => (elapsedMs >= 20_000 && elapsedMs < 30_000) || elapsedMs >= 200_000,
      ),
    );
    expect(ofType(told, "alerts_joined")).toEqual([]);
    expect(ofType(told, "incident_opened")).toHaveLength(1);
  });

  test("are not taken up either if Sentinel is restarted when it ends", async () => {
    const story = keptFiring((elapsedMs) => elapsedMs >= 20_000 && elapsedMs < 30_000);
    const first = await tell({ ...story, stopAt: "incident_closed" });
    expect(first.clock.elapsedMs).toBeGreaterThan(30_000);
    const second = await tell({ ...keptFiring(() => true), ...again(first) });
    expect(ofType(second, "incident_opened")).toEqual([]);
  });

  test("that were only pending when it ended and Sentinel was restarted are taken up", async () => {
    const story = (hotMs: number): Story => ({
      rules: [rule({ forMs: 30_000 })],
      script: (_, elapsedMs) => [
        sample(elapsedMs < 60_000 ? 1.9 : 0.1, { instance: "i1" }),
        sample(elapsedMs >= hotMs ? 1.9 : 0.1, { instance: "i2" }),
      ],
      untilMs: 300_000,
    });
    const whole = await tell({ ...story(Infinity), stopAt: "incident_closed" });
    const endMs = whole.clock.elapsedMs;
    const first = await tell({ ...story(endMs - 12_000), stopAt: "incident_closed" });
    expect([...(await first.journal.readStates()).values()].join("")).toContain(
      '"state":"pending"',
    );
    first.clock.pass(40_000);
    const second = await tell({ ...story(endMs - 12_000), ...again(first) });
    expect(ofType(second, "left_alone")).toEqual([]);
    expect(ofType(second, "incident_opened")).toHaveLength(1);
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

describe("a service that is gone for good", () => {
  const approving: Story = { script: hot, policy: { autonomy: "approve" }, untilMs: 300_000 };

  test("ends what waits for a person, and what a restart had cut short", async () => {
    const stop = new AbortController();
    const told = await tell({
      ...approving,
      stop,
      serviceContext: (clock) => (clock.at(60_000, () => stop.abort(GONE)), {}),
    });
    expect(ofType(told, "approval_requested")).toHaveLength(1);
    expect(told.closings).toMatchObject([{ result: "skipped", reason: "container_replaced" }]);
  });

  test("and one that is only not watched for now leaves them", async () => {
    const told = await tell({ ...approving, untilMs: 60_000 });
    expect(told.closings).toEqual([]);
  });

  test("ends an incident of before the restart whose command is in flight", async () => {
    const first = await tell({ script: hot, killInAction: true, untilMs: 60_000 });
    const stop = new AbortController();
    const { clock } = first;
    const atMs = clock.elapsedMs + 7000;
    const told = await tell({
      ...again(first),
      script: hot,
      stop,
      serviceContext: () => (clock.at(atMs, () => stop.abort(GONE)), {}),
    });
    expect(told.closings).toMatchObject([
      {
        result: "acted",
        verdict: {
          kind: "unknown",
          reason: "its container is gone, so nothing shows whether it is well",
        },
      },
    ]);
  });
});

describe("the turn to act, of all services", () => {
  const isFree = async (lock: ReturnType<typeof createLock>) => {
    const soon = new AbortController();
    setImmediate(() => soon.abort());
    using _ = await lock.acquire(soon.signal);
    return !soon.signal.aborted;
  };

  test("is held while a command of before the restart is in flight, and given back at the end", async () => {
    const first = await tell({ script: hot, killInAction: true, untilMs: 60_000 });
    const { clock } = first;
    const actionLock = createLock();
    let freeAtMs: number | undefined;
    clock.at(clock.elapsedMs + 6000, async () => {
      using _ = await actionLock.acquire(NEVER);
      freeAtMs = clock.elapsedMs;
    });
    const { untilMs } = again(first, 8000);
    const told = await tell({
      ...again(first),
      untilMs,
      script: hot,
      serviceContext: () => ({ actionLock }),
    });
    expect(types(told)).not.toContain("action_finished");
    expect(await isFree(actionLock)).toBe(true);
    expect(freeAtMs).toBe(untilMs);
  });

  test("is free when nothing was cut short", async () => {
    const actionLock = createLock();
    await tell({ script: () => 0.1, untilMs: 20_000, serviceContext: () => ({ actionLock }) });
    expect(await isFree(actionLock)).toBe(true);
  });
});

test("times of events are those of the clock", async () => {
  const told = await tell({ script: hotUntil(13_000), untilMs: 60_000 });
  expect(ofType(told, "incident_opened")[0]?.atMs).toBe(START_MS + 10 * SECOND);
});
