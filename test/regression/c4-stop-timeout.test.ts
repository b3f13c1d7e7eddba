import { expect, setDefaultTimeout, test } from "bun:test";
import { ownContainers, startedAt } from "../support/containers.ts";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../support/docker.ts";
import { fakeCli } from "../support/fake-cli.ts";

setDefaultTimeout(180_000);

/** Deaf to SIGTERM, so that the engine waits for all of its stop timeout. */
const DEAF = "trap '' TERM; rm -f /tmp/broken; while :; do sleep 0.2; done";
const CHECK = ["--health-cmd", "test ! -f /tmp/broken", "--health-interval", "1s"];

const missing = await whyNoDocker([BUN_IMAGE]);

describeUnless(missing, "C4: a container with a stop timeout", () => {
  // Longer than the 60 s that every action had.
  test.concurrent("C4: of 65 s, which it needs: it is restarted, and healed", async () => {
    await using own = ownContainers();
    const options = [...CHECK, "--health-retries", "1", "--stop-timeout", "65"];
    const name = await own.run("deaf", DEAF, ...options);
    await using observer = own.observe();
    await observer.notice("watching", new RegExp(`^${name} as well`));
    const before = await startedAt(name);
    await docker("exec", name, "touch", "/tmp/broken");
    const finished = await observer.event(
      ({ event, service }) => event === "action_finished" && service === name,
      120_000,
    );
    expect(finished).toMatchObject({ outcome: { kind: "succeeded" } });
    expect(await startedAt(name)).not.toBe(before);
    const closed = (await observer.incident("ContainerUnhealthy", name)).at(-1);
    expect(closed).toMatchObject({ closing: { verdict: { kind: "healed" } } });
  });

  test.concurrent(
    "C4: a command that ends early, while the engine goes on, is judged by its effect",
    async () => {
      await using own = ownContainers();
      const options = [...CHECK, "--health-retries", "1", "--stop-timeout", "8"];
      const name = await own.run("goes-on", DEAF, ...options);
      // A command line that hangs once it has told the engine: what it was told goes on by itself.
      const docker_ = Bun.which("docker");
      await using cli = await fakeCli({
        docker: `[ "$1" = restart ] || exec ${docker_} "$@"\n(${docker_} "$@" >/dev/null 2>&1 &)\nexec sleep 600`,
      });
      await using observer = own.observe({ PATH: `${cli.folder}:${process.env["PATH"]}` });
      await observer.notice("watching", new RegExp(`^${name} as well`));
      await docker("exec", name, "touch", "/tmp/broken");
      const finished = await observer.event(
        ({ event, service }) => event === "action_finished" && service === name,
        120_000,
      );
      expect(finished).toMatchObject({
        outcome: { kind: "timed_out", output: expect.stringContaining("its effect came later") },
      });
      const closed = (await observer.incident("ContainerUnhealthy", name)).at(-1);
      expect(closed).toMatchObject({ closing: { verdict: { kind: "healed" } } });
    },
  );
});
