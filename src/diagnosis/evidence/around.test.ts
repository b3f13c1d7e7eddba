/** Who is beside a service, how much it is asked for, and its signals on one axis. */

import { describe, expect, test } from "bun:test";
import { rule } from "../../../test/support/fixtures.ts";
import type { ContainerBeside, ContainerSetup } from "../../core/evidence.ts";
import type { Labels, Sample } from "../../core/model.ts";
import { foldLog } from "./log-templates.ts";
import { neighboursOf } from "./neighbours.ts";
import { signalQueries, timelineOf } from "./timeline.ts";
import { counterOf, countersQuery, requestsQuery, trafficOf, trafficQuery } from "./traffic.ts";

describe("neighbours", () => {
  const beside = (name: string, changes: Partial<ContainerBeside> = {}): ContainerBeside => ({
    name,
    aliases: [],
    status: "running",
    state: "up 5 minutes",
    isOneShot: false,
    networks: ["bridge"],
    project: undefined,
    ...changes,
  });
  const SETUP: ContainerSetup = {
    containerId: "a",
    createdAtMs: undefined,
    image: "",
    imageId: "",
    commandHash: "",
    mountsHash: "",
    environment: new Map(),
    limits: {},
    networks: ["bridge", "net"],
    project: "shop",
    needs: ["db"],
    namedHosts: ["cache"],
  };
  const ended = { status: "exited", state: "exited (1) 2 minutes ago" };
  const of = (all: readonly ContainerBeside[], line = "", alerting: readonly string[] = []) =>
    neighboursOf({
      service: "api",
      setup: SETUP,
      beside: [beside("api"), ...all],
      alerting: new Map(alerting.map((name) => [name, ["HighCpu"]])),
      log: foldLog([{ text: line }]),
    }).told.map(({ name, relations, sickness }) => `${name} ${relations.join("+")}: ${sickness}`);

  test.each([
    [
      "by Compose",
      beside("shop-db-1", { aliases: ["db"], project: "shop", ...ended }),
      "depends_on: it is exited (1) 2 minutes ago",
    ],
    ["by its environment", beside("cache", ended), "environment: it is exited (1) 2 minutes ago"],
    ["by a network", beside("b", { networks: ["net"] }), "network: undefined"],
    ["in its errors", beside("queue"), "log: undefined"],
    [
      "unhealthy",
      beside("cache", { state: "up 5 minutes (unhealthy)" }),
      "environment: its health check fails",
    ],
    ["paused", beside("cache", { status: "paused" }), "environment: it is paused"],
    [
      "a job that has ended well",
      beside("cache", { ...ended, isOneShot: true }),
      "environment: undefined",
    ],
  ])("one that is named %s", (_, one, expected) => {
    expect(of([one], "connect to queue:5672 failed")).toEqual([`${one.name} ${expected}`]);
  });

  test("one that it needs and that is on no network with it is apart", () => {
    const all = [beside("cache"), beside("db", { networks: ["net"] })];
    const given = { service: "api", beside: all, alerting: new Map(), log: undefined };
    const of = (networks: readonly string[]) =>
      neighboursOf({
        ...given,
        setup: { ...SETUP, networks, namedHosts: ["cache", "db"] },
      }).told.map(({ name, isApart }) => `${name} ${isApart}`);
    expect(of(["net"])).toEqual(["cache true", "db undefined"]);
    expect(of(["bridge"])).toEqual(["cache undefined", "db undefined"]);
  });

  test("one of another project, on the bridge, in the midst of a word, is nobody", () => {
    const others = [
      beside("x-db-1", { aliases: ["db"], project: "other", ...ended }),
      beside("que", ended),
      beside("in", ended),
    ];
    expect(of(others, "connect to queue in vain failed")).toEqual([]);
  });

  test("one of which alerts fire is told of, whatever it has to do with it", () => {
    expect(of([beside("other")], "", ["other"])).toEqual(["other : HighCpu fires"]);
  });

  test("those that it needs and that are sick are first", () => {
    const all = [beside("b", { networks: ["net"] }), beside("cache"), beside("queue", ended)];
    expect(of(all, "queue failed").map((text) => text.split(" ")[0])).toEqual([
      "queue",
      "cache",
      "b",
    ]);
  });

  test("more than fit are counted", () => {
    const all = Array.from({ length: 40 }, (_, at) => beside(`n${at}`, { networks: ["net"] }));
    const given = {
      service: "api",
      setup: SETUP,
      beside: all,
      alerting: new Map(),
      log: undefined,
    };
    const { told, leftOut } = neighboursOf(given);
    expect(told.length + leftOut).toBe(40);
    expect(leftOut).toBeGreaterThan(0);
  });
});

