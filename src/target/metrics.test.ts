import { describe, expect, test } from "bun:test";
import { FAULT_KINDS, FAULT_OUTCOMES, type FaultKind } from "./fault.ts";
import { createMetrics } from "./metrics.ts";
import { NO_FAULTS } from "../../test/support/target.ts";

const GET_HEALTH = { method: "GET", route: "/health", status: 200 };
const GET_CPU = { method: "GET", route: "/stress/cpu", status: 200 };

/** Series and value of each line that is no comment. */
async function scrape(metrics: ReturnType<typeof createMetrics>): Promise<Map<string, number>> {
  const series = new Map<string, number>();
  for (const line of (await metrics.render()).split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const end = line.lastIndexOf(" ");
    series.set(line.slice(0, end), Number(line.slice(end + 1)));
  }
  return series;
}

describe("metrics", () => {
  test("expected series are there, at zero, before their first request", async () => {
    const series = await scrape(createMetrics("1.2.3", [GET_HEALTH, GET_CPU], NO_FAULTS));
    const labels = 'method="GET",route="/stress/cpu",status="200"';
    expect(series.get(`http_requests_total{${labels}}`)).toBe(0);
    expect(series.get(`http_request_duration_seconds_count{${labels}}`)).toBe(0);
    expect(series.get(`http_request_duration_seconds_bucket{le="60",${labels}}`)).toBe(0);
  });

  test("requests are counted and timed, in cumulative buckets", async () => {
    const metrics = createMetrics("1.2.3", [], NO_FAULTS);
    metrics.record({ ...GET_CPU, durationS: 30 });
    metrics.record({ ...GET_CPU, durationS: 30.001 });
    const labels = 'method="GET",route="/stress/cpu",status="200"';
    for (const round of ["first", "second"]) {
      const series = await scrape(metrics);
      const bucket = (le: string) =>
        series.get(`http_request_duration_seconds_bucket{le="${le}",${labels}}`);
      expect([round, bucket("15"), bucket("30"), bucket("60")]).toEqual([round, 0, 1, 2]);
      expect(series.get(`http_requests_total{${labels}}`)).toBe(2);
    }
  });

  test("probes and scrapes are counted but not timed", async () => {
    const metrics = createMetrics("1.2.3", [], NO_FAULTS);
    metrics.record({ ...GET_HEALTH, durationS: 1 });
    metrics.record({ ...GET_HEALTH, route: "/metrics", durationS: 1 });
    const names = [...(await scrape(metrics)).keys()];
    expect(names).toContain('http_requests_total{method="GET",route="/health",status="200"}');
    expect(names.filter((name) => name.startsWith("http_request_duration_seconds"))).toEqual([]);
  });

  test("methods that a client makes up share one series", async () => {
    const metrics = createMetrics("1.2.3", [], NO_FAULTS);
    for (const method of ["BREW", "get", "PROPFIND"]) {
      metrics.record({ method, route: "unmatched", status: 404, durationS: 0 });
    }
    const series = await scrape(metrics);
    const labels = 'method="_OTHER",route="unmatched",status="404"';
    expect(series.get(`http_requests_total{${labels}}`)).toBe(3);
  });

  test("only process figures that are right are exported", async () => {
    const series = await scrape(createMetrics("1.2.3", [], NO_FAULTS));
    const names = [...series.keys()]
      .map((name) => name.replace(/\{.*/, ""))
      .filter((name) => !/^sentinel_(fault|token)/.test(name))
      .sort();
    expect(names).toEqual([
      "nodejs_eventloop_lag_max_seconds",
      "nodejs_eventloop_lag_mean_seconds",
      "nodejs_eventloop_lag_p50_seconds",
      "nodejs_eventloop_lag_p90_seconds",
      "nodejs_eventloop_lag_p99_seconds",
      "process_cpu_seconds_total",
      "process_cpu_system_seconds_total",
      "process_cpu_user_seconds_total",
      "process_max_fds",
      "process_open_fds",
      "process_resident_memory_bytes",
      "process_start_time_seconds",
      "sentinel_build_info",
    ]);
    for (const [name, value] of series)
      expect([name, Number.isFinite(value)]).toEqual([name, true]);
    expect(series.get(`sentinel_build_info{version="1.2.3",bun_version="${Bun.version}"}`)).toBe(1);
    const rssBytes = process.memoryUsage.rss();
    expect(series.get("process_resident_memory_bytes")).toBeWithin(rssBytes / 2, rssBytes * 2);
    expect(series.get("process_start_time_seconds")).toBeLessThan(Date.now() / 1000);
  });

  test("the loop's lag shows a blocked loop, and never nonsense", async () => {
    const metrics = createMetrics("1.2.3", [], NO_FAULTS);
    // Bun has one such histogram for the whole process: other tests are in it.
    for (const [name, value] of await scrape(metrics)) {
      if (name.startsWith("nodejs_eventloop_lag")) expect(value).toBeWithin(0, 60);
    }
    await Bun.sleep(60);
    const endMs = performance.now() + 200;
    while (performance.now() < endMs);
    await Bun.sleep(150);
    const lagS = (await scrape(metrics)).get("nodejs_eventloop_lag_max_seconds");
    expect(lagS).toBeWithin(0.15, 5);
  });

  test("the format is the text format 0.0.4", () => {
    expect(createMetrics("1.2.3", [], NO_FAULTS).contentType).toStartWith(
      "text/plain; version=0.0.4",
    );
  });

  test("every kind of fault has its series from the start, at zero", async () => {
    const series = await scrape(createMetrics("1.2.3", [], NO_FAULTS));
    for (const kind of FAULT_KINDS) {
      expect(series.get(`sentinel_fault_active{kind="${kind}"}`)).toBe(0);
      expect(series.get(`sentinel_faults_started_total{kind="${kind}"}`)).toBe(0);
      for (const outcome of FAULT_OUTCOMES) {
        const labels = `kind="${kind}",outcome="${outcome}"`;
        expect(series.get(`sentinel_faults_ended_total{${labels}}`)).toBe(0);
      }
      // A ratio of nothing would be a lie.
      expect(series.has(`sentinel_fault_effect_ratio{kind="${kind}"}`)).toBe(false);
    }
  });

  test("faults are counted by kind and outcome, with the effect of the last one", async () => {
    const counts = (kind: FaultKind) => ({
      started: kind === "cpu" ? 3 : 0,
      active: kind === "cpu" ? 1 : 0,
      ended: { completed: 0, expired: kind === "cpu" ? 2 : 0, cancelled: 0, failed: 0 },
      effectRatio: kind === "cpu" ? 0.98 : undefined,
    });
    const metrics = createMetrics("1.2.3", [], { counts });
    for (const round of ["first", "second"]) {
      const series = await scrape(metrics);
      expect([round, series.get('sentinel_fault_active{kind="cpu"}')]).toEqual([round, 1]);
      expect(series.get('sentinel_faults_started_total{kind="cpu"}')).toBe(3);
      expect(series.get('sentinel_faults_ended_total{kind="cpu",outcome="expired"}')).toBe(2);
      expect(series.get('sentinel_fault_effect_ratio{kind="cpu"}')).toBe(0.98);
    }
  });
});
