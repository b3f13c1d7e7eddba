/** Which alerts of a service an incident is about, and what was told of the others. No I/O. */

import { type AlertsByKey, boundedChanges, changes } from "./alert-changes.ts";
import { alertKey, isFiringOrUnknown, isHolding, type IsOfIncident } from "./alert-state.ts";
import type { WatchEvent } from "../core/events.ts";
import type { Alert } from "../core/model.ts";

interface AlertTracker {
  /** What changed since the alerts that it was last called with, as far as it is told. */
  changesTo(alerts: readonly Alert[]): readonly WatchEvent[];
  /** Whether an incident is about it, or was about it since it began to fire. */
  isHandled(alert: Alert): boolean;
  handle(alerts: readonly Alert[]): void;
  /** From now on they may be taken up again. */
  release(alerts: readonly Alert[]): void;
  /**
   * Forgets the alerts that are not among these or no longer fire. Missing data is no end: the same firing
   * taken up again would act twice on one fault.
   */
  forgetResolved(alerts: readonly Alert[]): void;
  /** Those of the incident's rule that fire and hold, and that no incident is about. */
  unhandledOf(alerts: readonly Alert[], isOfIncident: IsOfIncident): readonly Alert[];
  /** Whether this reason for leaving the alert alone is another than the last one; counts as told from now on. */
  isNewReason(alert: Alert, why: string): boolean;
}

export function createAlertTracker(): AlertTracker {
  let before: AlertsByKey = new Map();
  const handled = new Set<string>();
  const reasons = new Map<string, string>();
  const isHandled = (alert: Alert) => handled.has(alertKey(alert));

  return {
    changesTo(alerts) {
      const after = new Map(alerts.map((alert) => [alertKey(alert), alert]));
      const changed = boundedChanges(changes(before, after), handled);
      before = after;
      return changed;
    },
    isHandled,
    handle(alerts) {
      for (const alert of alerts) handled.add(alertKey(alert));
    },
    release(alerts) {
      for (const alert of alerts) handled.delete(alertKey(alert));
    },
    forgetResolved(alerts) {
      const goOn = new Set(alerts.filter(isFiringOrUnknown).map(alertKey));
      for (const key of new Set([...handled, ...reasons.keys()])) {
        if (goOn.has(key)) continue;
        handled.delete(key);
        reasons.delete(key);
      }
    },
    unhandledOf: (alerts, isOfIncident) =>
      alerts.filter((alert) => isHolding(alert) && isOfIncident(alert) && !isHandled(alert)),
    isNewReason(alert, why) {
      const key = alertKey(alert);
      const isNew = reasons.get(key) !== why;
      reasons.set(key, why);
      return isNew;
    },
  };
}
