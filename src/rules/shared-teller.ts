/** What the rules of files say that concerns no one service: told once, and not by each service's loop. */

import { MAX_TOLD_CHANGES } from "./alert-changes.ts";
import { alertKey } from "./alert-state.ts";
import type { WatchEvent } from "../core/events.ts";
import type { Alert, Rule } from "../core/model.ts";
import type { SharedPoll } from "./shared-rules.ts";

type SharedEvent = Extract<
  WatchEvent,
  { type: "alert_changed" | "alert_unowned" | "more_alerts_changed" }
>;

/** Told of each evaluation in turn. */
export function createSharedTeller(emit: (event: SharedEvent) => void): (poll: SharedPoll) => void {
  let before: ReadonlyMap<Rule, Alert> = new Map();
  let toldUnowned: ReadonlySet<string> = new Set();
  return (poll) => {
    // While the source is down each service's loop says so.
    if (poll.sourceDown !== undefined) return;
    const resting = new Map(poll.alerts.filter(isAtRest).map((alert) => [alert.rule, alert]));
    for (const [rule, alert] of resting) {
      const from = before.get(rule)?.state ?? "inactive";
      if (from !== alert.state) emit({ type: "alert_changed", alert, from });
    }
    before = resting;
    toldUnowned = tellUnowned(poll, toldUnowned, emit);
  };
}

/** One that stands for a whole rule: no label set of it is pending or firing. */
function isAtRest({ activeAtMs, firingAtMs }: Alert): boolean {
  return activeAtMs === undefined && firingAtMs === undefined;
}

/** @returns the keys of those that are known now */
function tellUnowned(
  { unowned }: SharedPoll,
  known: ReadonlySet<string>,
  emit: (event: SharedEvent) => void,
): ReadonlySet<string> {
  const firing = unowned.filter(({ alert }) => alert.state === "firing");
  const fresh = firing.filter(({ alert }) => !known.has(alertKey(alert)));
  for (const [rule, ofRule] of Map.groupBy(fresh, ({ alert }) => alert.rule)) {
    for (const { alert, reason } of ofRule.slice(0, MAX_TOLD_CHANGES))
      emit({ type: "alert_unowned", alert, reason });
    const count = ofRule.length - MAX_TOLD_CHANGES;
    if (count > 0)
      emit({ type: "more_alerts_changed", alertname: rule.alert, state: "firing", count });
  }
  return new Set(firing.map(({ alert }) => alertKey(alert)));
}
