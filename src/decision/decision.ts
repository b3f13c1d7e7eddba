/** Whether Sentinel acts alone. Pure; every answer has a reason from a closed list. */

import type { ActionId, Allowlist } from "../allowlist.ts";
import { isHolding } from "../rules/alert-state.ts";
import { isOwnedBy, type Owner } from "../rules/ownership.ts";
import { permittedActions } from "../rules/permitted.ts";
import type { LimitState } from "./limits.ts";
import type { ContainerReason } from "../diagnosis/lifecycle.ts";
import type {
  ActReason,
  Alert,
  Autonomy,
  Decision,
  DecisionReason,
  Diagnosis,
  Service,
} from "../core/model.ts";
import { CRASH_LOOP_ALERT } from "../rules/rules.ts";

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
  /** To whom the alert belongs. */
  readonly owner: Owner;
  /** What the limit tracker says of this service and alert. */
  readonly limitState: LimitState;
  /** Why the state of its container leaves the decision to a person; absent if it does not. */
  readonly container?: ContainerReason | undefined;
}

/**
 * Two keys: an action runs only if the diagnosis chose its id and the alert's own rule permits it.
 * The model's severity is not among the inputs.
 */
export function decide(proposal: Proposal, situation: Situation): Decision {
  const { alert, diagnosis, service } = proposal;
  const { alerts, limitState, owner } = situation;
  const { rule } = alert;
  // An alert of another service is never a reason to act on this one.
  if (!isOwnedBy(owner, service.name)) return skip("alert_of_another");
  const now = alerts.filter((current) => current.rule === rule);

  // A model may take half a minute, and the alert may have changed since.
  if (now.some(({ state }) => state === "no_data")) return skip("data_missing");
  if (!now.some(isHolding)) return skip("alert_resolved");
  if (limitState.isPaused) return skip("paused");
  // Not even a person may have it restarted here: one container too many would stay.
  if (situation.container === "managed_by_orchestrator")
    return ask(undefined, "managed_by_orchestrator");
  // This reason says more than that nothing was proposed.
  const held = alerts.some(isCrashLoop) ? "crash_loop" : situation.container;
  const proposed = diagnosis.action === "none" ? undefined : diagnosis.action;
  if (held !== undefined) return ask(proposed, held);
  if (proposed === undefined) return ask(undefined, "no_action_needed");

  const action = proposed;
  if (rule.permits.length === 0) return ask(action, "rule_permits_nothing");
  const permitted = permittedActions(rule.permits, proposal);
  if (!permitted.includes(action)) return ask(action, whyNotPermitted(action, proposal));
  const why = whyNotOffered(action, proposal);
  if (why !== undefined) return ask(action, why);
  const { ineffectiveActions } = limitState;
  if (!ineffectiveActions.has(action)) return permit(action, "two_keys_agree", proposal, situation);

  const later = permitted.slice(permitted.indexOf(action) + 1);
  const next = later.find((id) => !ineffectiveActions.has(id) && !whyNotOffered(id, proposal));
  if (next === undefined) return ask(action, "recurrence");
  return permit(next, "next_on_the_list", proposal, situation);
}

const TOUCHES_OTHERS = "touches_other_services";

/** A stop does not count here: it waits for a person however narrow it is. */
function touchesUnnamed(action: ActionId, { allowlist, service }: Proposal): boolean {
  const { touchesOthers = false, stopsService = false } = allowlist[action] ?? {};
  return touchesOthers && !stopsService && !service.actions.includes(action);
}

function whyNotPermitted(action: ActionId, proposal: Proposal): HeldBack {
  // It was on the list when it was proposed; since then the container or its Compose service has changed.
  if (proposal.allowlist[action] === undefined) return "not_allowed_for_service";
  return touchesUnnamed(action, proposal) ? TOUCHES_OTHERS : "keys_disagree";
}

