/** What is found out about an alert that fires: evidence, and a diagnosis of it. */

import { isSeriesOf } from "../rules/alert-state.ts";
import { permittedActions } from "../rules/permitted.ts";
import { DiagnosisError, messageOf } from "../core/errors.ts";
import { maskCredentials, withoutGroundTruth } from "../diagnosis/evidence.ts";
import { foldLog } from "../diagnosis/evidence/log-templates.ts";
import {
  type ContainerReason,
  hasEnded,
  restartLoop,
  whyAPerson,
  whyNotYet,
  withLook,
} from "../diagnosis/lifecycle.ts";
import type { LogDigest } from "../core/evidence.ts";
import type {
  Alert,
  ContainerState,
  Death,
  Diagnosis,
  Evidence,
  Observation,
  Point,
  RestartLoop,
  Rule,
} from "../core/model.ts";
import type { Poll } from "../rules/monitor.ts";
import { consult, PLAYBOOK_NAME } from "../diagnosis/playbook/consult.ts";
import type { Clock, DiagnosisRequest, ServiceRuntime } from "../core/ports.ts";
import { collectSurroundings } from "./surroundings.ts";
import { renderSummary } from "../rules/alert-summary.ts";
import type { IncidentContext, Policy, ServiceContext } from "./context.ts";

const HISTORY_MS = 5 * 60_000;
/** That are read and told by kind, and of those the last ones as they are. */
const LOG_LINES = 2000;
const LAST_LINES = 50;

export async function readHistory(
  alert: Alert,
  serviceContext: ServiceContext,
  signal: AbortSignal,
): Promise<readonly Point[]> {
  const expr = alert.rule.signal?.expr;
  if (expr === undefined) return [];
  const stepMs = serviceContext.monitor.windowMs / 4;
  try {
    const source = alert.rule.on === "own" ? serviceContext.own : serviceContext.source;
    const series = await source.range(expr, { durationMs: HISTORY_MS, stepMs }, signal);
    return series.find(({ labels }) => isSeriesOf(alert, labels))?.points ?? [];
  } catch {
    // The history is a help, not a condition: without it the evidence says that it is missing.
    return [];
  }
}

interface Fired {
  readonly alert: Alert;
  readonly poll: Poll;
  readonly history: readonly Point[];
  readonly onsetMs: number | undefined;
}

