/** Sentinel is killed, and started again: at every boundary between two events of an incident. */

import { describe, expect, test } from "bun:test";
import {
  alert,
  containerState,
  rule,
  SERVICE_NAME,
  START_MS,
} from "../../test/support/fixtures.ts";
import { entriesOf } from "../../test/support/incident-entries.ts";
import type { IncidentEvent, SentinelEvent } from "../core/events.ts";
import type { ContainerState, Sample } from "../core/model.ts";
import type { Journal, NewJournalEntry } from "../core/ports.ts";
import { SentinelError } from "../core/errors.ts";
import { slowJournal } from "../../test/support/slow-journal.ts";
import { ACTED, memoryJournal, type Story, type Told, tell } from "../../test/support/story.ts";

/** As a source has it: with labels of its own, which the alert takes over. */
function sampleOf(value: number, elapsedMs: number): Sample {
  return { labels: { instance: "a:8000" }, value, timestampMs: START_MS + elapsedMs };
}

/** A service that is hot from 10 s on until a restart cures it; its container says when that was. */
function service() {
  const starts: number[] = [];
  const isHot = (elapsedMs: number) => elapsedMs >= 10_000 && starts.length === 0;
  const story: Pick<Story, "script" | "act" | "serviceContext"> = {
    script: (expr, elapsedMs) =>
      expr === "cpu" ? [sampleOf(isHot(elapsedMs) ? 1.9 : 0.1, elapsedMs)] : undefined,
    act(clock) {
      starts.push(clock.nowMs());
      return {};
    },
    serviceContext: () => ({
      platform: {
        inspect: async () => containerState({ startedAtMs: starts.at(-1) ?? START_MS - 60_000 }),
        logs: async () => [],
      },
    }),
  };
  return { story, starts };
}

/** Until it is killed, and from then on until it has been quiet for a while. */
async function killedAndBack(first: Partial<Story>, awayMs = 5000) {
  const { story, starts } = service();
  const before = await tell({ ...story, untilMs: 300_000, ...first });
  before.clock.pass(awayMs);
  const { clock, journal } = before;
  const after = await tell({ ...story, clock, journal, untilMs: clock.elapsedMs + 300_000 });
  return { before, after, starts, entries: await journal.readAfter(0) };
}

function types({ events }: Told) {
  return events.map(({ type }) => type);
}

describe("killed right after", () => {
  test.each(ACTED)("%s: it ends with the right verdict, and nothing was done twice", async (at) => {
    const { starts, entries, before, after } = await killedAndBack({
      killAt: ({ type }) => type === at,
    });
    expect(types(before).at(-1)).toBe(at);
    expect(starts).toHaveLength(1);
    const count = (type: string) => entries.filter((entry) => entry.type === type).length;
    expect(count("incident_opened")).toBe(1);
    expect(count("incident_closed")).toBe(1);
    expect(entries.findLast(({ type }) => type === "incident_closed")?.fields).toMatchObject({
      closing: { result: "acted", verdict: { kind: "healed" } },
    });
    // One intent for each time that it was really to be done: none is left without an outcome.
    expect(count("action_started")).toBe(count("action_finished"));
    expect(types(after).includes("incident_resumed")).toBe(at !== "incident_closed");
  });

  test("again and again at every boundary in turn: one restart, one verdict", async () => {
    const { story, starts } = service();
    let told = await tell({ ...story, untilMs: 300_000, killAt: () => true });
    for (let kills = 0; kills < 60; kills += 1) {
      const { clock, journal } = told;
      let events = 0;
      // Each life is long enough to get further than the one before.
      const killAt = () => (events += 1) > 9;
      told = await tell({ ...story, clock, journal, untilMs: clock.elapsedMs + 300_000, killAt });
      if ((await journal.readAfter(0)).some(({ type }) => type === "incident_closed")) break;
    }
    const entries = await told.journal.readAfter(0);
    expect(starts).toHaveLength(1);
    expect(entries.filter(({ type }) => type === "incident_closed")).toHaveLength(1);
  });
});

