/** The story of one incident, from the alert to the verdict. Reads from top to bottom. */

import type { AllowedAction, Allowlist } from "../allowlist.ts";
import { decide } from "./decision.ts";
import { alertLabels, fingerprint } from "./detection.ts";
import { DiagnosisError, messageOf } from "./errors.ts";
import type { Closing, IncidentEvent } from "./events.ts";
import { maskCredentials, withoutGroundTruth } from "./evidence.ts";
import type {
  Alert,
  Autonomy,
  ContainerState,
  Diagnosis,
  Evaluation,
  Evidence,
  Finding,
  HealthAnswer,
  Labels,
  Outcome,
  Point,
  Service,
  Verdict,
} from "./model.ts";
import type { Monitor, Poll } from "./monitor.ts";
import { estimateOnset } from "./onset.ts";
import { consult, NO_SUCH_CONTAINER, PLAYBOOK_NAME } from "./playbook.ts";
import type { Clock, ContainerRuntime, Diagnoser, Executor, SignalSource } from "./ports.ts";
import { renderSummary } from "./summary.ts";
import { type Check, judge, lastCheckMs, type VerificationPlan } from "./verification.ts";

/** What an incident needs of the world. */
export interface World {
  readonly source: SignalSource;
  readonly monitor: Monitor;
  readonly runtime: ContainerRuntime;
  /** Asked in this order; the playbook answers if none of them does. */
  readonly diagnosers: readonly Diagnoser[];
  readonly executors: readonly Executor[];
  readonly clock: Clock;
  checkHealth(url: string): Promise<HealthAnswer>;
  emit(event: IncidentEvent): void;
}

/** What is settled before an incident begins. */
export interface Policy {
  readonly service: Service;
  readonly allowlist: Allowlist;
  readonly autonomy: Autonomy;
  readonly pollIntervalMs: number;
  readonly stabilizeMs: number;
}

const HISTORY_MS = 5 * 60_000;
const LOG_LINES = 50;

/**
 * Takes one firing alert to its end.
 *
 * @param signal aborted when Sentinel is told to stop: a running command is cancelled, and said so
 */
export async function handleIncident(
  { alert, poll }: { readonly alert: Alert; readonly poll: Poll },
  { policy, world }: { readonly policy: Policy; readonly world: World },
  signal: AbortSignal,
): Promise<Closing> {
  const { clock, emit } = world;
  const openedAtMs = clock.nowMs();
  const history = await readHistory(alert, world, signal);
  const onsetMs = estimateOnset(history, alert, openedAtMs);
  emit({ type: "incident_opened", alert, onsetMs });
  const close = (result: Closing["result"], end: Partial<Closing> = {}): Closing => {
    const sinceOnset = (atMs: number) => (onsetMs === undefined ? undefined : atMs - onsetMs);
    const closing: Closing = {
      result,
      verdict: undefined,
      detectedAfterMs: sinceOnset(openedAtMs),
      actedAfterMs: undefined,
      healedAfterMs: undefined,
      ...end,
    };
    emit({ type: "incident_closed", closing });
    return closing;
  };

  const evidence = await collectEvidence({ alert, poll, history }, { policy, world }, signal);
  if (signal.aborted) return close("cancelled");

  const diagnosis = await diagnose(evidence, { policy, world }, signal);
  if (signal.aborted) return close("cancelled");

  const latest = await world.monitor.poll(signal);
  if (signal.aborted) return close("cancelled");
  const decision = decide(
    { alert, diagnosis, service: policy.service, allowlist: policy.allowlist },
    { autonomy: policy.autonomy, alerts: latest.alerts },
  );
  const chosen = decision.action && policy.allowlist[decision.action];
  emit({ type: "decided", decision, ...(chosen ? { argv: chosen.argv } : {}) });
  if (decision.kind !== "act" || chosen === undefined)
    return close(decision.kind === "ask" ? "held" : "skipped", { reason: decision.reason });

  const fromStart = (atMs: number) => atMs - (onsetMs ?? openedAtMs);
  const actedAfterMs = fromStart(clock.nowMs());
  const outcome = await act(chosen, world, signal);
  if (outcome.kind === "not_started") {
    const reason = "the command could not be started, so nothing was done";
    return close("acted", { actedAfterMs, verdict: { kind: "not_healed", reason } });
  }
  if (signal.aborted || outcome.kind === "cancelled") return close("cancelled", { actedAfterMs });

  const verdict = await verify(alert, { policy, world }, signal);
  const healedAfterMs = verdict.kind === "healed" ? fromStart(clock.nowMs()) : undefined;
  return close(signal.aborted ? "cancelled" : "acted", { actedAfterMs, verdict, healedAfterMs });
}

