/** The readings from an engine's answers, from bad ones too, and from a real engine. */

import { describe, expect, test } from "bun:test";
import { type Answers, fakeEngine } from "../../../test/support/fake-engine.ts";
import {
  type ContainerReading,
  type ContainersAnswer,
  readContainers,
  renderContainers,
} from "./containers.ts";

const NEVER = new AbortController().signal;
const LABEL = "sentinel.heal=true";

async function readAll(answers: Answers, names: readonly string[] = []): Promise<ContainersAnswer> {
  await using engine = await fakeEngine(answers);
  const wanted = { names, label: LABEL };
  return await readContainers({ api: engine.api, wanted, deadlineMs: 5000 }, NEVER);
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
  const answers = {
    json: [listed("api")],
    "id-api/json": inspected(state),
    "id-api/stats": stats,
  };
  return (await readAll(answers, ["api"])).readings[0];
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
    expect((await readOne(state))?.isHealthy).toBe(isHealthy);
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

describe("one odd container hides no other", () => {
  const well = {
    "id-web/json": inspected({}),
    "id-web/stats": STATS,
  };
  const heal = { "sentinel.heal": "true" };
  const WEB = { name: "web", isRunning: true, memoryBytes: 2000, cpuSeconds: 2.5 };

  test("its use is not told", async () => {
    const { readings, problems } = await readAll({
      json: [listed("api", heal), listed("web", heal)],
      "id-api/json": inspected({}),
      "id-api/stats": new Response(""),
      ...well,
    });
    expect(readings).toMatchObject([
      { name: "api", isRunning: true, memoryBytes: undefined, cpuSeconds: undefined },
      WEB,
    ]);
    expect(problems).toEqual([]);
  });

  test.each<[string, Answers, string]>([
    [
      "the engine fails on it",
      {
        "id-api/json": Response.json(
          { message: "layer does not exist: password=hunter2" },
          { status: 500 },
        ),
      },
      "answers 500 to GET containers/id-api/json: layer does not exist: password=[masked]",
    ],
    [
      "it is told of in another form",
      { "id-api/json": { State: {} } },
      "answers GET containers/id-api/json in an unknown form: Invalid input: expected number, received undefined",
    ],
    [
      "it is not told of in time",
      { "id-api/json": () => new Promise<Response>(() => {}) },
      "(not in time)",
    ],
  ])("%s", async (_, answers, why) => {
    await using engine = await fakeEngine({
      json: [listed("api", heal), listed("web", heal)],
      ...answers,
      ...well,
    });
    const wanted = { names: [], label: LABEL };
    const question = { api: engine.api, wanted, deadlineMs: 1000 };
    const { readings, labelled, problems } = await readContainers(question, NEVER);
    expect(readings).toMatchObject([WEB]);
    // It is still watched: its alerts have no data.
    expect(labelled).toEqual(["api", "web"]);
    expect(problems).toMatchObject([{ container: "api" }]);
    expect(problems[0]?.why).toEndWith(why);
  });

  test("what 200 of 500 use is never told: their states are, in time", async () => {
    const names = Array.from({ length: 500 }, (_, at) => `c${at}`);
    const labels = (at: number) => (at % 2 === 0 ? heal : {});
    await using engine = await fakeEngine({
      json: names.map((name, at) => listed(name, labels(at))),
      ...Object.fromEntries(names.map((name) => [`id-${name}/json`, inspected({})])),
      ...Object.fromEntries(
        names.map((name) => [`id-${name}/stats`, () => new Promise<Response>(() => {})]),
      ),
    });
    const question = { api: engine.api, wanted: { names: [], label: LABEL }, deadlineMs: 3000 };
    const { readings, labelled, problems } = await readContainers(question, NEVER);
    expect(readings).toHaveLength(200);
    expect(readings.every(({ memoryBytes }) => memoryBytes === undefined)).toBe(true);
    expect(labelled).toHaveLength(200);
    // 250 wear the label.
    expect(problems).toHaveLength(50);
  });

  test("an engine that goes away after its list is no problem of the containers", async () => {
    await using engine = await fakeEngine({
      json: [listed("web", heal)],
      "id-web/json": () => new Promise<Response>(() => {}),
    });
    const question = { api: engine.api, wanted: { names: [], label: LABEL }, deadlineMs: 500 };
    await expect(readContainers(question, NEVER)).rejects.toThrow(
      "no answer from the Docker engine",
    );
  });
});

test("those named and those labelled are told of, without one that is gone by then", async () => {
  const state = inspected({});
  const answers = {
    json: [
      listed("labelled", { "sentinel.heal": "true" }),
      listed("named"),
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
  const { readings, labelled } = await readAll(answers, ["named", "nobody"]);
  expect(readings.map(({ name }) => name)).toEqual(["named", "labelled"]);
  expect(labelled).toEqual(["labelled"]);
});

test.each<[string, Answers, RegExp]>([
  [
    "HTML",
    { json: new Response("<html>") },
    /answers GET containers\/json\?all=true in an unknown/,
  ],
  ["a failure", { json: new Response("{}", { status: 500 }) }, /answers 500 .*: \{\}/],
  [
    "a proxy's refusal",
    { json: new Response("<html><body><h1>403 Forbidden</h1>\n</body></html>", { status: 403 }) },
    /answers 403 to GET containers\/json\?all=true: 403 Forbidden$/,
  ],
  ["another shape", { json: { Id: 1 } }, /expected array, received object/],
  [
    "far too much",
    { json: new Response("x".repeat(9 * 1024 * 1024)) },
    /answers GET \S+ with more than \d+ bytes/,
  ],
])("an engine that answers with %s is an error on one line", async (_, answers, message) => {
  const thrown = await readAll(answers).catch((error: unknown) => error);
  expect(thrown).toMatchObject({ message: expect.stringMatching(message) });
  expect(String(thrown)).not.toContain("\n");
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