function whyNotOffered(
  action: ActionId,
  proposal: Proposal,
): "not_allowed_for_service" | "stop_needs_a_person" | typeof TOUCHES_OTHERS | undefined {
  const { allowlist, service } = proposal;
  const offered = allowlist[action];
  if (offered === undefined) return "not_allowed_for_service";
  if (offered.stopsService) return "stop_needs_a_person";
  if (touchesUnnamed(action, proposal)) return TOUCHES_OTHERS;
  return service.actions.includes(action) ? undefined : "not_allowed_for_service";
}

/** Whether it may be done without a person. */
function permit(
  action: ActionId,
  reason: ActReason,
  { alert }: Proposal,
  { autonomy, limitState }: Situation,
): Decision {
  const { severity } = alert.rule;
  if (autonomy === "observe") return skip("autonomy_observe", action);
  if (autonomy === "approve") return ask(action, "autonomy_approve");
  if (severity !== "high" && severity !== "critical") return ask(action, "severity_needs_a_person");
  if (limitState.automationEnded) return ask(action, "automation_ended");
  if (limitState.isServiceBudgetSpent) return ask(action, "service_budget");
  if (limitState.isTotalBudgetSpent) return ask(action, "total_budget");
  return { kind: "act", action, reason };
}

/** Also while its data is missing: nothing has shown that it ended. */
function isCrashLoop({ rule, firingAtMs }: Alert): boolean {
  return rule.alert === CRASH_LOOP_ALERT && firingAtMs !== undefined;
}

type HeldBack = Exclude<DecisionReason, ActReason>;

function ask(action: ActionId | undefined, reason: HeldBack): Decision {
  return { kind: "ask", action, reason };
}

function skip(reason: HeldBack, action?: ActionId): Decision {
  return { kind: "skip", action, reason };
}

/** Each reason as a sentence for the report. */
export const REASON_TEXT = {
  two_keys_agree: "the diagnosis chose it and the alert's rule permits it",
  next_on_the_list:
    "what was chosen has not lasted, so the next action on the rule's list is tried",
  no_action_needed: "the diagnosis names nothing that Sentinel may run and that would cure it",
  rule_permits_nothing: "the alert's rule permits no action",
  keys_disagree: "the diagnosis and the alert's rule disagree",
  stop_needs_a_person: "a stop takes the service down",
  not_allowed_for_service: "the service's list of actions does not have it",
  touches_other_services:
    "it acts on every service of the Compose file, and this service's list of actions does not name it",
  severity_needs_a_person: "the rule's severity is below high",
  autonomy_approve: "AUTONOMY=approve",
  autonomy_observe: "AUTONOMY=observe",
  crash_loop: "the service is in a crash loop, which restarting does not cure",
  health_check_broken:
    "its HEALTHCHECK cannot be run, so it says nothing of the service: correct the check",
  perhaps_stopped_on_purpose:
    "it has ended, and its engine no longer knows whether somebody stopped it",
  managed_by_orchestrator:
    "its container is a task of Swarm or a pod of Kubernetes, which replaces it by itself: restart it there (`docker service update --force`, `kubectl rollout restart`)",
  paused: "a person paused it",
  automation_ended: "an earlier action made things worse; sentinel resume lets Sentinel act again",
  service_budget: "the service has had its actions of this hour",
  total_budget: "all services together have had their actions of this hour",
  recurrence: "every action that the rule lists has healed it for a moment only",
  container_replaced: "its container was replaced after the diagnosis",
  container_unknown: "it is not known whether its container is still the one that was diagnosed",
  command_changed: "the settings have changed, and with them the command that was asked for",
  denied: "a person said no",
  expired: "no person answered in time",
  alert_resolved: "the alert resolved by itself before anything was run",
  alert_of_another: "the alert's labels name another service, or none that is watched",
  rule_removed: "its rule was removed from the rules before anything was run",
  data_missing: "the alert's data went missing before anything was run",
} satisfies Record<DecisionReason, string>;
