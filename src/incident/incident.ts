/** The story of one incident, from the alert to the verdict. Reads from top to bottom. */

import type { ActionId, AllowedAction } from "../allowlist.ts";
import { verify } from "./verify.ts";
import { decide } from "../decision/decision.ts";
import { isHolding } from "../rules/alert-state.ts";
import { seenToTheEnd } from "./effect.ts";
import {
  collectEvidence,
  diagnose,
  inspect,
  readHistory,
  whyLeftToAPerson,
} from "./investigate.ts";
import type { LimitState } from "../decision/limits.ts";
import type {
  Alert,
  Closing,
  ContainerState,
  DecisionReason,
  Diagnosis,
  Evidence,
  Observation,
  Outcome,
  Rule,
} from "../core/model.ts";
import type { Poll } from "../rules/monitor.ts";
import { estimateOnset } from "./onset.ts";
import { isOwnedBy } from "../rules/ownership.ts";
import { CRASH_LOOP_ALERT } from "../rules/rules.ts";
import { whyNotTheSame } from "./same-container.ts";
import { settleActions } from "./settled-actions.ts";
import type { IncidentContext } from "./context.ts";

/** What is known of an incident once it was investigated: all that the rest of it needs. */
export interface Findings {
  readonly alert: Alert;
  readonly openedAtMs: number;
  readonly onsetMs: number | undefined;
  readonly container: Observation<ContainerState>;
  readonly wasHealthy: boolean;
}

/** An incident that waits for a person. */
export interface Waiting {
  readonly findings: Findings;
  readonly action: ActionId;
  /** What a person was shown: no other command is run on an answer to it. */
  readonly argv: readonly string[];
  readonly request: string;
  readonly expiresAtMs: number;
}

/** An incident whose action waits for the journal: what is not written down first is not done. */
export interface Postponed {
  readonly findings: Findings;
  readonly diagnosis: Diagnosis;
}

export type IncidentEnd =
  | { readonly kind: "closed"; readonly closing: Closing }
  | { readonly kind: "waiting"; readonly waiting: Waiting }
  | { readonly kind: "postponed"; readonly postponed: Postponed };

/** No answer within this time is a no. */
export const APPROVAL_MS = 15 * 60_000;

interface Fired {
  readonly alert: Alert;
  readonly poll: Poll;
}

/**
 * Takes one firing alert to its end, or to where a person has to decide.
 *
 * @param resumed what is known already, of an incident that a restart of Sentinel cut short
 * @param signal aborted when Sentinel is told to stop: a running command is cancelled, and said so
 */
export async function handleIncident(
  { alert, poll, resumed }: Fired & { readonly resumed?: Pick<Findings, "openedAtMs" | "onsetMs"> },
  given: IncidentContext,
  signal: AbortSignal,
): Promise<IncidentEnd> {
  const context = await settleActions(given, signal);
  const { serviceContext, emit } = context;
  const history = await readHistory(alert, serviceContext, signal);
  const openedAtMs = resumed?.openedAtMs ?? serviceContext.clock.nowMs();
  const onsetMs = resumed ? resumed.onsetMs : estimateOnset(history, alert, openedAtMs);
  if (resumed === undefined) emit({ type: "incident_opened", alert, onsetMs });
  const opened = { openedAtMs, onsetMs };

  const evidence = await collectEvidence(
    { alert, poll, history, onsetMs: onsetMs ?? alert.activeAtMs },
    context,
    signal,
  );
  if (signal.aborted) return close({ result: "cancelled" }, opened, context);
  const findings = findingsOf(alert, opened, evidence);

  const diagnosis = await diagnose({ evidence, rule: alert.rule }, context, signal);
  if (signal.aborted) return close({ result: "cancelled" }, opened, context);

  const step = await decideAndAct({ findings, diagnosis }, context, signal);
  return step.kind === "acted" ? conclude(findings, step, context, signal) : step;
}

/**
 * Decides again, without another diagnosis, once the journal can be written: what is called for by then is
 * what counts.
 *
 * @param signal as of `handleIncident`
 */
export async function actOnDiagnosis(
  diagnosed: Postponed,
  given: IncidentContext,
  signal: AbortSignal,
): Promise<IncidentEnd> {
  const context = await settleActions(given, signal);
  const step = await decideAndAct(diagnosed, context, signal);
  return step.kind === "acted" ? conclude(diagnosed.findings, step, context, signal) : step;
}

