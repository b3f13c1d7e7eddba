/** An answer far dearer than its bytes say: it is refused by name, and costs neither memory nor time. */

import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startObserving } from "../support/observing.ts";
import { waitedForCpuMs } from "../target/process.ts";
import { residentMb, watchHealth } from "../bounds/watching.ts";
import { manyRows, vectorOf } from "../support/servers/prometheus.ts";

const RULES = `groups:
  - name: mine
    rules:
      - alert: TooMany
        expr: huge > 0
      - alert: Plain
        expr: plain > 0
        labels: { severity: low }
`;

test("B6: 200,000 rows for one rule are refused by name, and the others go on", async () => {
  const rows = JSON.stringify({ status: "success", data: manyRows(200_000) });
  await using prometheus = serve((query) =>
    query.includes("huge") ? new Response(rows) : undefined,
  );
  const folder = mkdtempSync(join(tmpdir(), "sentinel-b6-"));
  writeFileSync(join(folder, "rules.yml"), RULES);
  await using observer = startObserving({
    cwd: folder,
    env: { PROMETHEUS_URL: prometheus.url, RULES_FILE: "rules.yml", COOLDOWN_SECONDS: "60" },
  });
  const missing = await observer.event(
    (one) => JSON.stringify(one).includes(`"TooMany"`) && one["event"] === "alert_changed",
  );
  expect(JSON.stringify(missing)).toContain("answered with more than 50000 rows");
  // Fires, though it belongs to none of the services.
  const other = await observer.event(({ event }) => event === "alert_unowned");
  expect(JSON.stringify(other)).toContain(`"Plain"`);

  const [health = ""] = (await observer.notice("health")).split("/ready");
  await using watching = watchHealth(health, observer.pid);
  const beforeMb = residentMb(observer.pid);
  await Bun.sleep(5000);
  const { slowestMs, mostMb } = await watching.worst();
  expect(slowestMs).toBeLessThan(250);
  expect(mostMb - beforeMb).toBeLessThan(150);
  // Told once, though it is asked at each poll.
  const told = observer.events().filter((one) => JSON.stringify(one).includes("50000 rows"));
  expect(told.length).toBe(1);
  expect(observer.events().some(({ event }) => event === "source_down")).toBe(false);
}, 60_000);

const LABEL_SETS = 50_000;
const WATCHED_S = 10;

test("B6: 50,000 label sets that fire at a 1 s poll leave the loop on time", async () => {
  const result = Array.from({ length: LABEL_SETS }, (_, index) => ({
    metric: { job: "sentinel-target-api", instance: "a:1", path: `/items/${index}` },
    value: [1_700_000_000, "1"],
  }));
  const data = { resultType: "vector", result };
  const rows = JSON.stringify({ status: "success", data });
  await using prometheus = serve((query) => (query === "many" ? new Response(rows) : undefined));
  const folder = mkdtempSync(join(tmpdir(), "sentinel-b6-"));
  const rule = { alert: "Many", expr: "many > 0", labels: { severity: "low" } };
  const groups = [{ name: "mine", rules: [rule] }];
  writeFileSync(join(folder, "rules.yml"), JSON.stringify({ groups }));
  await using observer = startObserving({
    cwd: folder,
    env: { PROMETHEUS_URL: prometheus.url, RULES_FILE: "rules.yml", COOLDOWN_SECONDS: "60" },
  });
  const [health = ""] = (await observer.notice("health")).split("/ready");
  // Told in few lines.
  const more = await observer.event(({ event }) => event === "more_alerts_changed", 30_000);
  expect(more).toMatchObject({ alertname: "Many", state: "firing", count: LABEL_SETS - 10 });
  await observer.event(
    ({ event }) => event === "approval_requested" || event === "incident_closed",
  );

  await using watching = watchHealth(health, observer.pid);
  const before = await pollsOf(health);
  const waitedBeforeMs = waitedForCpuMs(observer.pid);
  await Bun.sleep(WATCHED_S * 1000);
  const polls = (await pollsOf(health)) - before;
  const { slowestMs, mostMb } = await watching.worst();
  console.log(`${polls} polls in ${WATCHED_S} s, health within ${slowestMs} ms, ${mostMb} MB`);
  expect(polls).toBeGreaterThanOrEqual(WATCHED_S * 0.7);
  // What others took of the processor is not the observer's delay.
  const waitedMs = waitedForCpuMs(observer.pid) - waitedBeforeMs;
  expect(slowestMs - waitedMs).toBeLessThan(2000);
}, 90_000);

async function pollsOf(url: string): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(/^sentinel_polls_total\{outcome="ok"\} (\d+)$/m.exec(page)?.[1]);
}

/** A Prometheus that gives one sample to every query but those of `other`. */
function serve(other: (query: string) => Response | undefined) {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch({ url }) {
      const { pathname, searchParams } = new URL(url);
      if (pathname.endsWith("/targets"))
        return Response.json({ status: "success", data: { activeTargets: [] } });
      const query = searchParams.get("query") ?? "";
      const answer = () => Response.json({ status: "success", data: vectorOf("1") });
      return other(query)?.clone() ?? answer();
    },
  });
  return {
    url: server.url.origin,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}
