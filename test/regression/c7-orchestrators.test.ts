/** C7: what an orchestrator runs is never restarted behind its back: it is named and left to a person. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { ownContainers, startedAt } from "../containers.ts";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../docker.ts";

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
