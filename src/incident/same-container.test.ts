/** An action is run on the container that was diagnosed, or not at all. */

import { describe, expect, test } from "bun:test";
import { alert, allowlist, NEVER, rule, START_MS } from "../../test/support/fixtures.ts";
import {
  CPU,
  FINDINGS,
  same,
  found,
  none,
  unknown,
  type Inspect,
  setting,
} from "../../test/support/incident-setting.ts";
import { actOnApproval, type Findings, type Waiting } from "./incident.ts";

describe("the container has to be the one that was diagnosed", () => {
  const gone = { kind: "absent", reason: "there is no such container" } as const;
  const unreadable = { kind: "unreadable", reason: "Docker did not answer" } as const;
  const compose = rule({ permits: ["compose-up"] });

  interface Looked {
    readonly before?: Findings["container"];
    readonly inspect: Inspect;
    readonly action?: "docker-restart" | "compose-up";
  }

  test.each<[string, Looked, string]>([
    ["the same", { inspect: same }, "acted"],
    ["another one", { inspect: found({ containerId: "another" }) }, "skipped container_replaced"],
    [
      "one that was started again",
      { inspect: found({ startedAtMs: START_MS - 1 }) },
      "skipped container_replaced",
    ],
    [
      "one that somebody has paused",
      { inspect: found({ status: "paused" }) },
      "skipped container_replaced",
    ],
    [
      "one that an orchestrator runs",
      { inspect: found({ orchestrator: "swarm" }) },
      "held managed_by_orchestrator",
    ],
    ["one that is gone", { inspect: none }, "skipped container_unknown"],
    ["one of which Docker does not tell", { inspect: unknown }, "skipped container_unknown"],
    ["one that was not there", { before: gone, inspect: same }, "skipped container_unknown"],
    [
      "none before and now, which Docker cannot mend",
      { before: gone, inspect: none },
      "skipped container_unknown",
    ],
    [
      "none before and now, which Compose can",
      { before: gone, inspect: none, action: "compose-up" },
      "acted",
    ],
    [
      "none now, of which nothing was known before",
      { before: unreadable, inspect: none, action: "compose-up" },
      "skipped container_unknown",
    ],
    [
      "none before, of which nothing is known now",
      { before: gone, inspect: unknown, action: "compose-up" },
      "skipped container_unknown",
    ],
  ])("%s", async (_, { before = FINDINGS.container, inspect, action = "docker-restart" }, said) => {
    const fired = action === "compose-up" ? compose : CPU;
    const { context, runs, events } = await setting({ inspect, rules: [fired] });
    const waiting: Waiting = {
      findings: { ...FINDINGS, alert: alert({ rule: fired }), container: before },
      action,
      argv: allowlist[action].argv,
      request: "r",
      expiresAtMs: START_MS + 1,
    };
    const end = await actOnApproval(waiting, context, NEVER);
    const { result, reason } = end.kind === "closed" ? end.closing : {};
    expect([result, reason].filter(Boolean).join(" ")).toBe(said);
    expect(runs).toHaveLength(said === "acted" ? 1 : 0);
    expect(events.some(({ type }) => type === "action_started")).toBe(said === "acted");
  });
});
