/** What is watched of each service now, and what is not, for `GET /api/services`. Pure. */

import { coverageOf } from "../rules/coverage.ts";
import { maskText } from "../text/redact.ts";
import type { WatchedService } from "./readiness.ts";

/** One for each signal of each service: its value and threshold, or why it cannot be judged. */
export function describeServices(watched: readonly WatchedService[]) {
  return { services: watched.map(describeService) };
}

function describeService({ service, monitor }: WatchedService) {
  const poll = monitor.lastPoll;
  const alerts = poll === undefined ? [] : [...poll.alerts, ...poll.atRest()];
  const { judged, unjudged } = coverageOf(alerts);
  return {
    name: service.name,
    signals: [
      ...judged.map(({ rule, state, value, isIdle }) => ({
        alertname: rule.alert,
        state: isIdle ? "idle" : state,
        value,
        operator: rule.signal?.operator,
        threshold: rule.signal?.threshold,
        expr: rule.signal?.expr ?? rule.expr,
      })),
      ...unjudged.map(({ alertname, why }) => ({
        alertname,
        state: "no_data",
        reason: maskText(why),
      })),
    ],
  };
}