describe("in a journal that answers late, killed right after", () => {
  test.each(ACTED)("%s: it comes to the same", async (at) => {
    const { starts, entries } = await killedAndBack({
      killAt: ({ type }) => type === at,
      journal: slowJournal(),
    });
    expect(starts).toHaveLength(1);
    const count = (type: string) => entries.filter((entry) => entry.type === type).length;
    expect(count("incident_closed")).toBe(1);
    expect(count("action_started")).toBe(count("action_finished"));
    expect(entries.findLast(({ type }) => type === "incident_closed")?.fields).toMatchObject({
      closing: { result: "acted", verdict: { kind: "healed" } },
    });
  });
});

describe("killed before what was recorded last is written, with", () => {
  /** Keeps so many entries, and is killed when it is to keep one more. */
  function cutOff(inner: Journal, entries: number, kill: () => void): Journal {
    let left = entries;
    const unlessKilled = <Given, T>(work: (given: Given) => Promise<T>) => {
      return async (given: Given): Promise<T> => {
        left -= 1;
        if (left >= 0) return work(given);
        kill();
        throw new SentinelError("journal_unavailable", "nobody writes it any more");
      };
    };
    return {
      ...inner,
      record: unlessKilled(inner.record),
      commit: unlessKilled(inner.commit),
      async saveState(name, text) {
        if (left >= 0) await inner.saveState(name, text);
      },
    };
  }

  test.each([...ACTED.keys()])("%d entries: it ends with one restart, and healed", async (kept) => {
    const { story, starts } = service();
    const stop = new AbortController();
    const inner = memoryJournal();
    const journal = cutOff(inner, kept, () => stop.abort());
    const before = await tell({ ...story, untilMs: 300_000, journal, stop });
    expect(await inner.readAfter(0)).toHaveLength(kept);
    // Nothing was done of which the intent is not kept.
    expect(starts).toHaveLength(ACTED.slice(0, kept).includes("action_started") ? 1 : 0);
    const { clock } = before;
    clock.pass(5000);
    await tell({ ...story, clock, journal: inner, untilMs: clock.elapsedMs + 300_000 });
    const entries = await inner.readAfter(0);
    expect(starts).toHaveLength(1);
    const closed = entries.filter(({ type }) => type === "incident_closed");
    expect(closed).toMatchObject([
      { fields: { closing: { result: "acted", verdict: { kind: "healed" } } } },
    ]);
  });
});

describe("killed while the command runs", () => {
  test.each([1000, 120_000])("and back after %d ms: it is not run again", async (awayMs) => {
    const { starts, entries, after } = await killedAndBack({ killInAction: true }, awayMs);
    expect(starts).toHaveLength(1);
    expect(after.runs).toEqual([]);
    expect(entries.find(({ type }) => type === "action_finished")?.fields).toMatchObject({
      outcome: { kind: "succeeded" },
    });
    expect(after.closings).toMatchObject([{ verdict: { kind: "healed" } }]);
  });
});

