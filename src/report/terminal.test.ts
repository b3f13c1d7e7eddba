import { describe, expect, test } from "bun:test";
import {
  alert,
  containerState,
  diagnosis,
  rule,
  SERVICE_NAME,
  START_MS,
} from "../../test/support/fixtures.ts";
import { diagnoser, hotUntil, type Story, tell } from "../../test/support/story.ts";
import { createTeller } from "../../test/support/teller.ts";
import { REASON_TEXT } from "../decision/decision.ts";
import { DiagnosisError } from "../core/errors.ts";
import type { IncidentEvent, WatchEvent } from "../core/events.ts";
import {
  type ApprovalAnswer,
  DECISION_REASONS,
  type DecisionReason,
  type Outcome,
} from "../core/model.ts";
import { renderEvent, reportEvent } from "./terminal.ts";

function render(event: IncidentEvent | WatchEvent): string {
  const stamp = { atMs: START_MS, service: SERVICE_NAME, incident: "20250101T120000-HighCpu" };
  return renderEvent({ ...event, ...stamp }).join("\n");
}

async function report(story: Story): Promise<string> {
  const { events } = await tell(story);
  return events
    .flatMap(renderEvent)
    .map((line) => line.trimEnd())
    .join("\n");
}

const unanswered = {
  name: "gemini-3.8-flash (Gemini)",
  deadlineMs: 20_000,
  diagnose: () => Promise.reject(new DiagnosisError("rate_limited", "status 429: over the quota")),
};

test("the report of an incident, whole", async () => {
  const text = await report({
    script: hotUntil(15_000),
    diagnosers: (clock) => [unanswered, diagnoser(clock, { name: "ministral-3-3b (LM Studio)" })],
    untilMs: 60_000,
  });
  expect(text).toBe(`12:00:00  sentinel-target-api: all quiet: HighCpu 0.1
12:00:10  sentinel-target-api: HighCpu is firing: CPU use is 1.9 cores

── Incident 20250101T120010-HighCpu-d1a9 on sentinel-target-api ────────
   Fired       HighCpu (high): CPU use is 1.9 cores, 3.8 times the threshold of 0.5
   Since       about 12:00:05, 5 s before it was found
   State       running, health healthy, 0 restarts, started 2025-01-01T11:59:00.000Z
   Health      healthy (status 200)
   Evidence    0 log lines, 61 earlier values
   No answer   gemini-3.8-flash (Gemini): status 429: over the quota
   Diagnosed   by ministral-3-3b (LM Studio) in 1 s
   Root cause  Worker threads burn every core.
               - CPU is 1.9 cores
   Severity    high (hot_loop, 90 % sure)
   Proposes    docker-restart
   Decision    act: the diagnosis chose it and the alert's rule permits it
   Action      docker-restart
   Command     docker restart sentinel-target-api
   Result      succeeded, exit code 0, in 2 s
   Verifying   the verdict is due in 30 s
   Verdict     HEALED: the alert is silent on 20 s of samples taken after the action, and its health check passes
   Timing      found after 5 s, acted after 6 s, proven healed after 38 s
────────────────────────────────────────────────────────────────────────

12:00:43  sentinel-target-api: HighCpu has resolved`);
});

