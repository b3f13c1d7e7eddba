import { describe, expect, test } from "bun:test";
import { alert, rule, START_MS } from "../../../test/support/fixtures.ts";
import { ask, failure, success } from "../../../test/prometheus-api/dataset.ts";
import type { RuleGroupStatus, TargetStatus } from "./endpoint.ts";

const START = "2025-01-01T12:00:00.000Z";
const cpu = rule({ forMs: 1500, keepFiringForMs: 2000 });
const down = rule({ alert: "Down", expr: "up == 0", labels: {}, annotations: {} });

function group(changes: Partial<RuleGroupStatus> = {}): RuleGroupStatus {
  return {
    name: "shop",
    intervalMs: 2500,
    rules: [cpu, down],
    alerts: [alert({ rule: cpu, value: 12 })],
    lastEvaluationMs: START_MS,
    ...changes,
  };
}

test("what an alert tells has no credential in it", async () => {
  const labels = { alertname: "HighCpu", path: "/x?token=abcdef", password: "a" };
  const told = rule({ annotations: { summary: "at {{ $labels.path }}" } });
  const groups = [group({ rules: [told], alerts: [alert({ rule: told, labels })] })];
  const masked = {
    labels: { alertname: "HighCpu", path: "/x?token=[masked]", password: "[masked]" },
    annotations: { summary: "at /x?token=[masked]" },
  };
  expect(await askGroups("alerts", groups)).toMatchObject(success({ alerts: [masked] }));
});

const askGroups = (path: string, groups: readonly RuleGroupStatus[]) =>
  ask(path, { ruleGroups: () => groups });

const FIRING = {
  labels: { severity: "high", service: "sentinel-target-api", alertname: "HighCpu" },
  annotations: { summary: "CPU use is 12 cores" },
  state: "firing",
  activeAt: START,
  value: "1.2e+01",
};

const CPU = {
  state: "firing",
  name: "HighCpu",
  query: "cpu > 0.5",
  duration: 1.5,
  keepFiringFor: 2,
  labels: cpu.labels,
  annotations: cpu.annotations,
  alerts: [FIRING],
  health: "ok",
  evaluationTime: 0,
  lastEvaluation: START,
  type: "alerting",
};

const DOWN = {
  ...CPU,
  state: "inactive",
  name: "Down",
  query: "up == 0",
  duration: 0,
  keepFiringFor: 0,
  labels: {},
  annotations: {},
  alerts: [],
  health: "unknown",
};

const GROUP = {
  name: "shop",
  file: "sentinel rules",
  rules: [CPU, DOWN],
  interval: 2.5,
  limit: 0,
  evaluationTime: 0,
  lastEvaluation: START,
};

describe("rules", () => {
  test.each([
    ["rules", [GROUP]],
    ["rules?type=alert", [GROUP]],
    ["rules?type=ALERT", [GROUP]],
    ["rules?type=record", []],
    ["rules?rule_name[]=Down", [{ ...GROUP, rules: [DOWN] }]],
    ["rules?rule_name[]=Up", []],
    ["rules?rule_group[]=shop", [GROUP]],
    ["rules?rule_group[]=bank", []],
    ["rules?file[]=sentinel+rules", [GROUP]],
    ['rules?match[]={severity="high"}', [{ ...GROUP, rules: [CPU] }]],
    ['rules?match[]={severity="low"}', []],
    // A label that no rule has, though every object of JavaScript does.
    ['rules?match[]={severity="high",constructor=""}', [{ ...GROUP, rules: [CPU] }]],
    [
      "rules?exclude_alerts=true",
      [{ ...GROUP, rules: [CPU, DOWN].map((one) => ({ ...one, alerts: null })) }],
    ],
  ])("%s", async (path, groups) => {
    expect(await askGroups(path, [group()])).toEqual(success({ groups }));
  });

  test("groups come in the order of their names", async () => {
    const names = ["b", "c", "a"].map((name) => group({ name, rules: [down], alerts: [] }));
    const groups = ["a", "b", "c"].map((name) => ({ ...GROUP, name, rules: [DOWN] }));
    expect(await askGroups("rules", names)).toEqual(success({ groups }));
  });

  test("before the first poll nothing is known", async () => {
    const unknown = { ...DOWN, lastEvaluation: "0001-01-01T00:00:00Z" };
    const groups = [{ ...GROUP, rules: [unknown], lastEvaluation: "0001-01-01T00:00:00Z" }];
    const before = group({ rules: [down], alerts: [], lastEvaluationMs: undefined });
    expect(await askGroups("rules", [before])).toEqual(success({ groups }));
  });

  test.each([
    [[alert({ rule: cpu, state: "pending" })], "pending"],
    [[alert({ rule: cpu, state: "pending" }), alert({ rule: cpu })], "firing"],
    [[alert({ rule: cpu, state: "inactive" })], "inactive"],
  ])("a rule is in the state of its most advanced alert (%#)", async (alerts, state) => {
    const [, answer] = await askGroups("rules?rule_name[]=HighCpu", [group({ alerts })]);
    expect(answer).toMatchObject({ data: { groups: [{ rules: [{ state, health: "ok" }] }] } });
  });

  test("a rule without data says why", async () => {
    const alerts = [alert({ rule: cpu, state: "no_data", noDataReason: "no series" })];
    const [, answer] = await askGroups("rules?rule_name[]=HighCpu", [group({ alerts })]);
    const told = { state: "inactive", health: "ok", lastError: "no series", alerts: [] };
    expect(answer).toMatchObject({ data: { groups: [{ rules: [told] }] } });
  });

  test.each([
    ["type=both", 'invalid parameter "type": not supported value "both"'],
    ["match[]={}", "match[] must contain at least one non-empty matcher"],
    [
      "exclude_alerts=yes",
      'invalid parameter "exclude_alerts": error converting exclude_alerts: strconv.ParseBool: parsing "yes": invalid syntax',
    ],
  ])("%s is refused", async (filter, error) => {
    expect(await askGroups(`rules?${filter}`, [])).toEqual(failure(400, "bad_data", error));
  });
});

