/**
 * What holds for every Platform: an outcome for whatever an action does, never an exception, never past
 * the deadline, and nothing left running; and what it tells of a service. First Docker by its two command
 * lines, then a process, then what is true of both, then Docker on a real engine.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ActionId,
  type AllowedAction,
  type Allowlist,
  allowlistFor,
  type PlatformName,
  offeredActions,
} from "../../src/allowlist.ts";
import { GIVEN_UP } from "../../src/core/model.ts";
import { dockerPlatform } from "../../src/platforms/docker/platform.ts";
import { processPlatform } from "../../src/platforms/process/supervised.ts";
import type { Supervisor } from "../../src/platforms/process/supervisor.ts";
import { BUN_IMAGE, describeUnless, docker, uniqueName, whyNoDocker } from "../support/docker.ts";
import { fakeCli } from "../support/fake-cli.ts";
import { fakeEngine } from "../support/fake-engine.ts";
import { NO_ENGINE, valuesOf } from "../support/platform-series.ts";
import { supervise } from "../support/supervise.ts";

const never = new AbortController().signal;

/** An action of each command line that Docker has. */
const COMMANDS = ["docker-restart", "compose-restart"] as const;

const allowlist = allowlistFor("svc");

/** The plugin is there, and every other call does what the script says. */
function dockerDoing(script: string): string {
  return `[ "$1 $2" = "compose version" ] && { echo "Docker Compose version v2.40.3"; exit 0; }\n${script}`;
}

/** A fake `docker`, and the platform that finds it. */
async function withDocker(script: string, deadlineMs = 10_000) {
  const cli = await fakeCli({ docker: dockerDoing(script), "compose.yaml": "" });
  const composeFile = join(cli.folder, "compose.yaml");
  return { cli, platform: dockerPlatform({ env: cli.env, composeFile, deadlineMs }, NO_ENGINE) };
}

describe.each(COMMANDS)("docker, by %s", (id) => {
  const action = allowlist[id];

  test("the allow-listed argv arrives as it is", async () => {
    const { cli, platform } = await withDocker('printf "<%s>" "$@"');
    await using _ = cli;
    expect(await platform.act(action, never)).toMatchObject({
      kind: "succeeded",
      exitCode: 0,
      argv: [...action.argv],
      output: action.argv
        .slice(1)
        .map((part) => `<${part}>`)
        .join(""),
    });
  });

  test.each([125, 126, 127, 130, 137])("exit code %d is a failure that says why", async (code) => {
    const { cli, platform } = await withDocker(`echo "it is so" >&2; exit ${code}`);
    await using _ = cli;
    const outcome = await platform.act(action, never);
    expect(outcome).toMatchObject({ kind: "failed", exitCode: code, output: "it is so\n" });
  });

  test("a hang ends at the deadline, and nothing is left running", async () => {
    const script = "record $$; sleep 60 & record $!; (trap '' TERM; sleep 61) & record $!; wait";
    const { cli, platform } = await withDocker(script, 300);
    await using _ = cli;
    const outcome = await platform.act(action, never);
    expect(outcome).toMatchObject({ kind: "timed_out", exitCode: undefined });
    expect(outcome.durationMs).toBeLessThan(4000);
    expect(await cli.running()).toEqual([]);
  });

  test("an abort ends it, and nothing is left running", async () => {
    const { cli, platform } = await withDocker("record $$; sleep 60 & record $!; wait");
    await using _ = cli;
    const outcome = await platform.act(action, AbortSignal.timeout(300));
    expect(outcome).toMatchObject({ kind: "cancelled", exitCode: undefined });
    expect(await cli.running()).toEqual([]);
  });

  test("100 MB of output are bounded", async () => {
    const script = "head -c 100000000 /dev/zero | tr '\\0' x; echo the end >&2; exit 1";
    const { cli, platform } = await withDocker(script);
    await using _ = cli;
    const outcome = await platform.act(action, never);
    expect(outcome).toMatchObject({ kind: "failed", exitCode: 1 });
    expect(Buffer.byteLength(outcome.output)).toBeLessThanOrEqual(64 * 1024);
  });

  test("an engine that is down comes with the remedy", async () => {
    const down = "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?";
    const { cli, platform } = await withDocker(`echo "${down}" >&2; exit 1`);
    await using _ = cli;
    const outcome = await platform.act(action, never);
    expect(outcome).toMatchObject({ kind: "failed", exitCode: 1 });
    expect(outcome.output).toStartWith(`${down}; start the Docker engine`);
  });

  test("without the command line nothing starts, and the text says what to install", async () => {
    await using cli = await fakeCli({ "compose.yaml": "" });
    const composeFile = join(cli.folder, "compose.yaml");
    const outcome = await dockerPlatform({ env: cli.env, composeFile }, NO_ENGINE).act(
      action,
      never,
    );
    expect(outcome).toMatchObject({ kind: "not_started", exitCode: undefined });
    expect(outcome.output).toContain("docker is not on the PATH");
    expect(outcome.output).toContain("install");
  });

  test("the models' credentials stay here", async () => {
    const { cli } = await withDocker("env");
    await using _ = cli;
    const env = { ...cli.env, GEMINI_API_KEY: "secret-a", LM_STUDIO_API_KEY: "secret-b" };
    const composeFile = join(cli.folder, "compose.yaml");
    const outcome = await dockerPlatform({ env, composeFile }, NO_ENGINE).act(action, never);
    expect(outcome.kind).toBe("succeeded");
    expect(outcome.output).not.toContain("secret-");
  });
});

