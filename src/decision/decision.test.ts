import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  alert,
  allowlist,
  rule,
  service,
  START_MS,
  OWN,
  UNRESTRAINED,
} from "../../test/support/fixtures.ts";
import { ACTION_IDS, type ActionId } from "../allowlist.ts";
import { decide, type Proposal, REASON_TEXT, type Situation } from "./decision.ts";
import type { LimitState } from "./limits.ts";
import {
  AUTONOMY_LEVELS,
  ALERT_STATES,
  type Alert,
  DECISION_REASONS,
  SEVERITIES,
} from "../core/model.ts";
import type { Owner } from "../rules/ownership.ts";
import { CRASH_LOOP_ALERT } from "../rules/rules.ts";

interface Change {
  readonly fired?: Alert;
  readonly action?: ActionId | "none";
  readonly actions?: readonly ActionId[];
  readonly situation?: Partial<Situation>;
}

function decided({ fired = alert(), action = "docker-restart", actions, situation }: Change) {
  const proposal: Proposal = {
    alert: fired,
    diagnosis: { action },
    service: service(actions && { actions }),
    allowlist,
  };
  return decide(proposal, {
    autonomy: "auto",
    alerts: [fired],
    owner: OWN,
    limitState: UNRESTRAINED,
    ...situation,
  });
}

const cpu = alert();
const medium = alert({ rule: rule({ severity: "medium" }) });
const stops = alert({ rule: rule({ permits: ["docker-stop", "compose-stop"] }) });
const projectWide = alert({ rule: rule({ permits: ["compose-up"] }) });
const crashRule = rule({ alert: CRASH_LOOP_ALERT, permits: [] });
const crashLoop = alert({ rule: crashRule });

/** A command that the allow-list of this service has not. */
const SUPERVISED = { action: "supervisor-restart", actions: ACTION_IDS } as const;

const held = (limitState: Partial<LimitState>): Change => ({
  situation: { limitState: { ...UNRESTRAINED, ...limitState } },
});