describe("killed while the command runs, which goes on without Sentinel", () => {
  const DOWN = rule({
    alert: "TargetDown",
    expr: "up == 0",
    signal: { expr: "up", operator: "==", threshold: 0 },
    severity: "critical",
  });

  interface GoingOn {
    /** How long Docker takes for what it was told. */
    readonly takesMs: number;
    readonly container?: Partial<ContainerState>;
    /** What else was open. */
    readonly others?: readonly NewJournalEntry[];
  }

  async function goesOn({ takesMs, container, others = [] }: GoingOn): Promise<Told> {
    const { story, starts } = service();
    let stoppedMs: number | undefined;
    const slow: Pick<Story, "script" | "rules" | "serviceContext" | "act"> = {
      ...story,
      rules: [rule(), DOWN],
      script: (expr, elapsedMs) => {
        const isUp = stoppedMs === undefined || starts.length > 0;
        return expr === "up" ? [sampleOf(isUp ? 1 : 0, elapsedMs)] : story.script(expr, elapsedMs);
      },
      act(clock) {
        stoppedMs = clock.elapsedMs;
        clock.at(clock.elapsedMs + takesMs, () => starts.push(clock.nowMs()));
        return {};
      },
      serviceContext: () => ({
        platform: {
          logs: async () => [],
          inspect: async () =>
            containerState({ startedAtMs: starts.at(-1) ?? START_MS - 60_000, ...container }),
        },
      }),
    };
    const { clock, journal } = await tell({ ...slow, untilMs: 300_000, killInAction: true });
    for (const entry of others) await journal.record(entry);
    clock.pass(1000);
    return tell({ ...slow, clock, journal, untilMs: clock.elapsedMs + 300_000 });
  }

  test.each<[string, GoingOn]>([
    ["another alert that fires meanwhile has to wait", { takesMs: 20_000 }],
    [
      "it may take as long as its container may take to stop",
      { takesMs: 55_000, container: { stopTimeoutMs: 60_000 } },
    ],
  ])("%s", async (_, story) => {
    const { runs, closings } = await goesOn(story);
    expect(runs).toEqual([]);
    expect(closings).toMatchObject([{ result: "acted", verdict: { kind: "healed" } }]);
  });

  const request = "another";
  const argv = ["docker", "restart", SERVICE_NAME];
  const opened = {
    type: "incident_opened",
    alert: alert({ rule: DOWN }),
    onsetMs: undefined,
  } as const;
  const found: IncidentEvent = {
    type: "evidence_collected",
    container: { kind: "found", value: containerState() },
    health: { ok: true, message: "" },
    logLines: 0,
    historyPoints: 0,
  };
  const asked: IncidentEvent = {
    type: "approval_requested",
    request,
    action: "docker-restart",
    argv,
    expiresAtMs: START_MS + 600_000,
  };
  const yes: NewJournalEntry = {
    atMs: START_MS,
    service: SERVICE_NAME,
    incident: undefined,
    type: "approval_given",
    fields: { request, answer: "approved", by: "a test" },
  };

  test.each<[string, readonly NewJournalEntry[]]>([
    ["an incident that was open as well", entriesOf([opened], { id: request })],
    ["a person's answer", [...entriesOf([opened, found, asked], { id: request }), yes]],
  ])("%s has to wait", async (_, others) => {
    const { runs, closings } = await goesOn({ takesMs: 20_000, others });
    expect(runs).toEqual([]);
    expect(closings).toMatchObject([
      { result: "acted", verdict: { kind: "healed" } },
      { result: "skipped", reason: "alert_resolved" },
    ]);
  });
});

test("killed before its command did anything, and its container removed: nothing is run on none", async () => {
  const { story, starts } = service();
  const gone: Story = {
    ...story,
    serviceContext: () => ({ platform: { inspect: async () => undefined, logs: async () => [] } }),
    untilMs: 300_000,
  };
  const first = { ...story, untilMs: 300_000, act: () => ({}), killInAction: true };
  const { clock, journal } = await tell(first);
  const { events, closings } = await tell({
    ...gone,
    clock,
    journal,
    untilMs: clock.elapsedMs + 300_000,
  });
  const outcomes = events.flatMap((event) =>
    event.type === "action_finished" ? event.outcome.kind : [],
  );
  expect(outcomes).toEqual(["not_started"]);
  expect(closings[0]).toMatchObject({ result: "skipped", reason: "container_unknown" });
  expect(starts).toEqual([]);
});

