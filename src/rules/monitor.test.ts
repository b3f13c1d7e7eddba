import { describe, expect, test } from "bun:test";
import {
  NEVER,
  rule,
  type Script,
  scriptedSource,
  simulatedClock,
  START_MS,
} from "../../test/support/fixtures.ts";
import { SentinelError } from "../core/errors.ts";
import { createMonitor, type MonitorOptions } from "./monitor.ts";

const cpu = rule();
const memory = rule({
  alert: "HighMemory",
  expr: "memory > 5",
  signal: { expr: "memory", operator: ">", threshold: 5 },
});

function monitorOf(script: Script, options: Partial<MonitorOptions> = {}) {
  const clock = simulatedClock();
  const source = scriptedSource(clock, script);
  const monitor = createMonitor(
    {
      rulesFor: () => [cpu, memory],
      findWindowMs: async () => 20_000,
      fallbackWindowMs: 60_000,
      ...options,
    },
    source,
    clock,
  );
  return { clock, source, monitor };
}

test("a poll asks for each rule, and for what it measures", async () => {
  const { source, monitor } = monitorOf((expr) => (expr === "cpu" ? 1.9 : 1));
  const poll = await monitor.poll(NEVER);
  expect(source.queries.toSorted()).toEqual(["cpu", "cpu > 0.5", "memory", "memory > 5"]);
  expect(poll).toMatchObject({ atMs: START_MS, sourceDown: undefined });
  expect(poll.alerts).toMatchObject([
    { rule: cpu, state: "firing", value: 1.9 },
    { rule: memory, state: "inactive", value: 1 },
  ]);
  expect(poll.evaluationOf(memory)).toMatchObject({ kind: "inactive", value: 1 });
});

describe("a rule on Sentinel's own series", () => {
  const own = rule({ ...memory, on: "own" });
  const polled = async (script: Script) => {
    const asked = scriptedSource(simulatedClock(), () => 9);
    const { source, monitor } = monitorOf(script, { rulesFor: () => [cpu, own], own: asked });
    return { source, asked, poll: await monitor.poll(NEVER) };
  };

  test("is evaluated on those, and the others on the source", async () => {
    const { source, asked, poll } = await polled(() => 0.1);
    expect(source.queries.toSorted()).toEqual(["cpu", "cpu > 0.5"]);
    expect(asked.queries.toSorted()).toEqual(["memory", "memory > 5"]);
    expect(poll.alerts).toMatchObject([{ state: "inactive" }, { rule: own, state: "firing" }]);
  });

  test("says what it says while the source is down", async () => {
    const { poll } = await polled(() => new SentinelError("source_unreachable", "it is down"));
    expect(poll.sourceDown).toBe("it is down");
    expect(poll.alerts).toMatchObject([{ state: "no_data" }, { rule: own, state: "firing" }]);
  });
});

describe("after a time in which nobody looked", () => {
  const MINUTE = 60_000;
  test.each([
    ["as long as a model may think, a pending alert goes on", 2 * MINUTE, 5000, "firing"],
    ["longer, it starts anew", 2 * MINUTE + 1, 5000, "pending"],
    ["longer, but polls are that far apart, it goes on", 30 * MINUTE, 10 * MINUTE, "firing"],
    ["three times as long as polls are apart, it starts anew", 31 * MINUTE, 10 * MINUTE, "pending"],
  ])("%s", async (_, gapMs, pollIntervalMs, state) => {
    const slow = rule({ forMs: MINUTE });
    const { source } = monitorOf(() => 1.9);
    let nowMs = START_MS;
    const clock = { ...simulatedClock(), nowMs: () => nowMs };
    const options = {
      rulesFor: () => [slow],
      findWindowMs: async () => 20_000,
      fallbackWindowMs: 20_000,
      pollIntervalMs,
    };
    const monitor = createMonitor(options, source, clock);
    expect((await monitor.poll(NEVER)).alerts[0]?.state).toBe("pending");
    nowMs += gapMs;
    const [alert] = (await monitor.poll(NEVER)).alerts;
    expect(alert).toMatchObject({ state, activeAtMs: state === "firing" ? START_MS : nowMs });
    // After that it fires once it has held for as long as the rule asks.
    nowMs += MINUTE;
    expect((await monitor.poll(NEVER)).alerts[0]?.state).toBe("firing");
  });

  test("one that fires goes on firing", async () => {
    const { monitor, clock } = monitorOf(() => 1.9);
    await monitor.poll(NEVER);
    clock.pass(8 * 60 * MINUTE);
    expect((await monitor.poll(NEVER)).alerts[0]).toMatchObject({
      state: "firing",
      firingAtMs: START_MS,
    });
  });
});

