/** Whether Sentinel acts alone. Pure; every answer has a reason from a closed list. */

import type { ActionId, Allowlist } from "../allowlist.ts";
import type { Alert, Autonomy, Decision, DecisionReason, Diagnosis, Service } from "./model.ts";
import { CRASH_LOOP_ALERT } from "./rules.ts";

export interface Proposal {
  /** The alert as it stood when the incident began. */
  readonly alert: Alert;
  readonly diagnosis: Pick<Diagnosis, "action">;
  readonly service: Service;
  readonly allowlist: Allowlist;
}

export interface Situation {
  readonly autonomy: Autonomy;
  /** All of the service's alerts at the last poll, after the diagnosis. */
  readonly alerts: readonly Alert[];
}

/**
 * Two keys: an action runs only if the diagnosis chose its id and the alert's own rule permits it.
 * The model's severity is not among the inputs.
 */
export function decide(proposal: Proposal, { autonomy, alerts }: Situation): Decision {
  const { alert, diagnosis, service, allowlist } = proposal;
  const { rule } = alert;
  const now = alerts.filter((current) => current.rule === rule);

  // A model may have taken half a minute: what it saw need not be so any more.
  if (now.some(({ state }) => state === "no_data")) return skip("data_missing");
  if (!now.some(({ state }) => state === "firing")) return skip("alert_resolved");
  if (diagnosis.action === "none") return ask(undefined, "no_action_needed");

  const { action } = diagnosis;
  if (alerts.some(isCrashLoop)) return ask(action, "crash_loop");
  if (rule.permits.length === 0) return ask(action, "rule_permits_nothing");
  if (!rule.permits.includes(action)) return ask(action, "keys_disagree");
  const offered = allowlist[action];
  if (offered === undefined) return ask(action, "not_allowed_for_service");
  if (offered.stopsService) return ask(action, "stop_needs_a_person");
  if (!service.actions.includes(action)) return ask(action, "not_allowed_for_service");
  if (autonomy === "observe") return skip("autonomy_observe", action);
  if (autonomy === "approve") return ask(action, "autonomy_approve");
  if (rule.severity !== "high" && rule.severity !== "critical")
    return ask(action, "severity_needs_a_person");
  return { kind: "act", action, reason: "two_keys_agree" };
}

/** Also while its data is missing: nothing has shown that it ended. */
function isCrashLoop({ rule, firingAtMs }: Alert): boolean {
  return rule.alert === CRASH_LOOP_ALERT && firingAtMs !== undefined;
}

type HeldBack = Exclude<DecisionReason, "two_keys_agree">;

function ask(action: ActionId | undefined, reason: HeldBack): Decision {
  return { kind: "ask", action, reason };
}

function skip(reason: HeldBack, action?: ActionId): Decision {
  return { kind: "skip", action, reason };
}

/** Each reason as a sentence for the report. */
export const REASON_TEXT = {
  two_keys_agree: "the diagnosis chose it and the alert's rule permits it",
  no_action_needed: "the diagnosis names nothing that Sentinel may run and that would cure it",
  rule_permits_nothing: "the alert's rule permits no action",
  keys_disagree: "the diagnosis and the alert's rule disagree",
  stop_needs_a_person: "a stop takes the service down",
  not_allowed_for_service: "the service's list of actions does not have it",
  severity_needs_a_person: "the rule's severity is below high",
  autonomy_approve: "AUTONOMY=approve",
  autonomy_observe: "AUTONOMY=observe",
  crash_loop: "the service is in a crash loop, which restarting does not cure",
  alert_resolved: "the alert resolved by itself before anything was run",
  data_missing: "the alert's data went missing before anything was run",
} satisfies Record<DecisionReason, string>;
