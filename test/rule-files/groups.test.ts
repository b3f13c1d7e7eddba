/** Groups of rules, evaluated by us over our own store, and by `promtool test rules`. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { observerSettings } from "../../src/config/config.ts";
import type { Labels } from "../../src/core/model.ts";
import { groupsOfFiles, recordingBy } from "../../src/observer/effective-rules.ts";
import { createDirectory } from "../../src/rules/ownership.ts";
import { createSharedRules } from "../../src/rules/shared-rules.ts";
import { embeddedSource } from "../../src/signals/embedded/embedded.ts";
import { describeUnless } from "../support/docker.ts";
import { NEVER, simulatedClock } from "../support/fixtures.ts";

const MINUTE_MS = 60_000;
const MINUTES = 12;

const RULES = `groups:
- name: order
  labels: { team: web, tier: front }
  rules:
  - { alert: BeforeItIsRecorded, expr: "shop:errors:ratio > 0.2", for: 2m }
  - { record: "shop:errors:ratio", expr: "sum(errors) / sum(requests)" }
  - record: "job:requests:sum"
    expr: sum by (job) (requests)
    labels: { tier: back, team: "", kind: '{{ $labels.job }}' }
  - { alert: Many, expr: "job:requests:sum > 100", labels: { severity: high, tier: "" } }
- name: limited
  limit: 1
  rules:
  - { record: "few:enough", expr: "sum(requests)" }
  - { alert: FewEnough, expr: "sum(requests) > 0" }
- name: ends
  rules:
  - { record: "while:small", expr: "sum(requests) < 150" }
  - { record: "number", expr: "1 + 1" }
`;

/** Rules that fail each time, and those of an interval, which `promtool` does not heed. */
const ODD = `groups:
- name: failing
  limit: 1
  rules:
  - { record: "too:many", expr: "requests" }
  - { record: "same:labels", expr: "requests", labels: { job: x } }
  - { alert: TooMany, expr: "requests > 0" }
- name: seldom
  interval: 5m
  rules:
  - { record: "seldom:requests", expr: "sum(requests)" }
  - { record: "of:seldom", expr: "count_over_time(seldom:requests[10m])" }
- name: unlimited
  rules:
  - { record: "same:labels", expr: "requests", labels: { job: x } }
  - { record: "fine", expr: "sum(requests)" }
`;

/** What each series is at each minute; nothing where it is not there. */
const INPUT: readonly { readonly labels: Labels; readonly valueAt: (minute: number) => number }[] =
  [
    { labels: { __name__: "requests", job: "a" }, valueAt: (minute) => 60 + minute * 10 },
    { labels: { __name__: "requests", job: "b" }, valueAt: () => 20 },
    { labels: { __name__: "errors", job: "a" }, valueAt: (minute) => (minute > 3 ? 80 : 1) },
  ];

const RECORDED = [
  ...["shop:errors:ratio", "job:requests:sum", "few:enough"],
  ...["while:small", "number", "seldom:requests", "of:seldom"],
];

const selectorOf = (name: string) => `{__name__="${name}"}`;

/** Everything that is recorded and fires at each minute. */
async function ours(folder: string, rules: string) {
  const clock = simulatedClock();
  const startMs = clock.nowMs();
  const source = embeddedSource({ targets: [], intervalMs: MINUTE_MS, clock });
  const env = { PROMETHEUS_URL: "embedded", RULES_FILE: rules, POLL_INTERVAL: "60" };
  const settings = observerSettings({ env, folder, isTerminal: false });
  const failed: string[] = [];
  const directory = createDirectory([]);
  const shared = createSharedRules(
    {
      groups: groupsOfFiles(settings),
      ...recordingBy(source),
      onRecordingFailed: ({ record }, why) => failed.push(`${record}: ${why}`),
      directory: () => directory,
      pollIntervalMs: MINUTE_MS,
      signal: NEVER,
    },
    source,
    clock,
  );
  const minutes = [];
  for (let minute = 0; minute < MINUTES; minute += 1) {
    await clock.sleep(startMs + minute * MINUTE_MS - clock.nowMs(), NEVER);
    for (const { labels, valueAt } of INPUT) {
      const series = source.store.open(Object.assign(Object.create(null), labels));
      if (series) source.store.append(series, source.presentMs(), valueAt(minute));
    }
    const poll = await shared.poll();
    const series = await Promise.all(
      RECORDED.map(async (name) => [name, await source.query(selectorOf(name), NEVER)] as const),
    );
    minutes.push({ poll, series: new Map(series) });
  }
  return { minutes, failed };
}