describe("how an incident ends", () => {
  const incurable = hotUntil(Infinity);
  const next =
    "Next        left to a person: Sentinel runs nothing more until the alert has resolved";
  const cases: readonly (readonly [string, Partial<Story>, readonly string[]])[] = [
    ["not healed is left to a person", {}, ["NOT HEALED: the alert still holds", next]],
    [
      "unknown is left to a person",
      { script: (_, ms) => (ms < 12_000 ? 1.9 : []) },
      ["UNKNOWN: the alert's signal has no data", next],
    ],
    [
      "what could not be started",
      { act: () => ({ kind: "not_started", exitCode: undefined, output: "docker: not found" }) },
      ["could not be started", "docker: not found", "NOT HEALED: the command could not", next],
    ],
    [
      "what failed says what it said",
      { act: () => ({ kind: "failed", exitCode: 1, output: "a\n\nno such container\n" }) },
      ["failed, exit code 1, in 2 s", "               no such container"],
    ],
    [
      "held: what it would run",
      { policy: { autonomy: "approve" } },
      ["left to a person: AUTONOMY=approve. It would run: docker restart sentinel-target-api"],
    ],
    [
      "observed: what it would run",
      { policy: { autonomy: "observe" } },
      ["nothing is run: AUTONOMY=observe. It would run: docker restart sentinel-target-api"],
    ],
    ["cancelled", { stopAt: "action_started" }, ["cancelled: Sentinel was told to stop"]],
    [
      "the playbook, if no model answers",
      { diagnosers: () => [unanswered] },
      ["No answer   gemini-3.8-flash (Gemini)", "by built-in playbook in 0 s"],
    ],
  ];
  test.each(cases)("%s", async (_, story, expected) => {
    const text = await report({ script: incurable, untilMs: 120_000, ...story });
    for (const part of expected) expect(text).toContain(part);
  });

  test("healed leaves nothing to a person", async () => {
    expect(await report({ script: hotUntil(15_000), untilMs: 120_000 })).not.toContain("person");
  });

  test("every reason not to act is said", () => {
    for (const reason of DECISION_REASONS) {
      if (reason === "two_keys_agree" || reason === "next_on_the_list") continue;
      const text = render({
        type: "decided",
        decision: { kind: "ask", action: undefined, reason },
      });
      expect(text).toEndWith(` left to a person: ${REASON_TEXT[reason]}.`);
    }
  });
});

describe("between incidents", () => {
  const quiet = { state: "inactive", value: 0.1 } as const;
  const none = { state: "no_data", value: undefined } as const;
  const up = rule({ alert: "TargetDown", signal: { expr: "up", operator: "==", threshold: 0 } });
  const memory = rule({ alert: "HighMemory" });
  const cases: readonly (readonly [string, IncidentEvent | WatchEvent, string])[] = [
    [
      "all quiet",
      { type: "quiet", alerts: [alert(quiet), alert({ ...quiet, rule: up, value: 1 })] },
      "all quiet: HighCpu 0.1, TargetDown no",
    ],
    [
      "bytes as bytes",
      { type: "quiet", alerts: [alert({ ...quiet, rule: memory, value: 50_542_000 })] },
      "all quiet: HighMemory 48.2 MiB",
    ],
    [
      "one without data among the quiet",
      { type: "quiet", alerts: [alert(quiet), alert({ ...none, rule: memory })] },
      "all quiet: HighCpu 0.1; 1 not judged (HighMemory)",
    ],
    [
      "one where nothing happened that it could measure",
      { type: "quiet", alerts: [alert(quiet), alert({ ...none, rule: memory, isIdle: true })] },
      "all quiet: HighCpu 0.1, HighMemory idle",
    ],
    [
      "a signal that is lost",
      { type: "signal_lost", alertname: "HighMemory", reason: "there are no samples" },
      "HighMemory cannot be judged: there are no samples",
    ],
    [
      "a signal that is back",
      { type: "signal_back", alertname: "HighMemory" },
      "HighMemory can be judged again",
    ],
    [
      "no data at all is not quiet",
      { type: "quiet", alerts: [alert(none)] },
      "nothing is known: no data for HighCpu",
    ],
    [
      "pending",
      { type: "alert_changed", alert: alert({ state: "pending" }), from: "inactive" },
      "HighCpu is pending: CPU use is 1.9 cores",
    ],
    [
      "resolved",
      { type: "alert_changed", alert: alert(quiet), from: "firing" },
      "HighCpu has resolved",
    ],
    [
      "pending no more",
      { type: "alert_changed", alert: alert(quiet), from: "pending" },
      "HighCpu has gone quiet",
    ],
    [
      "fired, and no data",
      {
        type: "alert_changed",
        alert: alert({ ...none, noDataReason: "there are no samples" }),
        from: "firing",
      },
      "HighCpu was firing and has no data: there are no samples",
    ],
    [
      "a refused expression",
      {
        type: "alert_changed",
        alert: alert({ ...none, noDataReason: "400 bad_data", isRejected: true }),
        from: "inactive",
      },
      "HighCpu is not watched, since its expression is refused: 400 bad_data",
    ],
    [
      "cooling down",
      { type: "cooling_down", alert: alert(), untilMs: START_MS + 60_000 },
      "HighCpu fires during the cooldown, which ends at 12:01:00",
    ],
  ];
  test.each(cases)("%s", (_, event, expected) => {
    expect(render(event)).toBe(`12:00:00  ${SERVICE_NAME}: ${expected}`);
  });

  test("a signal at rest without data is left to the line of the quiet ones", () => {
    expect(render({ type: "alert_changed", alert: alert(none), from: "inactive" })).toBe("");
  });

  test("a missing source says that nothing is judged", () => {
    expect(render({ type: "source_down", reason: "cannot be reached" })).toBe(
      "12:00:00  Signals are missing: cannot be reached. Nothing is judged or done.",
    );
  });
});

