import { describe, expect, test } from "bun:test";
import { alert, diagnosis, SERVICE_NAME, START_MS } from "../../test/support/fixtures.ts";
import { eventFields } from "./event-line.ts";
import type { IncidentEvent } from "../core/events.ts";
import type { ApprovalAnswer } from "../core/model.ts";
import type { JournalEntry } from "../core/ports.ts";
import { createIncidentFold, foldIncidents, type IncidentRecord } from "../core/incident-record.ts";
import { readEvent } from "../core/journal-entry.ts";

const ID = "20250101T120000-HighCpu";
const ARGV = ["docker", "restart", SERVICE_NAME];
const OUTCOME = {
  kind: "succeeded",
  argv: ARGV,
  exitCode: 0,
  output: "done\n",
  durationMs: 900,
} as const;

/** As the observer writes it, one second after another, and as JSON keeps it. */
function record(...events: readonly IncidentEvent[]): JournalEntry[] {
  return events.map((event, index) => {
    const atMs = START_MS + index * 1000;
    const stamped = { ...event, atMs, service: SERVICE_NAME, incident: ID };
    const fields: JournalEntry["fields"] = JSON.parse(JSON.stringify(eventFields(stamped)));
    return { seq: index + 1, atMs, service: SERVICE_NAME, incident: ID, type: event.type, fields };
  });
}

/** What a person's own process writes. */
function said(type: string, fields: JournalEntry["fields"], atMs = START_MS): JournalEntry {
  return { seq: 1000, atMs, service: SERVICE_NAME, incident: undefined, type, fields };
}

const OPENED: IncidentEvent = {
  type: "incident_opened",
  alert: alert(),
  onsetMs: START_MS - 8000,
};
const REQUESTED: IncidentEvent = {
  type: "approval_requested",
  request: "r-1",
  action: "docker-restart",
  argv: ARGV,
  expiresAtMs: START_MS + 900_000,
};

/** The whole story, and the phase that each event leads to. */
const STORY: readonly (readonly [IncidentEvent, IncidentRecord["phase"]])[] = [
  [OPENED, "investigating"],
  [
    {
      type: "evidence_collected",
      container: { kind: "absent", reason: "gone" },
      health: { ok: false, message: "refused" },
      logLines: 3,
      historyPoints: 5,
    },
    "investigating",
  ],
  [
    {
      type: "diagnosis_failed",
      diagnoser: "gemini",
      reason: "timeout",
      message: "took too long",
      durationMs: 30_000,
    },
    "investigating",
  ],
  [
    {
      type: "diagnosed",
      diagnoser: "playbook",
      diagnosis: diagnosis(),
      durationMs: 12,
      tokens: 700,
    },
    "investigating",
  ],
  [
    {
      type: "decided",
      decision: { kind: "ask", action: "docker-restart", reason: "autonomy_approve" },
      argv: ARGV,
    },
    "investigating",
  ],
  [REQUESTED, "waiting"],
  [{ type: "incident_resumed", alertname: "HighCpu", phase: "waiting" }, "waiting"],
  [{ type: "approval_answered", request: "r-1", answer: "approved" }, "acting"],
  [{ type: "action_started", action: "docker-restart", argv: ARGV }, "acting"],
  [{ type: "action_finished", outcome: OUTCOME }, "acting"],
  [{ type: "verification_started", verdictInMs: 30_000 }, "verifying"],
  [
    {
      type: "incident_closed",
      closing: {
        result: "acted",
        verdict: { kind: "healed", reason: "silent for a window" },
        detectedAfterMs: 8000,
        actedAfterMs: 15_000,
        healedAfterMs: 45_000,
      },
    },
    "closed",
  ],
];
const EVENTS = STORY.map(([event]) => event);

function only(entries: readonly JournalEntry[]): IncidentRecord {
  const [found, ...more] = foldIncidents(entries);
  expect(more).toEqual([]);
  if (found === undefined) throw new Error("there is no incident");
  return found;
}

