import { describe, expect, test } from "bun:test";
import {
  NEVER,
  rule,
  sample,
  type Script,
  scriptedSource,
  simulatedClock,
} from "../../test/fixtures.ts";
import { SentinelError } from "./errors.ts";
import { createDirectory } from "./ownership.ts";
import { createSharedRules, type SharedPoll, type SharedRulesOptions } from "./shared-rules.ts";

const SERVICES = ["a", "b"].map((name) => ({
  name,
  job: name,
  healthUrl: `http://${name}/health`,
}));
const hot = rule({ alert: "Hot", labels: { severity: "high" } });

function sharedRules(script: Script, changes: Partial<SharedRulesOptions> = {}) {
  const clock = simulatedClock();
  const source = scriptedSource(clock, script);
  const directory = createDirectory(SERVICES);
  const options = { rules: [hot], directory: () => directory, pollIntervalMs: 5000, signal: NEVER };
  return { clock, source, shared: createSharedRules({ ...options, ...changes }, source, clock) };
}

const jobs = (...values: readonly [string, number][]) =>
  values.map(([job, value]) => sample(value, { job }));

describe("an evaluation serves all services", () => {
  test("that poll within an interval of it, and no longer", async () => {
    const { clock, source, shared } = sharedRules(() => jobs(["a", 1]));
    const first = await shared.poll();
    clock.pass(4400);
    expect(await shared.poll()).toBe(first);
    clock.pass(100);
    expect(await shared.poll()).not.toBe(first);
    expect(source.queries).toHaveLength(4);
  });

  test("but who is about to act asks anew", async () => {
    const { shared } = sharedRules(() => jobs(["a", 1]));
    const first = await shared.poll();
    expect(await shared.poll({ isFresh: true })).not.toBe(first);
  });

  test("one that is under way is waited for; who is about to act gets one that began later", async () => {
    const { source, shared } = sharedRules(() => jobs(["a", 1]));
    const [first, second, fresh, another] = await Promise.all([
      shared.poll(),
      shared.poll(),
      shared.poll({ isFresh: true }),
      shared.poll({ isFresh: true }),
    ]);
    expect(second).toBe(first);
    expect(fresh).not.toBe(first);
    expect(another).toBe(fresh);
    expect(source.queries).toHaveLength(4);
  });
});

describe("what it says", () => {
  const poll = async (script: Script, changes?: Partial<SharedRulesOptions>): Promise<SharedPoll> =>
    await sharedRules(script, changes).shared.poll();

  test("of a label set that holds goes to its owner alone", async () => {
    const said = await poll(() => jobs(["a", 1.9], ["b", 0.1]));
    expect(said.alertsOf("a")).toMatchObject([{ state: "firing", labels: { job: "a" } }]);
    expect(said.alertsOf("b")).toEqual([]);
    expect(said.unowned).toEqual([]);
    expect(said.restingFor("a")).toEqual([]);
    expect(said.restingFor("b")).toMatchObject([{ state: "inactive", value: 0.1 }]);
    expect(said.evaluationFor(hot, "a")).toMatchObject({ kind: "active" });
    expect(said.evaluationFor(hot, "b")).toMatchObject({ kind: "inactive", value: 0.1 });
  });

  test("of a label set that is nobody's is said with the reason", async () => {
    const said = await poll(() => jobs(["c", 1.9]));
    expect(said.alertsOf("a")).toEqual([]);
    expect(said.unowned).toMatchObject([
      { alert: { labels: { job: "c" } }, reason: "no label of it names a watched service" },
    ]);
  });

  test("of a quiet rule that names a service by its own labels is said for it", async () => {
    const own = rule({ alert: "Own", labels: { sentinel_service: "b" } });
    const said = await poll(() => 0.1, { rules: [own] });
    expect(said.restingFor("a")).toEqual([]);
    expect(said.restingFor("b")).toMatchObject([{ rule: own, value: 0.1 }]);
  });

  test("of a source that fails one question is believed in none, and it is not asked on", async () => {
    const rules = Array.from({ length: 50 }, (_, index) => rule({ alert: `R${index}` }));
    const { source, shared } = sharedRules(
      () => new SentinelError("source_unreachable", "cannot be reached"),
      { rules },
    );
    const said = await shared.poll();
    expect(said.sourceDown).toBe("cannot be reached");
    expect(said.alerts).toHaveLength(50);
    expect(new Set(said.alerts.map(({ state }) => state))).toEqual(new Set(["no_data"]));
    expect(source.queries.length).toBeLessThanOrEqual(40);
  });

  test("of a source that is so slow that the loops would look as if they stood still is cut off", async () => {
    const rules = Array.from({ length: 60 }, (_, index) => rule({ alert: `R${index}` }));
    const { clock, shared } = sharedRules(
      () => {
        clock.pass(300);
        return 0.1;
      },
      { rules },
    );
    const said = await shared.poll();
    expect(said.sourceDown).toMatch(/^the source took longer than 4 s for \d+ of 60 rules$/);
  });

  test("of one rule that the source refuses leaves the others alone", async () => {
    const broken = rule({ alert: "Broken", expr: "broken > 1", signal: undefined });
    const said = await poll(
      (expr) =>
        expr === "broken" ? new SentinelError("source_rejected", "bad_data") : jobs(["a", 1.9]),
      { rules: [broken, hot] },
    );
    expect(said.sourceDown).toBeUndefined();
    expect(said.alerts).toMatchObject([
      { rule: broken, state: "no_data", isRejected: true },
      { rule: hot, state: "firing" },
    ]);
  });
});

test("a label set keeps its state from evaluation to evaluation, whoever asked for it", async () => {
  const slow = rule({ alert: "Slow", forMs: 10_000 });
  const { clock, shared } = sharedRules(() => jobs(["a", 1.9]), { rules: [slow] });
  const states: (string | undefined)[] = [];
  for (let second = 0; second <= 10; second += 5) {
    const said = await shared.poll({ isFresh: second % 2 === 0 });
    states.push(said.alertsOf("a")[0]?.state);
    clock.pass(5000);
  }
  expect(states).toEqual(["pending", "pending", "firing"]);
});
