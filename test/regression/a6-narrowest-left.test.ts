/** A6: the playbook proposed an action that the service may not get, and waited for a person. */

import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../support/docker.ts";
import { alert, rule, service } from "../support/fixtures.ts";
import { OUTAGE, startObserving } from "../support/observing.ts";
import { diagnoser, tell } from "../support/story.ts";
import { startComposeProject } from "./compose-project.ts";

const TIMEOUT_MS = 120_000;

describeUnless(await whyNoDocker([BUN_IMAGE]), "A6: the narrowest action that is left", () => {
  test(
    "A6: a service that may get compose-restart alone gets it, though its rule permits narrower ones",
    async () => {
      await using project = await startComposeProject("a6");
      await writeFile(
        join(project.folder, "rules.yaml"),
        `groups:
  - name: own
    rules:
      - alert: TargetDown
        expr: up{job="${project.container}"} == 0
        for: 1s
        labels: { severity: high }
        annotations: { sentinel_actions: "docker-restart, compose-restart" }
`,
      );
      await writeFile(
        join(project.folder, "sentinel.yaml"),
        `services:
  - name: ${project.container}
    health: ${project.url}/health
    actions: [compose-restart]
rule_files: [rules.yaml]
`,
      );
      await using observer = startObserving({ cwd: project.folder });
      await observer.event(({ event }) => event === "quiet");
      await docker("stop", project.container);

      const events = await observer.incident(OUTAGE, project.container);
      expect(events.find(({ event }) => event === "diagnosed")).toMatchObject({
        diagnosis: { action: "compose-restart" },
      });
      expect(events.find(({ event }) => event === "decided")).toMatchObject({
        decision: { kind: "act", action: "compose-restart", reason: "two_keys_agree" },
        argv: ["docker", "compose", "restart"],
      });
      expect((await project.states())["api"]).toBe("running");
    },
    TIMEOUT_MS,
  );
});

test("A6: a model that names a narrower one than the service may get leaves it to a person", async () => {
  const fired = alert({ rule: rule({ permits: ["docker-restart", "compose-restart"] }) });
  const told = await tell({
    script: () => 1.9,
    rules: [fired.rule],
    policy: { service: service({ actions: ["compose-restart"] }) },
    diagnosers: (clock) => [diagnoser(clock, { action: "docker-restart" })],
    untilMs: 60_000,
  });
  expect(told.runs).toEqual([]);
  expect(told.events.find(({ type }) => type === "decided")).toMatchObject({
    decision: { kind: "ask", action: "docker-restart", reason: "not_allowed_for_service" },
  });
});
