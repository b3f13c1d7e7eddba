/** What the journal's entries have, read strictly; and an incident as the fold of its own. */

import { z } from "zod";
import { APPROVAL_ANSWERS, type Closing } from "./events.ts";
import { type ContainerState, type Finding, type Outcome, SEVERITIES, VERDICTS } from "./model.ts";
import type { JournalEntry } from "./ports.ts";

// What gates a step is a closed list, and a missing entry does not compile; what is only shown is text,
// so that an entry of a newer Sentinel with a reason of its own is not lost to this one.
const CLOSING_RESULTS = {
  acted: "acted",
  held: "held",
  skipped: "skipped",
  cancelled: "cancelled",
} as const satisfies { readonly [Result in Closing["result"]]: Result };
const OUTCOME_KINDS = {
  succeeded: "succeeded",
  failed: "failed",
  timed_out: "timed_out",
  cancelled: "cancelled",
  not_started: "not_started",
} as const satisfies { readonly [Kind in Outcome["kind"]]: Kind };

const time = z.number();
const duration = z.number();
const argv = z.array(z.string()).readonly();

const alert = z.object({
  name: z.string(),
  state: z.string().optional(),
  severity: z.enum(SEVERITIES),
  labels: z.record(z.string(), z.string()).readonly(),
  summary: z.string().optional(),
});

const diagnosis = z.object({
  rootCause: z.string(),
  severity: z.string().optional(),
  faultClass: z.string().optional(),
  confidence: z.number(),
  action: z.string(),
  evidence: z.array(z.string()).readonly().optional(),
});

const decision = z.object({
  kind: z.enum(["act", "ask", "skip"]),
  action: z.string().optional(),
  reason: z.string(),
});

const outcome = z.object({
  kind: z.enum(OUTCOME_KINDS),
  argv: argv.optional(),
  exitCode: z.number().optional(),
  output: z.string(),
  durationMs: duration,
});

/** What an action is compared with: is it still the container that was diagnosed? */
const container = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("found"),
    value: z.object({
      status: z.string(),
      health: z.string(),
      exitCode: z.number(),
      oomKilled: z.boolean(),
      restartCount: z.number(),
      startedAtMs: time.optional(),
      startPeriodMs: z.number(),
      containerId: z.string(),
      image: z.string(),
    }),
  }),
  z.object({ kind: z.literal("missing"), reason: z.string() }),
]);

const closing = z.object({
  result: z.enum(CLOSING_RESULTS),
  reason: z.string().optional(),
  verdict: z.object({ kind: z.enum(VERDICTS), reason: z.string() }).optional(),
  madeWorse: z.literal(true).optional(),
  detectedAfterMs: duration.optional(),
  actedAfterMs: duration.optional(),
  healedAfterMs: duration.optional(),
});

const event = z.discriminatedUnion("type", [
  z.object({ type: z.literal("incident_opened"), alert, onsetMs: time.optional() }),
  z.object({
    type: z.literal("evidence_collected"),
    container,
    health: z.object({ ok: z.boolean() }),
  }),
  z.object({
    type: z.literal("diagnosis_failed"),
    diagnoser: z.string(),
    reason: z.string(),
    message: z.string(),
    durationMs: duration,
  }),
  z.object({
    type: z.literal("diagnosed"),
    diagnoser: z.string(),
    diagnosis,
    durationMs: duration,
    tokens: z.number().optional(),
  }),
  z.object({ type: z.literal("decided"), decision, argv: argv.optional() }),
  z.object({
    type: z.literal("approval_requested"),
    request: z.string(),
    action: z.string(),
    argv,
    expiresAtMs: time,
  }),
  z.object({
    type: z.literal("approval_answered"),
    request: z.string(),
    answer: z.enum(APPROVAL_ANSWERS),
  }),
  z.object({ type: z.literal("action_started"), action: z.string(), argv }),
  z.object({ type: z.literal("action_finished"), outcome }),
  z.object({ type: z.literal("verification_started"), verdictInMs: duration }),
  z.object({ type: z.literal("incident_resumed"), phase: z.string() }),
  z.object({ type: z.literal("incident_closed"), closing }),
  z.object({ type: z.literal("alert_changed"), alert, from: z.string() }),
  // What people say, through a process of their own. `by` is who, as far as that is known.
  z.object({ type: z.literal("paused"), until_ms: time.optional(), by: z.string() }),
  z.object({ type: z.literal("resumed"), by: z.string() }),
  z.object({
    type: z.literal("approval_given"),
    request: z.string(),
    answer: z.enum(["approved", "denied"]),
    by: z.string(),
  }),
]);

