import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Containers, ownContainers, until } from "../support/containers.ts";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../support/docker.ts";
import { expectRestarted, type Observing } from "../support/observing.ts";

setDefaultTimeout(120_000);

/** It ends at SIGTERM. Without the trap the first process of a container is deaf to it. */
const RUNS = "trap 'exit 0' TERM; while :; do sleep 0.2; done";
const DEAF = "trap '' TERM; while :; do sleep 0.2; done";

const missing = await whyNoDocker([BUN_IMAGE]);

describeUnless(missing, "C8: a labelled container without a restart policy that has ended", () => {
  let own: Containers;
  let observer: Observing;

  beforeAll(async () => {
    own = ownContainers();
    observer = own.observe();
    await observer.event(({ event }) => event === "alert_changed");
  });
  afterAll(async () => {
    await observer?.[Symbol.asyncDispose]();
    await own?.[Symbol.asyncDispose]();
  });

  async function watched(what: string, script: string): Promise<string> {
    const name = await own.run(what, script);
    await observer.notice("watching", new RegExp(`^${name} as well`));
    return name;
  }

  const status = (name: string) => docker("inspect", "--format", "{{.State.Status}}", name);

  async function expectStarted(name: string): Promise<void> {
    expectRestarted(await observer.incident("ContainerDown", name), name);
    expect(await status(name)).toBe("running");
  }

  async function expectSuppressed(name: string, reason: RegExp): Promise<void> {
    const told = await observer.event(
      ({ event, service }) => event === "left_alone" && service === name,
    );
    expect(told["reason"]).toMatch(reason);
    expect(observer.events()).not.toContainEqual(
      expect.objectContaining({ event: "incident_opened", service: name }),
    );
    expect(await status(name)).toBe("exited");
  }

  test.concurrent("C8: killed: it is started, and well", async () => {
    const name = await watched("killed", RUNS);
    await docker("kill", name);
    await expectStarted(name);
  });

  test.concurrent("C8: its process crashed", async () => {
    const name = await watched(
      "crashed",
      "test -f /tmp/once || { touch /tmp/once; sleep 4; exit 3; }; sleep 600",
    );
    await expectStarted(name);
  });

  test.concurrent("C8: stopped by somebody: it is left alone, with a word", async () => {
    const name = await watched("stopped", RUNS);
    await docker("stop", name);
    await expectSuppressed(name, /exit code 0|somebody stopped it/);
  });

  test.concurrent("C8: stopped by somebody, and killed by the engine: so is it", async () => {
    const name = await watched("deaf", DEAF);
    await docker("stop", "--time", "1", name);
    expect(await docker("inspect", "--format", "{{.State.ExitCode}}", name)).toBe("137");
    await expectSuppressed(name, /^somebody stopped it/);
  });

  test.concurrent("C8: ended when its work was done", async () => {
    const name = await watched("done", "sleep 3");
    await until("its end", async () => (await status(name)) === "exited");
    await expectSuppressed(name, /exit code 0/);
  });
});
