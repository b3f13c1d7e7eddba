/** What is seen of a service after an action, check by check, and the verdict on it. */

import { describe, expect, test } from "bun:test";
import { contextOf, type Given } from "../../test/support/context.ts";
import { alert, rule, sample, service, START_MS } from "../../test/support/fixtures.ts";
import { verify } from "./verify.ts";
import type { HealthCheck } from "../core/health.ts";
import type { Sample, Verdict, Rule } from "../core/model.ts";
import type { SignalSource } from "../core/ports.ts";

const SECOND = 1000;
const CPU = rule();
const SERIES = { instance: "a:8000" };
const FIRED = alert({ rule: CPU, labels: { ...alert({ rule: CPU }).labels, ...SERIES } });

const quiet = (changes: Partial<Sample> = {}) => [{ ...sample(0.1, SERIES), ...changes }];
const hot = () => quiet({ value: 1.9 });

interface Watched extends Given {
  /** When the action ended, from the start; by default at it. */
  readonly actedAfterMs?: number;
  /** When Sentinel is told to stop. */
  readonly stopAtMs?: number;
  /** The rule that fired; by default one on the service's CPU. */
  readonly fired?: Rule;
}

async function watched({ actedAfterMs = 0, stopAtMs, fired, ...given }: Watched) {
  const asked: HealthCheck[] = [];
  const checks: number[] = [];
  const script: Given["script"] = (expr, elapsedMs) => {
    if (expr.startsWith("scrape_age")) return undefined;
    return given.script?.(expr, elapsedMs) ?? quiet();
  };
  const { context, clock, events } = await contextOf({
    rules: [CPU],
    ...given,
    script,
    serviceContext: async (own) => ({
      checkHealth: async ({ health }) => {
        asked.push(health);
        checks.push(own.elapsedMs);
        return { ok: true, message: "" };
      },
      ...(await given.serviceContext?.(own)),
    }),
  });
  const stop = new AbortController();
  if (stopAtMs !== undefined) clock.at(stopAtMs, () => stop.abort());
  const of = {
    alert: fired ? { ...FIRED, rule: fired } : FIRED,
    actedAtMs: START_MS + actedAfterMs,
  };
  const { verdict, isHealthy } = await verify(of, context, stop.signal);
  const { kind, reason } = verdict;
  return { kind, reason, isHealthy, seconds: clock.elapsedMs / SECOND, checks, asked, events };
}

const AT = (...seconds: readonly number[]) => seconds.map((second) => second * SECOND);

describe("when it is looked at", () => {
  test.each<[string, Watched, readonly number[]]>([
    ["at each poll until the first verdict is due", {}, AT(5, 10, 15, 20, 25, 30)],
    [
      "until a second window has passed",
      { script: hot },
      AT(5, 10, 15, 20, 25, 30, 35, 40, 45, 50),
    ],
    [
      "at the moment it is due, where that is between two polls",
      { policy: { stabilizeMs: 32 * SECOND } },
      AT(5, 10, 15, 20, 25, 30, 32),
    ],
    [
      "at the moment it is due, a millisecond after a poll",
      { policy: { stabilizeMs: 30_001 } },
      AT(5, 10, 15, 20, 25, 30, 30.001),
    ],
    [
      "at each poll again after it is due",
      { policy: { stabilizeMs: 32 * SECOND }, script: hot },
      AT(5, 10, 15, 20, 25, 30, 32, 37, 42, 47, 52),
    ],
    [
      "counted from the end of the action, which may be before the first look",
      { actedAfterMs: -11 * SECOND },
      AT(5, 10, 15, 19),
    ],
    [
      "not before a whole window, however short the wait",
      { policy: { stabilizeMs: 5 * SECOND } },
      AT(5, 10, 15, 20),
    ],
    ["at the next poll, where a verdict is overdue", { actedAfterMs: -60 * SECOND }, AT(5)],
    ["at the next poll, where it is due this very moment", { actedAfterMs: -30 * SECOND }, AT(5)],
  ])("%s", async (_, given, expected) => {
    expect((await watched(given)).checks).toEqual([...expected]);
  });

  test("the alert's own rule is evaluated anew each time, and no other", async () => {
    const asked: (readonly Rule[])[] = [];
    await watched({
      serviceContext: async (clock) => {
        const { monitor } = (await contextOf({ rules: [CPU], script: () => quiet() })).context
          .serviceContext;
        const poll: typeof monitor.poll = (signal, given) => {
          asked.push([CPU, rule({ alert: "Other" })].filter((one) => given?.fresh?.(one)));
          return monitor.poll(signal);
        };
        return { clock, monitor: { ...monitor, windowMs: 20_000, poll } };
      },
    });
    expect(asked).toEqual(Array.from({ length: 6 }, () => [CPU]));
  });

  test("it is told when the verdict is due", async () => {
    expect((await watched({})).events).toEqual([
      { type: "verification_started", verdictInMs: 30 * SECOND },
    ]);
    expect((await watched({ policy: { stabilizeMs: SECOND } })).events).toEqual([
      { type: "verification_started", verdictInMs: 20 * SECOND },
    ]);
  });
});