/** An entry of which every field is known to be what it should be. */
export type RecordedEvent = z.infer<typeof event>;

/** `undefined` for a type that is not known here, or that lacks what it needs. */
export function readEvent(entry: JournalEntry): RecordedEvent | undefined {
  return event.safeParse({ ...entry.fields, type: entry.type }).data;
}

/**
 * How far an incident has come. `waiting`: a person was asked and the answer is not settled, or is no.
 * `acting`: an answer was yes, or the intent to act is written. `verifying`: the verdict is awaited.
 */
export const PHASES = ["investigating", "waiting", "acting", "verifying", "closed"] as const;
export type Phase = (typeof PHASES)[number];

export interface IncidentRecord {
  readonly id: string;
  readonly service: string;
  readonly alert: {
    readonly name: string;
    readonly severity: (typeof SEVERITIES)[number];
    readonly labels: Readonly<Record<string, string>>;
    readonly summary: string | undefined;
  };
  readonly openedAtMs: number;
  readonly onsetMs: number | undefined;
  readonly phase: Phase;
  /** As it was when the evidence was collected; the health endpoint's answer as well. */
  readonly container: Finding<ContainerState> | undefined;
  readonly wasHealthy: boolean | undefined;
  /** Diagnosers that gave no usable answer, in the order in which they were asked. */
  readonly failures: readonly Recorded<"diagnosis_failed">[];
  readonly diagnosis: RecordedDiagnosis | undefined;
  readonly decision: RecordedDecision | undefined;
  readonly request: ApprovalRequest | undefined;
  /** The action last begun; with no outcome, nobody knows what became of it. */
  readonly action: { readonly id: string; readonly argv: readonly string[] } | undefined;
  /** When the intent to run it was written. */
  readonly intentAtMs: number | undefined;
  readonly outcome: Recorded<"action_finished">["outcome"] | undefined;
  readonly outcomeAtMs: number | undefined;
  readonly verificationAtMs: number | undefined;
  /** Counted from then. */
  readonly verdictInMs: number | undefined;
  /** How often it was taken up again after a restart. */
  readonly resumptions: number;
  readonly closing: Recorded<"incident_closed">["closing"] | undefined;
  readonly closedAtMs: number | undefined;
}

type Recorded<Type extends RecordedEvent["type"]> = Omit<
  Extract<RecordedEvent, { type: Type }>,
  "type"
>;

export type RecordedDiagnosis = Recorded<"diagnosed">["diagnosis"] & {
  readonly diagnoser: string;
  readonly durationMs: number;
  readonly tokens: number | undefined;
};

export type RecordedDecision = Recorded<"decided">["decision"] & {
  readonly argv: readonly string[] | undefined;
};

export interface ApprovalRequest {
  readonly id: string;
  readonly action: string;
  readonly argv: readonly string[];
  readonly expiresAtMs: number;
  /** What a person said first; later words change nothing. */
  readonly given: (Recorded<"approval_given"> & { readonly atMs: number }) | undefined;
  /** What the observer made of it. */
  readonly answer: Recorded<"approval_answered">["answer"] | undefined;
}

/**
 * The incidents of a journal in the order in which they were opened. What is not known is passed over,
 * and so is what belongs to an incident whose beginning is not there.
 *
 * @param entries in order
 */
