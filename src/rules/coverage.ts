/** Which of a service's alerts are judged now, and which cannot be. Pure. */

import type { Alert } from "../core/model.ts";

/** Nothing is known of what it would tell. */
interface Unjudged {
  readonly alertname: string;
  readonly why: string;
}

interface Coverage {
  /** One of each name, a firing one first. */
  readonly judged: readonly Alert[];
  readonly unjudged: readonly Unjudged[];
}

const ORDER = ["firing", "pending", "inactive", "no_data"];

/** By name: two rules of one name look at the same thing from two sides, and one that is judged is enough. */
export function coverageOf(alerts: readonly Alert[]): Coverage {
  const byName = Map.groupBy(alerts, ({ rule }) => rule.alert);
  const tellers = [...byName.values()].flatMap(
    (same) => same.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state))[0] ?? [],
  );
  return {
    judged: tellers.filter(isJudged),
    unjudged: tellers
      .filter((alert) => !isJudged(alert))
      .map(({ rule, noDataReason }) => ({
        alertname: rule.alert,
        why: noDataReason ?? "there are no samples",
      })),
  };
}

/** Where nothing happened that could be measured, such as a request, all is as well as it was. */
function isJudged({ state, isIdle }: Alert): boolean {
  return state !== "no_data" || isIdle === true;
}
