/** The loop over one service: poll, tell what changed, take up what fires. */

import { fingerprint, mostUrgent } from "./detection.ts";
import type { EmitEvent, IncidentEvent, WatchEvent } from "./events.ts";
import { handleIncident, type Policy, type World } from "./incident.ts";
import type { Alert } from "./model.ts";

export interface WatchOptions {
  readonly policy: Policy;
  /** Its `emit` is ours: each event is stamped with time, service and incident. */
  readonly world: Omit<World, "emit">;
  readonly cooldownMs: number;
  readonly emit: EmitEvent;
}

/** How often a person is told that all is quiet. */
const QUIET_EVERY_MS = 60_000;

/** Polls until the signal aborts. One incident at a time; one for each time that an alert fires. */
export async function watch(options: WatchOptions, signal: AbortSignal): Promise<void> {
  const { policy, world, cooldownMs } = options;
  const { clock, monitor } = world;
  const service = policy.service.name;
  const emit = (event: WatchEvent) => options.emit({ ...event, atMs: clock.nowMs(), service });

  let before: readonly Alert[] = [];
  let sourceIsDown = false;
  let coolsUntilMs = 0;
  // At once, so that a person sees that it works, and then now and again.
  let quietToldMs = Number.NEGATIVE_INFINITY;
  // Alerts already taken up, or told to be held by the cooldown: forgotten once they stop firing.
  const handled = new Set<string>();
  const toldCooling = new Set<string>();

  while (!signal.aborted) {
    const startedMs = clock.nowMs();
    const poll = await monitor.poll(signal);
    if (signal.aborted) return;

    const isDown = poll.sourceDown !== undefined;
    if (isDown && !sourceIsDown) emit({ type: "source_down", reason: poll.sourceDown ?? "" });
    if (!isDown && sourceIsDown) emit({ type: "source_back" });
    if (!isDown) for (const change of changes(before, poll.alerts)) emit(change);
    sourceIsDown = isDown;
    if (!isDown) before = poll.alerts;

    const firing = new Set(
      poll.alerts.filter(({ state }) => state === "firing").map((alert) => identity(alert)),
    );
    // Missing data is no end: the same firing taken up again would act twice on one fault.
    if (!isDown)
      for (const key of new Set([...handled, ...toldCooling])) {
        const isUnknown = poll.alerts.some((a) => identity(a) === key && a.state === "no_data");
        if (!firing.has(key) && !isUnknown) {
          handled.delete(key);
          toldCooling.delete(key);
        }
      }

    const urgent = mostUrgent(poll.alerts.filter((alert) => !handled.has(identity(alert))));
    if (urgent !== undefined && clock.nowMs() < coolsUntilMs) {
      const key = identity(urgent);
      if (!toldCooling.has(key))
        emit({ type: "cooling_down", alert: urgent, untilMs: coolsUntilMs });
      toldCooling.add(key);
    } else if (urgent !== undefined) {
      handled.add(identity(urgent));
      const incident = incidentId(clock.nowMs(), urgent.rule.alert);
      const emitIncident = (event: IncidentEvent) =>
        options.emit({ ...event, atMs: clock.nowMs(), service, incident });
      const context = { policy, world: { ...world, emit: emitIncident } };
      const closing = await handleIncident({ alert: urgent, poll }, context, signal);
      // Nothing was judged, so it is taken up again when its data is back; a source that flickers
      // may not ask a model at each poll.
      const isOpen = closing.reason === "data_missing";
      if (isOpen) handled.delete(identity(urgent));
      // What was held or skipped changed nothing that would need to settle.
      if (isOpen || closing.result === "acted") coolsUntilMs = clock.nowMs() + cooldownMs;
      quietToldMs = clock.nowMs();
      continue;
    }

    if (isQuiet(poll.alerts) && !isDown && clock.nowMs() - quietToldMs >= QUIET_EVERY_MS) {
      emit({ type: "quiet", alerts: poll.alerts });
      quietToldMs = clock.nowMs();
    }
    // A clock that was put back may not put off the next poll.
    const tookMs = Math.max(clock.nowMs() - startedMs, 0);
    await clock.sleep(Math.max(policy.pollIntervalMs - tookMs, 0), signal);
  }
}

/** One rule, whatever its label sets: a service with three instances is restarted once. */
function identity({ rule }: Alert): string {
  return `${rule.alert}\n${rule.expr}`;
}

/** Sorts by time, and says at a glance which alert it was. */
function incidentId(nowMs: number, alert: string): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, "").slice(0, 15);
  return `${stamp}-${alert}`;
}

function isQuiet(alerts: readonly Alert[]): boolean {
  // One that fired and has no data is not quiet: nothing has shown that it ended.
  return alerts.every(({ state, firingAtMs }) => state !== "pending" && firingAtMs === undefined);
}

function changes(before: readonly Alert[], after: readonly Alert[]): WatchEvent[] {
  const states = new Map(before.map((alert) => [key(alert), alert.state]));
  const current = new Set(after.map(key));
  const changed = after.flatMap((alert): WatchEvent[] => {
    const from = states.get(key(alert)) ?? "inactive";
    return from === alert.state ? [] : [{ type: "alert_changed", alert, from }];
  });
  // A label set that no longer holds leaves no alert behind.
  const ended = before
    .filter((alert) => !current.has(key(alert)) && alert.state !== "inactive")
    .filter((alert) => alert.state !== "no_data")
    .map((alert): WatchEvent => {
      const now = { ...alert, state: "inactive" as const };
      return { type: "alert_changed", alert: now, from: alert.state };
    });
  return [...changed, ...ended];
}

function key({ rule, labels }: Alert): string {
  return `${rule.expr}\n${fingerprint(labels)}`;
}