export async function collectEvidence(
  { alert, poll, history, onsetMs }: Fired,
  { policy, serviceContext, emit }: IncidentContext,
  signal: AbortSignal,
): Promise<Evidence> {
  const { service } = policy;
  const [container, logs, health] = await Promise.all([
    inspect(service.name, serviceContext, signal),
    readLogs(service.name, serviceContext.platform, signal),
    serviceContext.checkHealth(service),
  ]);
  const log = logs.kind === "found" ? logs.value.digest : undefined;
  const [deaths, surroundings] = await Promise.all([
    readDeaths(container, serviceContext, signal),
    collectSurroundings({ alert, onsetMs, container, log }, { policy, serviceContext }, signal),
  ]);
  const loop = loopOf(container, serviceContext);
  emit({
    type: "evidence_collected",
    container,
    ...(loop && { restartLoop: loop }),
    ...(deaths.length > 0 && { deaths }),
    health,
    logLines: logs.kind === "found" ? logs.value.digest.lineCount : 0,
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
    otherSignals: [...poll.alerts, ...poll.atRest()]
      .filter(({ rule }) => rule !== alert.rule)
      .map(({ rule, state, value }) => ({
        alert: rule.alert,
        state,
        value,
        threshold: rule.signal?.threshold,
      })),
    container,
    ...(logs.kind === "found"
      ? { logs: { kind: "found", value: logs.value.last }, logDigest: logs.value.digest }
      : { logs }),
    deaths,
    ...(loop && { restartLoop: loop }),
    health,
    surroundings,
  };
}

function loopOf(
  container: Observation<ContainerState>,
  serviceContext: ServiceContext,
): RestartLoop | undefined {
  if (container.kind !== "found") return undefined;
  return restartLoop(container.value, serviceContext.seen.history, serviceContext.clock.nowMs());
}

const NO_SUCH_CONTAINER = "Docker has no container of that name";

/** How the service's container is now; each look is remembered, for what a single one does not tell. */
export async function inspect(
  name: string,
  serviceContext: Pick<ServiceContext, "platform" | "clock" | "seen">,
  signal: AbortSignal,
): Promise<Observation<ContainerState>> {
  const { platform, clock, seen } = serviceContext;
  try {
    const value = await platform.inspect(name, signal);
    if (value === undefined) return { kind: "absent", reason: NO_SUCH_CONTAINER };
    seen.history = withLook(seen.history, value, clock.nowMs());
    const wasStopped = hasEnded(value)
      ? await howItEnded(value, serviceContext, signal)
      : undefined;
    return { kind: "found", value: { ...value, ...(wasStopped !== undefined && { wasStopped }) } };
  } catch (error) {
    return { kind: "unreadable", reason: messageOf(error) };
  }
}

/** An engine's word of a death and its own record of it are this far apart, at most. */
const SAME_DEATH_MS = 5000;

/** Whether somebody stopped it; asked once for each end, since its engine does not forget it and then know it again. */
async function howItEnded(
  { containerId, finishedAtMs }: ContainerState,
  { platform, clock, seen }: Pick<ServiceContext, "platform" | "clock" | "seen">,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  if (platform.deaths === undefined || finishedAtMs === undefined) return undefined;
  const end = `${containerId} ${finishedAtMs}`;
  if (seen.end?.of === end) return seen.end.wasStopped;
  try {
    const deaths = await platform.deaths(containerId, signal);
    const death = deaths.findLast(({ atMs }) => Math.abs(atMs - finishedAtMs) < SAME_DEATH_MS);
    const wasStopped = death?.wasStopped;
    // That it was stopped is told a moment after its end.
    if (wasStopped === true || clock.nowMs() - clock.fromWall(finishedAtMs) > SAME_DEATH_MS)
      seen.end = { of: end, wasStopped };
    return wasStopped;
  } catch {
    // Not known is what the decision makes of it.
    return undefined;
  }
}

/** Why a container says nothing of its service now; `undefined` if it does. */
export function whyNotJudged(
  container: Observation<ContainerState>,
  alert: Alert,
  { clock, monitor, seen }: Pick<ServiceContext, "clock" | "monitor" | "seen">,
): string | undefined {
  if (container.kind !== "found") return undefined;
  const { windowMs } = monitor;
  const { history } = seen;
  return whyNotYet(onClock(container.value, clock), {
    alert,
    windowMs,
    nowMs: clock.nowMs(),
    history,
  });
}

/** Why what is wrong with the container is a person's, whatever is proposed. */
export function whyLeftToAPerson(
  container: Observation<ContainerState>,
  alert: Alert,
  { clock, seen: { history } }: Pick<ServiceContext, "clock" | "seen">,
): ContainerReason | undefined {
  if (container.kind !== "found") return undefined;
  return whyAPerson(onClock(container.value, clock), { alert, nowMs: clock.nowMs(), history });
}

/** An engine's times are those of a wall clock; how old something is, is told by one that never jumps. */
function onClock(container: ContainerState, { fromWall }: Pick<Clock, "fromWall">): ContainerState {
  const { startedAtMs, finishedAtMs } = container;
  return {
    ...container,
    startedAtMs: startedAtMs === undefined ? undefined : fromWall(startedAtMs),
    finishedAtMs: finishedAtMs === undefined ? undefined : fromWall(finishedAtMs),
  };
}

/** Older ends than this are another story. */
const DEATHS_MS = 60 * 60_000;
const MAX_DEATHS = 3;

/** The last deaths that nobody wished for, each with what was written before it. */
async function readDeaths(
  container: Observation<ContainerState>,
  { platform, clock }: ServiceContext,
  signal: AbortSignal,
): Promise<readonly Death[]> {
  if (platform.deaths === undefined || container.kind !== "found") return [];
  try {
    const deaths = await platform.deaths(container.value.containerId, signal);
    return deaths
      .filter(
        ({ atMs, wasStopped }) => !wasStopped && clock.nowMs() - clock.fromWall(atMs) < DEATHS_MS,
      )
      .slice(-MAX_DEATHS)
      .map((death) => ({ ...death, lines: maskCredentials(withoutGroundTruth(death.lines)) }));
  } catch {
    // They are a help, not a condition.
    return [];
  }
}

interface ReadLog {
  readonly last: readonly string[];
  readonly digest: LogDigest;
}

async function readLogs(
  name: string,
  platform: ServiceRuntime,
  signal: AbortSignal,
): Promise<Observation<ReadLog>> {
  try {
    const lines = await platform.logs(name, LOG_LINES, signal);
    const texts = withoutGroundTruth(lines.map(({ text }) => text));
    const last = maskCredentials(texts.slice(-LAST_LINES));
    return { kind: "found", value: { last, digest: foldLog(lines) } };
  } catch (error) {
    return { kind: "unreadable", reason: messageOf(error) };
  }
}

interface Found {
  readonly evidence: Evidence;
  /** The rule of the alert. */
  readonly rule: Rule;
}

/** What a diagnoser is asked. */
export function diagnosisRequest(
  { evidence, rule }: Found,
  { allowlist, service }: Policy,
): DiagnosisRequest {
  const permitted = permittedActions(rule.permits, { service, allowlist });
  const unattended = service.actions.filter((id) => permitted.includes(id));
  return { evidence, allowlist, unattended };
}

/** The first usable answer; the playbook's, if no model has one. */
export async function diagnose(
  found: Found,
  { policy, serviceContext, emit }: IncidentContext,
  signal: AbortSignal,
): Promise<Diagnosis> {
  const request = diagnosisRequest(found, policy);
  const { clock } = serviceContext;
  const failedServers = new Set<string>();
  for (const diagnoser of serviceContext.diagnosers) {
    // Told once: the other models of a server that is down cannot be asked either.
    if (failedServers.has(diagnoser.server ?? "")) continue;
    const fromMs = clock.nowMs();
    const since = () => ({ diagnoser: diagnoser.name, durationMs: clock.nowMs() - fromMs });
    try {
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
  const diagnosis = consult(request);
  if (!signal.aborted)
    emit({ type: "diagnosed", diagnoser: PLAYBOOK_NAME, diagnosis, durationMs: 0 });
  return diagnosis;
}