describe("alerts", () => {
  test("are those that are pending or firing", async () => {
    const alerts = [
      alert({ rule: cpu, value: 12 }),
      alert({ rule: cpu, state: "pending", value: 12 }),
      alert({ rule: cpu, state: "inactive" }),
      alert({ rule: cpu, state: "no_data" }),
    ];
    const expected = [FIRING, { ...FIRING, state: "pending" }];
    expect(await askGroups("alerts", [group({ alerts })])).toEqual(success({ alerts: expected }));
    expect(await askGroups("alerts", [])).toEqual(success({ alerts: [] }));
  });

  test.each([
    [0, "0e+00"],
    [-0.000012, "-1.2e-05"],
    [1.5e300, "1.5e+300"],
    [undefined, "NaN"],
  ])("a value of %p is %s", async (value, expected) => {
    const [, answer] = await askGroups("alerts", [
      group({ alerts: [alert({ rule: cpu, value })] }),
    ]);
    expect(answer).toMatchObject({ data: { alerts: [{ value: expected }] } });
  });
});

describe("targets", () => {
  const target: TargetStatus = {
    labels: { job: "shop", instance: "localhost:8000" },
    url: "http://localhost:8000/metrics",
    health: "down",
    lastError: "it is not there",
    lastScrapeMs: START_MS,
    lastScrapeDurationMs: 12,
    intervalMs: 5000,
    timeoutMs: 2500,
  };
  const TOLD = {
    discoveredLabels: {},
    labels: target.labels,
    scrapePool: "shop",
    scrapeUrl: target.url,
    globalUrl: target.url,
    lastError: "it is not there",
    lastScrape: START,
    lastScrapeDuration: 0.012,
    health: "down",
    scrapeInterval: "5s",
    scrapeTimeout: "2500ms",
  };

  test.each([
    ["targets", [TOLD], { shop: 0 }],
    ["targets?state=active", [TOLD], null],
    ["targets?state=Any", [TOLD], { shop: 0 }],
    ["targets?state=dropped", [], { shop: 0 }],
    ["targets?state=other", [], null],
    ["targets?scrapePool=shop", [TOLD], { shop: 0 }],
    ["targets?scrapePool=bank", [], { shop: 0 }],
  ])("%s", async (path, activeTargets, droppedTargetCounts) => {
    expect(await ask(path, { targets: () => [target] })).toEqual(
      success({ activeTargets, droppedTargets: [], droppedTargetCounts }),
    );
  });

  test("one that was never scraped has no time of it", async () => {
    const fresh = { ...target, lastScrapeMs: undefined, lastScrapeDurationMs: undefined };
    const [, answer] = await ask("targets", { targets: () => [fresh] });
    expect(answer).toMatchObject({
      data: { activeTargets: [{ lastScrape: "0001-01-01T00:00:00Z", lastScrapeDuration: 0 }] },
    });
  });
});

test("what it is: a Prometheus to clients, and which Sentinel to people", async () => {
  const told = { version: "3.5.3", revision: "sentinel 1.2.3" };
  const rest = { branch: "", buildUser: "", buildDate: "", goVersion: "" };
  expect(await ask("status/buildinfo")).toEqual(success({ ...told, ...rest }));
  expect(await ask("metadata")).toEqual(success({}));
  expect(await ask("query_exemplars?query=up")).toEqual(success([]));
});

test("recording rules are told with their group, and left out where only alerts are asked for", async () => {
  const recordings = [{ record: "job:up:sum", expr: "sum by (job) (up)", labels: { team: "web" } }];
  const groups = [group({ recordings, limit: 5, rules: [] })];
  const told = {
    name: "job:up:sum",
    query: "sum by (job) (up)",
    labels: { team: "web" },
    health: "ok",
    evaluationTime: 0,
    lastEvaluation: START,
    type: "recording",
  };
  const described = { name: "shop", rules: [told], limit: 5 };
  expect(await askGroups("rules", groups)).toMatchObject(success({ groups: [described] }));
  expect(await askGroups("rules?type=record", groups)).toMatchObject(
    success({ groups: [described] }),
  );
  expect(await askGroups("rules?type=alert", groups)).toMatchObject(success({ groups: [] }));
  expect(await askGroups("rules?rule_name[]=other", groups)).toMatchObject(success({ groups: [] }));
});
