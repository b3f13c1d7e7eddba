/**
 * Whether a command whose end nobody saw has had its effect: Sentinel was stopped while it ran, or it ran
 * out of time while the engine went on. The container itself says so.
 */

import { inspect } from "./investigate.ts";
import { hasEnded } from "../diagnosis/lifecycle.ts";
import { STOP_TIMEOUT_MS } from "../core/stop-timeout.ts";
import type { AllowedAction } from "../allowlist.ts";
import type { ContainerState, Observation, Outcome } from "../core/model.ts";
import type { IncidentContext } from "./context.ts";

/** `open`: it may still come. `none`: it has not come, and no longer can. */
type Effect = "came" | "open" | "none";

/** How long a command may go on without the process that started it: by then Docker has ended it. */
const RECONCILE_MS = 30_000;

interface Unseen {
  /** The container when the command was begun. */
  readonly before: Observation<ContainerState>;
  /** Since when nobody sees the command any more. */
  readonly sinceMs: number;
  /** The command takes the service down, instead of starting it. */
  readonly isStop: boolean;
}

/** Pure. */
export function effectOf(
  { before, sinceMs, isStop }: Unseen,
  now: Observation<ContainerState>,
  nowMs: number,
): Effect {
  if (isStop ? isStopped(now) : hasStartedSince(before, now)) return "came";
  if (nowMs - sinceMs < mayTakeMs(now)) return "open";
  if (now.kind === "unreadable") return "open";
  return "none";
}

/** Looks until it is known; `open` if the signal aborts before. */
export async function awaitEffect(
  unseen: Unseen,
  { policy, serviceContext }: IncidentContext,
  signal: AbortSignal,
): Promise<Effect> {
  const { clock } = serviceContext;
  // Where Docker does not answer either, it is known after as long as a container that answers has.
  const untilMs = clock.nowMs() + MAX_AWAIT_MS;
  for (;;) {
    const now = await inspect(policy.service.name, serviceContext, signal);
    const effect = effectOf(unseen, now, clock.nowMs());
    if (effect !== "open" || signal.aborted || clock.nowMs() >= untilMs) return effect;
    await clock.sleep(policy.pollIntervalMs, signal);
  }
}

const MAX_AWAIT_MS = 10 * 60_000;

function mayTakeMs(container: Observation<ContainerState>): number {
  const { stopTimeoutMs = STOP_TIMEOUT_MS } = container.kind === "found" ? container.value : {};
  return RECONCILE_MS + Math.max(stopTimeoutMs - STOP_TIMEOUT_MS, 0);
}

/** By what the container itself says: its engine's clock need not be ours. */
function hasStartedSince(
  before: Observation<ContainerState>,
  now: Observation<ContainerState>,
): boolean {
  if (now.kind !== "found" || now.value.startedAtMs === undefined) return false;
  if (before.kind !== "found") return true;
  const { containerId, startedAtMs } = before.value;
  return now.value.containerId !== containerId || now.value.startedAtMs !== startedAtMs;
}

function isStopped(now: Observation<ContainerState>): boolean {
  return now.kind === "found" && hasEnded(now.value);
}

interface Ran {
  readonly action: AllowedAction;
  readonly ran: Outcome;
  readonly before: Observation<ContainerState>;
}

/** An engine goes on with what it was told, also after the command that told it ran out of time. */
export async function seenToTheEnd(
  { action, ran, before }: Ran,
  context: IncidentContext,
  signal: AbortSignal,
): Promise<Outcome> {
  if (ran.kind !== "timed_out") return ran;
  const sinceMs = context.serviceContext.clock.nowMs();
  const unseen = { before, sinceMs, isStop: action.stopsService };
  const effect = await awaitEffect(unseen, context, signal);
  const found =
    effect === "came"
      ? `its effect came later: the service has ${action.stopsService ? "stopped" : "started"} since`
      : "its effect has not come since";
  return { ...ran, output: [ran.output.trimEnd(), found].filter(Boolean).join("\n") };
}
