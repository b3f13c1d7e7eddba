/** What runs a service decides what may be done to it: nothing else is chosen, nothing else acts. */

import { describe, expect, test } from "bun:test";
import {
  alert,
  containerState,
  evidence,
  rule,
  SERVICE_NAME,
  service,
  OWN,
  UNRESTRAINED,
} from "../../test/support/fixtures.ts";
import { ACTION_IDS, type ActionId, type Allowlist, allowlistFor } from "../allowlist.ts";
import { decide } from "./decision.ts";
import type { ContainerState, Evidence, Observation, Service } from "../core/model.ts";
import { consult } from "../diagnosis/playbook/consult.ts";
import { GIVEN_UP } from "../core/model.ts";
import { permittedActions } from "../rules/permitted.ts";
import { builtInRules } from "../rules/built-in-rules.ts";
import { readRule } from "../rules/rules.ts";

type Placement = Pick<Service, "platform" | "usesCompose">;
const IN_CONTAINER: Placement = { platform: "docker", usesCompose: true };
const SUPERVISED: Placement = { platform: "process" };

const found = (changes: Partial<ContainerState>): Observation<ContainerState> => ({
  kind: "found",
  value: containerState(changes),
});
const down = (container: Observation<ContainerState>): Partial<Evidence> => ({
  alert: "TargetDown",
  health: { ok: false, message: "connection refused" },
  container,
});

describe("the playbook", () => {
  test.each<{
    readonly name: string;
    readonly seen: Partial<Evidence>;
    readonly contained: ActionId | "none";
    readonly supervised: ActionId | "none";
  }>([
    ...["HighCpu", "HighMemory", "HighLatency", "HighErrorRatio"].map((name) => ({
      name,
      seen: { alert: name },
      contained: "docker-restart" as const,
      supervised: "supervisor-restart" as const,
    })),
    {
      name: "down, and it runs",
      seen: down(found({ status: "running" })),
      contained: "docker-restart",
      supervised: "supervisor-restart",
    },
    {
      name: "down, and it does not run",
      seen: down(found({ status: "exited", exitCode: 1 })),
      contained: "docker-restart",
      supervised: "supervisor-start",
    },
    {
      name: "down, and given up",
      seen: down(found({ status: GIVEN_UP, exitCode: 1 })),
      contained: "none",
      supervised: "none",
    },
    {
      name: "down, and nothing of that name is there",
      seen: down({ kind: "absent", reason: "there is no such container" }),
      contained: "compose-up",
      supervised: "none",
    },
    { name: "CrashLoop", seen: { alert: "CrashLoop" }, contained: "none", supervised: "none" },
  ])("$name", ({ seen, contained, supervised }) => {
    const choose = (allowlist: Allowlist) =>
      consult({ evidence: evidence(seen), allowlist }).action;
    expect(choose(allowlistFor(SERVICE_NAME, IN_CONTAINER))).toBe(contained);
    expect(choose(allowlistFor(SERVICE_NAME, SUPERVISED))).toBe(supervised);
    expect(choose({})).toBe("none");
  });

  test("without Docker's command line, Compose restarts", () => {
    const { "docker-restart": _, ...allowlist } = allowlistFor(SERVICE_NAME, IN_CONTAINER);
    expect(consult({ evidence: evidence(), allowlist }).action).toBe("compose-restart");
  });
});

describe("the decision", () => {
  /** The rule and the service allow everything: what is offered alone decides. */
  const firing = alert({ rule: rule({ permits: ACTION_IDS }) });
  const decideOn = (action: ActionId, placement: Placement) =>
    decide(
      {
        alert: firing,
        diagnosis: { action },
        service: service({ actions: ACTION_IDS }),
        allowlist: allowlistFor(SERVICE_NAME, placement),
      },
      { autonomy: "auto", alerts: [firing], owner: OWN, limitState: UNRESTRAINED },
    );

  test.each<{
    readonly action: ActionId;
    readonly reason: string;
    readonly under: typeof SUPERVISED;
  }>([
    { action: "supervisor-restart", under: SUPERVISED, reason: "two_keys_agree" },
    { action: "supervisor-start", under: SUPERVISED, reason: "two_keys_agree" },
    { action: "supervisor-stop", under: SUPERVISED, reason: "stop_needs_a_person" },
    { action: "docker-restart", under: SUPERVISED, reason: "not_allowed_for_service" },
    { action: "supervisor-restart", under: IN_CONTAINER, reason: "not_allowed_for_service" },
    { action: "docker-restart", under: IN_CONTAINER, reason: "two_keys_agree" },
  ])("$action where $under act: $reason", ({ action, under, reason }) => {
    expect(decideOn(action, under)).toMatchObject({ action, reason });
  });
});

test("every built-in rule that permits a restart permits it under Docker and the supervisor", () => {
  const thresholds = { cpu: 1, latencySeconds: 1, memoryBytes: 1, errorRatio: 0.1 };
  const rules = builtInRules({ service: service(), thresholds, windowMs: 60_000 }).map((source) =>
    readRule(source, "x"),
  );
  const restarting = rules.filter(({ permits }) => permits.length > 0);
  expect(restarting.map(({ alert: name }) => name)).toEqual([
    "HighCpu",
    "HighLatency",
    "HighErrorRatio",
    "HighMemory",
    "TargetDown",
  ]);
  for (const { alert: name, permits } of restarting) {
    const on = (placement: Placement) => {
      const allowlist = allowlistFor(SERVICE_NAME, placement);
      return permittedActions(permits, { service: service(), allowlist });
    };
    const starts = name === "TargetDown" ? ["supervisor-start"] : [];
    expect(on(IN_CONTAINER)).toEqual(["docker-restart"]);
    expect<readonly string[]>(on(SUPERVISED)).toEqual(["supervisor-restart", ...starts]);
  }
});
