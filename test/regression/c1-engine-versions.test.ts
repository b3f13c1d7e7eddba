/** C1: an engine that has dropped older versions of its API is spoken to in one that it has. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { runToEnd, sentinelBinary } from "../support/binary.ts";
import { describeUnless, whyNoDocker } from "../support/docker.ts";
import { startDockerd, whyNoNewerDocker } from "../support/engines/dockerd.ts";
import { healsOn } from "../support/engines/healing.ts";
import { proxyEngine } from "../support/engines/proxy.ts";
import { embeddedSettings, startObserving } from "../support/observing.ts";

setDefaultTimeout(120_000);

const noDocker = await whyNoDocker();

describeUnless(noDocker ?? whyNoNewerDocker(), "C1: an engine as Docker 29 is", () => {
  test("C1: a container on it is healed, and check says with which version", async () => {
    await using engine = await startDockerd({
      isNewer: true,
      env: { DOCKER_MIN_API_VERSION: "1.44" },
    });
    const { checked, said } = await healsOn(engine);
    expect(said).toMatch(/^Docker 28\.\S+, API 1\.51, at unix:\/\//);
    expect(checked).toBe(`ok docker ${said}`);
  });
});

describeUnless(noDocker, "C1: an engine that refuses", () => {
  test("C1: says so in its own sentence, in the observer and in check, which fails", async () => {
    const message = "client version 1.41 is too old. Minimum supported API version is 1.44";
    await using proxy = await proxyEngine(({ version }) =>
      version === "" ? undefined : { status: 400, body: JSON.stringify({ message }) },
    );
    const env = embeddedSettings({ DOCKER_HOST: proxy.host });
    const { stdout, exitCode } = await runToEnd([sentinelBinary(), "check"], { cwd: "/", env });
    expect(stdout).toContain(`docker: ${proxy.host} answers 400 to GET containers/json`);
    expect(stdout).toContain(message);
    expect(stdout).toMatch(/^failed +docker /m);
    expect(exitCode).toBe(1);
    await using observer = startObserving({ env });
    expect(await observer.notice("docker", /answers/)).toEndWith(`: ${message}`);
  });
});
