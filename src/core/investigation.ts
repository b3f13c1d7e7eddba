/** What is found out about an alert that fires: evidence, and a diagnosis of it. */

import { isSeriesOf } from "./detection.ts";
import { DiagnosisError, messageOf } from "./errors.ts";
import { maskCredentials, withoutGroundTruth } from "./evidence.ts";
import type { Alert, ContainerState, Diagnosis, Evidence, Finding, Point } from "./model.ts";
import type { Poll } from "./monitor.ts";
import { consult, NO_SUCH_CONTAINER, PLAYBOOK_NAME } from "./playbook.ts";
import type { ContainerRuntime } from "./ports.ts";
import { renderSummary } from "./summary.ts";
import type { Context, World } from "./world.ts";

const HISTORY_MS = 5 * 60_000;
const LOG_LINES = 50;

export async function readHistory(
  alert: Alert,
  world: World,
  signal: AbortSignal,
): Promise<readonly Point[]> {
  const expr = alert.rule.signal?.expr;
  if (expr === undefined) return [];
  const stepMs = world.monitor.windowMs / 4;
  try {
    const series = await world.source.range(expr, { durationMs: HISTORY_MS, stepMs }, signal);
    return series.find(({ labels }) => isSeriesOf(alert, labels))?.points ?? [];
  } catch {
    // The history is a help, not a condition: without it the evidence says that it is missing.
    return [];
  }
}

export interface Fired {
  readonly alert: Alert;
  readonly poll: Poll;
  readonly history: readonly Point[];
}

export async function collectEvidence(
  { alert, poll, history }: Fired,
  { policy, world, emit }: Context,
  signal: AbortSignal,
): Promise<Evidence> {
  const { service } = policy;
  const [container, logs, health] = await Promise.all([
    inspect(service.name, world.runtime, signal),
    readLogs(service.name, world.runtime, signal),
    world.checkHealth(service.healthUrl),
  ]);
  emit({
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

export async function inspect(
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

/**
 * Why a container says nothing of its service now; `undefined` if it does. One that starts looks as sick as
 * one that is broken. Rates look back on the whole window: a restart since the alert began is not seen yet.
 */
export function whyNotJudged(container: Finding<ContainerState>, look: Look): string | undefined {
  if (container.kind === "missing") return undefined;
  const { alert, windowMs, nowMs } = look;
  const { status, health, startedAtMs, startPeriodMs } = container.value;
  // What somebody wants to stand still, or is being backed up.
  if (status === "paused") return "its container is paused; docker unpause lets it go on";
  if (status !== "running") return undefined;
  const ageMs = startedAtMs === undefined ? Infinity : nowMs - startedAtMs;
  const unseenMs = ageMs < nowMs - (alert.activeAtMs ?? nowMs) ? windowMs : 0;
  // Below 0 the clock was put back, and says nothing of its age.
  const isYoung = ageMs >= 0 && ageMs < Math.max(startPeriodMs, unseenMs);
  return health === "starting" || isYoung ? "its container is still starting" : undefined;
}

/** When, and at what. */
interface Look {
  readonly alert: Alert;
  /** The range of the rules' rates. */
  readonly windowMs: number;
  readonly nowMs: number;
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
export async function diagnose(
  evidence: Evidence,
  { policy, world, emit }: Context,
  signal: AbortSignal,
): Promise<Diagnosis> {
  const { clock } = world;
  const failedServers = new Set<string>();
  for (const diagnoser of world.diagnosers) {
    // Told once: the other models of a server that is down cannot be asked either.
    if (failedServers.has(diagnoser.server ?? "")) continue;
    const fromMs = clock.nowMs();
    const since = () => ({ diagnoser: diagnoser.name, durationMs: clock.nowMs() - fromMs });
    try {
      const request = { evidence, allowlist: policy.allowlist };
      const diagnosis = await diagnoser.diagnose(request, signal);
      const { tokens } = diagnosis;
      emit({ type: "diagnosed", diagnosis, ...since(), ...(tokens !== undefined && { tokens }) });
      return diagnosis;
    } catch (error) {
      const reason = error instanceof DiagnosisError ? error.reason : "unavailable";
      emit({ type: "diagnosis_failed", reason, message: messageOf(error), ...since() });
      if (error instanceof DiagnosisError && error.server) failedServers.add(error.server);
      if (signal.aborted) break;
    }
  }
  const diagnosis = consult({ evidence, allowlist: policy.allowlist });
  if (!signal.aborted)
    emit({ type: "diagnosed", diagnoser: PLAYBOOK_NAME, diagnosis, durationMs: 0 });
  return diagnosis;
}
