/** The readings from an engine's answers, from bad ones too, and from a real engine. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BUN_IMAGE, describeUnless, docker, uniqueName, whyNoDocker } from "../../test/docker.ts";
import { type ContainerReading, readContainers, renderContainers } from "./containers.ts";

const NEVER = new AbortController().signal;
const SLOW_MS = 60_000;
const LABEL = "sentinel.heal=true";

type Answers = Readonly<Record<string, unknown>>;

/** An engine that gives fixed answers on a socket of its own. */
async function engine(answers: Answers) {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-engine-"));
  const unix = join(folder, "docker.sock");
  const server = Bun.serve({
    unix,
    fetch(request) {
      const { pathname } = new URL(request.url);
      const answer = answers[pathname.replace("/v1.41/containers/", "")];
      if (answer === undefined)
        return Response.json({ message: "No such container" }, { status: 404 });
      return answer instanceof Response ? answer : Response.json(answer);
    },
  });
  return {
    dockerHost: `unix://${unix}`,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await rm(folder, { recursive: true });
    },
  };
}

function listed(name: string, labels: Record<string, string> | null = null) {
  return { Id: `id-${name}`, Names: [`/${name}`], Labels: labels };
}

function inspected(state: object) {
  const rest = { Running: true, OOMKilled: false, StartedAt: "2025-01-01T12:00:00.5Z" };
  return { RestartCount: 2, State: { ...rest, ...state } };
}

const STATS = {
  cpu_stats: { cpu_usage: { total_usage: 2_500_000_000 } },
  memory_stats: { usage: 3000, stats: { inactive_file: 1000 } },
};

const readingOf = (changes: Partial<ContainerReading> = {}): ContainerReading => ({
  name: "api",
  isLabelled: false,
  isRunning: true,
  isRestarting: false,
  isHealthy: true,
  restarts: 2,
  isOomKilled: false,
  startedAtMs: Date.UTC(2025, 0, 1, 12, 0, 0, 500),
  memoryBytes: 2000,
  cpuSeconds: 2.5,
  ...changes,
});

async function readOne(
  state: object,
  stats: object = STATS,
): Promise<ContainerReading | undefined> {
  await using server = await engine({
    json: [listed("api")],
    "id-api/json": inspected(state),
    "id-api/stats": stats,
  });
  const { dockerHost } = server;
  return (await readContainers({ dockerHost, names: ["api"], label: LABEL }, NEVER))[0];
}

describe("a reading", () => {
  test("has the state, the start, and what is in use", async () => {
    expect(await readOne({ Health: { Status: "healthy" } })).toEqual(readingOf());
  });

  test.each<[string, object, boolean | undefined]>([
    ["healthy", { Health: { Status: "healthy" } }, true],
    ["unhealthy", { Health: { Status: "unhealthy" } }, false],
    ["not known while it starts", { Health: { Status: "starting" } }, undefined],
    ["not known without a HEALTHCHECK", {}, undefined],
    ["not known where Podman writes null", { Health: null }, undefined],
    [
      "not known once it was stopped, which Docker calls unhealthy",
      { Running: false, Health: { Status: "unhealthy" } },
      undefined,
    ],
  ])("is %s", async (_, state, isHealthy) => {
    expect((await readOne(state))?.isHealthy).toBe(isHealthy as boolean);
  });

  test("of one that never ran has no start and no use", async () => {
    const reading = await readOne({ Running: false, StartedAt: "0001-01-01T00:00:00Z" });
    expect(reading).toMatchObject({ isRunning: false, startedAtMs: undefined });
    expect(reading).toMatchObject({ memoryBytes: undefined, cpuSeconds: undefined });
  });

  test("leaves out what the engine does not count, and is never below zero", async () => {
    expect((await readOne({}, {}))?.memoryBytes).toBeUndefined();
    const cached = { memory_stats: { usage: 10, stats: { total_inactive_file: 20 } } };
    expect((await readOne({}, cached))?.memoryBytes).toBe(0);
  });
});

test("one whose use is not told does not hide its state, nor the others", async () => {
  await using server = await engine({
    json: [listed("api"), listed("web")],
    "id-api/json": inspected({}),
    "id-api/stats": new Response(""),
    "id-web/json": inspected({}),
    "id-web/stats": STATS,
  });
  const { dockerHost } = server;
  expect(
    await readContainers({ dockerHost, names: ["api", "web"], label: LABEL }, NEVER),
  ).toMatchObject([
    { name: "api", isRunning: true, memoryBytes: undefined, cpuSeconds: undefined },
    { name: "web", isRunning: true, memoryBytes: 2000, cpuSeconds: 2.5 },
  ]);
});

