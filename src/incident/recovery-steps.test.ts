/** What is made of one incident of before a restart, by how far it had come and what is seen now. */

import { describe, expect, test } from "bun:test";
import { contextOf, type Given } from "../../test/support/context.ts";
import {
  alert,
  containerState,
  NEVER,
  rule,
  service,
  START_MS,
} from "../../test/support/fixtures.ts";
import { ACTION_IDS, allowlistFor } from "../allowlist.ts";
import type { IncidentEvent } from "../core/events.ts";
import type { Alert } from "../core/model.ts";
import type { Poll } from "../rules/monitor.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import { closeGone, isInFlight, resume } from "./recovery.ts";

const CPU = rule();
const ARGV = ["docker", "restart", "api"];
const SERIES = { instance: "a:8000" };
const LABELS = { ...alert({ rule: CPU }).labels, ...SERIES };
const SECOND = 1000;

/** An incident 10 s old whose command was begun 5 s ago, when Sentinel was killed. */
function record(changes: Partial<IncidentRecord> = {}): IncidentRecord {
  return {
    id: "an incident",
    service: service().name,
    alert: { name: CPU.alert, severity: "high", labels: LABELS, summary: undefined },
    joined: [],
    joinedCount: 0,
    openedAtMs: START_MS - 10 * SECOND,
    onsetMs: START_MS - 12 * SECOND,
    phase: "acting",
    container: { kind: "found", value: containerState() },
    wasHealthy: true,
    failures: [],
    diagnosis: undefined,
    decision: { kind: "act", action: "docker-restart", reason: "two_keys_agree", argv: ARGV },
    request: undefined,
    saidReason: undefined,
    action: { id: "docker-restart", argv: ARGV },
    intentAtMs: START_MS - 5 * SECOND,
    outcome: undefined,
    verificationAtMs: undefined,
    verdictInMs: undefined,
    flaps: 0,
    resumptions: 0,
    closing: undefined,
    closedAtMs: undefined,
    ...changes,
  };
}

function pollOf(alerts: readonly Alert[]): Poll {
  return {
    atMs: START_MS,
    sourceDown: undefined,
    alerts,
    atRest: () => [],
    evaluationOf: () => undefined,
  };
}

/** The alert as it is at a poll. */
function seen(state: Alert["state"], changes: Partial<Alert> = {}): Alert {
  return alert({ rule: CPU, state, ...changes });
}

async function resumed(of: IncidentRecord, alerts: readonly Alert[], given: Given = {}) {
  const unfinished = { record: of, isTold: true };
  const tried = await contextOf({ rules: [CPU], ...given });
  const end = await resume(unfinished, pollOf(alerts), tried.context, NEVER);
  return { ...tried, end, unfinished };
}

describe("an incident that was being investigated", () => {
  const investigating = record({ phase: "investigating", intentAtMs: undefined });

  test("has ended if its alert is over", async () => {
    const { end, events } = await resumed(investigating, [seen("inactive")]);
    expect(end).toMatchObject({
      kind: "closed",
      closing: { result: "skipped", reason: "alert_resolved", detectedAfterMs: 2 * SECOND },
    });
    expect(events.map(({ type }) => type)).toEqual(["incident_closed"]);
  });

  test.each(["pending", "no_data"] as const)("waits while its alert is %s", async (state) => {
    const { end, events } = await resumed(investigating, [seen(state)]);
    expect([end, events]).toEqual(["later", []]);
  });

  test("waits while its container is still starting", async () => {
    const inspect = async () =>
      containerState({ health: "starting", startedAtMs: START_MS, startPeriodMs: 60 * SECOND });
    const serviceContext = () => ({ platform: { inspect, logs: async () => [] } });
    const { end, events } = await resumed(investigating, [seen("firing")], { serviceContext });
    expect([end, events]).toEqual(["later", []]);
  });

  test("goes on if its alert fires", async () => {
    const { end, events } = await resumed(investigating, [seen("firing")]);
    expect(events.map(({ type }) => type)).toContain("evidence_collected");
    expect(events.map(({ type }) => type)).not.toContain("incident_opened");
    expect(end).not.toBe("later");
  });

  test("has ended if it was told to have ended, whatever fires", async () => {
    const { end } = await resumed(record({ phase: "closed" }), [seen("firing")]);
    expect(end).toMatchObject({ closing: { result: "skipped", reason: "alert_resolved" } });
  });
});