describe("after a restart", () => {
  test.each(["action_finished", "verification_started"])(
    "at %s it has its whole time for a verdict, however long it was away",
    async (at) => {
      const { story } = service();
      let backAtMs = 0;
      const scraping: Pick<Story, "script" | "act" | "serviceContext"> = {
        ...story,
        // Its own scraping knows nothing of what was before.
        script: (expr, elapsedMs) =>
          elapsedMs < backAtMs + 20_000 && backAtMs > 0 ? undefined : story.script(expr, elapsedMs),
      };
      const killAt: Story["killAt"] = ({ type }) => type === at;
      const { clock, journal } = await tell({ ...scraping, untilMs: 300_000, killAt });
      clock.pass(600_000);
      backAtMs = clock.elapsedMs;
      const untilMs = backAtMs + 300_000;
      const { closings } = await tell({ ...scraping, clock, journal, untilMs });
      expect(closings).toMatchObject([{ result: "acted", verdict: { kind: "healed" } }]);
    },
  );

  test("a request still waits, and is answered", async () => {
    const { story, starts } = service();
    const asking = { ...story, policy: { autonomy: "approve" } } as const;
    const before = await tell({
      ...asking,
      untilMs: 300_000,
      killAt: ({ type }) => type === "approval_requested",
    });
    const { clock, journal } = before;
    const [asked] = before.events.flatMap((event) =>
      event.type === "approval_requested" ? event : [],
    );
    const fields = { request: asked?.request, answer: "approved", by: "a test" };
    const said = { atMs: clock.nowMs(), service: SERVICE_NAME, incident: undefined };
    await journal.commit({ ...said, type: "approval_given", fields });
    const after = await tell({ ...asking, clock, journal, untilMs: clock.elapsedMs + 300_000 });
    expect(starts).toHaveLength(1);
    expect(after.closings).toMatchObject([{ result: "acted", verdict: { kind: "healed" } }]);
    expect(types(after)).not.toContain("approval_requested");
  });

  test("an approval whose command never ran is none for another one", async () => {
    const { story, starts } = service();
    const asking = { ...story, policy: { autonomy: "approve" } } as const;
    const first = await tell({ ...asking, untilMs: 300_000, stopAt: "approval_requested" });
    const { clock, journal } = first;
    await approve(first);
    const killed = { killAt: ({ type }: SentinelEvent) => type === "action_started" };
    await tell({ ...asking, ...killed, clock, journal, untilMs: clock.elapsedMs + 300_000 });
    clock.pass(60_000);
    const again = await tell({ ...asking, clock, journal, untilMs: clock.elapsedMs + 300_000 });
    expect(types(again)).toContain("approval_requested");
    expect(starts).toEqual([]);
    await approve(again);
    await tell({ ...asking, clock, journal, untilMs: clock.elapsedMs + 300_000 });
    expect(starts).toHaveLength(1);
  });

  test("a command that was cut off counts as an action: it may have run", async () => {
    const { story, starts } = service();
    const limits = { mostPerService: 1, mostInAll: 10 };
    const killAt = ({ type }: SentinelEvent) => type === "action_started";
    const { clock, journal } = await tell({ ...story, limits, killAt, untilMs: 300_000 });
    const after = await tell({
      ...story,
      limits,
      clock,
      journal,
      untilMs: clock.elapsedMs + 300_000,
    });
    expect(starts).toEqual([]);
    const reasons = after.events.flatMap((event) =>
      event.type === "decided" ? event.decision.reason : [],
    );
    expect(reasons).toEqual(["service_budget"]);
  });

  test("nothing else is done to a service while a command may still run on it", async () => {
    const { story } = service();
    const memory = { expr: "memory", operator: ">", threshold: 0.5 };
    const second = rule({ alert: "HighMemory", expr: "memory > 0.5", signal: memory });
    const both = { ...story, rules: [rule(), second] };
    const killAt = ({ type }: SentinelEvent) => type === "action_started";
    const { clock, journal } = await tell({ ...both, killAt, untilMs: 300_000 });
    const intentAtMs = clock.elapsedMs;
    const after = await tell({ ...both, clock, journal, untilMs: clock.elapsedMs + 300_000 });
    expect(after.runs[0]?.elapsedMs).toBeGreaterThanOrEqual(intentAtMs + 30_000);
  });

  test("a container that was removed meanwhile is in nobody's doubt", async () => {
    const { story } = service();
    const killAt = ({ type }: SentinelEvent) => type === "action_started";
    const { clock, journal } = await tell({ ...story, killAt, untilMs: 300_000 });
    const serviceContext = () => ({
      platform: { inspect: async () => undefined, logs: async () => [] },
    });
    const untilMs = clock.elapsedMs + 300_000;
    const after = await tell({ ...story, serviceContext, clock, journal, untilMs });
    expect(after.closings).not.toEqual([]);
  });

  test("automation stays ended after an action that made things worse", async () => {
    const { story } = service();
    const worse: Pick<Story, "script" | "serviceContext"> = {
      script: story.script,
      serviceContext: (clock) => ({
        ...story.serviceContext?.(clock),
        checkHealth: async () => ({ ok: clock.elapsedMs < 11_500, message: "" }),
      }),
    };
    const { clock, journal, closings } = await tell({
      ...worse,
      untilMs: 300_000,
      killAt: ({ type }) => type === "incident_closed",
    });
    expect(closings).toMatchObject([{ madeWorse: true }]);
    const after = await tell({ ...worse, clock, journal, untilMs: clock.elapsedMs + 300_000 });
    expect(after.runs).toEqual([]);
  });

  test.each([
    ["paused", { type: "paused", fields: { by: "a test" } }],
    [
      "cooling down",
      { type: "incident_closed", incident: "another", fields: { closing: { result: "acted" } } },
    ],
  ])("a service that is %s is not acted upon", async (_, entry) => {
    const { story, starts } = service();
    const { clock, journal } = await tell({
      ...story,
      untilMs: 300_000,
      killAt: ({ type }) => type === "incident_opened",
    });
    const at = { atMs: clock.nowMs(), service: SERVICE_NAME, incident: undefined };
    await journal.commit({ ...at, ...entry });
    await tell({ ...story, clock, journal, untilMs: clock.elapsedMs + 55_000 });
    expect(starts).toEqual([]);
    await journal.commit({ ...at, type: "resumed", fields: { by: "a test" } });
    await tell({ ...story, clock, journal, untilMs: clock.elapsedMs + 60_000 });
    expect(starts).toHaveLength(1);
  });

  test("a container that is still starting is not judged", async () => {
    const { story, starts } = service();
    const { clock, journal } = await tell({
      ...story,
      untilMs: 300_000,
      killAt: ({ type }) => type === "incident_opened",
    });
    const young = {
      health: "starting",
      startedAtMs: clock.nowMs(),
      startPeriodMs: 30_000,
      retriesMs: 0,
    };
    const starting = { inspect: async () => containerState(young), logs: async () => [] };
    const serviceContext = () => ({ platform: starting });
    await tell({ ...story, serviceContext, clock, journal, untilMs: clock.elapsedMs + 25_000 });
    expect(starts).toEqual([]);
    await tell({ ...story, serviceContext, clock, journal, untilMs: clock.elapsedMs + 60_000 });
    expect(starts).toHaveLength(1);
  });

  test("a request that nobody answered in time is a no", async () => {
    const { story, starts } = service();
    const asking = { ...story, policy: { autonomy: "approve" } } as const;
    const { clock, journal } = await tell({
      ...asking,
      untilMs: 300_000,
      killAt: ({ type }) => type === "approval_requested",
    });
    clock.pass(16 * 60_000);
    const after = await tell({ ...asking, clock, journal, untilMs: clock.elapsedMs + 30_000 });
    expect(starts).toEqual([]);
    expect(after.closings[0]).toMatchObject({ result: "held", reason: "expired" });
  });

  test("an alert that has resolved meanwhile is not acted upon", async () => {
    let isOver = false;
    const { story, starts } = service();
    const mayResolve: Pick<Story, "script" | "serviceContext"> = {
      ...story,
      script: (expr, elapsedMs) => story.script(expr, isOver ? 0 : elapsedMs),
    };
    const before = await tell({
      ...mayResolve,
      untilMs: 300_000,
      killAt: ({ type }) => type === "decided",
    });
    isOver = true;
    const { clock, journal } = before;
    const after = await tell({ ...mayResolve, clock, journal, untilMs: clock.elapsedMs + 60_000 });
    expect(starts).toEqual([]);
    expect(after.closings).toMatchObject([{ result: "skipped", reason: "alert_resolved" }]);
  });

  test("the cooldown, the budget and the pause go on", async () => {
    const { story, starts } = service();
    const { clock, journal } = await tell({ ...story, untilMs: 60_000 });
    expect(starts).toHaveLength(1);
    // Sick again, as if nothing had been done.
    const sick = { ...story, script: () => 1.9 };
    const limits = { mostPerService: 1, mostInAll: 10 };
    const again = { ...sick, clock, journal, limits, untilMs: clock.elapsedMs + 300_000 };
    const after = await tell(again);
    expect(types(after)).toContain("cooling_down");
    expect(starts).toHaveLength(1);
    const reasons = after.events.flatMap((event) =>
      event.type === "decided" ? event.decision.reason : [],
    );
    expect(reasons).toEqual(["service_budget"]);
  });
});

