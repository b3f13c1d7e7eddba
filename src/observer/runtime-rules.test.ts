/** The rules on what a platform says, evaluated by our own engine over made series. */

import { describe, expect, test } from "bun:test";
import { NEVER, service, simulatedClock, START_MS } from "../../test/support/fixtures.ts";
import { embeddedSource } from "../signals/embedded/embedded.ts";
import { readRule } from "../rules/rules.ts";
import { runtimeRules } from "../rules/runtime-rules.ts";

const POLL_MS = 5000;
const PAST_MS = 600_000;
const MB = 1_000_000;
const rules = runtimeRules(service({ name: "db" }), {
  thresholds: { cpu: 0.5, memoryBytes: 500 * MB },
  pollIntervalMs: POLL_MS,
}).map((source) => readRule(source, "built-in rules", "db"));

/** What each series is at a number of seconds. */
type Script = Readonly<Record<string, (seconds: number) => number>>;

const HEALTHY: Script = {
  container_up: () => 1,
  container_restarts_total: () => 0,
  container_restarting: () => 0,
  container_start_time_seconds: () => 1000,
  container_oom_events_total: () => 0,
  container_cpu_usage_seconds_total: (seconds) => seconds * 0.1,
  container_spec_cpu_period: () => 100_000,
  container_memory_working_set_bytes: () => 100 * MB,
  container_spec_memory_limit_bytes: () => 0,
};

/** Names and kinds of the rules that hold, with their values; and those without data. */
async function judged(changes: Script, of = "db") {
  const clock = simulatedClock();
  const source = embeddedSource({ targets: [], intervalMs: POLL_MS, clock });
  const { store } = source;
  for (const [name, valueAt] of Object.entries({ ...HEALTHY, ...changes })) {
    const series = store.open({ __name__: name, container: of, sentinel_service: of });
    if (series === undefined) throw new Error("there is no room");
    for (let atMs = 0; atMs <= PAST_MS; atMs += POLL_MS)
      store.append(series, START_MS - PAST_MS + atMs, valueAt(atMs / 1000));
  }
  const valuesOf = async (expr: string) =>
    (await source.query(expr, NEVER)).map(({ value }) => value);
  const named = ({ alert, labels }: (typeof rules)[number]) =>
    [alert, labels["kind"]].filter(Boolean).join(" by ");
  const holds: (string | number)[][] = [];
  const withoutData: string[] = [];
  for (const rule of rules) {
    const name = named(rule);
    const values = await valuesOf(rule.expr);
    holds.push(...values.map((value) => [name, Number(value.toFixed(3))]));
    const { signal } = rule;
    if (signal !== undefined && (await valuesOf(signal.expr)).length === 0) withoutData.push(name);
  }
  return { holds, withoutData };
}

const cores = (used: number) => ({
  container_cpu_usage_seconds_total: (seconds: number) => seconds * used,
});
const limit = (limited: number) => ({ container_spec_cpu_quota: () => limited * 100_000 });
const memory = (used: number, limited = 0) => ({
  container_memory_working_set_bytes: () => used * MB,
  container_spec_memory_limit_bytes: () => limited * MB,
});

describe("of one container", () => {
  test("nothing holds while it is well, and only its missing HEALTHCHECK has no data", async () => {
    expect(await judged({})).toEqual({ holds: [], withoutData: ["ContainerUnhealthy"] });
  });

  test.each<[string, Script, (string | number)[][]]>([
    ["it has ended", { container_up: () => 0 }, [["ContainerDown", 0]]],
    ["its HEALTHCHECK fails", { container_healthy: () => 0 }, [["ContainerUnhealthy", 0]]],
    ["0.8 of a core without a limit", cores(0.8), [["ContainerHighCpu by cores", 0.8]]],
    ["half a core without a limit is not more than half", cores(0.5), []],
    ["0.8 of a core of two", { ...cores(0.8), ...limit(2) }, []],
    ["0.19 of its fifth", { ...cores(0.19), ...limit(0.2) }, [["ContainerHighCpu by limit", 0.95]]],
    ["0.17 of its fifth", { ...cores(0.17), ...limit(0.2) }, []],
    ["576 MB without a limit", memory(576), [["ContainerHighMemory by bytes", 576 * MB]]],
    ["500 MB without a limit", memory(500), []],
    ["576 MB of a GB", memory(576, 1000), []],
    ["95 MB of 100", memory(95, 100), [["ContainerHighMemory by limit", 0.95]]],
    ["90 MB of 100", memory(90, 100), []],
    [
      "the kernel killed it",
      { container_oom_events_total: (seconds) => Number(seconds > 300) },
      [["ContainerOomKilled", expect.any(Number)]],
    ],
    [
      "it was started four times",
      { container_start_time_seconds: (seconds) => Math.floor(seconds / 120) },
      [["CrashLoop by container", 5]],
    ],
    [
      "it was started three times",
      { container_start_time_seconds: (seconds) => Math.floor(seconds / 170) },
      [],
    ],
  ])("%s", async (_, changes, expected) => {
    expect((await judged(changes)).holds).toEqual(expected);
  });

  test("another's series are none of it", async () => {
    const sick = { container_up: () => 0, ...cores(2), ...memory(900) };
    expect((await judged(sick, "db2")).holds).toEqual([]);
  });
});

test("what only points, and what nobody has bounded, is not acted upon without a person", () => {
  const alone = rules.filter(
    ({ permits, severity }) => permits.length > 0 && ["high", "critical"].includes(severity),
  );
  expect(alone.map(({ alert, labels }) => [alert, labels["kind"]])).toEqual([
    ["ContainerUnhealthy", undefined],
    ["ContainerDown", undefined],
    ["ContainerHighCpu", "limit"],
    ["ContainerHighMemory", "limit"],
  ]);
});

test("all are evaluated on Sentinel's own series", () => {
  expect(rules.map(({ on }) => on)).toEqual(rules.map(() => "own"));
});
