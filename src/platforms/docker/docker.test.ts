import { describe, expect, test } from "bun:test";
import { fakeCli } from "../../../test/support/fake-cli.ts";
import type { Orchestrator } from "../../core/model.ts";
import { containerReader, reachDocker } from "./docker.ts";
import type { Environment } from "../run-command.ts";

const never = new AbortController().signal;

const CONTAINER = {
  Id: "0123456789abcdef",
  Name: "/svc",
  RestartCount: 2,
  Config: { Image: "svc:1" },
  State: {
    Status: "running",
    ExitCode: 0,
    OOMKilled: false,
    StartedAt: "2026-01-01T10:00:00.5Z",
    Health: { Status: "healthy", Log: [] },
  },
};

async function inspect(answer: unknown) {
  const json = typeof answer === "string" ? answer : JSON.stringify(answer);
  await using cli = await fakeCli({ docker: `cat <<'END'\n${json}\nEND` });
  return await containerReader({ env: cli.env }).inspect("svc", never);
}

describe("inspect", () => {
  test("the needed fields are read, whatever else is there", async () => {
    expect(await inspect({ ...CONTAINER, HostConfig: {} })).toEqual({
      status: "running",
      health: "healthy",
      exitCode: 0,
      oomKilled: false,
      restartCount: 2,
      startedAtMs: Date.UTC(2026, 0, 1, 10, 0, 0, 500),
      startPeriodMs: 0,
      containerId: "0123456789abcdef",
      image: "svc:1",
    });
  });

  test.each([
    { name: "no health check", state: { Health: undefined }, expected: { health: "none" } },
    { name: "a health check of null", state: { Health: null }, expected: { health: "none" } },
    {
      name: "killed for memory",
      state: { Status: "exited", ExitCode: 137, OOMKilled: true },
      expected: { status: "exited", exitCode: 137, oomKilled: true },
    },
    {
      name: "never started",
      state: { Status: "created", StartedAt: "0001-01-01T00:00:00Z" },
      expected: { startedAtMs: undefined },
    },
  ])("$name", async ({ state, expected }) => {
    const answer = { ...CONTAINER, State: { ...CONTAINER.State, ...state } };
    expect(await inspect(answer)).toMatchObject(expected);
  });

  test.each([
    [undefined, undefined],
    [null, undefined],
    // It has no end, but the wait for it has.
    [-1, 600_000],
    [7200, 600_000],
    [0, 0],
    [60, 60_000],
  ])("a stop timeout of %p s is %p ms", async (StopTimeout, expected) => {
    const answer = { ...CONTAINER, Config: { ...CONTAINER.Config, StopTimeout } };
    expect((await inspect(answer))?.stopTimeoutMs).toBe(expected);
  });

  test.each<[unknown, Orchestrator | undefined]>([
    [{ "com.docker.swarm.task.id": "x" }, "swarm"],
    [{ "io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "shop" }, "kubernetes"],
    [{ "com.docker.swarm.task": "", "com.docker.compose.project": "shop" }, undefined],
    [null, undefined],
  ])("labels %j: the orchestrator is %p", async (Labels, expected) => {
    const answer = { ...CONTAINER, Config: { ...CONTAINER.Config, Labels } };
    expect((await inspect(answer))?.orchestrator).toBe(expected);
  });

  test.each([
    ["configured", "created"],
    ["initialized", "created"],
    ["stopped", "exited"],
    ["stopping", "running"],
    ["paused", "paused"],
  ])("Podman's list, and its word %s for %s", async (Status, expected) => {
    const State = { ...CONTAINER.State, Status, Health: { Status: "" } };
    const answer = [{ ...CONTAINER, Name: "svc", State }];
    expect(await inspect(answer)).toMatchObject({ status: expected, health: "none" });
  });

  test("a container of another name, found by its id, is none", async () => {
    expect(await inspect({ ...CONTAINER, Name: "/other" })).toBeUndefined();
  });

  test.each(["", "not JSON", "[]", { ...CONTAINER, State: { Status: "running" } }])(
    "an answer in another form is an error: %j",
    async (answer) => {
      await expect(inspect(answer)).rejects.toThrow(
        /^`docker container inspect` answered in an unknown/,
      );
    },
  );

  test.each(["--help", "a b", "", "-x"])("%j is no name, and nothing runs", async (name) => {
    await using cli = await fakeCli({ docker: "record $$" });
    const runtime = containerReader({ env: cli.env });
    await expect(runtime.inspect(name, never)).rejects.toThrow(RangeError);
    await expect(runtime.logs(name, 50, never)).rejects.toThrow(RangeError);
    await expect(cli.running()).rejects.toThrow("no script recorded");
  });
});

/** What the command line says, and what a person is told to do. */
const FAILURES = [
  {
    name: "no engine",
    docker:
      'echo "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?" >&2; exit 1',
    message: /^Cannot connect to .*; start the Docker engine/,
  },
  {
    name: "no engine, as Docker 29 says it",
    docker:
      'echo "failed to connect to the docker API at unix:///x; check if the path is correct" >&2; exit 1',
    message: /; start the Docker engine/,
  },
  {
    name: "no permission",
    docker:
      'echo "permission denied while trying to connect to the Docker daemon socket at unix:///x" >&2; exit 1',
    message: /; add this user to the docker group .* or choose a context/,
  },
  {
    name: "Podman's command at an engine that is not Podman",
    docker: 'echo "Error: unable to connect to Podman socket: ping response was 404" >&2; exit 125',
    message: /; `docker` is Podman's command here: start Podman's socket .* set DOCKER_HOST to it$/,
  },
  {
    name: "another failure, in its own words",
    docker: 'echo "first" >&2; echo "the reason" >&2; exit 1',
    message: /^the reason$/,
  },
  { name: "no words", docker: "exit 3", message: /ended with exit code 3$/ },
  {
    name: "a hang",
    docker: "sleep 60",
    message: /did not answer within 0\.[2-9] s; if `docker info`/,
  },
] as const;

describe.each(FAILURES)("a failure: $name", ({ docker, message }) => {
  test.each([
    [
      "inspect",
      (env: Environment) => containerReader({ env, deadlineMs: 200 }).inspect("svc", never),
    ],
    [
      "logs",
      (env: Environment) => containerReader({ env, deadlineMs: 200 }).logs("svc", 50, never),
    ],
    ["reachDocker", (env: Environment) => reachDocker(never, { env, deadlineMs: 200 })],
  ])("%s says what to do, on one line", async (_, call) => {
    await using cli = await fakeCli({ docker });
    const thrown = await call(cli.env).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Error);
    const text = thrown instanceof Error ? thrown.message : "";
    expect(text).toMatch(message);
    expect(text).not.toContain("\n");
  });
});

describe("reachDocker", () => {
  test("tells the engine's version", async () => {
    await using cli = await fakeCli({ docker: 'echo "29.1.0"' });
    expect(await reachDocker(never, { env: cli.env })).toBe("29.1.0");
  });

  test("without a docker command it says what to install", async () => {
    await using cli = await fakeCli({});
    await expect(reachDocker(never, { env: cli.env })).rejects.toThrow(
      "docker is not on the PATH; install the Docker CLI",
    );
  });

  test("an abort is an error that says so", async () => {
    await using cli = await fakeCli({ docker: "sleep 60" });
    await expect(reachDocker(AbortSignal.timeout(100), { env: cli.env })).rejects.toThrow(
      "cancelled",
    );
  });
});