describe("what strangers write", () => {
  const evil = "\u001b[2J\u0007\r\n── Incident forged\u202e\u2028";
  const fired = alert({
    rule: rule({ alert: `A${evil}`, annotations: { summary: `${evil}{{ $labels.x }}` } }),
    labels: { x: evil },
    noDataReason: evil,
  });
  const outcome: Outcome = {
    kind: "failed",
    argv: [evil],
    exitCode: 1,
    output: evil,
    durationMs: 1,
  };
  const container = containerState({ status: evil, health: evil });
  const events: readonly (IncidentEvent | WatchEvent)[] = [
    { type: "source_down", reason: evil },
    { type: "alert_changed", alert: fired, from: "inactive" },
    { type: "alert_changed", alert: { ...fired, state: "no_data" }, from: "firing" },
    { type: "cooling_down", alert: fired, untilMs: START_MS },
    { type: "quiet", alerts: [fired] },
    { type: "incident_opened", alert: fired, onsetMs: undefined },
    {
      type: "evidence_collected",
      container: { kind: "found", value: container },
      health: { ok: false, message: evil },
      logLines: 1,
      historyPoints: 1,
    },
    {
      type: "evidence_collected",
      container: { kind: "unreadable", reason: evil },
      health: { ok: false, message: evil },
      logLines: 1,
      historyPoints: 1,
    },
    { type: "diagnosis_failed", diagnoser: evil, reason: evil, message: evil, durationMs: 1 },
    {
      type: "diagnosed",
      diagnoser: evil,
      diagnosis: diagnosis({ rootCause: evil, evidence: [evil] }),
      durationMs: 1,
    },
    { type: "action_started", action: evil, argv: [evil] },
    { type: "action_finished", outcome },
    { type: "verification_started", verdictInMs: 1 },
  ];
  test.each(events.map((event) => [event.type, event] as const))(
    "%s shows no control character and forges no line",
    (_, event) => {
      const lines = render(event).split("\n");
      for (const line of lines) {
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(line).not.toStartWith("── Incident forged");
      }
    },
  );

  test("a value that is no number is not shown as one", () => {
    const text = render({
      type: "incident_opened",
      alert: alert({ value: undefined }),
      onsetMs: undefined,
    });
    expect(text).toContain("CPU use is an unknown number cores");
    expect(text).toContain("Since       not known");
  });
});

test("of two incidents at once each line says whose it is, and of one it need not", async () => {
  const told = await createTeller();
  const at = async (service: string, event: IncidentEvent) =>
    reportEvent(
      await told({ ...event, atMs: START_MS, service, incident: "20250101T120000-HighCpu" }),
    );
  const opened: IncidentEvent = { type: "incident_opened", alert: alert(), onsetMs: undefined };
  const failed: IncidentEvent = {
    type: "diagnosis_failed",
    diagnoser: "m",
    reason: "timeout",
    message: "late",
    durationMs: 1,
  };
  const closed: IncidentEvent = {
    type: "incident_closed",
    closing: {
      result: "skipped",
      verdict: undefined,
      detectedAfterMs: undefined,
      actedAfterMs: undefined,
      healedAfterMs: undefined,
    },
  };
  await at("api", opened);
  expect(await at("api", failed)).toEqual(["   No answer   m: late"]);
  expect((await at("db", opened)).filter((line) => line !== "" && !line.startsWith("db "))).toEqual(
    [],
  );
  expect(await at("db", failed)).toEqual(["db    No answer   m: late"]);
  expect(await at("api", failed)).toEqual(["api    No answer   m: late"]);
  await at("db", closed);
  expect(await at("api", failed)).toEqual(["   No answer   m: late"]);
});