describe("what is decided", () => {
  const cases: readonly (readonly [string, Change, string])[] = [
    ["both keys agree", {}, "act docker-restart two_keys_agree"],
    [
      "critical acts as high does",
      { fired: alert({ rule: rule({ severity: "critical" }) }) },
      "act docker-restart two_keys_agree",
    ],
    [
      "a task of an orchestrator is nobody's to restart here, so there is nothing to approve",
      { situation: { container: "managed_by_orchestrator" } },
      "ask - managed_by_orchestrator",
    ],
    [
      "nor in a crash loop, which a person could have restarted otherwise",
      {
        fired: cpu,
        situation: { container: "managed_by_orchestrator", alerts: [cpu, crashLoop] },
      },
      "ask - managed_by_orchestrator",
    ],
    [
      "another service's alert",
      { situation: { owner: { kind: "service", name: "another" } } },
      "skip - alert_of_another",
    ],
    [
      "nobody's alert",
      { situation: { owner: { kind: "nobody", reason: "two services have this job" } } },
      "skip - alert_of_another",
    ],
    [
      "another's that also resolved: whose it is comes first",
      { situation: { owner: { kind: "service", name: "another" }, alerts: [] } },
      "skip - alert_of_another",
    ],
    [
      "an earlier action made things worse",
      held({ automationEnded: true }),
      "ask docker-restart automation_ended",
    ],
    [
      "the service has had its actions",
      held({ isServiceBudgetSpent: true }),
      "ask docker-restart service_budget",
    ],
    [
      "all services have had theirs",
      held({ isTotalBudgetSpent: true }),
      "ask docker-restart total_budget",
    ],
    [
      "there is no such command for the service",
      { fired: alert({ rule: rule({ permits: ["supervisor-restart"] }) }), ...SUPERVISED },
      "ask supervisor-restart not_allowed_for_service",
    ],
    [
      "the rule permits its effect, and there is no such command for the service any more",
      { fired: alert({ rule: rule({ permits: ["restart"] }) }), ...SUPERVISED },
      "ask supervisor-restart not_allowed_for_service",
    ],
    [
      "the rule permits its effect",
      { fired: alert({ rule: rule({ permits: ["restart"] }) }) },
      "act docker-restart two_keys_agree",
    ],
    [
      "the rule permits another effect",
      { fired: alert({ rule: rule({ permits: ["create"] }) }) },
      "ask docker-restart keys_disagree",
    ],
    ["medium waits", { fired: medium }, "ask docker-restart severity_needs_a_person"],
    [
      "low waits",
      { fired: alert({ rule: rule({ severity: "low" }) }) },
      "ask docker-restart severity_needs_a_person",
    ],
    ["the diagnosis names nothing", { action: "none" }, "ask - no_action_needed"],
    [
      "the rule permits another",
      { action: "compose-service-up" },
      "ask compose-service-up keys_disagree",
    ],
    [
      "it acts on other services, which nobody has asked for",
      { action: "compose-up" },
      "ask compose-up touches_other_services",
    ],
    [
      "it acts on other services, which the rule alone permits",
      { action: "compose-up", fired: projectWide },
      "ask compose-up touches_other_services",
    ],
    [
      "it acts on other services, which the service alone names",
      { action: "compose-up", actions: ["compose-up"] },
      "ask compose-up keys_disagree",
    ],
    [
      "it acts on other services, and both keys have it",
      { action: "compose-up", actions: ["compose-up"], fired: projectWide },
      "act compose-up two_keys_agree",
    ],
    [
      "a stop of other services as well is a stop first of all",
      { action: "compose-stop", fired: stops },
      "ask compose-stop stop_needs_a_person",
    ],
    [
      "the rule permits nothing",
      { fired: alert({ rule: rule({ permits: [] }) }) },
      "ask docker-restart rule_permits_nothing",
    ],
    [
      "a stop that both keys have",
      { fired: stops, action: "docker-stop", actions: ACTION_IDS },
      "ask docker-stop stop_needs_a_person",
    ],
    [
      "the service's list lacks it",
      { actions: ["compose-up"] },
      "ask docker-restart not_allowed_for_service",
    ],
    ["the service's list is empty", { actions: [] }, "ask docker-restart not_allowed_for_service"],
    [
      "AUTONOMY=approve",
      { situation: { autonomy: "approve" } },
      "ask docker-restart autonomy_approve",
    ],
    [
      "a person has paused it",
      { situation: { limitState: { ...UNRESTRAINED, isPaused: true } } },
      "skip - paused",
    ],
    [
      "the pause has ended",
      { situation: { limitState: { ...UNRESTRAINED, pausedUntilMs: START_MS } } },
      "act docker-restart two_keys_agree",
    ],
    [
      "AUTONOMY=observe",
      { situation: { autonomy: "observe" } },
      "skip docker-restart autonomy_observe",
    ],
    [
      "it resolved meanwhile",
      { situation: { alerts: [alert({ rule: cpu.rule, state: "inactive" })] }, fired: cpu },
      "skip - alert_resolved",
    ],
    [
      "it is pending again",
      { situation: { alerts: [alert({ rule: cpu.rule, state: "pending" })] }, fired: cpu },
      "skip - alert_resolved",
    ],
    ["it is no longer known", { situation: { alerts: [] } }, "skip - alert_resolved"],
    [
      "another rule of its name fires",
      { situation: { alerts: [alert()] } },
      "skip - alert_resolved",
    ],
    [
      "its data is missing",
      { situation: { alerts: [alert({ rule: cpu.rule, state: "no_data" })] }, fired: cpu },
      "skip - data_missing",
    ],
    [
      "another label set of it still fires",
      { fired: cpu, situation: { alerts: [alert({ rule: cpu.rule, state: "pending" }), cpu] } },
      "act docker-restart two_keys_agree",
    ],
    [
      "another alert has no data",
      { fired: cpu, situation: { alerts: [cpu, alert({ state: "no_data" })] } },
      "act docker-restart two_keys_agree",
    ],
    [
      "a crash loop beside it",
      { fired: cpu, situation: { alerts: [cpu, crashLoop] } },
      "ask docker-restart crash_loop",
    ],
    [
      "a crash loop that lost its data",
      { fired: cpu, situation: { alerts: [cpu, { ...crashLoop, state: "no_data" }] } },
      "ask docker-restart crash_loop",
    ],
    [
      "a crash loop itself, whatever it permits",
      { fired: alert({ rule: rule({ alert: CRASH_LOOP_ALERT }) }) },
      "ask docker-restart crash_loop",
    ],
    [
      "a crash loop that is not one yet",
      {
        fired: cpu,
        situation: {
          alerts: [cpu, alert({ rule: crashRule, state: "pending", firingAtMs: undefined })],
        },
      },
      "act docker-restart two_keys_agree",
    ],
    [
      "a crash loop nobody measured",
      {
        fired: cpu,
        situation: {
          alerts: [cpu, alert({ rule: crashRule, state: "no_data", firingAtMs: undefined })],
        },
      },
      "act docker-restart two_keys_agree",
    ],
  ];
  test.each(cases)("%s", (_, change, expected) => {
    const { kind, action = "-", reason } = decided(change);
    expect(`${kind} ${action} ${reason}`).toBe(expected);
  });
});

