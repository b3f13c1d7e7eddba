/** An incident as the fold of its events. */

import type {
  ApprovalAnswer,
  ContainerState,
  DecisionReason,
  Observation,
  SEVERITIES,
} from "./model.ts";
import type { JournalEntry } from "./ports.ts";
import { readEvent, type Recorded, type RecordedEvent } from "./journal-entry.ts";

/**
 * How far an incident has come. `waiting`: a person was asked and the answer is not settled, or is no.
 * `acting`: an answer was yes, or the intent to act is written. `verifying`: the verdict is awaited.
 */
const PHASES = ["investigating", "waiting", "acting", "verifying", "closed"] as const;
type Phase = (typeof PHASES)[number];

export interface IncidentRecord {
  readonly id: string;
  readonly service: string;
  readonly alert: {
    readonly name: string;
    readonly severity: (typeof SEVERITIES)[number];
    readonly labels: Readonly<Record<string, string>>;
    readonly summary: string | undefined;
  };
  /** Labels of further label sets of the rule that fired meanwhile, as far as they were named, and how many. */
  readonly joined: readonly Readonly<Record<string, string>>[];
  readonly joinedCount: number;
  readonly openedAtMs: number;
  readonly onsetMs: number | undefined;
  readonly phase: Phase;
  /** The container when the evidence was collected, and whether its health check passed then. */
  readonly container: Observation<ContainerState> | undefined;
  readonly wasHealthy: boolean | undefined;
  /** Diagnosers that gave no usable answer, in the order in which they were asked. */
  readonly failures: readonly Recorded<"diagnosis_failed">[];
  readonly diagnosis: RecordedDiagnosis | undefined;
  readonly decision: RecordedDecision | undefined;
  readonly request: ApprovalRequest | undefined;
  /** Why nothing is run, as the decision or an answer has said since it was last taken up. */
  readonly saidReason: string | undefined;
  /** The action last begun; without an outcome, what became of it is not known. */
  readonly action: { readonly id: string; readonly argv: readonly string[] } | undefined;
  /** When the intent to run it was written. */
  readonly intentAtMs: number | undefined;
  readonly outcome: Recorded<"action_finished">["outcome"] | undefined;
  readonly verificationAtMs: number | undefined;
  /** The time until the verdict, counted from `verificationAtMs`. */
  readonly verdictInMs: number | undefined;
  /** How often its alert has come back after it had ended, without being taken up for that. */
  readonly flaps: number;
  /** How often it was taken up again after a restart. */
  readonly resumptions: number;
  readonly closing: Recorded<"incident_closed">["closing"] | undefined;
  readonly closedAtMs: number | undefined;
}

type RecordedDiagnosis = Recorded<"diagnosed">["diagnosis"] & {
  readonly diagnoser: string;
  readonly durationMs: number;
  readonly tokens: number | undefined;
};

type RecordedDecision = Recorded<"decided">["decision"] & {
  readonly argv: readonly string[] | undefined;
};

interface ApprovalRequest {
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
  const fold = createIncidentFold();
  for (const entry of entries) fold.apply(entry);
  return fold.records();
}

/** What one entry says, and the incident that it is about as it stands with it. */
export interface IncidentStep {
  readonly entry: JournalEntry;
  readonly event: RecordedEvent;
  /** `undefined` outside of incidents, before their beginning and after their end. */
  readonly record: IncidentRecord | undefined;
}

/** The incidents of a journal that grows. */
interface IncidentFold {
  /** In the order of the journal. @returns `undefined` for an entry that is not known here */
  apply(entry: JournalEntry): IncidentStep | undefined;
  /** In the order in which they were opened. */
  records(): readonly IncidentRecord[];
  /** @returns `undefined` if no incident has that id and service */
  find(about: Pick<JournalEntry, "incident" | "service">): IncidentRecord | undefined;
  /** Forgets the incidents that have ended, so that the fold of a process that runs for long stays small. */
  forgetClosed(): void;
  /** The last incidents of the service that have ended, oldest first, those that are forgotten among them. */
  former(service: string): readonly IncidentRecord[];
  /** A copy as of now, which goes on by itself. */
  copy(): IncidentFold;
}

/** Closed incidents that are kept of one service. */
const MAX_FORMER = 5;

export function createIncidentFold(): IncidentFold {
  return foldFrom({ records: new Map(), ofRequest: new Map(), forgotten: new Map() });
}

/** The state of the fold, by the keys of incidents, requests and services. */
interface Folded {
  readonly records: Map<string, IncidentRecord>;
  /** The key of the record that has the request. */
  readonly ofRequest: Map<string, string>;
  /** The last closed incidents of each service. */
  readonly forgotten: Map<string, readonly IncidentRecord[]>;
}

function foldFrom({ records, ofRequest, forgotten }: Folded): IncidentFold {
  const step = (entry: JournalEntry, event: RecordedEvent): IncidentRecord | undefined => {
    const { service } = entry;
    // A person may answer a request without knowing of which incident it is.
    const key =
      event.type === "approval_given"
        ? ofRequest.get(keyOf(service, event.request))
        : keyOf(service, entry.incident);
    if (key === undefined) return undefined;
    const before = records.get(key);
    if (before === undefined) {
      if (event.type !== "incident_opened") return undefined;
      const record = opened(entry, event);
      records.set(key, record);
      return record;
    }
    if (event.type === "approval_requested") ofRequest.set(keyOf(service, event.request), key);
    // After its end nothing changes an incident, except that its alert has come back.
    if (before.phase === "closed" && event.type !== "alert_flapped") return undefined;
    const record = next(before, event, entry.atMs);
    records.set(key, record);
    return record;
  };

  return {
    apply(entry) {
      const event = readEvent(entry);
      return event && { entry, event, record: step(entry, event) };
    },
    records: () => [...records.values()],
    find: ({ service, incident }) => records.get(keyOf(service, incident) ?? ""),
    forgetClosed() {
      for (const [key, record] of records) {
        if (record.phase !== "closed") continue;
        records.delete(key);
        const { service } = record;
        forgotten.set(service, [...(forgotten.get(service) ?? []), record].slice(-MAX_FORMER));
      }
      for (const [request, key] of ofRequest) if (!records.has(key)) ofRequest.delete(request);
    },
    former(service) {
      const closed = [...records.values()].filter(
        (record) => record.service === service && record.phase === "closed",
      );
      return [...(forgotten.get(service) ?? []), ...closed].slice(-MAX_FORMER);
    },
    copy: () =>
      foldFrom({
        records: new Map(records),
        ofRequest: new Map(ofRequest),
        forgotten: new Map(forgotten),
      }),
  };
}