describe("a source that fails", () => {
  const down = new SentinelError("source_timeout", "no answer within 5 s");
  const rejected = new SentinelError("source_rejected", "400 bad_data");

  test("in one question is not believed in the others", async () => {
    const { monitor } = monitorOf((expr) => (expr === "memory" ? down : 1.9));
    const poll = await monitor.poll(NEVER);
    expect(poll.sourceDown).toBe("no answer within 5 s");
    expect(poll.alerts.map(({ state, noDataReason }) => `${state}: ${noDataReason}`)).toEqual([
      "no_data: no answer within 5 s",
      "no_data: no answer within 5 s",
    ]);
  });

  test("by refusing one expression is believed in the others", async () => {
    const { monitor } = monitorOf((expr) => (expr === "memory" ? rejected : 1.9));
    const poll = await monitor.poll(NEVER);
    expect(poll.sourceDown).toBeUndefined();
    expect(poll.alerts).toMatchObject([
      { state: "firing" },
      { state: "no_data", noDataReason: "400 bad_data", isRejected: true },
    ]);
  });

  test("and is back has no memory of it, but of what fired", async () => {
    const { monitor, clock } = monitorOf((_, elapsedMs) =>
      elapsedMs === 5000 ? down : elapsedMs < 20_000 ? 1.9 : 0.1,
    );
    const states = [];
    for (let polls = 0; polls < 5; polls += 1) {
      const { alerts } = await monitor.poll(NEVER);
      states.push(alerts[0]?.state);
      expect(alerts[0]).not.toHaveProperty("isRejected");
      clock.pass(5000);
    }
    expect(states).toEqual(["firing", "no_data", "firing", "firing", "inactive"]);
  });
});

describe("the window", () => {
  test("is the fallback until it is known, and is then not asked for again", async () => {
    const answers = [undefined, undefined, 20_000, 99_000];
    const windows: number[] = [];
    const { monitor } = monitorOf(() => 1, {
      findWindowMs: async () => answers.shift(),
      rulesFor: (windowMs) => {
        windows.push(windowMs);
        return [rule()];
      },
    });
    const seen = [monitor.windowMs];
    for (let polls = 0; polls < 4; polls += 1) {
      await monitor.poll(NEVER);
      seen.push(monitor.windowMs);
    }
    expect(seen).toEqual([60_000, 60_000, 60_000, 20_000, 20_000]);
    expect(windows).toEqual([60_000, 20_000]);
    expect(answers).toEqual([99_000]);
  });

  test("that is the fallback's own leaves the rules as they are", async () => {
    let calls = 0;
    const { monitor } = monitorOf(() => 1, {
      findWindowMs: async () => 60_000,
      rulesFor: () => {
        calls += 1;
        return [cpu];
      },
    });
    await monitor.poll(NEVER);
    expect(calls).toBe(1);
  });
});

test("each poll is told of once it has ended, and when the source last answered", async () => {
  const down = new SentinelError("source_timeout", "no answer within 5 s");
  const told: unknown[] = [];
  const { monitor, clock, source } = monitorOf((_, elapsedMs) => (elapsedMs >= 5000 ? down : 1), {
    onPoll: ({ atMs, sourceDown }, durationMs) => told.push([atMs, sourceDown, durationMs]),
  });
  const query = source.query;
  source.query = (expr, signal) => {
    clock.pass(100);
    return query(expr, signal);
  };
  expect(monitor.answeredAtMs).toBeUndefined();
  // Two rules, each of them a question for the rule and one for what it measures.
  await monitor.poll(NEVER);
  expect(told).toEqual([[START_MS + 400, undefined, 400]]);
  expect(monitor.answeredAtMs).toBe(START_MS + 400);
  clock.pass(5000);
  await monitor.poll(NEVER);
  expect(told.at(-1)).toEqual([START_MS + 5800, "no answer within 5 s", 400]);
  expect(monitor.answeredAtMs).toBe(START_MS + 400);
});