describe("an incident", () => {
  test("is all that its events say", () => {
    expect(only(record(...EVENTS))).toEqual({
      id: ID,
      service: SERVICE_NAME,
      alert: {
        name: "HighCpu",
        severity: "high",
        labels: alert().labels,
        summary: "CPU use is 1.9 cores",
      },
      joined: [],
      joinedCount: 0,
      openedAtMs: START_MS,
      onsetMs: START_MS - 8000,
      phase: "closed",
      container: { kind: "absent", reason: "gone" },
      wasHealthy: false,
      failures: [
        {
          diagnoser: "gemini",
          reason: "timeout",
          message: "took too long",
          durationMs: 30_000,
        },
      ],
      diagnosis: { ...diagnosis(), diagnoser: "playbook", durationMs: 12, tokens: 700 },
      decision: { kind: "ask", action: "docker-restart", reason: "autonomy_approve", argv: ARGV },
      request: {
        id: "r-1",
        action: "docker-restart",
        argv: ARGV,
        expiresAtMs: START_MS + 900_000,
        given: undefined,
        answer: "approved",
      },
      saidReason: undefined,
      action: { id: "docker-restart", argv: ARGV },
      intentAtMs: START_MS + 8000,
      outcome: OUTCOME,
      verificationAtMs: START_MS + 10_000,
      verdictInMs: 30_000,
      flaps: 0,
      resumptions: 1,
      closing: {
        result: "acted",
        verdict: { kind: "healed", reason: "silent for a window" },
        detectedAfterMs: 8000,
        actedAfterMs: 15_000,
        healedAfterMs: 45_000,
      },
      closedAtMs: START_MS + 11_000,
    });
  });

  test.each(STORY.map(([event, phase], index) => [index + 1, event.type, phase] as const))(
    "after %i events, the last %s, is %s and knows nothing of what follows",
    (count, _, phase) => {
      const found = only(record(...EVENTS.slice(0, count)));
      const happened = new Set<string>(EVENTS.slice(0, count).map(({ type }) => type));
      expect(found.phase).toBe(phase);
      expect(found.failures.length > 0).toBe(happened.has("diagnosis_failed"));
      expect(found.diagnosis !== undefined).toBe(happened.has("diagnosed"));
      expect(found.decision !== undefined).toBe(happened.has("decided"));
      expect(found.request !== undefined).toBe(happened.has("approval_requested"));
      expect(found.request?.answer !== undefined).toBe(happened.has("approval_answered"));
      expect(found.intentAtMs !== undefined).toBe(happened.has("action_started"));
      expect(found.outcome !== undefined).toBe(happened.has("action_finished"));
      expect(found.verdictInMs !== undefined).toBe(happened.has("verification_started"));
      expect(found.closing !== undefined).toBe(happened.has("incident_closed"));
    },
  );

  test("that acts a second time has an intent without an outcome again", () => {
    const again: IncidentEvent = { type: "action_started", action: "compose-up", argv: ["docker"] };
    const found = only(record(...EVENTS.slice(0, 10), again));
    expect(found.action).toEqual({ id: "compose-up", argv: ["docker"] });
    expect(found.intentAtMs).toBe(START_MS + 10_000);
    expect(found.outcome).toBeUndefined();
  });

  test("that is closed stays as it was, whatever comes after", () => {
    const whole = record(...EVENTS);
    expect(only([...whole, ...record(REQUESTED)])).toEqual(only(whole));
  });

  test("names all label sets that its joinings name, and counts the others", () => {
    const joining = (instances: readonly string[], count: number): IncidentEvent => ({
      type: "alerts_joined",
      alerts: instances.map((instance) => alert({ labels: { instance } })),
      count,
    });
    const many = Array.from({ length: 20 }, (_, index) => `i${index}`);
    const found = only(record(OPENED, joining(many, 25), joining(["j"], 1)));
    expect(found.joined.map((labels) => labels["instance"])).toEqual([...many, "j"]);
    expect(found.joinedCount).toBe(26);
  });

  test("whose beginning is not there is none", () => {
    expect(foldIncidents(record(...EVENTS).slice(1))).toEqual([]);
  });

  test("of another service at the same moment is another, though its name is the same", () => {
    const entries = record(...EVENTS);
    const others = record(OPENED).map((entry) => ({ ...entry, service: "other" }));
    const found = foldIncidents([...others, ...entries]);
    expect(found.map(({ service, phase }) => [service, phase])).toEqual([
      ["other", "investigating"],
      [SERVICE_NAME, "closed"],
    ]);
  });
});

