/** B1: a container's name is its own, whatever links lead to it, and no name ends the observer. */

import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { ownContainers, startedAt } from "../support/containers.ts";
import { BUN_IMAGE, describeUnless, docker, uniqueName, whyNoDocker } from "../support/docker.ts";

setDefaultTimeout(120_000);

const SERVICE = "trap 'exit 0' TERM; rm -f /tmp/broken; while :; do sleep 0.2; done";
const HEALTH = [
  ...["--health-cmd", "test ! -f /tmp/broken", "--health-interval", "1s"],
  ...["--health-retries", "1"],
];

describeUnless(await whyNoDocker([BUN_IMAGE]), "B1", () => {
  const others: string[] = [];
  afterAll(async () => {
    if (others.length > 0) await docker("rm", "--force", ...others);
  });

  test("B1: one that another links to is watched and healed by its own name", async () => {
    await using containers = ownContainers();
    const label = ["--label", containers.label];
    const sick = uniqueName("sick");
    // Docker gives the link's name first, since it comes first in the alphabet.
    const front = `aaa-${uniqueName("front")}`;
    others.push(front, sick);
    const sh = ["--entrypoint", "sh"];
    await docker(
      "run",
      "--detach",
      "--name",
      sick,
      ...label,
      ...HEALTH,
      ...sh,
      BUN_IMAGE,
      "-c",
      SERVICE,
    );
    await docker(
      "run",
      "--detach",
      "--name",
      front,
      "--link",
      `${sick}:db`,
      ...sh,
      BUN_IMAGE,
      "-c",
      SERVICE,
    );

    await using observer = containers.observe();
    expect(await observer.notice("watching")).toStartWith(`${sick} as well`);
    await docker("exec", sick, "touch", "/tmp/broken");
    const events = await observer.incident("ContainerUnhealthy", sick);
    expect(events.at(-1)).toMatchObject({
      closing: { result: "acted", verdict: { kind: "healed" } },
    });
  });

  test("B1: a name that cannot be used is told once, and the others are healed", async () => {
    await using containers = ownContainers();
    const long = `${uniqueName("long")}-${"x".repeat(120)}`;
    others.push(long);
    const run = [
      "run",
      "--detach",
      "--name",
      long,
      "--label",
      containers.label,
      "--network",
      "none",
    ];
    await docker(...run, "--entrypoint", "sh", BUN_IMAGE, "-c", SERVICE);
    const well = await containers.run("well", SERVICE, ...HEALTH);

    await using observer = containers.observe();
    expect(await observer.notice("watching")).toStartWith(`${well} as well`);
    expect(await observer.notice("docker", /left out/)).toMatch(
      /^container sentinel-test-long-.*… is left out: its name of \d+ characters is none that Sentinel can use; give it one of at most 128/,
    );
    await docker("exec", well, "touch", "/tmp/broken");
    const events = await observer.incident("ContainerUnhealthy", well);
    expect(events.at(-1)).toMatchObject({ closing: { verdict: { kind: "healed" } } });
    const told = observer.events().filter(({ text }) => /left out/.test(String(text)));
    expect(told).toHaveLength(1);
  });

  test("B1: one that is renamed while it is watched is watched by its new name", async () => {
    await using containers = ownContainers();
    const before = await containers.run("before", SERVICE, ...HEALTH);
    await using observer = containers.observe();
    await observer.notice("watching", new RegExp(`^${before} as well`));
    const after = uniqueName("after");
    others.push(after);
    await docker("rename", before, after);
    await observer.notice("watching", new RegExp(`^${before} no longer`));
    await observer.notice("watching", new RegExp(`^${after} as well`));
    const began = await startedAt(after);
    await docker("exec", after, "touch", "/tmp/broken");
    const events = await observer.incident("ContainerUnhealthy", after);
    expect(events.at(-1)).toMatchObject({ closing: { verdict: { kind: "healed" } } });
    expect(await startedAt(after)).not.toBe(began);
  });
});