describe("a machine that sleeps meanwhile", () => {
  /** It sleeps that much more than it was to, once, at the third poll. */
  const sleepy = (moreMs: number): Watched => ({
    serviceContext: (clock) => {
      let sleeps = 0;
      const sleep: typeof clock.sleep = async (durationMs, signal) => {
        sleeps += 1;
        // It ends in a turn of its own, as a real one does.
        await Promise.resolve();
        await clock.sleep(durationMs + (sleeps === 3 ? moreMs : 0), signal);
      };
      return { clock: { ...clock, nowMs: clock.nowMs, sleep } };
    },
  });

  test.each([
    ["for as long as a check may take is awake, and its time counts", 10_000, 30],
    ["for longer has seen nothing meanwhile, and gets its time afterwards", 10_001, 40.001],
    ["for an hour", 3_600_000, 3630],
  ])("%s", async (_, moreMs, seconds) => {
    const found = await watched(sleepy(moreMs));
    expect([found.kind, found.seconds]).toEqual(["healed", seconds]);
  });
});

describe("what is made of what is seen", () => {
  test.each<[string, Watched, Verdict["kind"], number]>([
    ["it is quiet", {}, "healed", 30],
    ["it still holds", { script: hot }, "not_healed", 50],
    [
      "another label set of the rule holds, as long as it does",
      { script: () => [...quiet(), sample(1.9, { instance: "b:8000" })] },
      "not_healed",
      50,
    ],
    [
      "another label set alone is measured",
      { script: () => [sample(0.1, { instance: "b:8000" })] },
      "unknown",
      50,
    ],
    ["nothing is measured", { script: () => [] }, "unknown", 50],
    [
      "nobody measures what the rule is about, and it does not hold",
      { rules: [{ ...CPU, signal: undefined, expr: "odd" }], script: () => [] },
      "unknown",
      50,
    ],
    ["the source fails", { script: () => new Error("it is down") }, "unknown", 50],
    [
      "its health check fails",
      { serviceContext: () => ({ checkHealth: async () => ({ ok: false, message: "" }) }) },
      "not_healed",
      50,
    ],
  ])("%s", async (_, given, kind, seconds) => {
    const found = await watched(given);
    expect([found.kind, found.seconds]).toEqual([kind, seconds]);
  });

  test("a rule that is quiet without a measured side heals as well", async () => {
    const odd = { ...CPU, signal: undefined, expr: "odd > 5" };
    const { context, clock } = await contextOf({ rules: [odd], script: () => 1 });
    const fired = alert({ rule: odd });
    const of = { alert: fired, actedAtMs: clock.nowMs() };
    const { verdict } = await verify(of, context, new AbortController().signal);
    expect(verdict.kind).toBe("healed");
  });

  test("the health check is the service's own, and its last answer is told", async () => {
    const health = { http: "http://localhost:9/health" };
    // One for each poll of the 50 s, and the last one bad.
    const answers = [...Array.from({ length: 9 }, () => true), false];
    const found = await watched({
      policy: { service: service({ health }) },
      script: hot,
      serviceContext: () => ({
        checkHealth: async () => ({ ok: answers.shift() ?? false, message: "" }),
      }),
    });
    expect(found.isHealthy).toBe(false);
    expect((await watched({ policy: { service: service({ health }) } })).asked).toEqual(
      Array.from({ length: 6 }, () => health),
    );
    expect((await watched({})).isHealthy).toBe(true);
  });

  test("a service without a health check heals by its alert alone, and says so", async () => {
    const none: Given = {
      policy: { service: service({ health: "none" }) },
      serviceContext: () => ({ checkHealth: async () => undefined }),
    };
    const found = await watched(none);
    expect([found.kind, found.seconds, found.isHealthy]).toEqual(["healed", 30, undefined]);
    expect(found.reason).toEndWith("; the service has no health check");
    expect((await watched({ ...none, script: hot })).kind).toBe("not_healed");
  });
});

