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
} from "../../test/fixtures.ts";
import { ACTION_IDS, type ActionId } from "../allowlist.ts";
import { decide, type Proposal, REASON_TEXT, type Situation } from "./decision.ts";
import {
  AUTONOMY_LEVELS,
  ALERT_STATES,
  type Alert,
  DECISION_REASONS,
  SEVERITIES,
} from "./model.ts";
import { CRASH_LOOP_ALERT } from "./rules.ts";

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
    restraint: UNRESTRAINED,
    ...situation,
  });
}

const cpu = alert();
const medium = alert({ rule: rule({ severity: "medium" }) });
const stops = alert({ rule: rule({ permits: ["docker-stop", "compose-stop"] }) });
const crashRule = rule({ alert: CRASH_LOOP_ALERT, permits: [] });
const crashLoop = alert({ rule: crashRule });

describe("what is decided", () => {
  const cases: readonly (readonly [string, Change, string])[] = [
    ["both keys agree", {}, "act docker-restart two_keys_agree"],
    [
      "critical acts as high does",
      { fired: alert({ rule: rule({ severity: "critical" }) }) },
      "act docker-restart two_keys_agree",
    ],
    [
      "a person has paused it meanwhile",
      { situation: { restraint: { ...UNRESTRAINED, isPaused: true } } },
      "skip - paused",
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
    ["medium waits", { fired: medium }, "ask docker-restart severity_needs_a_person"],
    [
      "low waits",
      { fired: alert({ rule: rule({ severity: "low" }) }) },
      "ask docker-restart severity_needs_a_person",
    ],
    ["the diagnosis names nothing", { action: "none" }, "ask - no_action_needed"],
    ["the rule permits another", { action: "compose-up" }, "ask compose-up keys_disagree"],
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
      { situation: { restraint: { ...UNRESTRAINED, isPaused: true } } },
      "skip - paused",
    ],
    [
      "the pause has ended",
      { situation: { restraint: { ...UNRESTRAINED, pausedUntilMs: START_MS } } },
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
      "a person has paused it meanwhile",
      { situation: { restraint: { ...UNRESTRAINED, isPaused: true } } },
      "skip - paused",
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

const situations = fc.record({
  state: fc.constantFrom(...ALERT_STATES),
  severity: fc.constantFrom(...SEVERITIES),
  permits: fc.subarray([...ACTION_IDS]),
  actions: fc.subarray([...ACTION_IDS]),
  action: fc.constantFrom(...ACTION_IDS, "none" as const),
  autonomy: fc.constantFrom(...AUTONOMY_LEVELS),
  crashLoop: fc.constantFrom(...ALERT_STATES, undefined),
});

test("it acts exactly if all conditions hold, and on what both keys chose", () => {
  fc.assert(
    fc.property(situations, (now) => {
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
        !loops;
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
            restraint: UNRESTRAINED,
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
