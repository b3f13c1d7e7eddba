/** What a restart of Sentinel cut short, and how it is taken up again. */

import { ACTION_IDS } from "../allowlist.ts";
import { effectOf } from "./effect.ts";
import { close, conclude, type Findings, handleIncident, type IncidentEnd } from "./incident.ts";
import { inspect } from "./investigate.ts";
import { whySuppressed } from "./suppressed.ts";
import type { Alert, DecisionReason, Outcome } from "../core/model.ts";
import type { Poll } from "../rules/monitor.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import type { IncidentContext } from "./context.ts";

/**
 * What there is to do now: nothing yet, or the incident ended, or waits for a person (again).
 *
 * An intent without an outcome is never acted upon again while the command may still run on its own:
 * the container says whether it did.
 */
export async function resume(
  unfinished: Unfinished,
  poll: Poll,
  context: IncidentContext,
  signal: AbortSignal,
): Promise<IncidentEnd | "later"> {
  const { record } = unfinished;
  const alert = alertOf(record, poll, context);
  if (alert === undefined) return closeWithoutRule(record, context);
  const findings = findingsOf(record, alert);
  switch (record.phase) {
    case "investigating":
      return investigate(record, { alert, poll }, context, signal);
    case "waiting":
      return waitAgain(record, findings, context);
    case "acting":
    case "verifying": {
      const { outcome, intentAtMs: startedAtMs } = record;
      // Approved, and nothing begun: the answer is still there.
      if (startedAtMs === undefined) return waitAgain(record, findings, context);
      if (outcome === undefined) return reconcile(unfinished, findings, context, signal);
      const ran = { exitCode: undefined, ...outcome, argv: outcome.argv ?? [] };
      // The time for a verdict begins anew: a source of our own has nothing of before the restart.
      const endedAtMs = context.serviceContext.clock.nowMs();
      return conclude(findings, { outcome: ran, startedAtMs, endedAtMs }, context, signal);
    }
    case "closed":
      return closeResolved(record, context);
  }
}

/** An incident of before the restart. */
export interface Unfinished {
  record: IncidentRecord;
  /** Whether a person was told that it is taken up again. */
  isTold: boolean;
}

/** Whether its command may still run on its own. Until that is known, nothing else is done to the service. */
export function isInFlight({ record }: Unfinished): boolean {
  const { phase, intentAtMs, outcome } = record;
  return phase === "acting" && intentAtMs !== undefined && outcome === undefined;
}

async function investigate(
  record: IncidentRecord,
  { alert, poll }: { readonly alert: Alert; readonly poll: Poll },
  context: IncidentContext,
  signal: AbortSignal,
): Promise<IncidentEnd | "later"> {
  if (alert.state === "inactive") return closeResolved(record, context);
  if (alert.state !== "firing" || (await whySuppressed(alert, context, signal)) !== undefined)
    return "later";
  return handleIncident({ alert, poll, resumed: record }, context, signal);
}

/** Whether the alert is over is seen where those that wait are looked at. */
function waitAgain(
  record: IncidentRecord,
  findings: Findings,
  context: IncidentContext,
): IncidentEnd | "later" {
  const { state } = findings.alert;
  if (state === "pending" || state === "no_data") return "later";
  const { request } = record;
  const action = ACTION_IDS.find((id) => id === request?.action);
  if (request === undefined || action === undefined)
    return close({ result: "held", reason: "not_allowed_for_service" }, record, context);
  const { id, argv, expiresAtMs } = request;
  return { kind: "waiting", waiting: { findings, action, argv, request: id, expiresAtMs } };
}

