/** The readings from an engine's answers, from bad ones too, and from a real engine. */

import { describe, expect, test } from "bun:test";
import { type Answers, fakeEngine } from "../../../test/support/fake-engine.ts";
import { valuesOf } from "../../../test/support/platform-series.ts";
import type { PlatformSeries } from "../../core/ports.ts";
import { containerSeries } from "./containers.ts";

const NEVER = new AbortController().signal;
const LABEL = "sentinel.heal=true";

async function readAll(
  answers: Answers,
  services: readonly string[] = [],
  deadlineMs = 5000,
): Promise<PlatformSeries> {
  await using engine = await fakeEngine(answers);
  const series = containerSeries({ api: engine.api, label: LABEL });
  return await series({ services, deadlineMs }, NEVER);
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

const ALL = {
  container_up: 1,
  container_healthy: 1,
  container_restarts_total: 2,
  container_restarting: 0,
  container_oom_killed: 0,
  container_start_time_seconds: Date.UTC(2025, 0, 1, 12, 0, 0, 500) / 1000,
  container_memory_working_set_bytes: 2000,
  container_cpu_usage_seconds_total: 2.5,
};

async function readOne(state: object, stats: object = STATS) {
  const answers = {
    json: [listed("api")],
    "id-api/json": inspected(state),
    "id-api/stats": stats,
  };
  return valuesOf((await readAll(answers, ["api"])).services, "api");
}

describe("a reading", () => {
  test("has the state, the start, and what is in use", async () => {
    expect(await readOne({ Health: { Status: "healthy" } })).toEqual(ALL);
  });

  test.each<[string, object, number | undefined]>([
    ["healthy", { Health: { Status: "healthy" } }, 1],
    ["unhealthy", { Health: { Status: "unhealthy" } }, 0],
    ["not known while it starts", { Health: { Status: "starting" } }, undefined],
    ["not known without a HEALTHCHECK", {}, undefined],
    ["not known where Podman writes null", { Health: null }, undefined],
    [
      "not known once it was stopped, which Docker calls unhealthy",
      { Running: false, Health: { Status: "unhealthy" } },
      undefined,
    ],
  ])("is %s", async (_, state, isHealthy) => {
    expect((await readOne(state))["container_healthy"]).toBe(isHealthy);
  });

  test("of one that never ran has no start and no use", async () => {
    const reading = await readOne({ Running: false, StartedAt: "0001-01-01T00:00:00Z" });
    expect(reading).toEqual({
      container_up: 0,
      container_restarts_total: 2,
      container_restarting: 0,
      container_oom_killed: 0,
    });
  });

  test("leaves out what the engine does not count, and is never below zero", async () => {
    expect(await readOne({}, {})).not.toHaveProperty("container_memory_working_set_bytes");
    const cached = { memory_stats: { usage: 10, stats: { total_inactive_file: 20 } } };
    expect(await readOne({}, cached)).toMatchObject({ container_memory_working_set_bytes: 0 });
  });
});

describe("one odd container hides no other", () => {
  const well = {
    "id-web/json": inspected({}),
    "id-web/stats": STATS,
  };
  const heal = { "sentinel.heal": "true" };
  const { container_healthy: _, ...WEB } = ALL;
  const USE = /^container_(memory|cpu)/;

  test("its use is not told", async () => {
    const { services, problems } = await readAll({
      json: [listed("api", heal), listed("web", heal)],
      "id-api/json": inspected({}),
      "id-api/stats": new Response(""),
      ...well,
    });
    const api = valuesOf(services, "api");
    expect(api).toMatchObject({ container_up: 1 });
    expect(Object.keys(api).filter((name) => USE.test(name))).toEqual([]);
    expect(valuesOf(services, "web")).toEqual(WEB);
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
    const json = [listed("api", heal), listed("web", heal)];
    const { services, found, problems } = await readAll({ json, ...answers, ...well }, [], 1000);
    expect(services.map(({ service }) => service)).toEqual(["web"]);
    expect(valuesOf(services, "web")).toEqual(WEB);
    // It is still watched: its alerts have no data.
    expect(found).toEqual(["api", "web"]);
    expect(problems).toMatchObject([{ service: "api" }]);
    expect(problems[0]?.why).toEndWith(why);
  });

  test("what 200 of 500 use is never told: their states are, in time", async () => {
    const names = Array.from({ length: 500 }, (_, at) => `c${at}`);
    const labels = (at: number) => (at % 2 === 0 ? heal : {});
    const answers = {
      json: names.map((name, at) => listed(name, labels(at))),
      ...Object.fromEntries(names.map((name) => [`id-${name}/json`, inspected({})])),
      ...Object.fromEntries(
        names.map((name) => [`id-${name}/stats`, () => new Promise<Response>(() => {})]),
      ),
    };
    const { services, found, problems } = await readAll(answers, [], 3000);
    expect(services).toHaveLength(200);
    const told = services.flatMap(({ samples }) => samples.map(({ name }) => name));
    expect(told.filter((name) => USE.test(name))).toEqual([]);
    expect(found).toHaveLength(200);
    // 250 wear the label.
    expect(problems).toHaveLength(50);
  });

  test("an engine that goes away after its list is no problem of the containers", async () => {
    const answers = {
      json: [listed("web", heal)],
      "id-web/json": () => new Promise<Response>(() => {}),
    };
    await expect(readAll(answers, [], 500)).rejects.toThrow("no answer from the Docker engine");
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
  const { services, found } = await readAll(answers, ["named", "nobody"]);
  expect(services.map(({ service }) => service)).toEqual(["named", "labelled"]);
  expect(found).toEqual(["labelled"]);
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
