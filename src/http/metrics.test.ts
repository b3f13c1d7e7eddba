/** What the observer counts of itself, from events of whole stories; read by the project's own parser. */

import { describe, expect, test } from "bun:test";
import { readMetricsPage } from "../../test/support/metrics-page.ts";
import { diagnoser, hotUntil, memoryJournal, type Story, tell } from "../../test/support/story.ts";
import { entriesOf } from "../../test/support/incident-entries.ts";
import { createTeller } from "../../test/support/teller.ts";
import { alert, rule, SERVICE_NAME, service, START_MS } from "../../test/support/fixtures.ts";
import { ACTION_IDS } from "../allowlist.ts";
import { DIAGNOSIS_FAILURES, DiagnosisError } from "../core/errors.ts";
import type { IncidentEvent } from "../core/events.ts";
import { ACT_REASONS, type Alert, type Closing, DECISION_REASONS } from "../core/model.ts";
import type { Poll } from "../rules/monitor.ts";
import { createObserverMetrics, type ObserverMetrics } from "./metrics.ts";
import type { WatchedService } from "./readiness.ts";

const FIGURES = { cpuSeconds: 1.5, residentBytes: 70e6, startedAtS: 1_700_000_000, openFds: 12 };

function watching(changes: Partial<WatchedService["monitor"]> = {}): WatchedService {
  const unread = { lastPoll: undefined, answeredAtMs: undefined };
  const monitor = { rules: [rule()], windowMs: 20_000, ...unread, ...changes };
  return { service: service(), monitor };
}

function polledAt(atMs: number, alerts: Poll["alerts"] = []): Poll {
  return { atMs, sourceDown: undefined, alerts, atRest: () => [], evaluationOf: () => undefined };
}

function createMetrics(watched: readonly WatchedService[] = [watching()]): ObserverMetrics {
  return createObserverMetrics({
    version: "1.2.3",
    diagnosers: ["a model", "built-in playbook"],
    sharedRules: { rules: [], lastPoll: undefined },
    watched: () => watched,
    process: () => FIGURES,
  });
}

async function scrape(metrics: ObserverMetrics): Promise<Readonly<Record<string, number>>> {
  return readMetricsPage(await metrics.render());
}

/** What is not zero, without buckets and what every process has. */
async function counted(metrics: ObserverMetrics) {
  const own = Object.entries(await scrape(metrics)).filter(
    ([name, value]) => value !== 0 && !/_bucket|^process_|build_info/.test(name),
  );
  return Object.fromEntries(own);
}

async function countStory(story: Partial<Story> = {}): Promise<ObserverMetrics> {
  const metrics = createMetrics();
  const { events } = await tell({
    script: hotUntil(26_000),
    untilMs: 120_000,
    onPoll: metrics.polled,
    ...story,
  });
  for (const event of events) metrics.observe(event);
  return metrics;
}

test("an incident that heals is counted from its polls to its verdict", async () => {
  let polls = 0;
  const metrics = createMetrics();
  const { events } = await tell({
    script: hotUntil(26_000),
    untilMs: 120_000,
    onPoll(poll, durationMs) {
      polls += 1;
      metrics.polled(poll, durationMs);
    },
  });
  for (const event of events) metrics.observe(event);
  const delay = events.flatMap((event) =>
    event.type === "incident_closed" ? (event.closing.detectedAfterMs ?? []) : [],
  );
  expect(delay).toHaveLength(1);
  // Those of the loop every 5 s, the one before the action, and those of the verification.
  expect(polls).toBeGreaterThan(20);
  expect(await counted(metrics)).toEqual({
    'sentinel_polls_total{outcome="ok"}': polls,
    sentinel_poll_duration_seconds_count: polls,
    'sentinel_incidents_total{alertname="HighCpu",verdict="healed"}': 1,
    sentinel_detection_delay_seconds_count: 1,
    sentinel_detection_delay_seconds_sum: (delay[0] ?? 0) / 1000,
    'sentinel_diagnosis_duration_seconds_count{diagnoser="a model"}': 1,
    'sentinel_diagnosis_duration_seconds_sum{diagnoser="a model"}': 1,
    'sentinel_decisions_total{decision="act",reason="two_keys_agree"}': 1,
    'sentinel_actions_total{action="docker-restart",outcome="succeeded"}': 1,
  });
});