describe("what has healed it for a moment only gives way to the next on the rule's list", () => {
  const LIST = ["compose-restart", "docker-restart", "docker-stop", "compose-up"] as const;
  type Given = {
    readonly spent: readonly ActionId[];
    readonly action?: ActionId;
    readonly permits?: readonly ActionId[];
    readonly actions?: readonly ActionId[];
    readonly limitState?: Partial<LimitState>;
  };
  const cases: readonly (readonly [string, Given, string])[] = [
    ["nothing is spent", { spent: [] }, "act docker-restart two_keys_agree"],
    ["another is spent", { spent: ["compose-up"] }, "act docker-restart two_keys_agree"],
    [
      "the one after it, never the one before it, and never a stop",
      { spent: ["docker-restart"] },
      "act compose-up next_on_the_list",
    ],
    [
      "the very next",
      { spent: ["compose-restart"], action: "compose-restart" },
      "act docker-restart next_on_the_list",
    ],
    [
      "the first after it that is not spent",
      { spent: ["compose-restart", "docker-restart"], action: "compose-restart" },
      "act compose-up next_on_the_list",
    ],
    [
      "the first after it that the service has",
      {
        spent: ["compose-restart"],
        action: "compose-restart",
        actions: ["compose-restart", "compose-up"],
      },
      "act compose-up next_on_the_list",
    ],
    [
      "all that follow are spent",
      { spent: ["docker-restart", "compose-up"] },
      "ask docker-restart recurrence",
    ],
    ["none follows", { spent: ["compose-up"], action: "compose-up" }, "ask compose-up recurrence"],
    [
      "a stop alone follows",
      { spent: ["docker-restart"], permits: ["docker-restart", "docker-stop"] },
      "ask docker-restart recurrence",
    ],
    [
      "the service has none of those that follow",
      { spent: ["docker-restart"], actions: ["docker-restart", "compose-restart"] },
      "ask docker-restart recurrence",
    ],
    [
      "and is held back as the first would be",
      { spent: ["docker-restart"], limitState: { isServiceBudgetSpent: true } },
      "ask compose-up service_budget",
    ],
  ];
  test.each(cases)("%s", (_, given, expected) => {
    const { spent, permits = LIST, actions = ACTION_IDS, action, limitState } = given;
    const {
      kind,
      action: chosen,
      reason,
    } = decided({
      fired: alert({ rule: rule({ permits: [...permits] }) }),
      actions,
      ...(action && { action }),
      ...held({ ineffectiveActions: new Set(spent), ...limitState }),
    });
    expect(`${kind} ${chosen} ${reason}`).toBe(expected);
  });
});

