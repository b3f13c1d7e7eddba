import { describe, expect, test } from "bun:test";
import {
  allowlist,
  containerState,
  evidence,
  NEVER,
  service,
} from "../../../test/support/fixtures.ts";
import type { Evidence } from "../../core/model.ts";
import { consult, playbook } from "./consult.ts";
import { permittedActions } from "../../rules/permitted.ts";
import { builtInRules } from "../../rules/built-in-rules.ts";
import { readRule } from "../../rules/rules.ts";

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
    ["much CPU", {}, "hot_loop docker-restart", "computes without an end"],
    ["much memory", { alert: "HighMemory" }, "leak docker-restart", "leaks memory"],
    ["long latency", { alert: "HighLatency" }, "hang docker-restart", "wait long inside"],
    ["many errors", { alert: "HighErrorRatio" }, "crash docker-restart", "errors of its own"],
    ["down, with a container that runs", down, "hang docker-restart", "runs and does not answer"],
    [
      "down, with one that has ended",
      { ...down, container: found(exited) },
      "crash docker-restart",
      "has ended (exit code 1)",
    ],
    [
      "down, with one that ran out of memory",
      { ...down, container: found(oomKilled) },
      "resource_limit docker-restart",
      "the kernel killed it for lack of memory",
    ],
    [
      "down, without a container",
      { ...down, container: noContainer },
      "unknown compose-service-up",
      "does not exist",
    ],
    [
      "down, and Docker does not answer",
      { ...down, container: noDocker },
      "unknown none",
      "not known: Docker cannot be reached",
    ],
    [
      "down, and it says nothing of its container, in whatever words",
      {
        ...down,
        container: { kind: "unreadable", reason: "Docker has no container of that name" },
      },
      "unknown none",
      "not known: Docker has no container of that name",
    ],
    [
      "down, without a health check, with a container that runs",
      { ...down, health: undefined },
      "hang docker-restart",
      "runs and does not answer",
    ],
    [
      "down by Prometheus, but well",
      { alert: "TargetDown" },
      "unknown none",
      "the scraping of its metrics",
    ],
    [
      "down by Prometheus, but well, without Docker",
      { alert: "TargetDown", container: noDocker },
      "unknown none",
      "the scraping of its metrics",
    ],
    [
      "a crash loop",
      { alert: "CrashLoop", restartLoop: { restarts: 7, isGivenUp: true } },
      "crash none",
      "started it again 7 times and has given it up",
    ],
    [
      "much CPU, by a rule of a file alone, whose threshold may mean anything",
      {
        alert: "BusyBox",
        signal: {
          expr: "rate(container_cpu_usage_seconds_total[1m])",
          operator: ">",
          threshold: 1,
        },
      },
      "unknown none",
      "too thin",
    ],
    ["a crash loop of which nothing is told", { alert: "CrashLoop" }, "unknown none", "too thin"],
    [
      "an alert of somebody else",
      { alert: "DiskFull", signal: undefined },
      "unknown none",
      "too thin to tell a cause",
    ],
    [
      "an alert named as nothing should be",
      { alert: "__proto__", signal: undefined },
      "unknown none",
      "too thin to tell a cause",
    ],
    [
      "an alert named as a method",
      { alert: "constructor", signal: undefined },
      "unknown none",
      "too thin to tell a cause",
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
  expect(confidence({ container: noDocker })).toBeGreaterThan(
    confidence({ alert: "DiskFull", signal: undefined }),
  );
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
  const rules = builtInRules({ service: service(), thresholds, windowMs: 4000 }).map((source) =>
    readRule(source, "x"),
  );
  for (const { alert } of rules)
    for (const container of [found(containerState()), found(exited), noContainer, noDocker]) {
      const { action } = consulted({ alert, container, health: unwell });
      const permits = rules.find((of) => of.alert === alert)?.permits ?? [];
      const permitted = permittedActions(permits, { service: service(), allowlist });
      expect([...permitted, "none"]).toContain(action);
    }
  expect(rules).toHaveLength(8);
});

test("as a diagnoser it answers at once, the same", async () => {
  const request = { evidence: evidence(), allowlist };
  expect(await playbook.diagnose(request, NEVER)).toEqual(consult(request));
});