describe("process", () => {
  const actions = allowlistFor("svc", { platform: "process" });
  const act = (supervisor: Supervisor, id: ActionId, signal = never) =>
    processPlatform(supervisor).act(required(actions, id), signal);
  const SERVE = "record $$; trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done";

  test("what is told of the command leaves its arguments out: they may be secrets", async () => {
    await using svc = await supervise(SERVE, {
      argv: ["svc", "--api-key=sk-argument", "-p", "pw"],
    });
    const state = await processPlatform(svc.supervisor).inspect("svc", never);
    expect(state?.image).toBe("svc");
    expect(JSON.stringify(state)).not.toContain("sk-argument");
  });

  test("start, restart, stop and start again, as the runtime tells", async () => {
    await using svc = await supervise(SERVE);
    const platform = processPlatform(svc.supervisor);
    expect(await platform.inspect("svc", never)).toEqual({
      status: "created",
      health: "none",
      exitCode: 0,
      oomKilled: false,
      restartCount: 0,
      startedAtMs: undefined,
      startPeriodMs: 0,
      containerId: "no process",
      image: "svc",
    });

    const started = await act(svc.supervisor, "supervisor-start");
    expect(started).toMatchObject({
      kind: "succeeded",
      exitCode: 0,
      argv: ["supervisor", "start"],
      output: expect.stringMatching(/^it runs as process \d+$/),
    });
    const first = await platform.inspect("svc", never);
    const { pid } = svc.supervisor.status();
    expect(first).toMatchObject({ status: "running", containerId: `pid ${pid}` });
    await svc.wrote("up");

    expect((await act(svc.supervisor, "supervisor-restart")).kind).toBe("succeeded");
    const second = await platform.inspect("svc", never);
    expect(second?.status).toBe("running");
    expect(second?.containerId).not.toBe(first?.containerId ?? "");
    expect(second?.startedAtMs).toBeGreaterThan(first?.startedAtMs ?? Infinity);

    expect((await act(svc.supervisor, "supervisor-stop")).kind).toBe("succeeded");
    expect(await platform.inspect("svc", never)).toMatchObject({
      status: "exited",
      containerId: "no process",
    });
    expect(await svc.cli.running()).toEqual([]);

    expect((await act(svc.supervisor, "supervisor-start")).kind).toBe("succeeded");
    expect((await platform.inspect("svc", never))?.status).toBe("running");
  });

  test("a start that fails is a failure in the command's own words", async () => {
    await using svc = await supervise("echo 'it is so' >&2; exit 3", {
      policy: { minDelayMs: 60_000 },
    });
    const outcome = await act(svc.supervisor, "supervisor-restart");
    expect(outcome).toMatchObject({ kind: "failed", exitCode: 3 });
    expect(outcome.output).toStartWith("it is so\n");
    expect(await processPlatform(svc.supervisor).inspect("svc", never)).toMatchObject({
      status: "exited",
      exitCode: 3,
    });
  });

  test("what dies each time is given up, and an action starts it", async () => {
    await using svc = await supervise(`[ -e "$(dirname "$0")/mended" ] || exit 1; ${SERVE}`, {
      policy: { minDelayMs: 0, maxDeaths: 3 },
    });
    await act(svc.supervisor, "supervisor-start");
    await svc.happened("child_given_up");
    const platform = processPlatform(svc.supervisor);
    expect(await platform.inspect("svc", never)).toMatchObject({
      status: GIVEN_UP,
      exitCode: 1,
      restartCount: 2,
    });
    await Bun.write(join(svc.cli.folder, "mended"), "");
    expect((await act(svc.supervisor, "supervisor-start")).kind).toBe("succeeded");
  });

  test("an abort during a stop ends the wait, and nothing is left running", async () => {
    await using svc = await supervise(
      "record $$; trap '' TERM; echo up; sleep 60 & wait; sleep 60",
    );
    await act(svc.supervisor, "supervisor-start");
    await svc.wrote("up");
    const outcome = await act(svc.supervisor, "supervisor-stop", AbortSignal.timeout(50));
    expect(outcome).toMatchObject({ kind: "cancelled", exitCode: undefined });
    await svc.happened("child_stopped");
    expect(await svc.cli.running()).toEqual([]);
  });

  test("100 MB of output are bounded", async () => {
    const script = "head -c 100000000 /dev/zero | tr '\\0' x; echo; echo the end; exit 1";
    await using svc = await supervise(script, { policy: { minDelayMs: 60_000 }, settleMs: 60_000 });
    const outcome = await act(svc.supervisor, "supervisor-start");
    expect(outcome).toMatchObject({ kind: "failed", exitCode: 1 });
    expect(Buffer.byteLength(outcome.output)).toBeLessThanOrEqual(64 * 1024);
    expect(outcome.output).toEndWith("the end\n(it died at once: exit code 1)");
  });

  test("another service is none of its own", async () => {
    await using svc = await supervise(SERVE);
    const platform = processPlatform(svc.supervisor);
    expect(await platform.inspect("other", never)).toBeUndefined();
    await expect(platform.logs("other", 50, never)).rejects.toThrow("does not run other");
  });

  test("its lines are the last ones, of both streams, oldest first", async () => {
    await using svc = await supervise("echo 1; sleep 0.1; echo 2 >&2; sleep 0.1; echo 3; sleep 60");
    await act(svc.supervisor, "supervisor-start");
    await svc.wrote("3");
    const platform = processPlatform(svc.supervisor);
    expect(await platform.logs("svc", 50, never)).toEqual(
      ["1", "2", "3"].map((text) => ({ text })),
    );
    expect(await platform.logs("svc", 2, never)).toEqual(["2", "3"].map((text) => ({ text })));
  });
});

