/** A5: a container that is missing or sick came back with all those that a person had stopped. */

import { expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../support/docker.ts";
import { OUTAGE, type Observing, startObserving } from "../support/observing.ts";
import { type ComposeProject, startComposeProject } from "./compose-project.ts";

const TIMEOUT_MS = 120_000;

function watch(project: ComposeProject, env: Readonly<Record<string, string>> = {}): Observing {
  return startObserving({
    env: {
      TARGET_CONTAINER: project.container,
      TARGET_URL: project.url,
      COMPOSE_FILE: project.composeFile,
      ...env,
    },
  });
}

async function stopByHand(project: ComposeProject): Promise<void> {
  await docker("stop", project.containerOf("web"), project.containerOf("db"));
}

function commandOf(project: ComposeProject, ...words: readonly string[]): readonly string[] {
  return ["docker", "compose", "-p", project.name, "-f", project.composeFile, ...words];
}

const STOPPED = { web: "exited", db: "exited" };

describeUnless(
  await whyNoDocker([BUN_IMAGE]),
  "A5: an action touches its own service alone",
  () => {
    test(
      "A5: of three containers, two stopped by a person, only the missing one comes back",
      async () => {
        await using project = await startComposeProject("a5-up");
        await stopByHand(project);
        await using observer = watch(project);
        await observer.event(({ event }) => event === "quiet");
        await docker("rm", "--force", project.container);

        const events = await observer.incident(OUTAGE, project.container);
        expect(events.find(({ event }) => event === "decided")).toMatchObject({
          decision: { kind: "act", action: "compose-service-up", reason: "two_keys_agree" },
        });
        const ran = commandOf(project, "up", "-d", "--no-deps", "api");
        expect(events.find(({ event }) => event === "action_started")).toMatchObject({ argv: ran });
        expect(events.find(({ event }) => event === "incident_closed")).toMatchObject({
          closing: { verdict: { kind: "healed" } },
        });
        expect(await project.states()).toEqual({ api: "running", ...STOPPED });
      },
      TIMEOUT_MS,
    );

    test(
      "A5: nor by a restart, though one of them is to be restarted with it",
      async () => {
        await using project = await startComposeProject("a5-restart");
        await stopByHand(project);
        await writeFile(
          join(project.folder, "sentinel.yaml"),
          `services:
  - name: ${project.container}
    health: ${project.url}/health
    actions: [compose-service-restart]
`,
        );
        await using observer = startObserving({ cwd: project.folder });
        await observer.event(({ event }) => event === "quiet");
        await docker("stop", project.container);

        const events = await observer.incident(OUTAGE, project.container);
        expect(events.find(({ event }) => event === "action_started")).toMatchObject({
          action: "compose-service-restart",
          argv: commandOf(project, "restart", "--no-deps", "api"),
        });
        expect(await project.states()).toEqual({ api: "running", ...STOPPED });
      },
      TIMEOUT_MS,
    );

    test(
      "A5: nor does a project that asks Compose to remove what its files have no more lose anything",
      async () => {
        await using project = await startComposeProject("a5-orphans");
        await writeFile(join(project.folder, ".env"), "COMPOSE_REMOVE_ORPHANS=true\n");
        await using observer = watch(project, { COMPOSE_REMOVE_ORPHANS: "1" });
        await observer.event(({ event }) => event === "quiet");
        await project.dropFromFile("db");
        await docker("rm", "--force", project.container);

        await observer.incident(OUTAGE, project.container);
        expect(await project.states()).toEqual({ api: "running", web: "running", db: "running" });
      },
      TIMEOUT_MS,
    );
  },
);