describe("what a person answers", () => {
  const asked = record(OPENED, REQUESTED);
  const yes = { request: "r-1", answer: "approved", by: "ann" };

  test("is kept beside the request, and changes nothing until the observer takes it up", () => {
    const found = only([...asked, said("approval_given", yes, START_MS + 5)]);
    expect(found.phase).toBe("waiting");
    expect(found.request?.given).toEqual({
      request: "r-1",
      answer: "approved",
      by: "ann",
      atMs: START_MS + 5,
    });
    expect(found.request?.answer).toBeUndefined();
  });

  test("counts once: the first word is the last", () => {
    const no = { ...yes, answer: "denied", by: "bob" };
    const found = only([...asked, said("approval_given", no), said("approval_given", yes)]);
    expect(found.request?.given?.answer).toBe("denied");
  });

  test.each([
    ["another request", { ...yes, request: "r-2" }],
    ["an answer that is none", { ...yes, answer: "expired" }],
    ["nobody", { request: "r-1", answer: "approved" }],
  ])("is not heard of %s", (_, fields) => {
    expect(only([...asked, said("approval_given", fields)]).request?.given).toBeUndefined();
  });

  test("before it was asked is not heard", () => {
    const found = only([said("approval_given", yes), ...asked]);
    expect(found.request?.given).toBeUndefined();
  });

  test.each([
    ["denied", "waiting"],
    ["expired", "waiting"],
    ["withdrawn", "waiting"],
    ["approved", "acting"],
  ] as const)("and the observer takes as %s leaves it %s", (answer, phase) => {
    const answered: IncidentEvent = { type: "approval_answered", request: "r-1", answer };
    expect(only(record(OPENED, REQUESTED, answered)).phase).toBe(phase);
  });
});

describe("why nothing is run is what was said last", () => {
  const asks: IncidentEvent = {
    type: "decided",
    decision: { kind: "ask", action: "docker-restart", reason: "autonomy_approve" },
  };
  const resumed: IncidentEvent = {
    type: "incident_resumed",
    alertname: "HighCpu",
    phase: "waiting",
  };
  const answered = (answer: ApprovalAnswer): IncidentEvent => ({
    type: "approval_answered",
    request: "r-1",
    answer,
  });

  test.each<[string, readonly IncidentEvent[], string | undefined]>([
    ["before there is a decision", [], undefined],
    ["by the decision", [asks], "autonomy_approve"],
    ["by a no", [asks, REQUESTED, answered("denied")], "denied"],
    ["by nobody in time", [asks, REQUESTED, answered("expired")], "expired"],
    ["by the alert's end", [asks, REQUESTED, answered("withdrawn")], "alert_resolved"],
    ["and not after a yes", [asks, REQUESTED, answered("approved")], undefined],
    ["and not after a restart", [asks, REQUESTED, resumed], undefined],
    [
      "and again by the next decision",
      [asks, REQUESTED, answered("approved"), asks],
      "autonomy_approve",
    ],
  ])("%s", (_, events, expected) => {
    expect(only(record(OPENED, ...events)).saidReason).toBe(expected);
  });
});