describe("which containers are told of", () => {
  const state = inspected({});
  const answers = {
    json: [
      listed("named"),
      listed("labelled", { "sentinel.heal": "true" }),
      listed("labelled-otherwise", { "sentinel.heal": "false" }),
      listed("named-not"),
      listed("gone", { "sentinel.heal": "true" }),
    ],
    ...Object.fromEntries(
      ["named", "labelled", "labelled-otherwise", "named-not"].flatMap((name) => [
        [`id-${name}/json`, state],
        [`id-${name}/stats`, STATS],
      ]),
    ),
  };

  test("those named and those labelled, without one that is gone by then", async () => {
    await using server = await engine(answers);
    const { dockerHost } = server;
    const found = await readContainers(
      { dockerHost, names: ["named", "nobody"], label: LABEL },
      NEVER,
    );
    expect(found.map(({ name, isLabelled }) => [name, isLabelled])).toEqual([
      ["named", false],
      ["labelled", true],
    ]);
  });
});

test.each<[string, Answers, RegExp]>([
  ["HTML", { json: new Response("<html>") }, /answered 200 to containers\/json/],
  ["a failure", { json: new Response("{}", { status: 500 }) }, /answered 500/],
  ["another shape", { json: { Id: 1 } }, /answered 200 to containers\/json/],
  ["far too much", { json: new Response("x".repeat(9 * 1024 * 1024)) }, /longer than/],
  [
    "far too many",
    {
      json: Array.from({ length: 201 }, (_, index) =>
        listed(`c${index}`, { "sentinel.heal": "true" }),
      ),
    },
    /201 containers are watched; at most 200/,
  ],
])("an engine that answers with %s is an error on one line", async (_, answers, message) => {
  await using server = await engine(answers);
  const { dockerHost } = server;
  const reading = readContainers({ dockerHost, names: [], label: LABEL }, NEVER);
  await expect(reading).rejects.toThrow(message);
});

test.each([
  ["unix:///nowhere/docker.sock", "no answer from the Docker engine at /nowhere/docker.sock"],
  ["tcp://127.0.0.1:9", "no answer from the Docker engine at http://127.0.0.1:9"],
  ["ssh://host", "DOCKER_HOST ssh://host is neither"],
])("%s cannot be reached, and says so", async (dockerHost, message) => {
  await expect(readContainers({ dockerHost, names: [], label: LABEL }, NEVER)).rejects.toThrow(
    message,
  );
});

test("the exposition has each metric once, and only what is known", () => {
  const stopped = readingOf({
    name: "b",
    isRunning: false,
    isHealthy: undefined,
    isOomKilled: true,
    memoryBytes: undefined,
    cpuSeconds: undefined,
  });
  const lines = renderContainers([readingOf(), stopped]).split("\n");
  expect(lines.filter((line) => !line.startsWith("#"))).toEqual([
    'container_up{container="api"} 1',
    'container_up{container="b"} 0',
    'container_healthy{container="api"} 1',
    'container_restarts_total{container="api"} 2',
    'container_restarts_total{container="b"} 2',
    'container_restarting{container="api"} 0',
    'container_restarting{container="b"} 0',
    'container_oom_killed{container="api"} 0',
    'container_oom_killed{container="b"} 1',
    'container_start_time_seconds{container="api"} 1735732800.5',
    'container_start_time_seconds{container="b"} 1735732800.5',
    'container_memory_working_set_bytes{container="api"} 2000',
    'container_cpu_usage_seconds_total{container="api"} 2.5',
    "",
  ]);
  expect(lines.filter((line) => line.startsWith("# TYPE"))).toHaveLength(8);
});

describeUnless(await whyNoDocker([BUN_IMAGE]), "a real engine", () => {
  const name = uniqueName("heal");
  const dockerHost = process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";

  beforeAll(async () => {
    const health = ["--health-cmd", "test -f /tmp/ok", "--health-interval", "1s"];
    const run = ["--detach", "--name", name, "--label", `sentinel.heal=${name}`];
    await docker("run", ...run, ...health, "--health-retries", "1", BUN_IMAGE, "sleep", "300");
  }, SLOW_MS);
  afterAll(() => docker("rm", "--force", name), SLOW_MS);

  async function read(): Promise<ContainerReading | undefined> {
    const all = await readContainers(
      { dockerHost, names: [], label: `sentinel.heal=${name}` },
      AbortSignal.timeout(10_000),
    );
    return all.find((reading) => reading.name === name);
  }

  test(
    "tells of a labelled container, and when its HEALTHCHECK fails and succeeds",
    async () => {
      while ((await read())?.isHealthy !== false) await Bun.sleep(200);
      const sick = await read();
      expect(sick).toMatchObject({ isLabelled: true, isRunning: true, restarts: 0 });
      expect(sick?.memoryBytes).toBeGreaterThan(100_000);
      expect(sick?.cpuSeconds).toBeGreaterThan(0);
      expect(Math.abs((sick?.startedAtMs ?? 0) - Date.now())).toBeLessThan(SLOW_MS);
      await docker("exec", name, "touch", "/tmp/ok");
      while ((await read())?.isHealthy !== true) await Bun.sleep(200);
      await docker("stop", "--time", "0", name);
      expect(await read()).toMatchObject({ isRunning: false, isHealthy: undefined });
    },
    SLOW_MS,
  );
});
