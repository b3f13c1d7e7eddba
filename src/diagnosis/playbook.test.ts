import { describe, expect, test } from "bun:test";
import {
  allowlist,
  containerState,
  evidence,
  NEVER,
  service,
} from "../../test/support/fixtures.ts";
import type { Evidence } from "../core/model.ts";
import { consult, playbook } from "./playbook.ts";
import { permittedActions } from "../rules/permitted.ts";
import { builtInRules, readRule } from "../rules/rules.ts";

const unwell = { ok: false, message: "no answer within 3 s" };
const exited = containerState({ status: "exited", exitCode: 1 });
const oomKilled = containerState({ status: "exited", exitCode: 137, oomKilled: true });
const noContainer = { kind: "absent", reason: "there is no such container" } as const;
const noDocker = { kind: "unreadable", reason: "Docker cannot be reached" } as const;
const found = (value: ReturnType<typeof containerState>) => ({ kind: "found", value }) as const;

const consulted = (changes: Partial<Evidence>) =>
  consult({ evidence: evidence(changes), allowlist });

describe("what the playbook finds", () => {
  const down = { alert: "TargetDown", health: unwell };
  const cases: readonly (readonly [string, Partial<Evidence>, string, string])[] = [
    ["much CPU", {}, "cpu docker-restart", "runaway computation"],
    ["much memory", { alert: "HighMemory" }, "memory docker-restart", "a leak"],
    ["long latency", { alert: "HighLatency" }, "latency docker-restart", "wait much longer"],
    ["many errors", { alert: "HighErrorRatio" }, "errors docker-restart", "an error of its own"],
    ["down, with a container that runs", down, "down docker-restart", "hangs or no longer listens"],
    [
      "down, with one that has ended",
      { ...down, container: found(exited) },
      "down docker-restart",
      "is exited (exit code 1)",
    ],
    [
      "down, with one that ran out of memory",
      { ...down, container: found(oomKilled) },
      "down docker-restart",
      "killed for lack of memory",
    ],
    [
      "down, without a container",
      { ...down, container: noContainer },
      "down compose-service-up",
      "does not exist",
    ],
    [
      "down, and Docker does not answer",
      { ...down, container: noDocker },
      "down none",
      "not known: Docker cannot be reached",
    ],
    [
      "down, and it says nothing of its container, in whatever words",
      {
        ...down,
        container: { kind: "unreadable", reason: "Docker has no container of that name" },
      },
      "down none",
      "not known: Docker has no container of that name",
    ],
    [
      "down, without a health check, with a container that runs",
      { ...down, health: undefined },
      "down docker-restart",
      "hangs or no longer listens",
    ],
    [
      "down by Prometheus, but well",
      { alert: "TargetDown" },
      "down none",
      "the scraping of its metrics",
    ],
    [
      "down by Prometheus, but well, without Docker",
      { alert: "TargetDown", container: noDocker },
      "down none",
      "the scraping of its metrics",
    ],
    ["a crash loop", { alert: "CrashLoop" }, "crash_loop none", "has not cured it"],
    [
      "an alert of somebody else",
      { alert: "DiskFull" },
      "unknown none",
      "none that the playbook knows",
    ],
    [
      "an alert named as nothing should be",
      { alert: "__proto__" },
      "unknown none",
      "none that the playbook knows",
    ],
    [
      "an alert named as a method",
      { alert: "constructor" },
      "unknown none",
      "none that the playbook knows",
    ],
  ];
  test.each(cases)("%s", (_, changes, expected, cause) => {
    const { faultClass, action, rootCause } = consulted(changes);
    expect(`${faultClass} ${action}`).toBe(expected);
    expect(rootCause).toContain(cause);
  });
});

test("it is less sure where Docker did not answer, and least of what it does not know", () => {
  const confidence = (changes: Partial<Evidence>) => consulted(changes).confidence;
  expect(confidence({})).toBeGreaterThan(confidence({ container: noDocker }));
  expect(confidence({ container: noDocker })).toBeGreaterThan(confidence({ alert: "DiskFull" }));
});

test("its severity is the rule's, its facts are the summary and the container", () => {
  expect(consulted({ severity: "low" })).toMatchObject({
    severity: "low",
    evidence: [
      "CPU use is 1.9 cores",
      "Runtime: running, health healthy, restarted 0 times by itself",
    ],
  });
});

test("it proposes nothing but what the built-in rule of that alert permits", () => {
  const thresholds = { cpu: 1, latencySeconds: 1, memoryBytes: 1, errorRatio: 1 };
  const rules = builtInRules(service(), thresholds, 4000).map((source) => readRule(source, "x"));
  for (const { alert } of rules)
    for (const container of [found(containerState()), found(exited), noContainer, noDocker]) {
      const { action } = consulted({ alert, container, health: unwell });
      const permits = rules.find((of) => of.alert === alert)?.permits ?? [];
      const permitted = permittedActions(permits, { service: service(), allowlist });
      expect([...permitted, "none"]).toContain(action);
    }
  expect(rules).toHaveLength(7);
});

test("as a diagnoser it answers at once, the same", async () => {
  const request = { evidence: evidence(), allowlist };
  expect(await playbook.diagnose(request, NEVER)).toEqual(consult(request));
});