describe("an incident that waited for a person", () => {
  const request = {
    id: "r",
    action: "docker-restart",
    argv: ARGV,
    expiresAtMs: START_MS + 60 * SECOND,
    given: undefined,
    answer: undefined,
  };
  const waiting = record({ phase: "waiting", intentAtMs: undefined, request });
  const WAITS = {
    kind: "waiting",
    waiting: {
      action: "docker-restart",
      argv: ARGV,
      request: "r",
      expiresAtMs: request.expiresAtMs,
      findings: {
        openedAtMs: waiting.openedAtMs,
        onsetMs: waiting.onsetMs,
        container: waiting.container,
        wasHealthy: true,
        alert: { rule: CPU, labels: LABELS },
      },
    },
  };

  test.each(["firing", "inactive"] as const)("waits again while its alert is %s", async (state) => {
    const { end } = await resumed(waiting, [seen(state)]);
    expect(end).toMatchObject(WAITS);
  });

  test.each(["pending", "no_data"] as const)("is looked at later, %s", async (state) => {
    const { end, events } = await resumed(waiting, [seen(state)]);
    expect([end, events]).toEqual(["later", []]);
  });

  test("waits again although a person said yes, if nothing was begun", async () => {
    const approved = record({ phase: "acting", intentAtMs: undefined, request });
    expect((await resumed(approved, [seen("firing")])).end).toMatchObject(WAITS);
  });

  test.each([
    ["without a request", undefined],
    ["for an action that there is no more", { ...request, action: "docker-polish" }],
  ])("is closed %s", async (_, asked) => {
    const { end } = await resumed({ ...waiting, request: asked }, [seen("firing")]);
    expect(end).toMatchObject({ closing: { result: "held", reason: "not_allowed_for_service" } });
  });

  test("knows nothing of its container if it was not asked about it", async () => {
    const unasked = { ...waiting, container: undefined, wasHealthy: undefined };
    expect((await resumed(unasked, [seen("firing")])).end).toMatchObject({
      waiting: {
        findings: {
          container: { kind: "unreadable", reason: "it was not asked" },
          wasHealthy: false,
        },
      },
    });
  });
});

describe("a command that nobody saw end", () => {
  const again = async () => containerState({ startedAtMs: START_MS - SECOND });
  const same = async () => containerState();
  const gone = async () => undefined;
  const exited = async () => containerState({ status: "exited" });
  const unknown = async () => {
    throw new Error("Docker does not answer");
  };
  type Inspect = () => Promise<ReturnType<typeof containerState> | undefined>;

  async function after(inspect: Inspect, sinceMs: number, changes: Partial<IncidentRecord> = {}) {
    const of = record({ intentAtMs: START_MS - sinceMs, ...changes });
    const tried = await resumed(of, [seen("firing")], {
      serviceContext: () => ({ platform: { inspect, logs: async () => [] } }),
      policy: {
        allowlist: allowlistFor(service().name),
        service: service({ actions: ACTION_IDS }),
      },
    });
    // Whatever it is: what follows is for the next poll.
    expect(tried.end).toBe("later");
    return { ...tried, of };
  }

  test.each<[string, Inspect, number]>([
    ["while it may still run", same, 29_999],
    ["while Docker does not tell", unknown, 600 * SECOND],
  ])("is left alone %s", async (_, inspect, sinceMs) => {
    const { unfinished, of, events } = await after(inspect, sinceMs);
    expect(events).toEqual([]);
    expect(unfinished.record).toBe(of);
    expect(isInFlight(unfinished)).toBe(true);
  });

  test.each<[string, Inspect, Partial<IncidentRecord>, string]>([
    [
      "has started the service",
      again,
      {},
      "the service has started since, so it was not run again",
    ],
    [
      "has stopped the service",
      exited,
      { action: { id: "docker-stop", argv: ARGV } },
      "the service has stopped since, so it was not run again",
    ],
  ])("%s: its outcome is known, and awaits its verdict", async (_, inspect, changes, output) => {
    const { unfinished, of, events } = await after(inspect, SECOND, changes);
    const outcome = {
      kind: "succeeded",
      argv: ARGV,
      exitCode: undefined,
      output,
      durationMs: 0,
    } as const;
    expect(events).toEqual([{ type: "action_finished", outcome }]);
    expect(unfinished.record).toEqual({ ...of, outcome });
    expect(isInFlight(unfinished)).toBe(false);
  });

  test.each<[string, Inspect]>([
    ["and that container runs as before", same],
    ["and there is no container", gone],
  ])("never ran, after 30 s, %s: it is investigated again", async (_, inspect) => {
    const { unfinished, of, events } = await after(inspect, 30 * SECOND);
    expect(events).toEqual([
      {
        type: "action_finished",
        outcome: {
          kind: "not_started",
          argv: ARGV,
          exitCode: undefined,
          output: "Sentinel was stopped before it ran",
          durationMs: 0,
        },
      },
    ]);
    expect(unfinished.record).toEqual({ ...of, phase: "investigating" });
    expect(isInFlight(unfinished)).toBe(false);
  });

  test("of which the command line is not known is told without one", async () => {
    const { events } = await after(again, SECOND, { decision: undefined });
    expect(events).toMatchObject([{ outcome: { argv: [] } }]);
  });

  test("is in flight until its outcome is known, and not before it was begun", () => {
    const inFlight = (changes: Partial<IncidentRecord>) =>
      isInFlight({ record: record(changes), isTold: true });
    const outcome = { kind: "succeeded", output: "", durationMs: 0 } as const;
    expect(inFlight({})).toBe(true);
    expect(inFlight({ outcome })).toBe(false);
    expect(inFlight({ intentAtMs: undefined })).toBe(false);
    expect(inFlight({ phase: "investigating" })).toBe(false);
    expect(inFlight({ phase: "verifying" })).toBe(false);
  });
});