/** What an action has come to, before it is known whether it healed. */
interface Acted {
  readonly kind: "acted";
  readonly outcome: Outcome;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** The intent to act could not be written down, so nothing was done. */
interface NotWritten {
  readonly kind: "not_written";
}

/** Nobody else acts between the last look and the end of the action. */
async function decideAndAct(
  { findings, diagnosis }: Postponed,
  context: IncidentContext,
  signal: AbortSignal,
): Promise<IncidentEnd | Acted> {
  const { policy, serviceContext, emit } = context;
  const { alert } = findings;
  using _ = await serviceContext.actionLock.acquire(signal);
  const latest = await serviceContext.monitor.poll(signal, { fresh: decidesOn(alert) });
  const container = await inspect(policy.service.name, serviceContext, signal);
  const limitState = await limitStateNow(alert, context);
  if (signal.aborted) return close({ result: "cancelled" }, findings, context);
  const decision = decide(
    { alert, diagnosis, service: policy.service, allowlist: policy.allowlist },
    {
      autonomy: policy.autonomy,
      alerts: latest.alerts,
      owner: serviceContext.ownerOf(alert),
      limitState,
      container: whyLeftToAPerson(container, alert, serviceContext),
    },
  );
  const chosen = decision.action && policy.allowlist[decision.action];
  emit({ type: "decided", decision, ...(chosen ? { argv: chosen.argv } : {}) });
  const { reason } = decision;
  if (decision.kind === "skip") return close({ result: "skipped", reason }, findings, context);
  // Who only looks on does not ask either: a yes would be acted upon.
  const isForNobody = decision.kind === "ask" && policy.autonomy === "observe";
  if (chosen === undefined || isForNobody)
    return close({ result: "held", reason }, findings, context);
  if (decision.kind === "ask") return ask(findings, chosen, context);
  const step = await act(findings, chosen, context, signal);
  if (step.kind !== "not_written") return step;
  return { kind: "postponed", postponed: { findings, diagnosis } };
}

/**
 * Does what a person approved, if it is still called for.
 *
 * @param signal as of `handleIncident`
 */
export async function actOnApproval(
  waiting: Waiting,
  context: IncidentContext,
  signal: AbortSignal,
): Promise<IncidentEnd> {
  const step = await actIfStillCalledFor(waiting, context, signal);
  // The answer is kept, and acted upon once the journal can be written.
  if (step.kind === "not_written") return { kind: "waiting", waiting };
  return step.kind === "acted" ? conclude(waiting.findings, step, context, signal) : step;
}

async function actIfStillCalledFor(
  { findings, action, argv, expiresAtMs }: Waiting,
  given: IncidentContext,
  signal: AbortSignal,
): Promise<IncidentEnd | Acted | NotWritten> {
  const { serviceContext } = given;
  using _ = await serviceContext.actionLock.acquire(signal);
  const context = await settleActions(given, signal);
  const { policy } = context;
  const { alerts } = await serviceContext.monitor.poll(signal, {
    fresh: decidesOn(findings.alert),
  });
  if (signal.aborted) return close({ result: "cancelled" }, findings, context);
  const now = alerts.filter(({ rule }) => rule.alert === findings.alert.rule.alert);
  const reason = now.some(({ state }) => state === "no_data") ? "data_missing" : "alert_resolved";
  if (!now.some(isHolding)) return close({ result: "skipped", reason }, findings, context);
  // The settings may be others than when it was asked, and others may have had the lock for long.
  const hold = (reason: DecisionReason) => close({ result: "held", reason }, findings, context);
  const { isPaused } = await limitStateNow(findings.alert, context);
  if (signal.aborted) return close({ result: "cancelled" }, findings, context);
  if (isPaused) return close({ result: "skipped", reason: "paused" }, findings, context);
  if (serviceContext.clock.nowMs() >= expiresAtMs) return hold("expired");
  const chosen = policy.allowlist[action];
  if (!isOwnedBy(serviceContext.ownerOf(findings.alert), policy.service.name))
    return hold("alert_of_another");
  if (policy.autonomy === "observe") return hold("autonomy_observe");
  if (chosen === undefined) return hold("not_allowed_for_service");
  if (!isSameCommand(chosen.argv, argv)) return hold("command_changed");
  return await act(findings, chosen, context, signal);
}

/** The rules that a decision rests on: the alert's own, and what says that restarting does not cure. */
function decidesOn({ rule }: Alert): (other: Rule) => boolean {
  return (other) => other === rule || other.alert === CRASH_LOOP_ALERT;
}

/** With what people have said while a model thought, or while others acted. */
async function limitStateNow(
  { rule }: Alert,
  { policy, serviceContext }: IncidentContext,
): Promise<LimitState> {
  const { recorder, clock } = serviceContext;
  await recorder.refresh();
  const about = { service: policy.service.name, alert: rule.alert };
  return recorder.limitTracker.limitState(about, clock.nowMs());
}

/** From where its action has ended, whoever ran it. */
export async function conclude(
  findings: Findings,
  { outcome, startedAtMs, endedAtMs }: Omit<Acted, "kind">,
  context: IncidentContext,
  signal: AbortSignal,
): Promise<IncidentEnd> {
  const actedAfterMs = startedAtMs - startOf(findings);
  if (outcome.kind === "not_started") {
    const reason = "the command could not be started, so nothing was done";
    const verdict = { kind: "not_healed", reason } as const;
    return close({ result: "acted", actedAfterMs, verdict }, findings, context);
  }
  if (signal.aborted || outcome.kind === "cancelled")
    return close({ result: "cancelled", actedAfterMs }, findings, context);

  const { alert, wasHealthy } = findings;
  const { verdict, isHealthy } = await verify({ alert, actedAtMs: endedAtMs }, context, signal);
  if (signal.aborted)
    return close({ result: "cancelled", actedAfterMs, verdict }, findings, context);
  const isHealed = verdict.kind === "healed";
  const healedAfterMs = isHealed
    ? context.serviceContext.clock.nowMs() - startOf(findings)
    : undefined;
  const madeWorse = !isHealed && wasHealthy && isHealthy === false;
  const end = { result: "acted", actedAfterMs, verdict, healedAfterMs } as const;
  return close({ ...end, ...(madeWorse && { madeWorse }) }, findings, context);
}

/** Ends an incident. */
export function close(
  end: Pick<Closing, "result"> & Partial<Closing>,
  opened: Pick<Findings, "openedAtMs" | "onsetMs">,
  { emit }: IncidentContext,
): IncidentEnd {
  const { openedAtMs, onsetMs } = opened;
  const closing: Closing = {
    verdict: undefined,
    detectedAfterMs: onsetMs === undefined ? undefined : openedAtMs - onsetMs,
    actedAfterMs: undefined,
    healedAfterMs: undefined,
    ...end,
  };
  emit({ type: "incident_closed", closing });
  return { kind: "closed", closing };
}

function findingsOf(
  alert: Alert,
  opened: Pick<Findings, "openedAtMs" | "onsetMs">,
  { container, health }: Evidence,
): Findings {
  return { alert, ...opened, container, wasHealthy: health?.ok ?? false };
}

/** The request is bound to this incident, this command and this time. */
function ask(
  findings: Findings,
  { id, argv }: AllowedAction,
  context: IncidentContext,
): IncidentEnd {
  const { incident, serviceContext, emit } = context;
  const expiresAtMs = serviceContext.clock.nowMs() + APPROVAL_MS;
  // One request an incident: it is known by the same name.
  emit({ type: "approval_requested", request: incident, action: id, argv, expiresAtMs });
  const waiting = { findings, action: id, argv, request: incident, expiresAtMs };
  return { kind: "waiting", waiting };
}

/** Runs the command, if its container is still the one that was diagnosed. */
async function act(
  findings: Findings,
  action: AllowedAction,
  context: IncidentContext,
  signal: AbortSignal,
): Promise<IncidentEnd | Acted | NotWritten> {
  const { policy, serviceContext, emit, commit } = context;
  const { id, argv } = action;
  const now = await inspect(policy.service.name, serviceContext, signal);
  if (signal.aborted) return close({ result: "cancelled" }, findings, context);
  if (now.kind === "found" && now.value.orchestrator !== undefined)
    return close({ result: "held", reason: "managed_by_orchestrator" }, findings, context);
  const changed = whyNotTheSame(findings.container, now, action);
  if (changed !== undefined)
    return close({ result: "skipped", reason: changed }, findings, context);

  const startedAtMs = serviceContext.clock.nowMs();
  // The intent is on the disk before anything is done, so that a restart never does it twice.
  if (!(await commit({ type: "action_started", action: id, argv }))) return { kind: "not_written" };
  const { stopTimeoutMs } = now.kind === "found" ? now.value : {};
  const ran = await serviceContext.platform.act(action, signal, stopTimeoutMs);
  const outcome = await seenToTheEnd({ action, ran, before: findings.container }, context, signal);
  emit({ type: "action_finished", outcome });
  return { kind: "acted", outcome, startedAtMs, endedAtMs: serviceContext.clock.nowMs() };
}

function isSameCommand(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, index) => word === b[index]);
}

function startOf({ onsetMs, openedAtMs }: Findings): number {
  return onsetMs ?? openedAtMs;
}
