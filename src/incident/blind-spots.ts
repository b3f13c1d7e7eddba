/** When a signal counts as one that cannot be judged, and when as back. Pure. */

import type { WatchEvent } from "../core/events.ts";
import { isQuiet } from "../rules/alert-state.ts";
import { coverageOf } from "../rules/coverage.ts";
import type { Poll } from "../rules/monitor.ts";

/** For so long a signal may be missing before a person is told: rates need a window, and a restart a moment. */
export const BLIND_AFTER_MS = 60_000;

type SignalEvent = Extract<WatchEvent, { type: "signal_lost" | "signal_back" }>;

interface BlindSpots {
  /**
   * Takes what a poll has shown that the source has answered.
   *
   * @returns what a person is to be told, once for each signal that is lost
   */
  polled(poll: Pick<Poll, "alerts" | "atRest">, nowMs: number): readonly SignalEvent[];
}

export function createBlindSpots(): BlindSpots {
  /** Since when, by the alert's name. */
  const missing = new Map<string, number>();
  const told = new Set<string>();
  return {
    polled({ alerts, atRest }, nowMs) {
      // A service that is down has no signals, which its alert says.
      if (!isQuiet(alerts)) {
        missing.clear();
        return [];
      }
      const { judged, unjudged } = coverageOf([...alerts, ...atRest()]);
      const events: SignalEvent[] = [];
      for (const { rule } of judged) {
        missing.delete(rule.alert);
        if (told.delete(rule.alert)) events.push({ type: "signal_back", alertname: rule.alert });
      }
      for (const { alertname, why } of unjudged) {
        const sinceMs = missing.getOrInsert(alertname, nowMs);
        if (told.has(alertname) || nowMs - sinceMs < BLIND_AFTER_MS) continue;
        told.add(alertname);
        events.push({ type: "signal_lost", alertname, reason: why });
      }
      return events;
    },
  };
}
