import { describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  NEVER,
  scriptedSource,
  SERVICE_NAME,
  service,
  simulatedClock,
} from "../../test/support/fixtures.ts";
import { type ObserverSettings, observerSettings } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { SentinelError } from "../core/errors.ts";
import type { SignalSource } from "../core/ports.ts";
import { builtInRulesFor, monitorOptions, rulesOfFiles } from "./effective-rules.ts";

const NO_FILES = join(tmpdir(), "sentinel-that-is-not-there");
const WINDOW_MS = 20_000;

/** What is judged of every service by its probe and its platform's word. */
const RUNTIME = [
  "ProbeFailing",
  "ContainerUnhealthy",
  "ContainerDown",
  "CrashLoop",
  "ContainerHighCpu",
  "ContainerHighCpu",
  "ContainerHighMemory",
  "ContainerHighMemory",
  "ContainerOomKilled",
];

function settings(
  env: Environment = {},
  changes: Partial<ObserverSettings> = {},
): ObserverSettings {
  return { ...observerSettings({ env, folder: NO_FILES, isTerminal: false }), ...changes };
}

describe("rules", () => {
  const own = (alert: string, file = "/own.yml") => ({ alert, expr: "up == 0", file });
  const ownRules = (...rules: ReturnType<typeof own>[]) => ({
    ownRules: rules,
    ruleGroups: [{ name: "own", rules }],
  });
  const alerts = (given: ObserverSettings) =>
    [
      ...builtInRulesFor(given, { service: service(), windowMs: WINDOW_MS }),
      ...rulesOfFiles(given),
    ].map(({ alert, service: madeFor }) => [alert, madeFor]);

  test("are the built-in ones, with the window and the thresholds of the settings", () => {
    const rules = builtInRulesFor(settings({ CPU_THRESHOLD: "1.5" }), {
      service: service({ job: "shop" }),
      windowMs: WINDOW_MS,
    });
    expect(rules.map(({ alert }) => alert)).toEqual([
      "HighCpu",
      "HighLatency",
      "HighErrorRatio",
      "HighMemory",
      "TargetDown",
      "TargetDown",
      "CrashLoop",
      "MemoryFilling",
      ...RUNTIME,
    ]);
    expect(rules[0]?.expr).toBe('rate(process_cpu_seconds_total{job="shop"}[20s]) > 1.5');
    expect(rules[0]?.signal?.threshold).toBe(1.5);
  });

  test("own ones come behind, and take the place of all built-in ones of their name", () => {
    const given = settings({}, ownRules(own("Mine"), own("TargetDown"), own("Mine", "/b.yml")));
    expect(alerts(given)).toEqual([
      ["HighCpu", SERVICE_NAME],
      ["HighLatency", SERVICE_NAME],
      ["HighErrorRatio", SERVICE_NAME],
      ["HighMemory", SERVICE_NAME],
      ["CrashLoop", SERVICE_NAME],
      ["MemoryFilling", SERVICE_NAME],
      ...RUNTIME.map((alert) => [alert, SERVICE_NAME]),
      ["Mine", undefined],
      ["TargetDown", undefined],
      ["Mine", undefined],
    ]);
    const nearMiss = settings({}, ownRules(own("targetDown")));
    expect(alerts(nearMiss)).toHaveLength(9 + RUNTIME.length);
  });

  test("one that cannot be read is named with its file", () => {
    const given = settings({}, ownRules({ alert: "A", expr: "up >", file: "/own.yml" }));
    expect(() => rulesOfFiles(given)).toThrow(
      "/own.yml: alert A: expr up >: 1:5: parse error: unexpected end of input",
    );
  });

  test("for Sentinel's own engine, what it cannot evaluate is refused by name", () => {
    const unknown = { alert: "A", expr: 'sort_by_label(up, "job") == 0', file: "/own.yml" };
    const read = (env: Environment) => rulesOfFiles(settings(env, ownRules(unknown)));
    expect(read({}).at(-1)?.signal).toBeUndefined();
    expect(() => read({ PROMETHEUS_URL: "embedded" })).toThrow(
      '/own.yml: alert A: expr sort_by_label(up, "job") == 0: 1:1: parse error: function sort_by_label is not supported',
    );
  });
});

describe("the window", () => {
  const source = (scrapeIntervalMs: SignalSource["scrapeIntervalMs"]): SignalSource => ({
    ...scriptedSource(simulatedClock(), () => undefined),
    scrapeIntervalMs,
  });
  const find = (given: ObserverSettings, from: SignalSource) =>
    monitorOptions(given, service({ job: "shop" }), from).findWindowMs(NEVER);

  test.each([
    [5000, 20_000],
    [1001, 4004],
    [1000, 4000],
    [250, 4000],
    [60_000, 240_000],
  ])("of a job scraped each %i ms is %i ms", async (intervalMs, expected) => {
    const asked: string[] = [];
    const from = source(async (job) => {
      asked.push(job);
      return intervalMs;
    });
    expect(await find(settings(), from)).toBe(expected);
    expect(asked).toEqual(["shop"]);
  });

  test("is not known while the source does not tell, or is away", async () => {
    expect(
      await find(
        settings(),
        source(async () => undefined),
      ),
    ).toBeUndefined();
    const away = new SentinelError("source_unreachable", "away");
    expect(
      await find(
        settings(),
        source(() => Promise.reject(away)),
      ),
    ).toBeUndefined();
  });

  test("is as set, without a question", async () => {
    const from = source(() => Promise.reject(new Error("it was asked")));
    expect(await find(settings({ RATE_WINDOW: "90s" }), from)).toBe(90_000);
    expect(monitorOptions(settings(), service(), from).fallbackWindowMs).toBe(60_000);
  });
});