interface Context {
  readonly policy: Policy;
  readonly world: World;
}

async function readHistory(
  alert: Alert,
  world: World,
  signal: AbortSignal,
): Promise<readonly Point[]> {
  const expr = alert.rule.signal?.expr;
  if (expr === undefined) return [];
  const stepMs = world.monitor.windowMs / 4;
  try {
    const series = await world.source.range(expr, { durationMs: HISTORY_MS, stepMs }, signal);
    return series.find(({ labels }) => isOf(alert, labels))?.points ?? [];
  } catch {
    // The history is a help, not a condition: without it the evidence says that it is missing.
    return [];
  }
}

/** Whether a series of the measured side is the one that this alert is about. */
function isOf({ rule, labels }: Alert, series: Labels): boolean {
  return fingerprint(alertLabels(rule, series)) === fingerprint(labels);
}

interface Fired {
  readonly alert: Alert;
  readonly poll: Poll;
  readonly history: readonly Point[];
}

async function collectEvidence(
  { alert, poll, history }: Fired,
  { policy, world }: Context,
  signal: AbortSignal,
): Promise<Evidence> {
  const { service } = policy;
  const [container, logs, health] = await Promise.all([
    inspect(service.name, world.runtime, signal),
    readLogs(service.name, world.runtime, signal),
    world.checkHealth(service.healthUrl),
  ]);
  world.emit({
    type: "evidence_collected",
    container,
    health,
    logLines: logs.kind === "found" ? logs.value.length : 0,
    historyPoints: history.length,
  });
  return {
    service: service.name,
    alert: alert.rule.alert,
    severity: alert.rule.severity,
    summary: renderSummary(alert),
    labels: alert.labels,
    value: alert.value,
    signal: alert.rule.signal,
    history,
    otherSignals: poll.alerts
      .filter(({ rule }) => rule !== alert.rule)
      .map(({ rule, state, value }) => ({
        alert: rule.alert,
        state,
        value,
        threshold: rule.signal?.threshold,
      })),
    container,
    logs,
    health,
  };
}

async function inspect(
  name: string,
  runtime: ContainerRuntime,
  signal: AbortSignal,
): Promise<Finding<ContainerState>> {
  try {
    const value = await runtime.inspect(name, signal);
    if (value === undefined) return { kind: "missing", reason: NO_SUCH_CONTAINER };
    return { kind: "found", value };
  } catch (error) {
    return { kind: "missing", reason: messageOf(error) };
  }
}

async function readLogs(
  name: string,
  runtime: ContainerRuntime,
  signal: AbortSignal,
): Promise<Finding<readonly string[]>> {
  try {
    const lines = withoutGroundTruth(await runtime.logs(name, LOG_LINES, signal));
    return { kind: "found", value: maskCredentials(lines) };
  } catch (error) {
    return { kind: "missing", reason: messageOf(error) };
  }
}

