/** What leaves the observer as JSON is what `docs/json.schema.json` says. */

import { expect, test } from "bun:test";
import type { IncidentEvent, SentinelEvent, WatchEvent } from "../../src/core/events.ts";
import { foldIncidents } from "../../src/core/incident-record.ts";
import type {
  Alert,
  Closing,
  ContainerState,
  Death,
  Diagnosis,
  Outcome,
} from "../../src/core/model.ts";
import { openRequests } from "../../src/decision/operator-commands.ts";
import { eventFields, toLogLine } from "../../src/incident/event-line.ts";
import { snakeFields } from "../../src/text/snake-json.ts";
import { alert, containerState, diagnosis, SERVICE_NAME, START_MS } from "../support/fixtures.ts";
import { entriesOf, healed, INCIDENT_ID, numbered, shadowed } from "../support/incident-entries.ts";
import { WITHOUT_CONTAINER } from "../support/journals-of-before.ts";
import { describedNames, faultsOf, faultsOfLine } from "../support/json-schema.ts";

const argv = ["docker", "restart", SERVICE_NAME];

const fullAlert: Alert = alert({ noDataReason: "no samples" });
const container: Required<ContainerState> = {
  ...containerState({ exitCode: 137, oomKilled: true }),
  startedAtMs: START_MS,
  finishedAtMs: START_MS,
  wasStopped: false,
  maxRestarts: 3,
  retriesMs: 90_000,
  checks: [{ exitCode: -1, output: "timed out" }],
  stopTimeoutMs: 10_000,
  orchestrator: "swarm",
};
const death: Required<Death> = {
  ...{ atMs: START_MS, exitCode: 1, oomKilled: false, wasStopped: false, ranMs: 1500 },
  lines: ["invalid configuration"],
};
const fullDiagnosis: Required<Diagnosis> = {
  ...diagnosis(),
  refusedAction: "docker rm",
  tokens: 812,
};
const outcome: Required<Outcome> = {
  ...{ kind: "succeeded", argv, exitCode: 0, output: "done", durationMs: 1200 },
};
const closing: Required<Closing> = {
  ...{ result: "acted", reason: "paused", madeWorse: true },
  verdict: { kind: "healed", reason: "the alert is silent" },
  ...{ detectedAfterMs: 8000, actedAfterMs: 28_000, healedAfterMs: 43_000 },
};

type Named<Event extends { readonly type: string }> = {
  readonly [Type in Event["type"]]: Required<Extract<Event, { readonly type: Type }>>;
};

/** Each event with all that it may have: a new event, or a new field, does not compile without it. */
const OF_INCIDENTS: Named<IncidentEvent> = {
  incident_opened: { type: "incident_opened", alert: fullAlert, onsetMs: START_MS },
  alerts_joined: { type: "alerts_joined", alerts: [fullAlert], count: 3 },
  evidence_collected: {
    type: "evidence_collected",
    container: { kind: "found", value: container },
    restartLoop: { restarts: 4, isGivenUp: true },
    deaths: [death],
    health: { ok: false, message: "it answers 503" },
    logLines: 100,
    historyPoints: 61,
  },
  diagnosis_failed: {
    ...{ type: "diagnosis_failed", diagnoser: "a model", reason: "timeout" },
    ...{ message: "it took too long", durationMs: 20_000 },
  },
  diagnosed: {
    ...{ type: "diagnosed", diagnoser: "a model", diagnosis: fullDiagnosis },
    ...{ durationMs: 2000, tokens: 812 },
  },
  decided: {
    type: "decided",
    decision: { kind: "act", action: "docker-restart", reason: "two_keys_agree" },
    argv,
  },
  action_started: { type: "action_started", action: "docker-restart", argv },
  action_finished: { type: "action_finished", outcome },
  approval_requested: {
    ...{ type: "approval_requested", request: "r", action: "docker-restart", argv },
    expiresAtMs: START_MS + 900_000,
  },
  approval_answered: { type: "approval_answered", request: "r", answer: "denied" },
  incident_resumed: { type: "incident_resumed", alertname: "HighCpu", phase: "waiting" },
  verification_started: { type: "verification_started", verdictInMs: 30_000 },
  incident_closed: { type: "incident_closed", closing },
  alert_flapped: { type: "alert_flapped", alert: fullAlert, times: 2, isOver: true },
};