/** Two services may have had the same alert at the same moment. */
function keyOf(service: string, name: string): string;
function keyOf(service: string, name: string | undefined): string | undefined;
function keyOf(service: string, name: string | undefined): string | undefined {
  return name === undefined ? undefined : `${name}\n${service}`;
}

function opened(
  { incident = "", service, atMs }: JournalEntry,
  { alert: { name, severity, labels, summary }, onsetMs }: Recorded<"incident_opened">,
): IncidentRecord {
  return {
    id: incident,
    service,
    alert: { name, severity, labels, summary },
    joined: [],
    joinedCount: 0,
    openedAtMs: atMs,
    onsetMs,
    phase: "investigating",
    container: undefined,
    wasHealthy: undefined,
    failures: [],
    diagnosis: undefined,
    decision: undefined,
    request: undefined,
    saidReason: undefined,
    action: undefined,
    intentAtMs: undefined,
    outcome: undefined,
    verificationAtMs: undefined,
    verdictInMs: undefined,
    flaps: 0,
    resumptions: 0,
    closing: undefined,
    closedAtMs: undefined,
  };
}

function next(record: IncidentRecord, read: RecordedEvent, atMs: number): IncidentRecord {
  switch (read.type) {
    case "alerts_joined":
      return {
        ...record,
        joined: [...record.joined, ...read.alerts.map(({ labels }) => labels)],
        joinedCount: record.joinedCount + read.count,
      };
    case "evidence_collected":
      return { ...record, container: observationOf(read.container), wasHealthy: read.health?.ok };
    case "diagnosis_failed": {
      const { type: _, ...failure } = read;
      return { ...record, failures: [...record.failures, failure] };
    }
    case "diagnosed": {
      const { diagnoser, durationMs, tokens } = read;
      return { ...record, diagnosis: { ...read.diagnosis, diagnoser, durationMs, tokens } };
    }
    case "decided":
      return {
        ...record,
        decision: { ...read.decision, argv: read.argv },
        saidReason: read.decision.reason,
      };
    case "approval_requested": {
      const { request: id, action, argv: asked, expiresAtMs } = read;
      const unanswered = { given: undefined, answer: undefined };
      return {
        ...record,
        phase: "waiting",
        request: { id, action, argv: asked, expiresAtMs, ...unanswered },
      };
    }
    case "approval_given":
      return given(record, read, atMs);
    case "approval_answered":
      return answered(record, read);
    case "action_started":
      return {
        ...record,
        phase: "acting",
        action: { id: read.action, argv: read.argv },
        intentAtMs: atMs,
        outcome: undefined,
      };
    case "action_finished":
      return {
        ...record,
        // It did not run, so the incident is investigated again.
        phase: read.outcome.kind === "not_started" ? "investigating" : record.phase,
        outcome: read.outcome,
      };
    case "verification_started":
      return {
        ...record,
        phase: "verifying",
        verificationAtMs: atMs,
        verdictInMs: read.verdictInMs,
      };
    case "alert_flapped":
      return { ...record, flaps: read.times };
    case "incident_resumed":
      return { ...record, resumptions: record.resumptions + 1, saidReason: undefined };
    case "incident_closed":
      return { ...record, phase: "closed", closing: read.closing, closedAtMs: atMs };
    case "incident_opened":
    case "alert_changed":
    case "automation_ended":
    case "paused":
    case "resumed":
      return record;
  }
}

/** The first answer counts, and only one to the request that is asked now. */
function given(
  record: IncidentRecord,
  { type: _, ...read }: Extract<RecordedEvent, { type: "approval_given" }>,
  atMs: number,
): IncidentRecord {
  const { request } = record;
  if (request === undefined || request.id !== read.request || request.given) return record;
  return { ...record, request: { ...request, given: { ...read, atMs } } };
}

function answered(
  record: IncidentRecord,
  { request: id, answer }: Recorded<"approval_answered">,
): IncidentRecord {
  const { request, phase } = record;
  if (request === undefined || request.id !== id) return record;
  return {
    ...record,
    phase: answer === "approved" ? "acting" : phase,
    saidReason: REASON_OF_ANSWER[answer],
    request: { ...request, answer },
  };
}

/** Each answer that ends an incident; after a yes there may still be a reason. */
const REASON_OF_ANSWER = {
  approved: undefined,
  denied: "denied",
  expired: "expired",
  withdrawn: "alert_resolved",
} as const satisfies Record<ApprovalAnswer, DecisionReason | undefined>;

function observationOf(
  read: Recorded<"evidence_collected">["container"],
): Observation<ContainerState> {
  if (read.kind !== "found") return read;
  const { startedAtMs, ...value } = read.value;
  return { kind: "found", value: { ...value, startedAtMs } };
}