describe("a command that had ended", () => {
  const outcome = { kind: "succeeded", output: "", durationMs: 900 } as const;

  test.each(["acting", "verifying"] as const)(
    "gets its whole time for a verdict, %s",
    async (phase) => {
      const script = () => [{ labels: SERIES, value: 0.1, timestampMs: START_MS }];
      const given = { rules: [CPU], script };
      const of = record({ phase, outcome });
      const { end, events, clock } = await resumed(of, [seen("firing")], given);
      expect(events.map(({ type }) => type)).toEqual(["verification_started", "incident_closed"]);
      expect(clock.elapsedMs).toBe(30 * SECOND);
      expect(end).toMatchObject({
        kind: "closed",
        closing: {
          result: "acted",
          verdict: { kind: "healed" },
          detectedAfterMs: 2 * SECOND,
          actedAfterMs: 7 * SECOND,
          healedAfterMs: 42 * SECOND,
        },
      });
    },
  );

  test("that was cancelled is not judged", async () => {
    const script = () => [{ labels: SERIES, value: 1.9, timestampMs: START_MS }];
    const argv = ["docker", "restart", "another"];
    const failed = { ...outcome, kind: "cancelled", argv } as const;
    const given = { rules: [CPU], script };
    const { end } = await resumed(record({ outcome: failed }), [seen("firing")], given);
    expect(end).toMatchObject({ closing: { result: "cancelled", actedAfterMs: 7 * SECOND } });
  });

  test("is judged by the series that fired, not by another of its rule", async () => {
    const script = () => [{ labels: { instance: "b:8000" }, value: 0.1, timestampMs: START_MS }];
    const given = { rules: [CPU], script };
    const { end } = await resumed(record({ phase: "verifying", outcome }), [seen("firing")], given);
    expect(end).toMatchObject({ closing: { verdict: { kind: "unknown" } } });
  });

  test("could not be started: nothing is waited for", async () => {
    const none = { kind: "not_started", output: "", durationMs: 0 } as const;
    const { end, clock } = await resumed(record({ outcome: none }), [seen("firing")]);
    expect(clock.elapsedMs).toBe(0);
    expect(end).toMatchObject({ closing: { verdict: { kind: "not_healed" } } });
  });
});

describe("the alert of an incident is that of its rule", () => {
  const OTHER = rule({ alert: "Other" });
  const INVESTIGATED = ["evidence_collected", "diagnosed"] as const;
  const investigating = record({ phase: "investigating", intentAtMs: undefined });

  test.each<[string, readonly Alert[], readonly IncidentEvent["type"][]]>([
    ["one that fires before one that is quiet", [seen("inactive"), seen("firing")], INVESTIGATED],
    ["one that fires before one that is pending", [seen("pending"), seen("firing")], INVESTIGATED],
    ["one without data before one that is quiet", [seen("inactive"), seen("no_data")], []],
  ])("%s", async (_, alerts, expected) => {
    const { events } = await resumed(investigating, alerts);
    expect(events.map(({ type }) => type).slice(0, 2)).toEqual([...expected]);
  });

  test.each<[string, readonly Alert[]]>([
    ["a quiet one", [seen("inactive")]],
    ["none of another rule", [alert({ rule: OTHER, state: "pending" })]],
    ["none at all", []],
  ])("over, with %s, as long as there is its rule", async (_, alerts) => {
    const { end } = await resumed(investigating, alerts);
    expect(end).toMatchObject({ closing: { result: "skipped", reason: "alert_resolved" } });
  });
});

describe("what cannot be judged any more", () => {
  const noRule = { rules: [rule({ alert: "Other" })] };
  const WHY = "its rule was removed, so nothing shows whether it is well";
  const GONE = "its container is gone, so nothing shows whether it is well";

  test("is skipped if nothing was run", async () => {
    const before = record({ phase: "investigating", intentAtMs: undefined });
    const { end } = await resumed(before, [], noRule);
    expect(end).toMatchObject({ closing: { result: "skipped", reason: "rule_removed" } });
    expect(closeGone(before, (await contextOf()).context)).toMatchObject({
      closing: { result: "skipped", reason: "container_replaced" },
    });
  });

  test.each([
    ["since its onset", record(), 7 * SECOND],
    ["since it was opened, without an onset", record({ onsetMs: undefined }), 5 * SECOND],
  ])("is of unknown effect if something was run, %s", async (_, of, actedAfterMs) => {
    const { end } = await resumed(of, [], noRule);
    const closing = { result: "acted", actedAfterMs };
    expect(end).toMatchObject({
      closing: { ...closing, verdict: { kind: "unknown", reason: WHY } },
    });
    expect(closeGone(of, (await contextOf()).context)).toMatchObject({
      closing: { ...closing, verdict: { kind: "unknown", reason: GONE } },
    });
  });
});
