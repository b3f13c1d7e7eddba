/** Why an alert that fires is not taken up now: a person said so, a cooldown, or what its container does. */

import { timeOrDate } from "../text/time.ts";
import type { WatchEvent } from "../core/events.ts";
import { inspect, whyNotJudged } from "./investigate.ts";
import type { Alert } from "../core/model.ts";
import type { IncidentContext } from "./context.ts";

interface Suppressed {
  /** Tells one reason from another. */
  readonly why: string;
  readonly event: WatchEvent;
}

/** @returns `undefined` if it may be taken up */
export async function whySuppressed(
  alert: Alert,
  { policy, serviceContext }: Pick<IncidentContext, "policy" | "serviceContext">,
  signal: AbortSignal,
): Promise<Suppressed | undefined> {
  const { recorder, clock } = serviceContext;
  const { name: service } = policy.service;
  const nowMs = clock.nowMs();
  const about = { service, alert: alert.rule.alert };
  const { coolsUntilMs, pausedUntilMs, isPaused } = recorder.limitTracker.limitState(about, nowMs);
  if (isPaused) {
    const end = Number.isFinite(pausedUntilMs)
      ? ` until ${timeOrDate(clock.toWall(pausedUntilMs), clock.toWall(nowMs))}`
      : "";
    const reason = `paused by a person${end}; sentinel resume ends it`;
    return { why: "paused", event: { type: "left_alone", alert, reason } };
  }
  if (nowMs < coolsUntilMs)
    return { why: "cooling", event: { type: "cooling_down", alert, untilMs: coolsUntilMs } };
  const container = await inspect(service, serviceContext, signal);
  const reason = whyNotJudged(container, alert, serviceContext);
  return reason === undefined
    ? undefined
    : { why: reason, event: { type: "left_alone", alert, reason } };
}
