import { expect, setDefaultTimeout, test } from "bun:test";
import { ownContainers, startedAt } from "../support/containers.ts";
import { BUN_IMAGE, describeUnless, whyNoDocker } from "../support/docker.ts";

setDefaultTimeout(120_000);

const RUNS = "trap 'exit 0' TERM; while :; do sleep 0.2; done";

const missing = await whyNoDocker([BUN_IMAGE]);

describeUnless(missing, "C9: a HEALTHCHECK that cannot pass", () => {
  test.concurrent.each([
    ["its program is not in the image", "nosuch --fail http://localhost/", "nosuch: not found"],
    ["which its shell passes over", "nosuch http://localhost/ || exit 1", "nosuch: not found"],
  ])("C9: %s: a person is asked, and shown why", async (_, command, output) => {
    await using own = ownContainers();
    const check = ["--health-cmd", command, "--health-interval", "1s", "--health-retries", "2"];
    const name = await own.run("broken-check", RUNS, ...check);
    const before = await startedAt(name);
    await using observer = own.observe();
    const events = await observer.incident("ContainerUnhealthy", name);
    expect(events.find(({ event }) => event === "evidence_collected")).toMatchObject({
      container: {
        value: {
          checks: expect.arrayContaining([
            expect.objectContaining({ output: expect.stringContaining(output) }),
          ]),
        },
      },
    });
    expect(events.find(({ event }) => event === "decided")).toMatchObject({
      decision: { kind: "ask", reason: "health_check_broken" },
    });
    expect(events.at(-1)).toMatchObject({ closing: { result: "held" } });
    expect(await startedAt(name)).toBe(before);
  });
});