const situations = fc.record({
  state: fc.constantFrom(...ALERT_STATES),
  severity: fc.constantFrom(...SEVERITIES),
  permits: fc.subarray([...ACTION_IDS]),
  actions: fc.subarray([...ACTION_IDS]),
  action: fc.constantFrom(...ACTION_IDS, "none" as const),
  autonomy: fc.constantFrom(...AUTONOMY_LEVELS),
  crashLoop: fc.constantFrom(...ALERT_STATES, undefined),
});

/** What of the rest would hold it back, most of the time nothing. */
const holds = fc.record({
  owner: fc.oneof(
    { weight: 9, arbitrary: fc.constant(OWN) },
    fc.constantFrom<Owner>({ kind: "service", name: "another" }, { kind: "nobody", reason: "x" }),
  ),
  limitState: fc.record({
    isPaused: rarely(),
    automationEnded: rarely(),
    isServiceBudgetSpent: rarely(),
    isTotalBudgetSpent: rarely(),
  }),
});

function rarely(): fc.Arbitrary<boolean> {
  return fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true));
}

test("it acts exactly if all conditions hold, and on what both keys chose", () => {
  fc.assert(
    fc.property(situations, holds, (now, { owner, limitState }) => {
      const of = rule({ severity: now.severity, permits: now.permits });
      const loops = now.crashLoop === "firing" || now.crashLoop === "no_data";
      const beside = now.crashLoop && [
        alert({
          rule: crashRule,
          state: now.crashLoop,
          firingAtMs: loops ? cpu.firingAtMs : undefined,
        }),
      ];
      const decision = decided({
        fired: alert({ rule: of }),
        action: now.action,
        actions: now.actions,
        situation: {
          autonomy: now.autonomy,
          owner,
          limitState: { ...UNRESTRAINED, ...limitState },
          alerts: [alert({ rule: of, state: now.state }), ...(beside ?? [])],
        },
      });
      const acts =
        now.state === "firing" &&
        now.action !== "none" &&
        !now.action.endsWith("-stop") &&
        allowlist[now.action] !== undefined &&
        now.permits.includes(now.action) &&
        now.actions.includes(now.action) &&
        now.autonomy === "auto" &&
        (now.severity === "high" || now.severity === "critical") &&
        !loops &&
        owner === OWN &&
        !Object.values(limitState).includes(true);
      expect(decision.kind === "act").toBe(acts);
      if (decision.kind === "act") expect<string>(decision.action).toBe(now.action);
    }),
    { numRuns: 5000 },
  );
});

test("what the model says of severity, confidence and cause gates nothing", () => {
  const opinions = fc.record({
    severity: fc.constantFrom(...SEVERITIES),
    confidence: fc.double({ min: 0, max: 1, noNaN: true }),
    rootCause: fc.string(),
  });
  fc.assert(
    fc.property(situations, opinions, (now, opinion) => {
      const fired = alert({ rule: rule({ severity: now.severity, permits: now.permits }) });
      const decideOn = (diagnosis: Proposal["diagnosis"]) =>
        decide(
          { alert: fired, diagnosis, service: service({ actions: now.actions }), allowlist },
          {
            autonomy: now.autonomy,
            alerts: [{ ...fired, state: now.state }],
            owner: OWN,
            limitState: UNRESTRAINED,
          },
        );
      expect(decideOn({ action: now.action, ...opinion })).toEqual(
        decideOn({ action: now.action }),
      );
    }),
  );
});

test("every reason has a sentence of its own", () => {
  const texts = DECISION_REASONS.map((reason) => REASON_TEXT[reason]);
  expect(new Set(texts).size).toBe(DECISION_REASONS.length);
  expect(texts).not.toContain("");
});
