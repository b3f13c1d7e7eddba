/** One incident step by step: what each has to find before the next is taken, and what it leaves behind. */

import { describe, expect, test } from "bun:test";
import { contextOf, type Given, type Tried } from "../../test/support/context.ts";
import {
  alert,
  allowlist,
  containerState,
  diagnosis,
  NEVER,
  rule,
  SERVICE_NAME,
  START_MS,
} from "../../test/support/fixtures.ts";
import { ACTED, memoryJournal } from "../../test/support/story.ts";
import type { ActionId } from "../allowlist.ts";
import { openRecorder } from "./recorder.ts";
import {
  actOnApproval,
  actOnDiagnosis,
  APPROVAL_MS,
  conclude,
  type Findings,
  handleIncident,
  type Waiting,
} from "./incident.ts";
import { createLock } from "../core/lock.ts";
import type { Alert, ContainerState, Outcome } from "../core/model.ts";
import { CRASH_LOOP_ALERT } from "../rules/rules.ts";
import type { IncidentContext, ServiceContext } from "./context.ts";

const SECOND = 1000;
const CPU = rule();
const FIRED = alert({ rule: CPU });
const ARGV = allowlist["docker-restart"].argv;
const LIMITS = { cooldownMs: 60_000, mostPerService: 1000, mostInAll: 1000 };

const FINDINGS: Findings = {
  alert: FIRED,
  openedAtMs: START_MS - 3 * SECOND,
  onsetMs: START_MS - 10 * SECOND,
  container: { kind: "found", value: containerState() },
  wasHealthy: true,
};

/** A request to which a person has said yes. */
const APPROVED: Waiting = {
  ...{ findings: FINDINGS, action: "docker-restart", argv: ARGV, request: "r" },
  expiresAtMs: Infinity,
};

const same = async () => containerState();
const found = (changes: Partial<ContainerState>) => async () => containerState(changes);
const none = async () => undefined;
const unknown = async (): Promise<undefined> => {
  throw new Error("Docker does not answer");
};
/** What comes of a command that nothing here can start. */
const NOT_STARTED = {
  kind: "not_started",
  exitCode: undefined,
  output: "nothing can start it",
  durationMs: 0,
} as const;
type Inspect = ServiceContext["platform"]["inspect"];

interface Setting extends Given {
  readonly inspect?: Inspect;
  readonly outcome?: Partial<Outcome>;
  readonly action?: ActionId | "none";
  /** The journal takes no intent. */
  readonly isUnwritable?: boolean;
}

/** A service that is hot until its action has run for 2 s, and what ran. */
async function setting(
  given: Setting = {},
): Promise<Tried & { runs: string[]; timeouts: unknown[] }> {
  const runs: string[] = [];
  const timeouts: unknown[] = [];
  const tried = await contextOf({
    rules: [CPU],
    script: () => (runs.length === 0 ? 1.9 : 0.1),
    ...given,
    serviceContext: async (clock) => ({
      platform: {
        inspect: given.inspect ?? same,
        async act({ id, platform, argv }, _signal, stopTimeoutMs) {
          runs.push(`${platform} ${id}`);
          timeouts.push(stopTimeoutMs);
          clock.pass(2 * SECOND);
          const done = { argv, exitCode: 0, output: "", durationMs: 2000 };
          return { kind: "succeeded", ...done, ...given.outcome };
        },
      },
      diagnosers: [
        {
          name: "a model",
          deadlineMs: 30_000,
          async diagnose() {
            clock.pass(SECOND);
            return diagnosis({ action: given.action ?? "docker-restart" });
          },
        },
      ],
      ...(await given.serviceContext?.(clock)),
    }),
  });
  const { commit } = tried.context;
  const context: IncidentContext = {
    ...tried.context,
    commit: async (intent) => !given.isUnwritable && commit(intent),
  };
  return { ...tried, context, runs, timeouts };
}

async function handled(given: Setting = {}, signal: AbortSignal = NEVER) {
  const tried = await setting(given);
  const poll = await tried.context.serviceContext.monitor.poll(NEVER);
  const end = await handleIncident({ alert: FIRED, poll }, tried.context, signal);
  return { ...tried, end, types: tried.events.map(({ type }) => type) };
}

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