describe("what went otherwise is counted as that:", () => {
  test.each<[string, Partial<Story>, string]>([
    [
      "no cure",
      { script: hotUntil(Number.POSITIVE_INFINITY), untilMs: 90_000 },
      'sentinel_incidents_total{alertname="HighCpu",verdict="not_healed"}',
    ],
    [
      "no data to judge by",
      {
        script: (expr, elapsedMs) =>
          expr === "scrape_age" ? 3600 : hotUntil(26_000)(expr, elapsedMs),
      },
      'sentinel_incidents_total{alertname="HighCpu",verdict="unknown"}',
    ],
    [
      "left to a person, who does not answer",
      { policy: { autonomy: "approve" }, script: hotUntil(Infinity), untilMs: 1_200_000 },
      'sentinel_incidents_total{alertname="HighCpu",verdict="held"}',
    ],
    [
      "why it was left",
      { policy: { autonomy: "approve" } },
      'sentinel_decisions_total{decision="ask",reason="autonomy_approve"}',
    ],
    [
      "only looked at",
      { policy: { autonomy: "observe" } },
      'sentinel_incidents_total{alertname="HighCpu",verdict="skipped"}',
    ],
    [
      "told to stop in the middle",
      { stopAt: "verification_started" },
      'sentinel_incidents_total{alertname="HighCpu",verdict="cancelled"}',
    ],
    [
      "a command that failed",
      { act: () => ({ kind: "failed", exitCode: 1 }) },
      'sentinel_actions_total{action="docker-restart",outcome="failed"}',
    ],
    [
      "a model that does not answer in time",
      {
        diagnosers: (clock) => [
          {
            ...diagnoser(clock),
            async diagnose() {
              throw new DiagnosisError("timeout", "no answer within 30 s");
            },
          },
        ],
      },
      'sentinel_diagnosis_failures_total{diagnoser="a model",reason="timeout"}',
    ],
    [
      "a source that is down",
      { script: () => new Error("it refuses"), untilMs: 1 },
      'sentinel_polls_total{outcome="source_down"}',
    ],
  ])("%s", async (_, story, series) => {
    expect(await scrape(await countStory(story))).toHaveProperty([series], 1);
  });
});

test("series of closed lists are there, at zero, before anything has happened", async () => {
  const series = await scrape(createMetrics());
  const named = (name: string) => Object.keys(series).filter((text) => text.startsWith(`${name}{`));
  expect(named("sentinel_polls_total")).toHaveLength(2);
  expect(named("sentinel_alerts")).toHaveLength(3);
  expect(named("sentinel_incidents_total")).toHaveLength(6);
  expect(named("sentinel_actions_total")).toHaveLength(ACTION_IDS.length * 5);
  expect(named("sentinel_diagnosis_failures_total")).toHaveLength(2 * DIAGNOSIS_FAILURES.length);
  // Two reasons to act; each of the others to ask or to skip.
  expect(named("sentinel_decisions_total")).toHaveLength(2 * DECISION_REASONS.length - 2);
  for (const reason of ACT_REASONS)
    expect(series).toHaveProperty(
      [`sentinel_decisions_total{decision="act",reason="${reason}"}`],
      0,
    );
  expect(named("sentinel_diagnosis_duration_seconds_count")).toHaveLength(2);
  expect(await counted(createMetrics())).toEqual({});
});

test("no number of incidents makes more series", async () => {
  const metrics = await countStory();
  const before = Object.keys(await scrape(metrics));
  const { events } = await tell({ script: hotUntil(26_000), untilMs: 120_000 });
  for (let count = 0; count < 100; count += 1)
    for (const event of events)
      metrics.observe("incident" in event ? { ...event, incident: `${count}-HighCpu` } : event);
  expect(Object.keys(await scrape(metrics)).toSorted()).toEqual(before.toSorted());
});

describe("alerts are counted as they are now", () => {
  test("by name and state, over all services, and none stays that has ended", async () => {
    const cpu = rule({ service: SERVICE_NAME });
    const memory = rule({ alert: "HighMemory", service: SERVICE_NAME });
    const rules = [cpu, memory];
    const fires = alert({ rule: cpu });
    // Its share of what the rules of files say is counted with them, and not again.
    const ofFile = alert({ rule: rule({ alert: "OfFile" }) });
    const before = [
      watching({ rules, lastPoll: polledAt(1, [fires, alert({ rule: memory }), ofFile]) }),
      watching({ rules, lastPoll: polledAt(1, [fires, alert({ rule: cpu, state: "inactive" })]) }),
    ];
    let watched: readonly WatchedService[] = before;
    const metrics = createObserverMetrics({
      version: "1.2.3",
      diagnosers: [],
      sharedRules: { rules: [], lastPoll: undefined },
      watched: () => watched,
      process: () => FIGURES,
    });
    const firing = (name: string) => `sentinel_alerts{alertname="${name}",state="firing"}`;
    const counts = await scrape(metrics);
    expect(counts).toMatchObject({ [firing("HighCpu")]: 2, [firing("HighMemory")]: 1 });
    expect(counts).not.toHaveProperty([firing("OfFile")]);
    watched = [
      watching({ rules, lastPoll: polledAt(2, [alert({ rule: cpu, state: "no_data" })]) }),
    ];
    expect(await scrape(metrics)).toMatchObject({
      [firing("HighCpu")]: 0,
      [firing("HighMemory")]: 0,
      'sentinel_alerts{alertname="HighCpu",state="no_data"}': 1,
    });
  });
});

