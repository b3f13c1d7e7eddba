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
  container_oom_events_total: 0,
  container_start_time_seconds: Date.UTC(2025, 0, 1, 12, 0, 0, 500) / 1000,
  container_memory_working_set_bytes: 2000,
  container_cpu_usage_seconds_total: 2.5,
  container_spec_cpu_period: 100_000,
  container_spec_memory_limit_bytes: 0,
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
      container_oom_events_total: 0,
      container_spec_cpu_period: 100_000,
      container_spec_memory_limit_bytes: 0,
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

describe("what a container uses, and may use", () => {
  const limited = (hostConfig: object) => ({
    json: [listed("api")],
    "id-api/json": { ...inspected({}), HostConfig: hostConfig },
    "id-api/stats": {
      ...STATS,
      cpu_stats: {
        ...STATS.cpu_stats,
        throttling_data: { periods: 10, throttled_periods: 4, throttled_time: 500_000_000 },
      },
      pids_stats: { current: 7 },
      blkio_stats: {
        io_service_bytes_recursive: [
          { op: "Read", value: 100 },
          { op: "read", value: 20 },
          { op: "Write", value: 3 },
          { op: "Total", value: 123 },
        ],
      },
      networks: {
        eth0: { rx_bytes: 11, tx_bytes: 12, rx_errors: 0, tx_errors: 1 },
        eth1: { rx_bytes: 21, tx_bytes: 22, rx_errors: 0, tx_errors: 0 },
      },
    },
  });

  test("has cAdvisor's names", async () => {
    const { services } = await readAll(limited({ NanoCpus: 1_500_000_000, Memory: 4096 }), ["api"]);
    expect(valuesOf(services, "api")).toMatchObject({
      container_spec_cpu_quota: 150_000,
      container_spec_cpu_period: 100_000,
      container_spec_memory_limit_bytes: 4096,
      container_cpu_cfs_periods_total: 10,
      container_cpu_cfs_throttled_periods_total: 4,
      container_cpu_cfs_throttled_seconds_total: 0.5,
      container_processes: 7,
      container_fs_reads_bytes_total: 120,
      container_fs_writes_bytes_total: 3,
    });
    const received = services[0]?.samples.filter(
      ({ name }) => name === "container_network_receive_bytes_total",
    );
    expect(received?.map(({ labels, value }) => [labels["interface"], value])).toEqual([
      ["eth0", 11],
      ["eth1", 21],
    ]);
  });

  test.each([
    ["a quota and a period", { CpuQuota: 20_000, CpuPeriod: 50_000 }, 20_000],
    ["none", { CpuQuota: 0, CpuPeriod: 0, NanoCpus: 0 }, undefined],
    ["none, as -1", { CpuQuota: -1 }, undefined],
  ])("a CPU limit of %s", async (_, hostConfig, quota) => {
    const { services } = await readAll(limited(hostConfig), ["api"]);
    expect(valuesOf(services, "api")["container_spec_cpu_quota"]).toBe(quota);
  });

  test("one that has ended has an exit code, and what it used is over", async () => {
    const ended = await readOne({ Running: false, ExitCode: 137 });
    expect(ended).toMatchObject({ container_up: 0, container_exit_code: 137 });
    expect(ended).not.toHaveProperty("container_cpu_usage_seconds_total");
    expect(await readOne({ ExitCode: 0 })).not.toHaveProperty("container_exit_code");
  });
});

describe("a container is inspected again when its entry of the list has changed", () => {
  /** Polls it as the list says it is, and counts the inspections. */
  async function polls(...states: readonly { status: string; state?: object; count?: number }[]) {
    let inspections = 0;
    let [now] = states;
    await using engine = await fakeEngine({
      json: () => [{ ...listed("api"), State: "running", Status: now?.status }],
      "id-api/json": () => {
        inspections += 1;
        return { ...inspected(now?.state ?? {}), RestartCount: now?.count ?? 0 };
      },
      "id-api/stats": STATS,
    });
    const series = containerSeries({ api: engine.api });
    const oomEvents: (number | undefined)[] = [];
    for (now of states) {
      const { services } = await series({ services: ["api"], deadlineMs: 5000 }, NEVER);
      oomEvents.push(valuesOf(services, "api")["container_oom_events_total"]);
    }
    return { inspections, oomEvents };
  }
  const hours = { status: "Up 2 hours (healthy)" };

  test.each([
    ["not while it stays as it is", [hours, hours, hours], 1],
    ["when its health changes", [hours, { status: "Up 2 hours (unhealthy)" }], 2],
    ["each time while it is younger than a minute", Array(3).fill({ status: "Up 9 seconds" }), 3],
    ["each time where the list does not say", Array(3).fill({ status: "" }), 3],
    ["now and then, for what the list never says", Array(14).fill(hours), 2],
  ])("%s", async (_, states, expected) => {
    expect((await polls(...states)).inspections).toBe(expected);
  });

  test("each start after an OOM kill is one more, and what was before is not known", async () => {
    const young = { status: "Up 1 second" };
    const { oomEvents } = await polls(
      { ...young, state: { OOMKilled: true }, count: 1 },
      { ...young, state: { OOMKilled: true }, count: 1 },
      { ...young, state: { OOMKilled: true }, count: 3 },
      { ...young, state: { OOMKilled: false }, count: 3 },
      { ...young, state: { OOMKilled: true }, count: 4 },
    );
    expect(oomEvents).toEqual([0, 0, 2, 2, 3]);
  });
});
