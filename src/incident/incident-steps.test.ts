/** One incident step by step: what each has to find before the next is taken, and what it leaves behind. */

import { describe, expect, test } from "bun:test";
import { containerState, diagnosis, NEVER, rule, START_MS } from "../../test/support/fixtures.ts";
import {
  APPROVED,
  SECOND,
  CPU,
  FIRED,
  ARGV,
  FINDINGS,
  found,
  type Setting,
  setting,
  handled,
  monitorOf,
} from "../../test/support/incident-setting.ts";
import { ACTED } from "../../test/support/story.ts";
import {
  actOnApproval,
  actOnDiagnosis,
  APPROVAL_MS,
  conclude,
  type Findings,
  handleIncident,
} from "./incident.ts";
import type { Outcome } from "../core/model.ts";
import { CRASH_LOOP_ALERT } from "../rules/rules.ts";

describe("an incident", () => {
  test("goes from what fired to the verdict, each step told once, and with its times", async () => {
    const { end, types, runs, events } = await handled();
    expect(types).toEqual([...ACTED]);
    expect(runs).toEqual(["docker docker-restart"]);
    expect(events[3]).toMatchObject({ argv: ARGV });
    expect(events[4]).toEqual({ type: "action_started", action: "docker-restart", argv: ARGV });
    const [opened] = events;
    const onsetMs = opened?.type === "incident_opened" ? opened.onsetMs : undefined;
    const fromMs = onsetMs ?? START_MS;
    expect(end).toEqual({
      kind: "closed",
      closing: {
        result: "acted",
        verdict: { kind: "healed", reason: expect.stringContaining("silent on 20 s") },
        detectedAfterMs: onsetMs === undefined ? undefined : START_MS - onsetMs,
        actedAfterMs: START_MS + SECOND - fromMs,
        healedAfterMs: START_MS + 33 * SECOND - fromMs,
      },
    });
  });

  test.each<[string, "inspect" | "diagnose" | "poll", boolean]>([
    ["while evidence is collected", "inspect", false],
    ["while a model thinks", "diagnose", true],
    ["at the last look", "poll", true],
  ])("that is told to stop %s ends there, and runs nothing", async (_, at, hasDiagnosis) => {
    const stop = new AbortController();
    let isDiagnosed = false;
    const inspect = async () => {
      if (at === "inspect" || (at === "poll" && isDiagnosed)) stop.abort();
      return containerState();
    };
    const diagnoser = {
      name: "a model",
      deadlineMs: 30_000,
      async diagnose() {
        isDiagnosed = true;
        if (at === "diagnose") stop.abort();
        return diagnosis();
      },
    };
    const given = { inspect, serviceContext: () => ({ diagnosers: [diagnoser] }) };
    const { end, types, runs } = await handled(given, stop.signal);
    expect(end).toMatchObject({ kind: "closed", closing: { result: "cancelled" } });
    expect(types.at(-1)).toBe("incident_closed");
    expect(types.includes("diagnosed")).toBe(hasDiagnosis);
    expect(types).not.toContain("decided");
    expect(runs).toEqual([]);
  });

  test("that is taken up again counts from where it was opened", async () => {
    const { context, runs } = await setting();
    const poll = await context.serviceContext.monitor.poll(NEVER);
    const resumed = { openedAtMs: START_MS - 60 * SECOND, onsetMs: START_MS - 100 * SECOND };
    const end = await handleIncident({ alert: FIRED, poll, resumed }, context, NEVER);
    expect(end).toMatchObject({
      closing: { detectedAfterMs: 40 * SECOND, actedAfterMs: 101 * SECOND },
    });
    expect(runs).toHaveLength(1);
  });

  test("of a task of an orchestrator is decided so, and nobody is asked", async () => {
    const { events, types } = await handled({ inspect: found({ orchestrator: "swarm" }) });
    expect(events.find(({ type }) => type === "decided")).toMatchObject({
      decision: { kind: "ask", action: undefined, reason: "managed_by_orchestrator" },
    });
    expect(types).not.toContain("approval_requested");
  });

  test("of which the journal cannot have the intent waits with its diagnosis", async () => {
    const { end, runs } = await handled({ isUnwritable: true });
    expect(runs).toEqual([]);
    expect(end).toMatchObject({
      kind: "postponed",
      postponed: {
        findings: { alert: FIRED, openedAtMs: START_MS, wasHealthy: true },
        diagnosis: diagnosis(),
      },
    });
    if (end.kind !== "postponed") throw new Error("it was not postponed");
    const later = await setting();
    expect(await actOnDiagnosis(end.postponed, later.context, NEVER)).toMatchObject({
      closing: { result: "acted", verdict: { kind: "healed" } },
    });
    expect(later.runs).toEqual(["docker docker-restart"]);
    const still = await setting({ isUnwritable: true });
    expect(await actOnDiagnosis(end.postponed, still.context, NEVER)).toMatchObject({
      kind: "postponed",
    });
  });

  test("that needs a person asks for exactly the command, for a quarter of an hour", async () => {
    const { end, events, runs } = await handled({ policy: { autonomy: "approve" } });
    const asked = {
      request: "an incident",
      action: "docker-restart",
      argv: ARGV,
      expiresAtMs: START_MS + SECOND + 15 * 60 * SECOND,
    } as const;
    expect(APPROVAL_MS).toBe(15 * 60 * SECOND);
    expect(events.at(-1)).toEqual({ type: "approval_requested", ...asked });
    expect(end).toMatchObject({ kind: "waiting", waiting: asked });
    expect(runs).toEqual([]);
  });

  test("for which nothing was chosen is held, without a question", async () => {
    const { end, types } = await handled({ action: "none" });
    expect(end).toMatchObject({ closing: { result: "held", reason: "no_action_needed" } });
    expect(types).not.toContain("approval_requested");
  });
});