const OUTSIDE: Named<WatchEvent> = {
  source_down: { type: "source_down", reason: "it does not answer" },
  source_back: { type: "source_back" },
  signal_lost: { type: "signal_lost", alertname: "HighCpu", reason: "there are no samples" },
  signal_back: { type: "signal_back", alertname: "HighCpu" },
  alert_changed: { type: "alert_changed", alert: fullAlert, from: "pending" },
  more_alerts_changed: {
    ...{ type: "more_alerts_changed", alertname: "HighCpu", state: "firing", count: 7 },
  },
  alert_unowned: { type: "alert_unowned", alert: fullAlert, reason: "it names no service" },
  cooling_down: { type: "cooling_down", alert: fullAlert, untilMs: START_MS },
  left_alone: { type: "left_alone", alert: fullAlert, reason: "paused" },
  automation_ended: { type: "automation_ended" },
  journal_down: { type: "journal_down", reason: "the disk is full" },
  journal_back: { type: "journal_back" },
  quiet: { type: "quiet", alerts: [fullAlert] },
};

const stamp = { atMs: START_MS, service: SERVICE_NAME };
const EVENTS: readonly SentinelEvent[] = [
  ...Object.values(OF_INCIDENTS).map((event) => ({ ...event, ...stamp, incident: INCIDENT_ID })),
  ...Object.values(OUTSIDE).map((event) => ({ ...event, ...stamp })),
];

/** As `log.ts` writes it. */
function written(event: SentinelEvent): Readonly<Record<string, unknown>> {
  const { level, event: name, fields } = toLogLine(event);
  const head = { event: name, level, logger: "sentinel.observer" };
  return JSON.parse(
    JSON.stringify({ ...head, timestamp: new Date(START_MS).toISOString(), ...fields }),
  );
}

test.each(EVENTS.map((event) => [event.type, event] as const))("a log line of %s", (_, event) => {
  expect(faultsOfLine(written(event))).toBe("");
});

test("the schema names no event and no key that no log line has", () => {
  const keys = new Set<string>();
  const notice = { topic: "", text: "" };
  const unreadable = { kind: "unreadable", reason: "" };
  const met = JSON.stringify([...EVENTS.map(written), notice, unreadable]);
  JSON.parse(met, (key, value) => (keys.add(key), value));
  const described = describedNames();
  expect(described.keys.filter((key) => !keys.has(key))).toEqual([]);
  expect(described.events.toSorted()).toEqual(
    [...EVENTS.map(({ type }) => type), "notice"].toSorted(),
  );
});

test.each([
  ["a key that is not described", { decision: { kind: "act", reason: "paused", durationMs: 1 } }],
  ["a value of another kind", { decision: { kind: "act", reason: 7 } }],
  ["a key that is missing", { decision: { kind: "act" } }],
  ["no decision at all", {}],
])("the schema does not pass %s", (_, fields) => {
  const { decision: __, ...line } = written({
    ...OF_INCIDENTS.decided,
    ...stamp,
    incident: INCIDENT_ID,
  });
  expect(faultsOfLine({ ...line, ...fields })).not.toBe("");
});

/** Each event as the journal keeps it; the request is answered by a person first. */
function journalOf(events: readonly IncidentEvent[]) {
  return numbered(...entriesOf(events));
}

test("incidents", () => {
  const { incident_closed, ...open } = OF_INCIDENTS;
  const given = {
    ...{ ...stamp, incident: INCIDENT_ID, type: "approval_given" },
    fields: { request: "r", answer: "denied", by: "a person" },
  } as const;
  const journals = [
    numbered(
      ...entriesOf(Object.values(open)).toSpliced(9, 0, given),
      ...entriesOf([incident_closed]),
    ),
    journalOf(healed()),
    journalOf(shadowed()),
    WITHOUT_CONTAINER,
  ];
  const incidents = journals.flatMap(foldIncidents).map(snakeFields);
  expect(incidents).toHaveLength(journals.length);
  const { request, ...first } = incidents[0] ?? {};
  expect(request).toMatchObject({ given: { by: "a person" }, answer: "denied" });
  // It was taken up again, and has said no reason since.
  expect(Object.keys(first).filter((key) => first[key] === undefined)).toEqual(["said_reason"]);
  expect(faultsOf("incidents", JSON.parse(JSON.stringify(incidents)))).toBe("");
});

test("approvals", () => {
  const { incident_opened, approval_requested } = OF_INCIDENTS;
  const records = foldIncidents(journalOf([incident_opened, approval_requested]));
  const waiting = openRequests(records, START_MS).map(snakeFields);
  expect(waiting).toHaveLength(1);
  expect(faultsOf("approvals", { waiting })).toBe("");
});

test("the journal keeps what it kept before", () => {
  const event = { ...OF_INCIDENTS.diagnosed, ...stamp, incident: INCIDENT_ID };
  expect(eventFields(event)).toMatchObject({
    durationMs: 2000,
    diagnosis: { rootCause: expect.any(String) },
  });
});