test("signals that cannot be judged are counted by service", async () => {
  const missing = alert({ rule: rule({ alert: "HighMemory" }), state: "no_data" });
  const idle = { ...missing, rule: rule({ alert: "HighLatency" }), isIdle: true } as const;
  const lastPoll = polledAt(START_MS, [alert(), missing, idle]);
  const series = await scrape(createMetrics([watching({ lastPoll })]));
  expect(series[`sentinel_unjudged_signals{service="${service().name}"}`]).toBe(1);
});

test.each<[string, readonly WatchedService[], number | undefined]>([
  ["is that of the service that has waited longest", [polled(30_000), polled(10_000)], 10],
  ["is 0 before the first", [polled(30_000), watching()], 0],
  ["is none with nothing to watch", [], undefined],
])("the time of the last poll %s", async (_, watched, expected) => {
  const series = await scrape(createMetrics(watched));
  expect(series["sentinel_last_poll_timestamp_seconds"]).toBe(expected);
});

function polled(atMs: number): WatchedService {
  return watching({ lastPoll: polledAt(atMs) });
}

describe("an incident that another process has opened", () => {
  const closing: Closing = {
    result: "acted",
    verdict: { kind: "healed", reason: "" },
    detectedAfterMs: undefined,
    actedAfterMs: undefined,
    healedAfterMs: undefined,
  };
  const of = { incident: "20250101T120000-x", service: "api", atMs: START_MS };

  /** What tells of it now, with the journal that the other process has left. */
  const leftBehind = async (fired: Alert, ...events: readonly IncidentEvent[]) => {
    const journal = memoryJournal();
    const opened: IncidentEvent = { type: "incident_opened", alert: fired, onsetMs: undefined };
    const place = { id: of.incident, service: of.service };
    for (const entry of entriesOf([opened, ...events], place)) await journal.commit(entry);
    return await createTeller(journal);
  };

  test.each([
    ["HighCpu", "HighCpu"],
    // Of rules that are no longer in force: no label of a stranger's making.
    ["Removed", "unknown"],
  ])("%s is counted under %s", async (name, alertname) => {
    const metrics = createMetrics([watching({ rules: [rule()] })]);
    const told = await leftBehind(alert({ rule: rule({ alert: name }) }));
    metrics.observe(
      await told({ ...of, type: "incident_resumed", alertname: name, phase: "verifying" }),
    );
    metrics.observe(await told({ ...of, type: "incident_closed", closing }));
    expect(await counted(metrics)).toEqual({
      [`sentinel_incidents_total{alertname="${alertname}",verdict="healed"}`]: 1,
    });
  });

  test("counts an action that was cut off, once it is known what became of it", async () => {
    const metrics = createMetrics();
    const argv = ["docker", "restart", "api"];
    const told = await leftBehind(alert(), {
      type: "action_started",
      action: "docker-restart",
      argv,
    });
    const ran = { argv, exitCode: undefined, output: "", durationMs: 0 };
    const outcome = { kind: "succeeded", ...ran } as const;
    metrics.observe(await told({ ...of, type: "action_finished", outcome }));
    expect(await counted(metrics)).toEqual({
      'sentinel_actions_total{action="docker-restart",outcome="succeeded"}': 1,
    });
  });
});

test("the process tells what it uses, and which Sentinel it is", async () => {
  expect(await scrape(createMetrics())).toMatchObject({
    process_cpu_seconds_total: 1.5,
    process_resident_memory_bytes: 70e6,
    process_start_time_seconds: 1_700_000_000,
    process_open_fds: 12,
    [`sentinel_build_info{bun_version="${Bun.version}",version="1.2.3"}`]: 1,
  });
});
