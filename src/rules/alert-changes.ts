/** What changed between two polls, and how much of it is reported one by one. Pure. */

import { alertKey } from "./alert-state.ts";
import type { WatchEvent } from "../core/events.ts";
import type { Alert } from "../core/model.ts";

/** Changes of one rule's label sets at one poll that are reported one by one. */
export const MAX_TOLD_CHANGES = 10;

/** The alerts of one poll by rule and labels. */
export type AlertsByKey = ReadonlyMap<string, Alert>;

type AlertChange = Extract<WatchEvent, { type: "alert_changed" }>;

export function changes(before: AlertsByKey, after: AlertsByKey): AlertChange[] {
  const changed = [...after].flatMap(([key, alert]): AlertChange[] => {
    const from = before.get(key)?.state ?? "inactive";
    return from === alert.state ? [] : [{ type: "alert_changed", alert, from }];
  });
  // A label set that no longer holds leaves no alert behind.
  const ended = [...before].flatMap(([key, alert]): AlertChange[] => {
    if (after.has(key) || alert.state === "inactive" || alert.state === "no_data") return [];
    const now = { ...alert, state: "inactive" as const };
    return [{ type: "alert_changed", alert: now, from: alert.state }];
  });
  return [...changed, ...ended];
}

/**
 * The changes to report: of each rule the first `MAX_TOLD_CHANGES` one by one, the others by their
 * number. Those of alerts that an incident is about come first.
 */
export function boundedChanges(
  all: readonly AlertChange[],
  handled: ReadonlySet<string>,
): WatchEvent[] {
  if (all.length <= MAX_TOLD_CHANGES) return [...all];
  const groups = [...Map.groupBy(all, ({ alert }) => alert.rule.expr).values()].flatMap(
    (ofRule) => [...Map.groupBy(ofRule, ({ alert }) => alert.state).values()],
  );
  return groups.flatMap((group): WatchEvent[] => {
    const named = firstNamed(group, handled);
    const [first] = named;
    const count = group.length - named.length;
    if (first === undefined || count === 0) return [...named];
    const { rule, state } = first.alert;
    return [...named, { type: "more_alerts_changed", alertname: rule.alert, state, count }];
  });
}

/** Those that an incident is about come first. */
function firstNamed(
  group: readonly AlertChange[],
  handled: ReadonlySet<string>,
): readonly AlertChange[] {
  if (handled.size === 0) return group.slice(0, MAX_TOLD_CHANGES);
  const [ofIncident, others]: [AlertChange[], AlertChange[]] = [[], []];
  for (const change of group)
    (handled.has(alertKey(change.alert)) ? ofIncident : others).push(change);
  return [...ofIncident, ...others].slice(0, MAX_TOLD_CHANGES);
}