export function foldIncidents(entries: readonly JournalEntry[]): readonly IncidentRecord[] {
  // Two services may have had the same alert at the same moment.
  const keyOf = ({ incident, service }: JournalEntry) =>
    incident === undefined ? undefined : `${incident}\n${service}`;
  const records = new Map<string, IncidentRecord>();
  const ofRequest = new Map<string, string>();
  for (const entry of entries) {
    const read = readEvent(entry);
    if (read === undefined) continue;
    // A person may answer a request without knowing whose it is.
    const key = read.type === "approval_given" ? ofRequest.get(read.request) : keyOf(entry);
    if (key === undefined) continue;
    const before = records.get(key);
    if (before === undefined) {
      if (read.type === "incident_opened") records.set(key, opened(entry, read));
      continue;
    }
    if (read.type === "approval_requested") ofRequest.set(read.request, key);
    // What comes after the end is of no account.
    if (before.phase !== "closed") records.set(key, next(before, read, entry.atMs));
  }
  return [...records.values()];
}

function opened(
  { incident = "", service, atMs }: JournalEntry,
  { alert: { name, severity, labels, summary }, onsetMs }: Recorded<"incident_opened">,
): IncidentRecord {
  return {
    id: incident,
    service,
    alert: { name, severity, labels, summary },
    openedAtMs: atMs,
    onsetMs,
    phase: "investigating",
    container: undefined,
    wasHealthy: undefined,
    failures: [],
    diagnosis: undefined,
    decision: undefined,
    request: undefined,
    action: undefined,
    intentAtMs: undefined,
    outcome: undefined,
    outcomeAtMs: undefined,
    verificationAtMs: undefined,
    verdictInMs: undefined,
    resumptions: 0,
    closing: undefined,
    closedAtMs: undefined,
  };
}

function next(record: IncidentRecord, read: RecordedEvent, atMs: number): IncidentRecord {
  switch (read.type) {
    case "evidence_collected":
      return { ...record, container: findingOf(read.container), wasHealthy: read.health.ok };
    case "diagnosis_failed": {
      const { type: _, ...failure } = read;
      return { ...record, failures: [...record.failures, failure] };
    }
    case "diagnosed": {
      const { diagnoser, durationMs, tokens } = read;
      return { ...record, diagnosis: { ...read.diagnosis, diagnoser, durationMs, tokens } };
    }
    case "decided":
      return { ...record, decision: { ...read.decision, argv: read.argv } };
    case "approval_requested": {
      const { request: id, action, argv: asked, expiresAtMs } = read;
      const unanswered = { given: undefined, answer: undefined };
      return {
        ...record,
        phase: "waiting",
        request: { id, action, argv: asked, expiresAtMs, ...unanswered },
      };
    }
    case "approval_given": {
      const { request } = record;
      if (request === undefined || request.id !== read.request || request.given) return record;
      const { type: _, ...given } = read;
      return { ...record, request: { ...request, given: { ...given, atMs } } };
    }
    case "approval_answered": {
      const { request, phase } = record;
      if (request === undefined || request.id !== read.request) return record;
      const { answer } = read;
      return {
        ...record,
        phase: answer === "approved" ? "acting" : phase,
        request: { ...request, answer },
      };
    }
    case "action_started":
      return {
        ...record,
        phase: "acting",
        action: { id: read.action, argv: read.argv },
        intentAtMs: atMs,
        outcome: undefined,
        outcomeAtMs: undefined,
      };
    case "action_finished":
      return {
        ...record,
        // It did not run, so it is all to be found out again.
        phase: read.outcome.kind === "not_started" ? "investigating" : record.phase,
        outcome: read.outcome,
        outcomeAtMs: atMs,
      };
    case "verification_started":
      return {
        ...record,
        phase: "verifying",
        verificationAtMs: atMs,
        verdictInMs: read.verdictInMs,
      };
    case "incident_resumed":
      return { ...record, resumptions: record.resumptions + 1 };
    case "incident_closed":
      return { ...record, phase: "closed", closing: read.closing, closedAtMs: atMs };
    case "incident_opened":
    case "alert_changed":
    case "paused":
    case "resumed":
      return record;
  }
}

function findingOf(read: Recorded<"evidence_collected">["container"]): Finding<ContainerState> {
  if (read.kind === "missing") return read;
  const { startedAtMs, ...value } = read.value;
  return { kind: "found", value: { ...value, startedAtMs } };
}