describe("the container has to be the one that was diagnosed", () => {
  const gone = { kind: "absent", reason: "there is no such container" } as const;
  const unreadable = { kind: "unreadable", reason: "Docker did not answer" } as const;
  const compose = rule({ permits: ["compose-up"] });

  interface Looked {
    readonly before?: Findings["container"];
    readonly inspect: Inspect;
    readonly action?: "docker-restart" | "compose-up";
  }

  test.each<[string, Looked, string]>([
    ["the same", { inspect: same }, "acted"],
    ["another one", { inspect: found({ containerId: "another" }) }, "skipped container_replaced"],
    [
      "one that was started again",
      { inspect: found({ startedAtMs: START_MS - 1 }) },
      "skipped container_replaced",
    ],
    [
      "one that somebody has paused",
      { inspect: found({ status: "paused" }) },
      "skipped container_replaced",
    ],
    [
      "one that an orchestrator runs",
      { inspect: found({ orchestrator: "swarm" }) },
      "held managed_by_orchestrator",
    ],
    ["one that is gone", { inspect: none }, "skipped container_unknown"],
    ["one of which Docker does not tell", { inspect: unknown }, "skipped container_unknown"],
    ["one that was not there", { before: gone, inspect: same }, "skipped container_unknown"],
    [
      "none before and now, which Docker cannot mend",
      { before: gone, inspect: none },
      "skipped container_unknown",
    ],
    [
      "none before and now, which Compose can",
      { before: gone, inspect: none, action: "compose-up" },
      "acted",
    ],
    [
      "none now, of which nothing was known before",
      { before: unreadable, inspect: none, action: "compose-up" },
      "skipped container_unknown",
    ],
    [
      "none before, of which nothing is known now",
      { before: gone, inspect: unknown, action: "compose-up" },
      "skipped container_unknown",
    ],
  ])("%s", async (_, { before = FINDINGS.container, inspect, action = "docker-restart" }, said) => {
    const fired = action === "compose-up" ? compose : CPU;
    const { context, runs, events } = await setting({ inspect, rules: [fired] });
    const waiting: Waiting = {
      findings: { ...FINDINGS, alert: alert({ rule: fired }), container: before },
      action,
      argv: allowlist[action].argv,
      request: "r",
      expiresAtMs: START_MS + 1,
    };
    const end = await actOnApproval(waiting, context, NEVER);
    const { result, reason } = end.kind === "closed" ? end.closing : {};
    expect([result, reason].filter(Boolean).join(" ")).toBe(said);
    expect(runs).toHaveLength(said === "acted" ? 1 : 0);
    expect(events.some(({ type }) => type === "action_started")).toBe(said === "acted");
  });
});

describe("what a person approved is done if it is still called for", () => {
  const waiting = (changes: Partial<Waiting> = {}): Waiting => ({
    findings: FINDINGS,
    action: "docker-restart",
    argv: ARGV,
    request: "r",
    expiresAtMs: START_MS + 1,
    ...changes,
  });

  const paused: Setting["serviceContext"] = async (clock) => {
    const journal = memoryJournal();
    const recorder = await openRecorder(journal, LIMITS, clock);
    const at = { atMs: START_MS, service: SERVICE_NAME, incident: undefined };
    // Said while it waited: the recorder has to look again.
    await journal.commit({ ...at, type: "paused", fields: { by: "a test" } });
    return { recorder };
  };

  test.each<[string, Setting, Partial<Waiting>, string]>([
    ["it is", {}, {}, "acted"],
    ["its alert is over", { script: () => 0.1 }, {}, "skipped alert_resolved"],
    ["its alert has no data", { script: () => undefined }, {}, "skipped data_missing"],
    ["a person has paused it meanwhile", { serviceContext: paused }, {}, "skipped paused"],
    ["its time is over this moment", {}, { expiresAtMs: START_MS }, "held expired"],
    [
      "its alert is another's",
      { serviceContext: () => ({ ownerOf: () => ({ kind: "service", name: "another" }) }) },
      {},
      "held alert_of_another",
    ],
    ["nothing is to be done", { policy: { autonomy: "observe" } }, {}, "held autonomy_observe"],
    [
      "there is no such action any more",
      { policy: { allowlist: {} } },
      {},
      "held not_allowed_for_service",
    ],
    ["its command has a word less", {}, { argv: ARGV.slice(1) }, "held command_changed"],
    ["its command has a word more", {}, { argv: [...ARGV, "-f"] }, "held command_changed"],
    [
      "its command has another word",
      {},
      { argv: [...ARGV.slice(0, -1), "another"] },
      "held command_changed",
    ],
  ])("%s", async (_, given, changes, said) => {
    const { context, runs } = await setting(given);
    const end = await actOnApproval(waiting(changes), context, NEVER);
    const { result, reason } = end.kind === "closed" ? end.closing : {};
    expect([result, reason].filter(Boolean).join(" ")).toBe(said);
    expect(runs).toHaveLength(said === "acted" ? 1 : 0);
  });

  test("whose own rule is quiet, though another one fires: it is not", async () => {
    const other = rule({
      alert: "Other",
      expr: "other > 0.5",
      signal: { expr: "other", operator: ">", threshold: 0.5 },
    });
    const script: Given["script"] = (expr) => (expr === "other" ? 1.9 : 0.1);
    const { context, runs } = await setting({ rules: [CPU, other], script });
    const end = await actOnApproval(waiting(), context, NEVER);
    expect(end).toMatchObject({ closing: { result: "skipped", reason: "alert_resolved" } });
    expect(runs).toEqual([]);
  });

  test("while one of its label sets holds and another waits", async () => {
    const { context, runs } = await setting({
      serviceContext: async () => ({
        monitor: await monitorOf([alert({ rule: CPU, state: "pending" }), FIRED]),
      }),
    });
    await actOnApproval(waiting(), context, NEVER);
    expect(runs).toHaveLength(1);
  });

  test("and not if Sentinel is told to stop at the look, whatever is seen", async () => {
    const stop = new AbortController();
    const script = () => {
      stop.abort();
      return 0.1;
    };
    const { context } = await setting({ script });
    const end = await actOnApproval(waiting(), context, stop.signal);
    expect(end).toMatchObject({ closing: { result: "cancelled" } });
  });

  test("and not while Sentinel is told to stop", async () => {
    const stop = new AbortController();
    const inspect = async () => {
      stop.abort();
      return containerState();
    };
    const { context, runs } = await setting({ inspect });
    const end = await actOnApproval(waiting(), context, stop.signal);
    expect(end).toMatchObject({ closing: { result: "cancelled" } });
    expect(runs).toEqual([]);
  });

  test("and waits on, with the answer, while the journal cannot have the intent", async () => {
    const { context, runs } = await setting({ isUnwritable: true });
    const asked = waiting();
    expect(await actOnApproval(asked, context, NEVER)).toEqual({ kind: "waiting", waiting: asked });
    expect(runs).toEqual([]);
  });
});