describe("a fold that goes on", () => {
  const [first, ...rest] = record(...EVENTS);

  test("tells with each entry how its incident stands, and what a person says of it", () => {
    const fold = createIncidentFold();
    const steps = record(OPENED, REQUESTED).map((entry) => fold.apply(entry));
    expect(steps.map((step) => step?.record?.phase)).toEqual(["investigating", "waiting"]);
    const yes = { request: "r-1", answer: "approved", by: "ann" };
    const given = fold.apply(said("approval_given", yes));
    expect(given?.record).toMatchObject({ id: ID, request: { given: { by: "ann" } } });
    expect(fold.find({ service: SERVICE_NAME, incident: ID })).toBe(given?.record);
    expect(fold.find({ service: "other", incident: ID })).toBeUndefined();
    expect(fold.find({ service: SERVICE_NAME, incident: undefined })).toBeUndefined();
  });

  test("has no record for what it does not know the beginning of, and no step for what it cannot read", () => {
    const fold = createIncidentFold();
    expect(rest.map((entry) => fold.apply(entry)?.record)).toEqual(rest.map(() => undefined));
    expect(fold.apply(said("from_the_future", {}))).toBeUndefined();
    expect(fold.apply(said("resumed", { by: "ann" }))).toMatchObject({ record: undefined });
  });

  test("forgets what has ended, and nothing else", () => {
    const fold = createIncidentFold();
    for (const entry of [first, ...rest]) if (entry !== undefined) fold.apply(entry);
    const others = record(OPENED, REQUESTED).map((entry) => ({ ...entry, service: "other" }));
    for (const entry of others) fold.apply(entry);
    fold.forgetClosed();
    expect(fold.records().map(({ service }) => service)).toEqual(["other"]);
    const yes = { request: "r-1", answer: "approved", by: "ann" };
    expect(fold.apply(said("approval_given", yes))?.record).toBeUndefined();
    const ofOther = fold.apply({ ...said("approval_given", yes), service: "other" });
    expect(ofOther?.record?.request?.given?.by).toBe("ann");
  });
});

describe("what is not known", () => {
  test("is passed over, be it a type or a field", () => {
    const plain = record(...EVENTS);
    const strange = plain.flatMap((entry) => [
      { ...entry, type: "from_the_future" },
      { ...entry, fields: { ...entry.fields, from_the_future: { a: 1 } } },
      { ...entry, type: "__proto__" },
    ]);
    expect(foldIncidents(strange)).toEqual(foldIncidents(plain));
  });

  test.each([{}, { alert: null }, { alert: { name: 7 } }, { decision: [] }, { outcome: "x" }])(
    "never throws: %j in place of any event's fields",
    (fields) => {
      const plain = record(...EVENTS);
      for (const index of plain.keys()) {
        const broken = plain.map((entry, at) => (at === index ? { ...entry, fields } : entry));
        const expected = plain.filter((entry, at) => at !== index || !needsFields(entry));
        expect(foldIncidents(broken).map(({ phase }) => phase)).toEqual(
          foldIncidents(expected).map(({ phase }) => phase),
        );
      }
    },
  );

  test("is a reason of a newer Sentinel, which is kept as it is", () => {
    const [decided] = record({
      type: "decided",
      decision: { kind: "skip", action: undefined, reason: "alert_resolved" },
    });
    if (decided === undefined) throw new Error("nothing");
    const fields = { decision: { kind: "skip", reason: "budget_spent" } };
    expect(only([...record(OPENED), { ...decided, fields }]).decision?.reason).toBe("budget_spent");
  });
});

function needsFields(entry: JournalEntry): boolean {
  return readEvent(entry) !== undefined;
}

test.each([
  ["paused", { by: "ann", until_ms: 5 }, { type: "paused", by: "ann", until_ms: 5 }],
  ["paused", { by: "ann" }, { type: "paused", by: "ann" }],
  ["paused", {}, undefined],
  ["paused", { by: "ann", until_ms: "5" }, undefined],
  ["resumed", { by: "ann", why: "x" }, { type: "resumed", by: "ann" }],
  ["resume", { by: "ann" }, undefined],
] as const)("%s with %j is read as %j", (type, fields, expected) => {
  expect(readEvent(said(type, fields))).toEqual(expected);
});
