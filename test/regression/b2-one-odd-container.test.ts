/** B2: a container that the engine cannot describe is named with the engine's own sentence, and hides no other. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { ownContainers } from "../support/containers.ts";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../support/docker.ts";
import { proxyEngine } from "../support/engines/proxy.ts";

setDefaultTimeout(120_000);

const SERVICE = "trap 'exit 0' TERM; rm -f /tmp/broken; while :; do sleep 0.2; done";
const HEALTH = [
  ...["--health-cmd", "test ! -f /tmp/broken", "--health-interval", "1s"],
  ...["--health-retries", "1"],
];

describeUnless(await whyNoDocker([BUN_IMAGE]), "B2", () => {
  test("B2: a layer that does not exist, beside a service that is healed", async () => {
    await using containers = ownContainers();
    const odd = await containers.run("odd", SERVICE);
    const well = await containers.run("well", SERVICE, ...HEALTH);
    const id = await docker("inspect", "--format", "{{.Id}}", odd);
    let isOdd = true;
    await using proxy = await proxyEngine(({ path }) =>
      isOdd && path === `/containers/${id}/json`
        ? { status: 500, body: JSON.stringify({ message: "layer does not exist" }) }
        : undefined,
    );
    await using observer = containers.observe({ DOCKER_HOST: proxy.host });
    await observer.notice("watching", new RegExp(`^${well} as well`));
    expect(await observer.notice("docker", /left out/)).toBe(
      `container ${odd} is left out: ${proxy.host} answers 500 to GET containers/${id}/json: layer does not exist`,
    );
    await docker("exec", well, "touch", "/tmp/broken");
    const events = await observer.incident("ContainerUnhealthy", well);
    expect(events.at(-1)).toMatchObject({ closing: { verdict: { kind: "healed" } } });
    expect(observer.events().filter(({ text }) => /is left out/.test(String(text)))).toHaveLength(
      1,
    );
    isOdd = false;
    await observer.notice("docker", new RegExp(`^container ${odd} is no longer left out$`));
  });
});