/** Finds out what became of a command that nobody saw end. @returns always later: then it is known */
async function reconcile(
  unfinished: Unfinished,
  findings: Findings,
  context: IncidentContext,
  signal: AbortSignal,
): Promise<"later"> {
  const { record } = unfinished;
  const { policy, serviceContext, emit } = context;
  const nowMs = serviceContext.clock.nowMs();
  const argv = record.decision?.argv ?? [];
  const ended = (kind: "succeeded" | "not_started", output: string) => {
    const outcome: Outcome = { kind, argv, exitCode: undefined, output, durationMs: 0 };
    emit({ type: "action_finished", outcome });
    return outcome;
  };
  const now = await inspect(policy.service.name, serviceContext, signal);
  const { container: before } = findings;
  const isStop = ACTION_IDS.some(
    (id) => id === record.action?.id && policy.allowlist[id]?.stopsService,
  );
  const unseen = { before, sinceMs: record.intentAtMs ?? nowMs, isStop };
  const effect = effectOf(unseen, now, nowMs);
  if (effect === "open") return "later";
  if (effect === "came") {
    const what = isStop ? "has stopped" : "has started";
    const outcome = ended("succeeded", `the service ${what} since, so it was not run again`);
    unfinished.record = { ...record, outcome };
    return "later";
  }
  ended("not_started", "Sentinel was stopped before it ran");
  unfinished.record = { ...record, phase: "investigating" };
  return "later";
}

function closeResolved(record: IncidentRecord, context: IncidentContext): IncidentEnd {
  return close({ result: "skipped", reason: "alert_resolved" }, record, context);
}

/** Nobody can tell whether it still holds. */
function closeWithoutRule(record: IncidentRecord, context: IncidentContext): IncidentEnd {
  const verdictReason = "its rule was removed, so nothing shows whether it is well";
  return closeUnjudged(record, { reason: "rule_removed", verdictReason }, context);
}

/** There is no such container any more. */
export function closeGone(record: IncidentRecord, context: IncidentContext): IncidentEnd {
  const verdictReason = "its container is gone, so nothing shows whether it is well";
  return closeUnjudged(record, { reason: "container_replaced", verdictReason }, context);
}

interface Unjudged {
  /** If nothing was run. */
  readonly reason: DecisionReason;
  /** If something was. */
  readonly verdictReason: string;
}

function closeUnjudged(
  { intentAtMs, onsetMs, openedAtMs }: IncidentRecord,
  { reason, verdictReason }: Unjudged,
  context: IncidentContext,
): IncidentEnd {
  const opened = { onsetMs, openedAtMs };
  if (intentAtMs === undefined) return close({ result: "skipped", reason }, opened, context);
  const verdict = { kind: "unknown", reason: verdictReason } as const;
  const actedAfterMs = intentAtMs - (onsetMs ?? openedAtMs);
  return close({ result: "acted", actedAfterMs, verdict }, opened, context);
}

/** The alert as it stands; one that is quiet has no state but its rule. */
function alertOf(
  { alert: { name } }: IncidentRecord,
  poll: Poll,
  { serviceContext }: IncidentContext,
): Alert | undefined {
  const alerts = poll.alerts.filter(({ rule }) => rule.alert === name);
  const firing = alerts.find(({ state }) => state === "firing");
  return firing ?? alerts.find(({ state }) => state !== "inactive") ?? quiet();

  function quiet(): Alert | undefined {
    const rule = serviceContext.monitor.ruleNamed(name);
    if (rule === undefined) return undefined;
    const unknown = { value: undefined, activeAtMs: undefined, firingAtMs: undefined };
    return { rule, labels: {}, state: "inactive", ...unknown, quietSinceMs: undefined };
  }
}

function findingsOf(record: IncidentRecord, alert: Alert): Findings {
  const { openedAtMs, onsetMs, container, wasHealthy } = record;
  const unknown = { kind: "unreadable", reason: "it was not asked" } as const;
  return {
    // Of these labels: whether it healed is seen of the series that fired; a quiet alert has none.
    alert: { ...alert, labels: record.alert.labels },
    openedAtMs,
    onsetMs,
    container: container ?? unknown,
    wasHealthy: wasHealthy ?? false,
  };
}