/** The first usable answer; the playbook's, if no model has one. */
async function diagnose(
  evidence: Evidence,
  { policy, world }: Context,
  signal: AbortSignal,
): Promise<Diagnosis> {
  const { clock, emit } = world;
  for (const diagnoser of world.diagnosers) {
    const fromMs = clock.nowMs();
    const since = () => ({ diagnoser: diagnoser.name, durationMs: clock.nowMs() - fromMs });
    try {
      const request = { evidence, allowlist: policy.allowlist };
      const diagnosis = await diagnoser.diagnose(request, signal);
      emit({ type: "diagnosed", diagnosis, ...since() });
      return diagnosis;
    } catch (error) {
      const reason = error instanceof DiagnosisError ? error.reason : "unavailable";
      emit({ type: "diagnosis_failed", reason, message: messageOf(error), ...since() });
      if (signal.aborted) break;
    }
  }
  const diagnosis = consult({ evidence, allowlist: policy.allowlist });
  if (!signal.aborted)
    emit({ type: "diagnosed", diagnoser: PLAYBOOK_NAME, diagnosis, durationMs: 0 });
  return diagnosis;
}

async function act(
  action: AllowedAction,
  { executors, emit }: World,
  signal: AbortSignal,
): Promise<Outcome> {
  const { id, argv } = action;
  emit({ type: "action_started", action: id, argv });
  const executor = executors.find(({ name }) => name === action.executor);
  const outcome: Outcome = executor
    ? await executor.run(action, signal)
    : { kind: "not_started", argv, exitCode: undefined, output: "no executor", durationMs: 0 };
  emit({ type: "action_finished", outcome });
  return outcome;
}

/** Watches until there is a verdict; on what is seen after the action alone. */
async function verify(
  alert: Alert,
  { policy, world }: Context,
  signal: AbortSignal,
): Promise<Verdict> {
  const { clock } = world;
  const { pollIntervalMs } = policy;
  const { windowMs } = world.monitor;
  const stabilizeMs = Math.max(policy.stabilizeMs, windowMs);
  const plan: VerificationPlan = { actedAtMs: clock.nowMs(), windowMs, stabilizeMs };
  world.emit({ type: "verification_started", verdictInMs: stabilizeMs });
  const checks: Check[] = [];
  let verdict: Verdict | undefined;
  while (verdict === undefined && !signal.aborted) {
    const firstDueMs = plan.actedAtMs + stabilizeMs - clock.nowMs();
    const waitMs = firstDueMs > 0 ? Math.min(pollIntervalMs, firstDueMs) : pollIntervalMs;
    await clock.sleep(waitMs, signal);
    checks.push(await check(alert, { policy, world }, signal));
    verdict = judge(checks, plan);
    // A clock that jumps may not keep an incident open for ever.
    if (
      checks.length >
      2 + (2 * (lastCheckMs(plan) - plan.actedAtMs)) / Math.max(pollIntervalMs, 1)
    )
      break;
  }
  return verdict ?? { kind: "unknown", reason: "the verification was cut short" };
}

async function check(
  alert: Alert,
  { policy, world }: Context,
  signal: AbortSignal,
): Promise<Check> {
  // Before the questions: what is asked later can only be newer than that.
  const atMs = world.clock.nowMs();
  const [poll, scrapeAgeMs, health] = await Promise.all([
    world.monitor.poll(signal),
    newestScrapeAgeMs(policy.service.job, world.source, signal),
    world.checkHealth(policy.service.healthUrl),
  ]);
  const evaluation = poll.evaluations.get(alert.rule);
  return { atMs, alert: sightOf(alert, evaluation), scrapeAgeMs, healthy: health.ok };
}

/** Active if the rule holds for any label set; silent only if this one was measured. */
function sightOf(alert: Alert, evaluation: Evaluation | undefined): Check["alert"] {
  if (evaluation === undefined || evaluation.kind === "no_data") return "no_data";
  if (evaluation.kind === "active") return "active";
  const { measured } = evaluation;
  const isMeasured = measured?.some(({ labels }) => isOf(alert, labels)) ?? true;
  return isMeasured ? "silent" : "no_data";
}

async function newestScrapeAgeMs(
  job: string,
  source: SignalSource,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const expr = `time() - max(timestamp(up{job=${JSON.stringify(job)}}))`;
    const seconds = (await source.query(expr, signal))[0]?.value;
    return seconds === undefined || !Number.isFinite(seconds) ? undefined : seconds * 1000;
  } catch {
    // Not known is what the verdict makes of it.
    return undefined;
  }
}
