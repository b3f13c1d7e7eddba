/** Rules, alerts and targets as a real Prometheus tells of them, and as ours does. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { z } from "zod";
import { createMonitor } from "../../src/rules/monitor.ts";
import { readRule } from "../../src/rules/rules.ts";
import { readRuleFile } from "../support/rule-file.ts";
import type { ApiSources } from "../../src/http/prometheus-api/api.ts";
import { systemClock } from "../../src/observer/system-clock.ts";
import { describeUnless } from "../support/docker.ts";
import { NEVER } from "../support/fixtures.ts";
import { startRealPrometheus, whyNoPrometheus } from "../support/prometheus.ts";
import { startEmbedded } from "../support/scraping.ts";
import { apiSources, askOurs } from "./dataset.ts";

const START_DEADLINE_MS = 30_000;
const PATIENCE_MS = 15_000;
const INTERVAL_MS = 250;

const RULES = {
  groups: [
    {
      name: "shop",
      rules: [
        {
          alert: "Firing",
          expr: "up == 1",
          labels: { severity: "high" },
          annotations: { summary: "it is {{ $value }}" },
        },
        {
          alert: "Pending",
          expr: "vector(0.000012) < 1",
          for: "1h",
          keep_firing_for: "5m",
          annotations: { summary: "soon" },
        },
        { alert: "Quiet", expr: "up == 5", labels: { severity: "low" } },
      ],
    },
    { name: "other", rules: [{ alert: "Another", expr: "up == 7" }] },
  ],
};

/** Times differ, and so does what Sentinel has no word for: of these the kind alone is compared. */
const OWN = [
  ...["lastEvaluation", "evaluationTime", "activeAt", "lastScrape", "lastScrapeDuration"],
  ...["file", "discoveredLabels", "globalUrl"],
  ...["version", "revision", "branch", "buildUser", "buildDate", "goVersion"],
];

const answerSchema = z.object({ status: z.literal("success"), data: z.looseObject({}) });

async function read(response: Response): Promise<unknown> {
  const kindsOf = (key: string, value: unknown) => (OWN.includes(key) ? typeof value : value);
  return answerSchema.parse(JSON.parse(await response.text(), kindsOf));
}

describeUnless(whyNoPrometheus(), "the API beside a real Prometheus that scrapes", () => {
  const resources = new AsyncDisposableStack();
  let url: string;
  let sources: ApiSources;

  beforeAll(async () => {
    const target = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response("stock 3\n", { headers: { "content-type": "text/plain" } }),
    });
    resources.defer(() => target.stop(true));
    const scrape = { job: "shop", url: target.url.origin, intervalMs: INTERVAL_MS };
    const real = resources.use(await startRealPrometheus(scrape, RULES));
    url = real.url;
    const { source } = resources.use(startEmbedded(scrape));
    // A busy machine may miss the deadline of a scrape, which is as short as the interval.
    await eventually(async () => {
      await source.scrapeOnce(NEVER);
      return source.targets().every(({ health }) => health === "up");
    });
    sources = apiSources({
      store: source.store,
      targets: source.targets,
      ruleGroups: await evaluatedGroups(source),
    });
    await eventually(async () => {
      const health = await theirs("targets").then((answer) => answer.text());
      const alerts = await theirs("alerts").then((answer) => answer.text());
      const rules = await theirs("rules").then((answer) => answer.text());
      return (
        health.includes('"health":"up"') &&
        alerts.includes('"Firing"') &&
        !rules.includes('"health":"unknown"')
      );
    });
  }, START_DEADLINE_MS);
  afterAll(() => resources.disposeAsync());

  const theirs = (path: string) => fetch(`${url}/api/v1/${path}`, { proxy: false });

  async function evaluatedGroups(source: Parameters<typeof createMonitor>[1]) {
    const groups = await Promise.all(
      RULES.groups.map(async (group) => {
        const rules = readRuleFile({ groups: [group] }, "a.yml").map((rule) => readRule(rule, "a"));
        const options = {
          rulesFor: () => rules,
          findWindowMs: () => Promise.resolve(undefined),
          fallbackWindowMs: 1000,
        };
        const { alerts, atMs } = await createMonitor(options, source, systemClock).poll(NEVER);
        const { name } = group;
        return { name, intervalMs: INTERVAL_MS, rules, alerts, lastEvaluationMs: atMs };
      }),
    );
    return () => groups;
  }

  async function eventually(holds: () => Promise<boolean>) {
    const untilMs = performance.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (performance.now() > untilMs) throw new Error("it does not come to that");
      await Bun.sleep(50);
    }
  }

  test.each([
    "rules",
    "rules?type=alert",
    "rules?type=record",
    "rules?exclude_alerts=true",
    "rules?rule_name[]=Firing",
    "rules?rule_name[]=Firing&rule_name[]=Another",
    "rules?rule_name[]=Nobody",
    "rules?rule_group[]=other",
    "rules?rule_group[]=other&rule_name[]=Firing",
    "rules?file[]=nowhere.yml",
    'rules?match[]={severity="high"}',
    'rules?match[]={severity="high"}&match[]={severity="low"}',
    'rules?match[]={severity!~"high|low",severity!="x",constructor="x"}',
    "alerts",
    "targets",
    "targets?state=active",
    "targets?state=ACTIVE",
    "targets?state=dropped",
    "targets?state=nonsense",
    "targets?scrapePool=shop",
    "targets?scrapePool=other",
    "status/buildinfo",
  ])("%s", async (path) => {
    const expected = await read(await theirs(path));
    expect(await read(await askOurs({ method: "GET", path }, sources))).toEqual(expected);
  });
});