describe("every platform", () => {
  const all: Allowlist = { ...allowlist, ...allowlistFor("svc", { platform: "process" }) };
  const NAMES = ["docker", "process"] as const satisfies readonly PlatformName[];

  /** Whatever would run records itself. */
  async function create(name: (typeof NAMES)[number], script = "record $$") {
    if (name === "process") {
      const svc = await supervise("record $$; sleep 60");
      return { platform: processPlatform(svc.supervisor), cli: svc.cli, end: svc };
    }
    const { cli, platform } = await withDocker(script);
    return { platform, cli, end: cli };
  }

  /** One that runs. */
  async function createTold(name: (typeof NAMES)[number]) {
    if (name === "process") {
      const svc = await supervise("trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done");
      await svc.supervisor.start();
      await svc.wrote("up");
      const platform = processPlatform(svc.supervisor);
      return { platform, service: "svc", [Symbol.asyncDispose]: () => svc[Symbol.asyncDispose]() };
    }
    const engine = await fakeEngine({
      json: ["svc", "unasked"].map((of) => ({ Id: `id-${of}`, Names: [`/${of}`] })),
      "id-svc/json": {
        RestartCount: 0,
        State: { Running: true, OOMKilled: false, StartedAt: new Date().toISOString() },
      },
      "id-svc/stats": {
        cpu_stats: { cpu_usage: { total_usage: 1_000_000_000 } },
        memory_stats: { usage: 100_000 },
      },
    });
    const { api } = engine;
    const platform = dockerPlatform({ composeFile: "compose.yaml" }, { ...NO_ENGINE, api });
    return { platform, service: "svc", [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() };
  }

  test.each(NAMES)("%s runs its own actions, and no other's", async (name) => {
    const { platform, cli, end } = await create(name);
    await using _ = end;
    expect(platform.name).toBe(name);
    const others = offeredActions(all).filter((action) => action.platform !== name);
    expect(others.length).toBeGreaterThan(0);
    for (const action of others) {
      const outcome = await platform.act(action, never);
      expect(outcome).toMatchObject({ kind: "not_started", argv: [...action.argv] });
      expect(outcome.output).toContain(`the platform ${name} does not run actions of`);
    }
    await expect(cli.running()).rejects.toThrow("no script recorded");
  });

  test.each(NAMES)("%s knows nothing of what it does not run", async (name) => {
    const { platform, end } = await create(
      name,
      "echo 'Error: No such container: other' >&2; exit 1",
    );
    await using _ = end;
    expect(await platform.inspect("other", never)).toBeUndefined();
    await expect(platform.logs("other", 50, never)).rejects.toThrow("other");
  });

  test.each(NAMES)(
    "%s gives the series of what it runs, and none of what it does not",
    async (name) => {
      await using one = await createTold(name);
      const { platform, service } = one;
      const asked = { services: [service, "other"], deadlineMs: 10_000 };
      const { services, found, problems } = await platform.series(asked, never);
      expect(services.map((told) => told.service)).toEqual([service]);
      expect({ found, problems }).toEqual({ found: [], problems: [] });
      const values = valuesOf(services, service);
      expect(values).toMatchObject({ container_up: 1, container_restarts_total: 0 });
      expect(values["container_memory_working_set_bytes"]).toBeGreaterThan(10_000);
      expect(values["container_cpu_usage_seconds_total"]).toBeGreaterThanOrEqual(0);
      const startedAtMs = (values["container_start_time_seconds"] ?? 0) * 1000;
      expect(Math.abs(startedAtMs - Date.now())).toBeLessThan(60_000);
      for (const { samples } of services)
        for (const { labels } of samples) expect(labels["container"]).toBe(service);
      const none = { services: [], deadlineMs: 10_000 };
      expect((await platform.series(none, never)).services).toEqual([]);
    },
  );

  test.each(NAMES)("%s does nothing that was cancelled before", async (name) => {
    const { platform, cli, end } = await create(name);
    await using _ = end;
    const own = offeredActions(all).filter((action) => action.platform === name);
    expect(own.length).toBeGreaterThan(0);
    for (const action of own) {
      const outcome = await platform.act(action, AbortSignal.abort());
      expect(outcome).toMatchObject({ kind: "cancelled", exitCode: undefined });
    }
    await expect(cli.running()).rejects.toThrow("no script recorded");
  });
});

function required(table: Allowlist, id: ActionId): AllowedAction {
  const action = table[id];
  if (action === undefined) throw new Error(`${id} is not offered`);
  return action;
}

describeUnless(await whyNoDocker([BUN_IMAGE]), "docker on a real engine", () => {
  const container = uniqueName("docker");
  const actions = allowlistFor(container);
  const platform = dockerPlatform({ composeFile: "compose.yaml" }, NO_ENGINE);

  beforeAll(async () => {
    const script =
      "trap 'exit 3' TERM; echo out; echo err >&2; printf 'bin\\377\\n'; head -c 40000 /dev/zero | tr '\\0' x; echo; sleep 0.5; echo last >&2; while :; do sleep 0.1; done";
    const run = ["run", "--detach", "--name", container, "--entrypoint", "sh"];
    await docker(...run, BUN_IMAGE, "-c", script);
  });
  afterAll(async () => {
    await docker("rm", "--force", container);
  });

  test("it is inspected", async () => {
    const state = await platform.inspect(container, never);
    expect(state).toMatchObject({
      status: "running",
      health: "none",
      exitCode: 0,
      oomKilled: false,
      restartCount: 0,
      image: BUN_IMAGE,
    });
    expect(Math.abs((state?.startedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
    // Docker would take the beginning of an id for the name.
    expect(await platform.inspect(state?.containerId.slice(0, 12) ?? "", never)).toBeUndefined();
  });

  test("its logs are both streams in order, long and broken lines bounded", async () => {
    // Docker stamps a line when it reads it, so only a pause puts the two streams in a sure order.
    await Bun.sleep(1500);
    const told = await platform.logs(container, 50, never);
    const lines = told.map(({ text }) => text);
    for (const { atMs = 0 } of told) expect(Math.abs(atMs - Date.now())).toBeLessThan(60_000);
    expect(lines.filter((line) => line.length < 100).toSorted()).toEqual(
      ["bin\uFFFD", "err", "last", "out"].toSorted(),
    );
    expect(lines.at(-1)).toBe("last");
    expect(lines.find((line) => line.startsWith("xxx"))).toEndWith("x…");
    expect(lines.join()).not.toContain(new Date().getUTCFullYear().toString());
    expect(await platform.logs(container, 1, never)).toHaveLength(1);
  });

  test("its set-up, what happened to it and what is beside it are told", async () => {
    const { surroundings } = platform;
    const setup = await surroundings?.setup(container, never);
    expect(setup).toMatchObject({ image: BUN_IMAGE, networks: ["bridge"] });
    expect(setup?.imageId).toStartWith("sha256:");
    const sinceMs = Date.now() - 60_000;
    const events = await surroundings?.events([container], sinceMs, never);
    expect(events?.map(({ action }) => action)).toEqual(["create", "start"]);
    const beside = await surroundings?.beside(never);
    expect(beside?.find(({ name }) => name === container)).toMatchObject({ status: "running" });
    expect(await surroundings?.setup(uniqueName("nobody"), never)).toBeUndefined();
  });

  test("it is restarted: the same container, started later", async () => {
    const before = await platform.inspect(container, never);
    const outcome = await platform.act(actions["docker-restart"], never);
    expect(outcome).toMatchObject({ kind: "succeeded", exitCode: 0, output: `${container}\n` });
    const after = await platform.inspect(container, never);
    expect(after?.containerId).toBe(before?.containerId ?? "");
    expect(after?.startedAtMs).toBeGreaterThan(before?.startedAtMs ?? Infinity);
  });

  test("it is stopped, and its exit code told", async () => {
    expect((await platform.act(actions["docker-stop"], never)).kind).toBe("succeeded");
    expect(await platform.inspect(container, never)).toMatchObject({
      status: "exited",
      exitCode: 3,
    });
  });

  test("one that is not there is no container, no logs and no restart", async () => {
    const nobody = uniqueName("nobody");
    expect(await platform.inspect(nobody, never)).toBeUndefined();
    await expect(platform.logs(nobody, 50, never)).rejects.toThrow(
      `there is no container ${nobody}`,
    );
    const outcome = await platform.act(allowlistFor(nobody)["docker-restart"], never);
    expect(outcome).toMatchObject({ kind: "failed", exitCode: 1 });
    expect(outcome.output.toLowerCase()).toContain("no such container");
  });
});

describeUnless(await whyNoDocker([BUN_IMAGE]), "compose on a real engine", () => {
  const project = uniqueName("compose");
  const container = `${project}-svc`;
  const actions = allowlistFor(container);
  let folder = "";
  let composeFile = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), project));
    // Not one of the names that Compose finds by itself.
    composeFile = join(folder, "stack.yaml");
    await Bun.write(
      composeFile,
      `services:
  svc:
    image: ${BUN_IMAGE}
    container_name: ${container}
    entrypoint: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
`,
    );
  });
  afterAll(async () => {
    await docker("compose", "--file", composeFile, "down", "--timeout", "1");
    await rm(folder, { recursive: true });
  });

  test("up, restart, stop and up again", async () => {
    const platform = dockerPlatform({ composeFile }, NO_ENGINE);

    expect((await platform.act(actions["compose-up"], never)).kind).toBe("succeeded");
    const first = await platform.inspect(container, never);
    expect(first?.status).toBe("running");

    expect((await platform.act(actions["compose-restart"], never)).kind).toBe("succeeded");
    const second = await platform.inspect(container, never);
    expect(second?.startedAtMs).toBeGreaterThan(first?.startedAtMs ?? Infinity);

    expect((await platform.act(actions["compose-stop"], never)).kind).toBe("succeeded");
    expect((await platform.inspect(container, never))?.status).toBe("exited");

    expect((await platform.act(actions["compose-up"], never)).kind).toBe("succeeded");
    expect((await platform.inspect(container, never))?.status).toBe("running");
  }, 60_000);

  test("a file that Compose refuses is a failure in its own words", async () => {
    const broken = join(folder, "broken.yaml");
    await Bun.write(broken, "services: [");
    const outcome = await dockerPlatform({ composeFile: broken }, NO_ENGINE).act(
      actions["compose-restart"],
      never,
    );
    expect(outcome.kind).toBe("failed");
    expect(outcome.output).toContain("yaml");
  });
});
