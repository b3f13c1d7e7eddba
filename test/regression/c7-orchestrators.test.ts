/** C7: what an orchestrator runs is never restarted behind its back: it is named and left to a person. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { startDockerd, whyNoDockerd } from "../support/engines/dockerd.ts";
import { ownFolder, run, shellImage } from "../support/engines/engine.ts";
import { ownContainers, startedAt } from "../support/containers.ts";
import { freePort } from "../support/free-port.ts";
import { OUTAGE, startObserving } from "../support/observing.ts";
import { until } from "../support/supervise.ts";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../support/docker.ts";

setDefaultTimeout(120_000);

const SICK = "trap 'exit 0' TERM; touch /tmp/broken; while :; do sleep 0.2; done";
const HEALTH = [
  ...["--health-cmd", "test ! -f /tmp/broken", "--health-interval", "1s"],
  ...["--health-retries", "1"],
];

describeUnless(await whyNoDocker([BUN_IMAGE]), "C7", () => {
  test.each([
    ["a task of Swarm", "com.docker.swarm.task.id=k9x2"],
    ["a pod of Kubernetes", "io.kubernetes.pod.name=web-0"],
  ])("C7: %s is left to a person, who cannot approve a restart either", async (_, label) => {
    await using containers = ownContainers();
    const task = await containers.run("task", SICK, ...HEALTH, "--label", label);
    const began = await startedAt(task);
    await using observer = containers.observe({ AUTONOMY: "auto" });
    const events = await observer.incident("ContainerUnhealthy", task);
    expect(events).toContainEqual(
      expect.objectContaining({
        event: "decided",
        decision: expect.objectContaining({ kind: "ask", reason: "managed_by_orchestrator" }),
      }),
    );
    expect(events.at(-1)).toMatchObject({
      closing: { result: "held", reason: "managed_by_orchestrator" },
    });
    expect(await startedAt(task)).toBe(began);
    expect(await docker("inspect", "--format", "{{.State.Status}}", task)).toBe("running");
  });
});

describeUnless((await whyNoDocker()) ?? whyNoDockerd(), "C7: a real Swarm", () => {
  test("C7: a task that is named in the settings is left alone: two replicas stay two", async () => {
    await using engine = await startDockerd();
    await using folder = await ownFolder("swarm");
    const swarm = (...args: readonly string[]) => run(["docker", ...args], engine.env);
    await swarm("import", await shellImage(folder.path), "shell:1");
    await swarm("swarm", "init", "--advertise-addr", "127.0.0.1");
    const service = ["--name", "web", "--replicas", "2", "--no-resolve-image", "--detach"];
    await swarm(
      "service",
      "create",
      ...service,
      "shell:1",
      "sh",
      "-c",
      "while :; do sleep 1; done",
    );
    const list = async (...options: readonly string[]) => {
      const names = await swarm("ps", ...options, "--format", "{{.Names}}");
      return names.split("\n").filter((name) => name.startsWith("web."));
    };
    await until("both replicas", async () => (await list()).length === 2);
    const [task = ""] = await list();
    await using observer = startObserving({
      cwd: folder.path,
      env: {
        ...engine.env,
        TARGET_CONTAINER: task,
        TARGET_URL: `http://127.0.0.1:${freePort()}`,
      },
    });
    const events = await observer.incident(OUTAGE, task);
    expect(events.at(-1)).toMatchObject({
      closing: { result: "held", reason: "managed_by_orchestrator" },
    });
    expect((await list("--all")).toSorted()).toEqual((await list()).toSorted());
    expect(await list()).toHaveLength(2);
  });
});
