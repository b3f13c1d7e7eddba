/**
 * What holds for the Docker driver on every engine and every way to one: what it tells of containers,
 * what it does to them, and that both are the same engine, found as the `docker` command would.
 */

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { allowlistFor } from "../../src/allowlist.ts";
import { observerSettings } from "../../src/config/config.ts";
import { createDockerApi, describeEngine, type DockerApi } from "../../src/platforms/docker/api.ts";
import { resolveConnection } from "../../src/platforms/docker/connection.ts";
import { reachDocker } from "../../src/platforms/docker/docker.ts";
import { dockerPlatform } from "../../src/platforms/docker/platform.ts";
import type { Environment } from "../../src/platforms/run-command.ts";
import { NO_ENGINE, valuesOf } from "../support/platform-series.ts";
import { describeUnless, uniqueName, whyNoDocker } from "../support/docker.ts";
import { startDockerd, whyNoDockerd, whyNoNewerDocker } from "../support/engines/dockerd.ts";
import { ownFolder, run, shellImage, type TestEngine } from "../support/engines/engine.ts";
import { startPodman, whyNoPodman } from "../support/engines/podman.ts";
import { machineBySsh, machineByTcp, machineEngine, whyNoSsh } from "../support/engines/ways.ts";

setDefaultTimeout(60_000);

const never = new AbortController().signal;

interface Case {
  /** Why it cannot be tested here. */
  readonly missing: string | undefined;
  start(): Promise<TestEngine>;
  /** How it is told of; `undefined` where there is a command alone, and no API. */
  readonly says: RegExp | undefined;
}

const noDocker = await whyNoDocker();

const ENGINES: Readonly<Record<string, Case>> = {
  "Docker by its socket": {
    missing: noDocker,
    start: machineEngine,
    says: /^Docker [\d.]+\S*, API 1\.\d+, at unix:\/\//,
  },
  "Docker by tcp": {
    missing: noDocker,
    start: machineByTcp,
    says: /, at tcp:\/\/127\.0\.0\.1:\d+$/,
  },
  "Docker by TLS": {
    missing: noDocker ?? whyNoDockerd(),
    start: () => startDockerd({ hasTls: true }),
    says: /, at tcp:\/\/127\.0\.0\.1:\d+$/,
  },
  "Docker by TLS, in a context": {
    missing: noDocker ?? whyNoDockerd(),
    start: () => startDockerd({ hasTls: true, isContext: true }),
    says: /, at tcp:\/\/127\.0\.0\.1:\d+$/,
  },
  "Docker by ssh": {
    missing: noDocker ?? whyNoSsh(),
    start: machineBySsh,
    says: /, at ssh:\/\/\w+@127\.0\.0\.1:\d+$/,
  },
  "Docker 28": {
    missing: noDocker ?? whyNoNewerDocker(),
    start: () => startDockerd({ isNewer: true }),
    says: /^Docker 28\.\S+, API 1\.51, at unix:/,
  },
  "Docker that has dropped what is older than API 1.44, as 29 has": {
    missing: noDocker ?? whyNoNewerDocker(),
    start: () => startDockerd({ isNewer: true, env: { DOCKER_MIN_API_VERSION: "1.44" } }),
    says: /^Docker 28\.\S+, API 1\.51, at unix:/,
  },
  "Podman, docker by its socket": {
    missing: noDocker ?? whyNoPodman(),
    start: () => startPodman("docker by its socket"),
    says: /^Podman \d\S*, API 1\.\d+, at unix:/,
  },
  "Podman, its command by its socket": {
    missing: whyNoPodman(),
    start: () => startPodman("its command by its socket"),
    says: /^Podman \d\S*, API 1\.\d+, at unix:/,
  },
  "Podman, its command alone": {
    missing: whyNoPodman(),
    start: () => startPodman("its command alone"),
    says: undefined,
  },
};

/** It says so on both streams, and ends with 3 when it is told to. */
const SCRIPT = "trap 'exit 3' TERM; echo out; sleep 0.3; echo err >&2; while :; do sleep 0.1; done";