function formatSeries(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `{${parts.join(",")}}`;
}

describe("groups of rules", () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-groups-"));
  writeFileSync(join(folder, "rules.yml"), RULES);
  writeFileSync(join(folder, "odd.yml"), ODD);
  afterAll(() => rmSync(folder, { recursive: true }));

  test("say once why a rule records nothing", async () => {
    const { failed, minutes } = await ours(folder, "odd.yml");
    expect(failed).toEqual([
      "too:many: cannot evaluate requests: it gives 2 series, and the limit of its group is 1",
      "same:labels: cannot evaluate requests: it gives 2 series, and the limit of its group is 1",
      "same:labels: cannot evaluate requests: it gives two series with the same labels",
    ]);
    const [alert] = minutes.at(-1)?.poll.alerts ?? [];
    expect(alert).toMatchObject({
      state: "no_data",
      noDataReason: "it holds for 2 label sets, and the limit of its group is 1",
    });
  });

  test("are evaluated as far apart as they say", async () => {
    const { minutes } = await ours(folder, "odd.yml");
    const valuesOf = (name: string) => minutes.map(({ series }) => series.get(name)?.[0]?.value);
    const [first, second, third] = [80, 130, 180];
    expect(valuesOf("seldom:requests")).toEqual([
      ...[first, first, first, first, first],
      ...[second, second, second, second, second],
      ...[third, third],
    ]);
    expect(valuesOf("of:seldom")).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2]);
  });

  const missing = Bun.which("promtool") === null ? "`promtool` is not on the PATH" : undefined;
  describeUnless(missing, "promtool", () => {
    test("records and fires the same at every minute", async () => {
      const { minutes } = await ours(folder, "rules.yml");
      const recorded = minutes.flatMap(({ series }, minute) =>
        RECORDED.map((name) => ({
          expr: selectorOf(name),
          eval_time: `${minute}m`,
          exp_samples: (series.get(name) ?? []).map(({ labels, value }) => ({
            labels: formatSeries(labels),
            value,
          })),
        })),
      );
      const alerts = minutes.flatMap(({ poll }, minute) =>
        ["BeforeItIsRecorded", "Many", "FewEnough"].map((alertname) => ({
          alertname,
          eval_time: `${minute}m`,
          exp_alerts: poll.alerts
            .filter(({ state, rule }) => state === "firing" && rule.alert === alertname)
            .map(({ labels: { alertname: _, ...labels } }) => ({
              exp_labels: Object.fromEntries(Object.entries(labels).filter(([, text]) => text)),
            })),
        })),
      );
      // Two that find nothing agree as well.
      expect(recorded.filter(({ exp_samples }) => exp_samples.length > 0).length).toBeGreaterThan(
        40,
      );
      expect(alerts.filter(({ exp_alerts }) => exp_alerts.length > 0).length).toBeGreaterThan(15);
      const input_series = INPUT.map(({ labels, valueAt }) => ({
        series: formatSeries(labels),
        values: Array.from({ length: MINUTES }, (_, minute) => valueAt(minute)).join(" "),
      }));
      const file = {
        rule_files: ["rules.yml"],
        evaluation_interval: "1m",
        tests: [
          { interval: "1m", input_series, promql_expr_test: recorded, alert_rule_test: alerts },
        ],
      };
      writeFileSync(
        join(folder, "test.yml"),
        stringify(file, { lineWidth: 0, aliasDuplicateObjects: false }),
      );
      const child = Bun.spawn(["promtool", "test", "rules", join(folder, "test.yml")], {
        stdout: "pipe",
        stderr: "pipe",
      });
      const [said, wrong] = [
        await new Response(child.stdout).text(),
        await new Response(child.stderr).text(),
      ];
      expect({
        said: said.slice(0, 3000),
        wrong: wrong.slice(0, 3000),
        exitCode: await child.exited,
      }).toMatchObject({
        exitCode: 0,
      });
    });
  });
});