test("what a decision rests on is evaluated anew: its own rule, and crash loops", async () => {
  const asked: unknown[] = [];
  const { context } = await setting({
    serviceContext: async () => ({ monitor: await monitorOf([FIRED], asked) }),
  });
  const poll = await context.serviceContext.monitor.poll(NEVER);
  await handleIncident({ alert: FIRED, poll }, context, NEVER);
  await actOnApproval(APPROVED, context, NEVER);
  const rules = [CPU, rule(), rule({ alert: CRASH_LOOP_ALERT })];
  const answers = asked.flatMap((fresh) =>
    typeof fresh === "function" ? [rules.map((one) => fresh(one))] : [],
  );
  // The last look before an action, and the look on an approval; those after it are about its own rule.
  expect(answers.filter((answer) => answer.join() === "true,false,true")).toHaveLength(2);
});

describe("the end of an action", () => {
  const ran = (kind: Outcome["kind"]) => ({
    outcome: { kind, argv: ARGV, exitCode: 0, output: "", durationMs: 1 } as const,
    startedAtMs: START_MS - 2 * SECOND,
    endedAtMs: START_MS,
  });
  const ended = async (
    given: Setting,
    findings: Partial<Findings> = {},
    kind: Outcome["kind"] = "succeeded",
  ) => {
    const { context } = await setting({ script: () => 1.9, ...given });
    const end = await conclude({ ...FINDINGS, ...findings }, ran(kind), context, NEVER);
    if (end.kind !== "closed") throw new Error("it goes on");
    return end.closing;
  };
  const healthy = (ok: boolean) => () => ({ checkHealth: async () => ({ ok, message: "" }) });

  test.each([
    ["it was healthy and is not", true, false, true],
    ["it was not healthy before either", false, false, false],
    ["it is healthy", true, true, false],
    ["it is healthy, and was not", false, true, false],
  ])("has made things worse or not: %s", async (_, wasHealthy, isHealthy, madeWorse) => {
    const closing = await ended({ serviceContext: healthy(isHealthy) }, { wasHealthy });
    expect(closing.madeWorse ?? false).toBe(madeWorse);
    expect(closing.verdict?.kind).toBe("not_healed");
  });

  test("that healed has not made things worse, and says since when it is well", async () => {
    const closing = await ended({ script: () => 0.1 });
    expect(closing).toMatchObject({
      detectedAfterMs: 7 * SECOND,
      actedAfterMs: 8 * SECOND,
      healedAfterMs: 40 * SECOND,
    });
    expect(closing).not.toHaveProperty("madeWorse");
  });

  test("of which nobody knows the onset counts from where it was opened", async () => {
    const closing = await ended({ script: () => 0.1 }, { onsetMs: undefined });
    expect(closing.detectedAfterMs).toBeUndefined();
    expect([closing.actedAfterMs, closing.healedAfterMs]).toEqual([SECOND, 33 * SECOND]);
  });

  test("that was not judged has no time since when it is well", async () => {
    expect((await ended({})).healedAfterMs).toBeUndefined();
  });

  test("that was cancelled is not looked at", async () => {
    const tried = await setting();
    const end = await conclude(FINDINGS, ran("cancelled"), tried.context, NEVER);
    expect(end).toMatchObject({ closing: { result: "cancelled", actedAfterMs: 8 * SECOND } });
    expect(tried.clock.elapsedMs).toBe(0);
    const stopped = await setting();
    await conclude(FINDINGS, ran("succeeded"), stopped.context, AbortSignal.abort());
    expect(stopped.clock.elapsedMs).toBe(0);
    expect(stopped.events).toMatchObject([{ closing: { result: "cancelled" } }]);
  });

  test("that is cut short while it is looked at keeps what is known", async () => {
    const stop = new AbortController();
    const { context, clock } = await setting({ script: () => 1.9 });
    clock.at(12 * SECOND, () => stop.abort());
    const end = await conclude(FINDINGS, ran("succeeded"), context, stop.signal);
    expect(end).toMatchObject({
      closing: {
        result: "cancelled",
        actedAfterMs: 8 * SECOND,
        verdict: { kind: "unknown", reason: "the verification was cut short" },
      },
    });
  });
});