for (const [title, { missing, start, says }] of Object.entries(ENGINES))
  describeUnless(missing, title, () => {
    const resources = new AsyncDisposableStack();
    const image = `sentinel-test-shell:${crypto.randomUUID().slice(0, 8)}`;
    const name = uniqueName("engine");
    const label = `sentinel.heal=${name}`;
    let env: Environment = {};
    let api: DockerApi | undefined;

    const docker = (...args: readonly string[]) => run(["docker", ...args], env);
    const platform = () =>
      dockerPlatform({ env, composeFile: "compose.yaml" }, { api: api ?? NO_ENGINE.api, label });
    const act = (container: string) =>
      platform().act(allowlistFor(container)["docker-restart"], never);

    beforeAll(async () => {
      const engine = resources.use(await start());
      env = { ...process.env, ...engine.env };
      if (says !== undefined) {
        const folder = resources.use(await ownFolder("none")).path;
        const { docker: asked } = observerSettings({ env, folder, isTerminal: false });
        const connection = resolveConnection(asked);
        env = { ...env, ...connection.env };
        const created = createDockerApi(connection, env);
        resources.defer(created.close);
        api = created;
      }
      const folder = resources.use(await ownFolder("image")).path;
      await docker("import", await shellImage(folder), image);
      resources.defer(async () => {
        await docker("rmi", "--force", image);
      });
      // Podman gives what comes by Docker's API no time to stop, unless it is told to.
      const own = ["--name", name, "--label", label, "--stop-timeout", "10"];
      const options = ["--detach", ...own, ...engine.runOptions];
      await docker("run", ...options, image, "sh", "-c", SCRIPT);
      resources.defer(async () => {
        await docker("rm", "--force", name);
      });
    });
    afterAll(() => resources.disposeAsync());

    test("the command reaches the engine that the API is of, and says its version", async () => {
      const version = await reachDocker(never, { env });
      expect(version).toMatch(/^\d+\.\d+/);
      if (api === undefined || says === undefined) return expect(says).toBeUndefined();
      expect(await describeEngine(api, never)).toMatch(says);
      expect((await api.engine(never)).version).toBe(version);
    });

    test("it is inspected, by its whole name alone", async () => {
      const state = await platform().inspect(name, never);
      expect(state).toMatchObject({
        status: "running",
        health: "none",
        exitCode: 0,
        oomKilled: false,
        restartCount: 0,
      });
      expect(state?.image).toEndWith(image);
      expect(Math.abs((state?.startedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
      expect(
        await platform().inspect(state?.containerId.slice(0, 12) ?? "", never),
      ).toBeUndefined();
    });

    test("its lines are those of both streams, in order", async () => {
      await Bun.sleep(500);
      const lines = await platform().logs(name, 50, never);
      expect(lines.map(({ text }) => text)).toEqual(["out", "err"]);
      expect(await platform().logs(name, 1, never)).toHaveLength(1);
    });

    test("it is restarted: the same container, started later", async () => {
      const before = await platform().inspect(name, never);
      const outcome = await act(name);
      expect(outcome).toMatchObject({ kind: "succeeded", exitCode: 0, output: `${name}\n` });
      const after = await platform().inspect(name, never);
      expect(after?.containerId).toBe(before?.containerId ?? "");
      expect(after?.startedAtMs).toBeGreaterThan(before?.startedAtMs ?? Infinity);
    });

    test("one that is not there is no container, no logs and no restart", async () => {
      const nobody = uniqueName("nobody");
      expect(await platform().inspect(nobody, never)).toBeUndefined();
      await expect(platform().logs(nobody, 50, never)).rejects.toThrow();
      const outcome = await act(nobody);
      expect(outcome.kind).toBe("failed");
      expect(outcome.output.toLowerCase()).toContain("no such container");
    });

    if (says !== undefined) {
      const read = async (names: readonly string[] = []) => {
        return await platform().series({ services: names, deadlineMs: 10_000 }, never);
      };

      test("it is told of by its label and by its name, with what it uses", async () => {
        const { services, found, problems } = await read();
        expect({ found, problems }).toEqual({ found: [name], problems: [] });
        expect(services.map(({ service }) => service)).toEqual([name]);
        const values = valuesOf(services, name);
        expect(values).toMatchObject({
          container_up: 1,
          container_restarts_total: 0,
          container_oom_killed: 0,
        });
        expect(values["container_memory_working_set_bytes"]).toBeGreaterThan(10_000);
        expect(values["container_cpu_usage_seconds_total"]).toBeGreaterThan(0);
        const startedAtMs = (values["container_start_time_seconds"] ?? 0) * 1000;
        expect(Math.abs(startedAtMs - Date.now())).toBeLessThan(60_000);
        expect((await read([name])).services).toHaveLength(1);
      });
    }

    test("it is called what it is renamed to, from then on", async () => {
      const renamed = uniqueName("renamed");
      await docker("rename", name, renamed);
      expect(await platform().inspect(name, never)).toBeUndefined();
      expect((await platform().inspect(renamed, never))?.status).toBe("running");
      await docker("rename", renamed, name);
    });

    test("it is stopped by somebody, and its exit code told", async () => {
      await docker("stop", name);
      expect(await platform().inspect(name, never)).toMatchObject({
        status: "exited",
        exitCode: 3,
      });
    });
  });
