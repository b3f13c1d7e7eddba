/**
 * The API's own parts: bounds, rules, alerts, targets, and who may ask. All else is compared with a
 * real Prometheus in test/promql/api.test.ts.
 */

import { describe, expect, test } from "bun:test";
import { alert, rule, START_MS } from "../../test/fixtures.ts";
import { load } from "../../test/promql-series.ts";
import type { Alert } from "../core/model.ts";
import { type ApiSources, prometheusApi, type TargetStatus } from "./prometheus-api.ts";
import { serveDashboard } from "./server.ts";

const AT_S = 100;

function sources(changes: Partial<ApiSources> = {}): ApiSources {
  return {
    store: load('up{job="a"} 1x20\nup{job="b"} 0x20\nrequests_total{job="a"} 0+10x20'),
    nowMs: () => AT_S * 1000,
    ruleGroups: () => [],
    targets: () => [],
    version: "1.2.3",
    ...changes,
  };
}

async function get(path: string, given = sources(), init: RequestInit = {}) {
  const request = new Request(`http://localhost/api/v1/${path}`, init);
  const response = await prometheusApi(given).handle(request);
  return { status: response.status, answer: await response.json() };
}

describe("what a query costs is bounded", () => {
  test.each<[string, string]>([
    ["points of a series", "query_range?query=up&start=0&end=11001&step=1"],
    ["the length of a query", `query?query=${"1%2B".repeat(6000)}1`],
    ["the form", "query"],
  ])("%s", async (_, path) => {
    const body = new URLSearchParams({ query: `"${"x".repeat(70_000)}"` });
    const init = path === "query" ? { method: "POST", body } : {};
    const { status, answer } = await get(path, sources(), init);
    expect(status).toBe(400);
    expect(answer).toMatchObject({ status: "error", errorType: "bad_data" });
  });

  test("11,000 points are not too many", async () => {
    expect((await get("query_range?query=up&start=0&end=11000&step=1")).status).toBe(200);
  });

  test("time: what takes longer than it may is given up", async () => {
    const expr = "sum_over_time(sum(sin(requests_total))[200m:10ms])";
    const { status, answer } = await get(
      `query?query=${encodeURIComponent(expr)}&time=200&timeout=1ms`,
    );
    expect(status).toBe(503);
    expect(answer).toMatchObject({ status: "error", errorType: "timeout" });
  });

  test("samples: what touches too many is refused", async () => {
    const expr = "count_over_time(vector(1)[100d:10ms])";
    const { status, answer } = await get(`query?query=${encodeURIComponent(expr)}`);
    expect([422, 503]).toContain(status);
    expect(answer.status).toBe("error");
  });
});

test("without a time a query is about the present", async () => {
  const { answer } = await get('query?query=requests_total{job="a"}');
  expect(answer.data.result).toEqual([
    { metric: { __name__: "requests_total", job: "a" }, value: [AT_S, "100"] },
  ]);
});

test.each<[string, string, number]>([
  ["an unknown endpoint", "nope", 404],
  ["a label without a name", "label//values", 404],
  ["the root", "", 404],
])("%s is an error in Prometheus' form", async (_, path, status) => {
  const found = await get(path);
  expect(found.status).toBe(status);
  expect(found.answer).toEqual({
    status: "error",
    errorType: "not_found",
    error: "no such endpoint",
  });
});

test.each(["PUT", "DELETE", "PATCH"])(
  "%s changes nothing, for there is nothing to",
  async (method) => {
    expect((await get("query?query=up", sources(), { method })).status).toBe(404);
  },
);