/** A monitor whose polls give these alerts, and what each was asked to evaluate anew. */
async function monitorOf(
  alerts: readonly Alert[],
  fresh: unknown[] = [],
): Promise<ServiceContext["monitor"]> {
  const { monitor } = (await contextOf({ rules: [CPU], script: () => 0.1 })).context.serviceContext;
  const poll: ServiceContext["monitor"]["poll"] = async (signal, options) => {
    fresh.push(options?.fresh);
    return { ...(await monitor.poll(signal)), alerts };
  };
  return { ...monitor, windowMs: monitor.windowMs, poll };
}

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

describe("one action at a time, of all services", () => {
  test.each(["by itself", "on an approval"])(
    "the turn is held from the last look to the end of the action, and then given back: %s",
    async (how) => {
      const actionLock = createLock();
      const order: string[] = [];
      const isFree = async () => {
        const soon = new AbortController();
        const turn = actionLock.acquire(soon.signal);
        soon.abort();
        return await turn.then(
          (held) => (held[Symbol.dispose](), true),
          () => false,
        );
      };
      const { context } = await setting({
        serviceContext: () => ({
          actionLock: {
            acquire: async (signal) => {
              const held = await actionLock.acquire(signal);
              order.push("taken");
              return {
                [Symbol.dispose]() {
                  order.push("given back");
                  held[Symbol.dispose]();
                },
              };
            },
          },
          platform: {
            async act({ argv }) {
              order.push("run");
              return { kind: "succeeded", argv, exitCode: 0, output: "", durationMs: 1 };
            },
          },
        }),
      });
      const poll = await context.serviceContext.monitor.poll(NEVER);
      await (how === "by itself"
        ? handleIncident({ alert: FIRED, poll }, context, NEVER)
        : actOnApproval(APPROVED, context, NEVER));
      expect(order).toEqual(["taken", "run", "given back"]);
      expect(await isFree()).toBe(true);
    },
  );

  test("what runs it knows how long the container may take to stop", async () => {
    const { timeouts, runs } = await handled({ inspect: found({ stopTimeoutMs: 70_000 }) });
    expect([runs, timeouts]).toEqual([["docker docker-restart"], [70_000]]);
  });

  test("where nothing can start it, it was not started", async () => {
    const { end, events } = await handled({ outcome: NOT_STARTED });
    expect(events.find(({ type }) => type === "action_finished")).toEqual({
      type: "action_finished",
      outcome: {
        argv: ARGV,
        ...NOT_STARTED,
      },
    });
    expect(end).toMatchObject({
      closing: {
        result: "acted",
        actedAfterMs: expect.any(Number),
        verdict: {
          kind: "not_healed",
          reason: "the command could not be started, so nothing was done",
        },
      },
    });
  });
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
