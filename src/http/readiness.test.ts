import { describe, expect, test } from "bun:test";
import { rule, sample } from "../../test/support/fixtures.ts";
import type { Evaluation } from "../core/model.ts";
import type { Poll } from "../rules/monitor.ts";
import { type ScrapeAges, type WatchedService, whyNotReady } from "./readiness.ts";

const INTERVAL_MS = 5000;
const NOW_MS = 1_000_000;

const JOB = "api-metrics";
/** Scraped 3 s ago, and so is what Docker says. */
const FRESH: ScrapeAges = {
  ofJobs: new Map([[JOB, 3000]]),
  ofContainers: new Map([["box", 3000]]),
};
const WINDOW_MS = 20_000;

/** Polled just now, and answered so long ago. */
function watched(name: string, answeredAgoMs?: number, sourceDown?: string): WatchedService {
  const lastPoll: Poll = {
    atMs: NOW_MS,
    sourceDown,
    alerts: [],
    atRest: () => [],
    evaluationOf: () => undefined,
  };
  const answeredAtMs = answeredAgoMs === undefined ? undefined : NOW_MS - answeredAgoMs;
  const monitor = { rules: [], windowMs: WINDOW_MS, lastPoll, answeredAtMs };
  return { service: { name, job: JOB }, monitor };
}

const UNREAD: WatchedService = {
  service: { name: "api", job: JOB },
  monitor: { rules: [], windowMs: WINDOW_MS, lastPoll: undefined, answeredAtMs: undefined },
};

test.each<[string, WatchedService[], string | undefined]>([
  ["before the first poll", [UNREAD], "api has not been read yet"],
  [
    "after a first poll that failed",
    [watched("api", undefined, "it refuses")],
    "api has not been read yet: it refuses",
  ],
  ["after a poll that was answered", [watched("api", 0)], undefined],
  ["while a failure is short", [watched("api", 6000, "it refuses")], undefined],
  ["five intervals after the last answer", [watched("api", 25_000)], undefined],
  ["later than that", [watched("api", 25_001)], "api was last read 25 s ago"],
  [
    "later than that, since the source is down",
    [watched("api", 40_000, "it refuses")],
    "api was last read 40 s ago: it refuses",
  ],
  [
    "if one of two services is not read",
    [watched("web", 0), watched("api", 40_000)],
    "api was last read 40 s ago",
  ],
  ["with nothing to watch", [], undefined],
])("%s", (_, services, reason) => {
  expect(whyNotReady(services, { nowMs: NOW_MS, intervalMs: INTERVAL_MS, ages: FRESH })).toBe(
    reason,
  );
});

interface Changes {
  readonly name?: string;
  readonly windowMs?: number;
  readonly evaluation?: Evaluation;
}

describe("signals arrive", () => {
  const of = (
    job: string | undefined,
    { name = "api", windowMs = WINDOW_MS, evaluation }: Changes = {},
  ): WatchedService => {
    const { monitor } = watched(name, 0);
    const lastPoll = monitor.lastPoll && { ...monitor.lastPoll, evaluationOf: () => evaluation };
    return { service: { name, job }, monitor: { ...monitor, rules: [rule()], windowMs, lastPoll } };
  };
  const aged = (ageMs: number): ScrapeAges => ({
    ofJobs: new Map([[JOB, ageMs]]),
    ofContainers: new Map([["box", ageMs]]),
  });
  const none: ScrapeAges = { ofJobs: new Map(), ofContainers: new Map() };
  const measured = (...values: readonly number[]): Evaluation => ({
    kind: "inactive",
    value: values[0],
    measured: values.map((value) => sample(value)),
  });
  const nothing = "api: no sample of job api-metrics arrives";

  test.each<[string, WatchedService, ScrapeAges | undefined, string | undefined]>([
    ["scraped within two windows", of(JOB), aged(40_000), undefined],
    [
      "scraped longer ago",
      of(JOB),
      aged(41_000),
      "api: the newest scrape of job api-metrics is 41 s old",
    ],
    [
      "within five intervals, and a short window",
      of(JOB, { windowMs: 1 }),
      aged(25_000),
      undefined,
    ],
    ["scraped, but another job alone", of("db"), aged(0), "api: no sample of job db arrives"],
    ["never scraped", of(JOB), none, nothing],
    ["never scraped, and an empty answer", of(JOB, { evaluation: measured() }), none, nothing],
    ["pushed, so that there is no `up`", of(JOB, { evaluation: measured(1) }), none, undefined],
    ["a container that Docker tells of", of(undefined, { name: "box" }), aged(1000), undefined],
    [
      "a container of which Docker says nothing",
      of(undefined, { name: "box" }),
      none,
      "box: no sample of container box arrives",
    ],
    ["a source that does not tell just now", of(JOB), undefined, undefined],
  ])("%s", (_, service, ages, reason) => {
    expect(whyNotReady([service], { nowMs: NOW_MS, intervalMs: INTERVAL_MS, ages })).toBe(reason);
  });
});
