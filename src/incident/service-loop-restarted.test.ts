/** The loop over one service after a restart of Sentinel: what it goes on with, and what it leaves alone. */

import { describe, expect, test } from "bun:test";
import { containerState, rule, START_MS } from "../../test/support/fixtures.ts";
import { memoryJournal, type Story, tell } from "../../test/support/story.ts";
import { ofType, types, hot, hotSets, other, again } from "../../test/support/loop-story.ts";
import type { Journal } from "../core/ports.ts";

const always = () => 1.9;

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
