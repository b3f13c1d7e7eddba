/** C5: an engine is reached in every way that the docker command has, or the start says why not. */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { runToEnd, sentinelBinary } from "../support/binary.ts";
import { describeUnless, whyNoDocker } from "../support/docker.ts";
import { startDockerd, whyNoDockerd } from "../support/engines/dockerd.ts";
import { ownFolder } from "../support/engines/engine.ts";
import { healsOn } from "../support/engines/healing.ts";
import { machineBySsh, whyNoSsh } from "../support/engines/ways.ts";
import { freePort } from "../support/free-port.ts";
import { embeddedSettings } from "../support/observing.ts";

setDefaultTimeout(120_000);

async function check(env: Readonly<Record<string, string>>) {
  return await runToEnd([sentinelBinary(), "check"], { cwd: "/", env: embeddedSettings(env) });
}

describe("C5: what cannot be used", () => {
  test.each([
    ["npipe:////./pipe/docker_engine", "under WSL write unix:///var/run/docker.sock."],
    ["/var/run/docker.sock", "Write unix:///var/run/docker.sock."],
    ["http://127.0.0.1:2375", "Write tcp://host:port, with DOCKER_TLS_VERIFY=1 for TLS."],
  ])("C5: %s is one line with what to write, and exit 2", async (DOCKER_HOST, hint) => {
    for (const args of [["check"], ["observer"]]) {
      const { stdout, stderr, exitCode } = await runToEnd([sentinelBinary(), ...args], {
        cwd: "/",
        env: embeddedSettings({ DOCKER_HOST }),
      });
      expect(stderr).toMatch(/^sentinel: DOCKER_HOST cannot be [^\n]+\n$/);
      expect(stderr.trimEnd()).toEndWith(hint);
      expect({ stdout, exitCode }).toMatchObject({ exitCode: 2 });
    }
  });

  test("C5: a context that is not there is one line, and exit 2", async () => {
    await using folder = await ownFolder("config");
    const env = { DOCKER_HOST: "", DOCKER_CONFIG: folder.path, DOCKER_CONTEXT: "elsewhere" };
    const { stderr, exitCode } = await check(env);
    expect(stderr).toBe(
      `sentinel: there is no Docker context elsewhere in ${folder.path}. Choose one of \`docker context ls\` in DOCKER_CONTEXT or by \`docker context use\`.\n`,
    );
    expect(exitCode).toBe(2);
  });

  test("C5: tcp:// without a port is 2375, and an engine that is not there fails check", async () => {
    const { stdout, exitCode } = await check({ DOCKER_HOST: "tcp://127.0.0.99" });
    expect(stdout).toMatch(
      /^failed +docker .*tcp:\/\/127\.0\.0\.99:2375.*; start the (Docker )?engine/m,
    );
    expect(stdout).toContain("The observer cannot work without: docker");
    expect(exitCode).toBe(1);
  });

  test("C5: ssh to nobody says what ssh said", async () => {
    const { stdout, exitCode } = await check({ DOCKER_HOST: `ssh://me@127.0.0.1:${freePort()}` });
    expect(stdout).toMatch(
      /no answer from the Docker engine at ssh:\/\/me@127\.0\.0\.1:\d+ \(ssh: /,
    );
    expect(exitCode).toBe(1);
  });
});

const noDocker = await whyNoDocker();

describeUnless(noDocker ?? whyNoSsh(), "C5: ssh", () => {
  test("C5: a container behind ssh is healed", async () => {
    await using engine = await machineBySsh();
    const { checked, said } = await healsOn(engine);
    expect(said).toMatch(/^Docker \S+, API 1\.\d+, at ssh:\/\/\w+@127\.0\.0\.1:\d+$/);
    expect(checked).toBe(`ok docker ${said}`);
  });
});

describeUnless(noDocker ?? whyNoDockerd(), "C5: TLS", () => {
  test("C5: a container behind TLS is healed, found by the chosen context alone", async () => {
    await using engine = await startDockerd({ hasTls: true, isContext: true });
    const { checked, said } = await healsOn(engine);
    expect(said).toMatch(/^Docker \S+, API 1\.\d+, at tcp:\/\/127\.0\.0\.1:\d+$/);
    expect(checked).toBe(`ok docker ${said}`);
  });

  test("C5: an engine with TLS that is asked without it fails check, with what to set", async () => {
    await using engine = await startDockerd({ hasTls: true });
    const { DOCKER_HOST = "" } = engine.env;
    const { stdout, exitCode } = await check({ DOCKER_HOST });
    expect(stdout).toMatch(/^failed +docker +.*DOCKER_TLS_VERIFY=1/m);
    expect(exitCode).toBe(1);
  });
});