test("a container that starts together with Sentinel, such as after a boot, is not judged", async () => {
  const { story } = service();
  const before = await tell({
    ...story,
    untilMs: 300_000,
    killAt: ({ type }) => type === "diagnosed",
  });
  const { clock, journal } = before;
  const bootedMs = clock.elapsedMs;
  const after = await tell({
    ...story,
    clock,
    journal,
    serviceContext: () => ({
      platform: {
        inspect: async () =>
          containerState({ health: clock.elapsedMs < bootedMs + 60_000 ? "starting" : "healthy" }),
        logs: async () => [],
      },
    }),
    untilMs: bootedMs + 200_000,
  });
  expect(after.runs).toHaveLength(1);
  expect(after.runs[0]?.elapsedMs).toBeWithin(bootedMs + 60_000, bootedMs + 70_000);
});

describe("when its rule was removed meanwhile", () => {
  const another = [rule({ alert: "Another", expr: "another > 0.5", signal: undefined })];

  async function cameBackWithout(killed: string): Promise<string[]> {
    const { story } = service();
    const before = await tell({
      ...story,
      untilMs: 300_000,
      killAt: ({ type }) => type === killed,
    });
    const { clock, journal } = before;
    const untilMs = clock.elapsedMs + 30_000;
    const rules = another;
    const after = await tell({ ...story, script: () => 0.1, rules, clock, journal, untilMs });
    expect(after.runs).toEqual([]);
    return after.closings.map(
      ({ result, reason, verdict }) => `${result} ${reason ?? ""} ${verdict?.reason ?? ""}`,
    );
  }

  test.each(["incident_opened", "diagnosed"])("after %s: nothing is run", async (killed) => {
    expect(await cameBackWithout(killed)).toEqual(["skipped rule_removed "]);
  });

  test.each(["action_started", "action_finished", "verification_started"])(
    "after %s: nobody knows whether it has healed",
    async (killed) => {
      expect(await cameBackWithout(killed)).toEqual([
        "acted  its rule was removed, so nothing shows whether it is well",
      ]);
    },
  );
});
async function approve({ events, journal, clock }: Told): Promise<void> {
  const asked = events.findLast(({ type }) => type === "approval_requested");
  const request = asked?.type === "approval_requested" ? asked.request : undefined;
  const fields = { request, answer: "approved", by: "a test" };
  const said = { atMs: clock.nowMs(), service: SERVICE_NAME, incident: undefined };
  await journal.commit({ ...said, type: "approval_given", fields });
}
