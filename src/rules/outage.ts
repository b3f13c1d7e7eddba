/** Alerts that say of one service, each by what it sees, that it is down: one cause, and one incident. */

import type { Alert } from "../core/model.ts";
import { type IsOfIncident, isOfRule } from "./alert-state.ts";
import { PROBE_FAILING_ALERT } from "./probe-rules.ts";
import {
  CONTAINER_DOWN_ALERT,
  CONTAINER_UNHEALTHY_ALERT,
  EXPORTER_KIND,
  TARGET_DOWN_ALERT,
  UNSCRAPED_KIND,
} from "./rules.ts";

const OUTAGES = [
  TARGET_DOWN_ALERT,
  CONTAINER_DOWN_ALERT,
  CONTAINER_UNHEALTHY_ALERT,
  PROBE_FAILING_ALERT,
];

/** Whether an alert is of the rule that an incident is about, or says the same in another way. */
export function isOfCause(alert: Alert): IsOfIncident {
  const isOfItsRule = isOfRule(alert);
  if (!isOutage(alert)) return isOfItsRule;
  return (other) => isOfItsRule(other) || isOutage(other);
}

/** Whoever scrapes it, or its exporter, is down: the service may well be up. */
const OF_OTHERS: readonly string[] = [UNSCRAPED_KIND, EXPORTER_KIND];

/** Only of rules made for a service: what a rule of a file means is its author's. */
function isOutage({ rule }: Alert): boolean {
  if (rule.service === undefined || !OUTAGES.includes(rule.alert)) return false;
  return !OF_OTHERS.includes(rule.labels["kind"] ?? "");
}