describe("traffic", () => {
  const rate = (value: number, labels: Labels): Sample => ({ labels, value, timestampMs: 0 });

  test("is counted by the best counter of any convention", () => {
    const named = (name: string) => rate(1, { __name__: name });
    expect(countersQuery('job="a"')).toMatch(
      /^count by \(__name__\) \(last_over_time\(\{__name__=~"http_requests_total\|.*",job="a"\}\[10m\]\)\)$/,
    );
    const both = [named("http_request_duration_seconds_count"), named("http_requests_total")];
    expect(counterOf(both)).toBe("http_requests_total");
    expect(counterOf([named("http_server_requests_seconds_count")])).toBe(
      "http_server_requests_seconds_count",
    );
    expect(counterOf([named("up")])).toBeUndefined();
  });

  test("is asked for by route and status, now and before", () => {
    const asked = { counter: "http_requests_total", selector: 'job="a"', windowMs: 20_000 };
    const now = trafficQuery({ ...asked, agoMs: 0 });
    expect(now).toStartWith("sum by (route,");
    expect(now).toEndWith('(rate(http_requests_total{job="a"}[20s]))');
    expect(trafficQuery({ ...asked, agoMs: 60_400 })).toEndWith("[20s] offset 60s))");
  });

  test("has the names of any convention, errors first, and no probes", () => {
    const traffic = trafficOf(
      [
        rate(5, { handler: "/a", code: "200" }),
        rate(1, { uri: "/b", outcome: "SERVER_ERROR" }),
        rate(2, { path: "/a", status_code: "503" }),
        rate(9, { route: "/health", status: "200" }),
        rate(9, { route: "/metrics", status: "200" }),
        rate(NaN, { route: "/c", status: "200" }),
      ],
      [rate(4, { handler: "/a", code: "200" })],
    );
    expect(traffic).toMatchObject({ now: 8, before: 4, known: { now: 7, before: 4 }, leftOut: 0 });
    expect(traffic?.routes.map(({ route, status }) => `${route} ${status}`)).toEqual([
      "/a 503",
      "/b SERVER_ERROR",
      "/a 200",
    ]);
  });

  test("a service that does not tell now has no rate of now, and one that does has 0", () => {
    const before = [rate(4, { route: "/a" })];
    expect(trafficOf([], before)).toMatchObject({ now: undefined, before: 4, known: undefined });
    expect(trafficOf([rate(0, { route: "/a" })], before)).toMatchObject({ now: 0, before: 4 });
  });

  test("all of it is asked for without probes, whatever the route is called", () => {
    const expr = requestsQuery({ counter: "c", selector: 'job="a"', windowMs: 4000 });
    expect(expr).toStartWith('sum(rate(c{job="a",route!~"/(?:-/)?');
    expect(expr).toEndWith("[4s]))");
  });

  test("nothing at all is nothing known", () => {
    expect(trafficOf([], undefined)).toBeUndefined();
    expect(trafficOf([rate(1, { route: "/a" })], undefined)).toMatchObject({ before: undefined });
  });

  test("more routes than fit are counted", () => {
    const routes = Array.from({ length: 100 }, (_, at) => rate(1, { route: `/${at}` }));
    const { routes: told = [], leftOut = 0 } = trafficOf(routes, undefined) ?? {};
    expect(told.length + leftOut).toBe(100);
  });
});

describe("the timeline", () => {
  const axis = { stepMs: 1000, toMs: 100_000, onsetMs: 90_000, startedAtMs: undefined };
  const query = { name: "a", expr: "a", measures: "other" } as const;
  const series = (...values: readonly number[]) => ({
    labels: {},
    points: values.map((value, at) => ({ value, timestampMs: 5000 + at * 1000 })),
  });

  test("has each signal before the onset and now, by the source's own clock", () => {
    const values = Array.from({ length: 30 }, (_, at) => (at < 20 ? 1 : at));
    const { signals } = timelineOf([{ query, series: [series(...values)] }], axis, 0);
    expect(signals).toHaveLength(1);
    expect(signals[0]).toMatchObject({ before: 1, now: 29 });
    expect(signals[0]?.values).toHaveLength(60);
  });

  test("sums what is used, and takes the greatest of the rest", () => {
    const cpu = { name: "c", expr: "c", measures: "cpu_cores" } as const;
    const both = [series(1, 2), series(3, 4)];
    const { signals } = timelineOf(
      [
        { query, series: both },
        { query: cpu, series: both },
      ],
      axis,
      0,
    );
    expect(signals.map(({ now }) => now)).toEqual([4, 6]);
  });

  test("leaves out what was never measured, and infinities", () => {
    const given = [
      { query, series: [] },
      { query, series: [series(Infinity, NaN)] },
    ];
    expect(timelineOf(given, axis, 0).signals).toEqual([]);
  });

  test("asks for each rule's signal once, and knows what it measures", () => {
    const signal = (expr: string) => rule({ signal: { expr, operator: ">", threshold: 1 } });
    const { queries } = signalQueries({
      rules: [
        signal("rate(process_cpu_seconds_total[20s])"),
        signal("rate(process_cpu_seconds_total[20s])"),
        signal("process_resident_memory_bytes"),
        signal("container_memory_working_set_bytes / container_spec_memory_limit_bytes"),
        rule({ signal: undefined }),
      ],
      service: 'a"b',
      windowMs: 20_000,
      requests: "r",
    });
    expect(queries.map(({ measures }) => measures)).toEqual([
      "requests",
      "cpu_cores",
      "memory_bytes",
      "other",
      "cpu_cores",
      "memory_bytes",
    ]);
    expect(queries.at(-1)?.expr).toBe('container_memory_working_set_bytes{container="a\\"b"}');
  });

  test("more signals than are asked for are counted", () => {
    const rules = Array.from({ length: 40 }, (_, at) =>
      rule({ signal: { expr: `m${at}`, operator: ">", threshold: 1 } }),
    );
    const { queries, leftOut } = signalQueries({
      rules,
      service: "a",
      windowMs: 1000,
      requests: undefined,
    });
    expect(queries.length + leftOut).toBe(42);
  });
});