describe("why nothing was run", () => {
  const ended = async (...events: readonly IncidentEvent[]) => {
    const told = await createTeller();
    const stamp = { atMs: START_MS, service: SERVICE_NAME, incident: "i" };
    const lines: string[] = [];
    for (const event of [OPENED, ...events])
      lines.push(...reportEvent(await told({ ...event, ...stamp })));
    return lines.filter((line) => line.includes("nothing"));
  };
  const OPENED: IncidentEvent = { type: "incident_opened", alert: alert(), onsetMs: undefined };
  const REQUESTED: IncidentEvent = {
    type: "approval_requested",
    request: "i",
    action: "docker-restart",
    argv: [],
    expiresAtMs: START_MS + 900_000,
  };
  const closed = (reason: DecisionReason): IncidentEvent => {
    const unknown = { detectedAfterMs: undefined, actedAfterMs: undefined };
    const times = { ...unknown, healedAfterMs: undefined, verdict: undefined };
    return { type: "incident_closed", closing: { result: "skipped", reason, ...times } };
  };
  const act = { kind: "act", action: "docker-restart", reason: "two_keys_agree" } as const;
  const skip = { kind: "skip", action: undefined, reason: "alert_resolved" } as const;
  const answered = (answer: ApprovalAnswer): IncidentEvent => ({
    type: "approval_answered",
    request: "i",
    answer,
  });

  test.each<[string, readonly IncidentEvent[], string[]]>([
    [
      "it is what was found after the decision to act",
      [{ type: "decided", decision: act }, closed("container_replaced")],
      [`   Ended       nothing was run: ${REASON_TEXT.container_replaced}`],
    ],
    [
      "it is what was found after a yes",
      [REQUESTED, answered("approved"), closed("paused")],
      ["   Ended       nothing was run: a person paused it"],
    ],
    [
      "it is what was found after a restart",
      [closed("rule_removed")],
      [`   Ended       nothing was run: ${REASON_TEXT.rule_removed}`],
    ],
    [
      "the decision says it, and the end does not say it again",
      [{ type: "decided", decision: skip }, closed("alert_resolved")],
      [`   Decision    nothing is run: ${REASON_TEXT.alert_resolved}.`],
    ],
    [
      "but it does after a restart, for the decision was told by another process",
      [
        { type: "decided", decision: skip },
        { type: "incident_resumed", alertname: "HighCpu", phase: "investigating" },
        closed("alert_resolved"),
      ],
      [
        `   Decision    nothing is run: ${REASON_TEXT.alert_resolved}.`,
        `   Ended       nothing was run: ${REASON_TEXT.alert_resolved}`,
      ],
    ],
    [
      "so does a no",
      [REQUESTED, answered("denied"), closed("denied")],
      ["   Answer      i was denied: nothing is run"],
    ],
  ])("%s", async (_, events, lines) => {
    expect(await ended(...events)).toEqual(lines);
  });
});

test("credentials are masked, over several lines as well", () => {
  const stamp = { atMs: START_MS, service: SERVICE_NAME, incident: "20250101T120000-HighCpu" };
  const lines = [
    "-----BEGIN PRIVATE KEY-----",
    "MIIE",
    "-----END PRIVATE KEY-----",
    "token=abcdef",
  ];
  const outcome = {
    kind: "failed",
    argv: [],
    exitCode: 1,
    output: lines.join("\n"),
    durationMs: 1,
  } as const;
  const told = renderEvent({ type: "action_finished", outcome, ...stamp }).slice(1);
  expect(told.map((line) => line.trim())).toEqual([
    "[masked]",
    "[masked]",
    "[masked]",
    "token=[masked]",
  ]);
});
