/** The same on a real Prometheus: asked for names in one query, with classic histograms and native ones. */

import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderRules } from "../../src/cli/rules.ts";
import { type ObserverSettings, observerSettings } from "../../src/config/config.ts";
import { findSignals } from "../../src/rules/conventions/follow.ts";
import { judgeSignals } from "../../src/rules/conventions/judge.ts";
import { prometheusSource } from "../../src/signals/prometheus/prometheus.ts";
import { describeUnless } from "../support/docker.ts";
import { type Scrape, startRealPrometheus, whyNoPrometheus } from "../support/prometheus.ts";
import { NEVER } from "../support/fixtures.ts";

setDefaultTimeout(60_000);

const SPAN = { window: "5s", quantile: 0.9 };
const DEADLINE_MS = 20_000;

/** Of a hundred requests between two scrapes, 91 fail, and all take 60 ms. */
function startCounting() {
  let scrapes = 0;
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch() {
      scrapes += 1;
      const rows = [
        ["500", 91 * scrapes],
        ["200", 9 * scrapes],
      ] as const;
      const metric = "http_server_duration_milliseconds";
      const lines = rows.flatMap(([code, count]) => {
        const label = `http_status_code="${code}"`;
        return [
          `${metric}_bucket{${label},le="50"} 0`,
          `${metric}_bucket{${label},le="100"} ${count}`,
          `${metric}_bucket{${label},le="+Inf"} ${count}`,
          `${metric}_sum{${label}} ${count * 60}`,
          `${metric}_count{${label}} ${count}`,
        ];
      });
      const page = `# TYPE ${metric} histogram\n${lines.join("\n")}\n`;
      return new Response(page, { headers: { "content-type": "text/plain; version=0.0.4" } });
    },
  });
}

describeUnless(whyNoPrometheus(), "on a Prometheus", () => {
  test.each([
    ["classic", {}, "http_server_duration_milliseconds_bucket"],
    ["native", { isNative: true }, "http_server_duration_milliseconds (native histogram)"],
  ] as const)("%s histograms tell requests, errors and latency", async (_, form, readFrom) => {
    using service = startCounting();
    const scrape: Scrape = { job: "shop", url: service.url.origin, intervalMs: 500, ...form };
    await using prometheus = await startRealPrometheus(scrape);
    const source = prometheusSource({ url: prometheus.url });
    const value = async (expr: string) => (await source.query(expr, NEVER))[0]?.value;
    const untilMs = performance.now() + DEADLINE_MS;
    while (((await value(RATE)) ?? 0) === 0 && performance.now() < untilMs) await Bun.sleep(200);

    const reading = await findSignals({ job: "shop" }, source, NEVER);
    expect(reading?.conventions).toEqual(["opentelemetry-former"]);
    const judged = judgeSignals({ job: "shop" }, reading, SPAN);
    const of = (signal: string) => judged.find((one) => one.signal === signal);
    const exprOf = (signal: string) => {
      const one = of(signal);
      return one !== undefined && "expr" in one ? one.expr : `vector(-1)`;
    };
    expect(of("latency")).toMatchObject({ readFrom });
    expect(await value(exprOf("errorRatio"))).toBeCloseTo(0.91, 3);
    expect(await value(exprOf("requestRate"))).toBeGreaterThan(0);
    const latency = (await value(exprOf("latency"))) ?? Number.NaN;
    expect(latency).toBeGreaterThan(0.05);
    expect(latency).toBeLessThanOrEqual(0.1);

    const printed = await renderRules(settingsOf(prometheus.url));
    expect(printed).toContain("# shop has no HighCpu: no metric tells the CPU time of its process");
    expect(printed).toContain("rate(http_server_duration_milliseconds");
    expect(await promtool(printed)).toBe(0);
  });
});

function settingsOf(url: string): ObserverSettings {
  const env = { PROMETHEUS_URL: url, TARGET_CONTAINER: "shop", TARGET_JOB: "shop" };
  return observerSettings({ env, folder: "/", configFile: { none: true }, isTerminal: false });
}

/** How it ends on a rule file. */
async function promtool(rules: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-conventions-"));
  const path = join(folder, "rules.yml");
  await Bun.write(path, rules);
  const exitCode = await Bun.spawn(["promtool", "check", "rules", path], { stdout: "ignore" })
    .exited;
  await rm(folder, { recursive: true });
  return exitCode;
}

/** Whichever of the two forms there is. */
const RATE =
  "sum(rate(http_server_duration_milliseconds_count[5s])) or sum(histogram_count(rate(http_server_duration_milliseconds[5s])))";