describe("rules and alerts", () => {
  const quiet = rule({ alert: "HighMemory", forMs: 5000, keepFiringForMs: 1000 });
  const firing = alert({ labels: { alertname: "HighCpu", job: "a" }, activeAtMs: START_MS });
  const group = (alerts: readonly Alert[]) =>
    sources({
      ruleGroups: () => [
        {
          name: "sentinel-a",
          intervalMs: 5000,
          rules: [firing.rule, quiet],
          alerts,
          lastEvaluationMs: START_MS,
        },
      ],
    });

  test("are told with their state and their active alerts", async () => {
    const { answer } = await get("rules", group([firing]));
    const [only] = answer.data.groups;
    expect(only).toMatchObject({ name: "sentinel-a", interval: 5, lastEvaluation: iso(START_MS) });
    expect(only.rules).toMatchObject([
      { name: "HighCpu", state: "firing", health: "ok", type: "alerting", query: "cpu > 0.5" },
      { name: "HighMemory", state: "inactive", health: "unknown", duration: 5, keepFiringFor: 1 },
    ]);
    expect(only.rules[0].alerts).toEqual([
      {
        labels: { alertname: "HighCpu", job: "a" },
        annotations: { summary: "CPU use is 1.9 cores" },
        state: "firing",
        activeAt: iso(START_MS),
        value: "1.9e+00",
      },
    ]);
    expect((await get("alerts", group([firing]))).answer.data.alerts).toHaveLength(1);
  });

  test("without data is no active alert, and says why", async () => {
    const missing = alert({ state: "no_data", noDataReason: "there are no samples" });
    const given = group([{ ...missing, rule: firing.rule }]);
    const { answer } = await get("rules", given);
    expect(answer.data.groups[0].rules[0]).toMatchObject({
      state: "inactive",
      alerts: [],
      lastError: "there are no samples",
    });
    expect((await get("alerts", given)).answer.data.alerts).toEqual([]);
  });

  test("of recording there are none", async () => {
    expect((await get("rules?type=record", group([]))).answer.data.groups).toEqual([]);
    expect((await get("rules?type=alert", group([]))).answer.data.groups).toHaveLength(1);
  });
});

test("targets are told with their last scrape, and one that was not scraped yet", async () => {
  const target: TargetStatus = {
    labels: { job: "a", instance: "localhost:1" },
    url: "http://localhost:1/metrics",
    health: "down",
    lastError: "cannot be reached",
    lastScrapeMs: START_MS,
    lastScrapeDurationMs: 250,
    intervalMs: 5000,
    timeoutMs: 1500,
  };
  const unknown = { health: "unknown", lastScrapeMs: undefined, lastScrapeDurationMs: undefined };
  const given = sources({ targets: () => [target, { ...target, ...unknown } as TargetStatus] });
  const { answer } = await get("targets", given);
  expect(answer.data.droppedTargets).toEqual([]);
  expect(answer.data.activeTargets).toMatchObject([
    {
      scrapePool: "a",
      scrapeUrl: target.url,
      health: "down",
      lastError: "cannot be reached",
      lastScrape: iso(START_MS),
      lastScrapeDuration: 0.25,
      scrapeInterval: "5s",
      scrapeTimeout: "1500ms",
    },
    { health: "unknown", lastScrape: "0001-01-01T00:00:00Z", lastScrapeDuration: 0 },
  ]);
  expect((await get("targets?state=dropped", given)).answer.data.activeTargets).toEqual([]);
});

test("the build says which Prometheus it is like, and which Sentinel it is", async () => {
  expect((await get("status/buildinfo")).answer.data).toMatchObject({
    version: "3.5.3",
    revision: "sentinel 1.2.3",
  });
});

describe("on a socket", () => {
  test("it is on the loopback alone, and answers by the names of this machine", async () => {
    const dashboard = serveDashboard(sources(), 0);
    try {
      expect(dashboard.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      const port = new URL(dashboard.url).port;
      for (const host of ["127.0.0.1", "localhost", "host.docker.internal", "[::1]"])
        expect(await statusFor(dashboard.url, `${host}:${port}`)).toBe(200);
      for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"])
        expect(await statusFor(dashboard.url, `${host}:${port}`)).toBe(403);
    } finally {
      await dashboard.close();
    }
  });

  test("a port that is taken is named, with the key to set", async () => {
    const first = serveDashboard(sources(), 0);
    try {
      const port = Number(new URL(first.url).port);
      expect(() => serveDashboard(sources(), port)).toThrow(
        `cannot listen on 127.0.0.1:${port}: the port is taken`,
      );
    } finally {
      await first.close();
    }
  });
});

async function statusFor(url: string, host: string): Promise<number> {
  const response = await fetch(`${url}/api/v1/query?query=up`, { headers: { host } });
  return response.status;
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