describe("how old the newest scrape is", () => {
  const OWN_AGE =
    'time() - min(timestamp({__name__=~"container_up|probe_success",sentinel_service="db"}))';
  /** The source's own answer to the question for the age. */
  const aged = (answer: readonly Sample[] | Error): Watched & { asked: string[] } => {
    const asked: string[] = [];
    return {
      asked,
      serviceContext: async (clock) => {
        const { source } = (
          await contextOf({ script: () => quiet(), serviceContext: () => ({ clock }) })
        ).context.serviceContext;
        const aging: SignalSource = {
          ...source,
          query: async (expr, signal) => {
            if (!expr.startsWith("time()")) return source.query(expr, signal);
            asked.push(expr);
            if (answer instanceof Error) throw answer;
            return answer;
          },
        };
        return { source: aging, own: aging };
      },
    };
  };

  test.each<[string, readonly Sample[] | Error, Verdict["kind"], number]>([
    ["just younger than the action", [sample(29.9)], "healed", 30],
    ["as old as the action, so that the next look counts", [sample(30)], "healed", 35],
    ["older, until it is not", [sample(36)], "healed", 40],
    ["of no age that is known", [], "unknown", 60],
    ["of an age that is no number", [sample(Number.NaN)], "unknown", 60],
    ["of an age without a bound", [sample(-Infinity)], "unknown", 60],
    ["of a source that fails", new Error("it is down"), "unknown", 60],
  ])("%s", async (_, answer, kind, seconds) => {
    // With as long a window as the wait the newest look alone is judged.
    const found = await watched({ ...aged(answer), windowMs: 30 * SECOND });
    expect([found.kind, found.seconds]).toEqual([kind, seconds]);
  });

  test("is asked of Sentinel's own series for a rule on those", async () => {
    const given = aged([sample(0)]);
    const fired = rule({ ...CPU, on: "own" });
    await watched({ ...given, fired, policy: { service: service({ name: "db", job: "db" }) } });
    expect(new Set(given.asked)).toEqual(new Set([OWN_AGE]));
  });

  test.each([
    ["by its job", service({ job: 'a "job"' }), 'time() - max(timestamp(up{job="a \\"job\\""}))'],
    [
      "by its container where it has no metrics",
      { ...service({ name: "db" }), job: undefined },
      OWN_AGE,
    ],
  ])("is asked for %s", async (_, of, expr) => {
    const given = aged([sample(0)]);
    await watched({ ...given, policy: { service: of } });
    expect(new Set(given.asked)).toEqual(new Set([expr]));
  });
});

test("told to stop, it is cut short at once, without a verdict", async () => {
  const found = await watched({ script: hot, stopAtMs: 12_000 });
  expect(found.kind).toBe("unknown");
  expect(found.reason).toBe("the verification was cut short");
  expect(found.checks).toEqual(AT(5, 10, 12));
});
