import { describe, expect, test } from "bun:test";
import {
  NEVER,
  rule,
  sample,
  type Script,
  scriptedSource,
  simulatedClock,
} from "../../test/support/fixtures.ts";
import type { SavedAlert } from "./alert-memory.ts";
import { SentinelError } from "../core/errors.ts";
import { createDirectory } from "./ownership.ts";
import type { Rule } from "../core/model.ts";
import { groupOf } from "../../test/support/rule-file.ts";
import {
  createSharedRules,
  RULES_AT_ONCE,
  type SharedPoll,
  type SharedRules,
  type SharedRulesOptions,
} from "./shared-rules.ts";

const SERVICES = ["a", "b"].map((name) => ({
  name,
  job: name,
  health: { http: `http://${name}/health` },
}));
const hot = rule({ alert: "Hot", labels: { severity: "high" } });

function sharedRules(script: Script, changes: Partial<SharedRulesOptions> = {}) {
  const clock = simulatedClock();
  const source = scriptedSource(clock, script);
  const directory = createDirectory(SERVICES);
  const options = {
    groups: [groupOf([hot])],
    directory: () => directory,
    pollIntervalMs: 5000,
    signal: NEVER,
  };
  return { clock, source, shared: createSharedRules({ ...options, ...changes }, source, clock) };
}

function many(count: number): Rule[] {
  return Array.from({ length: count }, (_, index) => rule({ alert: `R${index}` }));
}

/** How they stand once the evaluation that this poll begins has ended. */
async function settled(shared: SharedRules): Promise<SharedPoll> {
  await shared.poll();
  await Bun.sleep(0);
  return await shared.poll();
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

  test("but who is about to act asks anew, for what it is about alone", async () => {
    const other = rule({ alert: "Other", expr: "other > 1", signal: undefined });
    const { source, shared } = sharedRules(() => jobs(["a", 1]), {
      groups: [groupOf([hot, other])],
    });
    await shared.poll();
    const before = source.queries.length;
    const said = await shared.poll({ fresh: ({ alert }) => alert === "Other" });
    expect(source.queries.slice(before)).toEqual(["other > 1"]);
    expect(said.alerts).toHaveLength(2);
    expect(said.alertsOf("a")).toHaveLength(1);
  });

  test("one that is under way is waited for", async () => {
    const { source, shared } = sharedRules(() => jobs(["a", 1]));
    const [first, second] = await Promise.all([shared.poll(), shared.poll()]);
    expect(second).toBe(first);
    expect(source.queries).toHaveLength(2);
  });

  test("an answer to an earlier question does not undo a later one's", async () => {
    // The first evaluation hangs at its source while who is about to act asks, and is told.
    const clock = simulatedClock();
    const gate = Promise.withResolvers<void>();
    let asked = 0;
    const source = {
      ...scriptedSource(clock, () => 0.1),
      async query() {
        asked += 1;
        const isFirst = asked === 1;
        if (isFirst) await gate.promise;
        return jobs(["a", isFirst ? 0.1 : 1.9]);
      },
    };
    const slow = rule({ alert: "Hot", labels: {}, signal: undefined, expr: "hot" });
    const directory = createDirectory(SERVICES);
    const options = { groups: [groupOf([slow])], directory: () => directory, pollIntervalMs: 5000 };
    const rules = many(RULES_AT_ONCE);
    const shared = createSharedRules(
      { ...options, groups: [groupOf([slow, ...rules])], signal: NEVER },
      source,
      clock,
    );
    await shared.poll();
    clock.pass(1000);
    const said = await shared.poll({ fresh: (one) => one === slow });
    expect(said.alertsOf("a")).toMatchObject([{ value: 1.9 }]);
    gate.resolve();
    await Bun.sleep(0);
    expect((await shared.poll()).alertsOf("a").find(({ rule: of }) => of === slow)?.value).toBe(
      1.9,
    );
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
  });

  test("of a rule that is asked for afresh is told in full of each service's own series", async () => {
    const { shared } = sharedRules(() => jobs(["a", 1.9], ["b", 0.1]));
    const said = await shared.poll({ fresh: () => true });
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
    const said = await poll(() => 0.1, { groups: [groupOf([own])] });
    expect(said.restingFor("a")).toEqual([]);
    expect(said.restingFor("b")).toMatchObject([{ rule: own, value: 0.1 }]);
  });

  test("of a source that fails one question is believed in none, and it is not asked on", async () => {
    const rules = many(50);
    const { source, shared } = sharedRules(
      () => new SentinelError("source_unreachable", "cannot be reached"),
      { groups: [groupOf(rules)] },
    );
    const said = await settled(shared);
    expect(said.sourceDown).toBe("cannot be reached");
    expect(said.alerts).toHaveLength(50);
    expect(new Set(said.alerts.map(({ state }) => state))).toEqual(new Set(["no_data"]));
    expect(source.queries.length).toBeLessThanOrEqual(40);
  });

  test("of one rule that the source refuses leaves the others alone", async () => {
    const broken = rule({ alert: "Broken", expr: "broken > 1", signal: undefined });
    const said = await poll(
      (expr) =>
        expr === "broken" ? new SentinelError("source_rejected", "bad_data") : jobs(["a", 1.9]),
      { groups: [groupOf([broken, hot])] },
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
  const { clock, shared } = sharedRules(() => jobs(["a", 1.9]), { groups: [groupOf([slow])] });
  const states: (string | undefined)[] = [];
  for (let second = 0; second <= 10; second += 5) {
    const said = await shared.poll(second % 2 === 0 ? { fresh: () => true } : {});
    states.push(said.alertsOf("a")[0]?.state);
    clock.pass(5000);
  }
  expect(states).toEqual(["pending", "pending", "firing"]);
});

describe("more rules than are asked for at once", () => {
  test("are not waited for: until they are evaluated nothing is known of them", async () => {
    const { shared } = sharedRules(() => jobs(["a", 1.9]), {
      groups: [groupOf(many(RULES_AT_ONCE + 1))],
    });
    const first = await shared.poll();
    expect(first.alertsOf("a")).toEqual([]);
    expect(new Set(first.alerts.map(({ state }) => state))).toEqual(new Set(["no_data"]));
    expect((await settled(shared)).alertsOf("a")).toHaveLength(RULES_AT_ONCE + 1);
  });

  test("are still waited for by who is about to act on one of them", async () => {
    const rules = many(RULES_AT_ONCE + 1);
    const { shared } = sharedRules(() => jobs(["a", 1.9]), { groups: [groupOf(rules)] });
    const last = `R${RULES_AT_ONCE}`;
    const said = await shared.poll({ fresh: ({ alert }) => alert === last });
    expect(said.alertsOf("a").map(({ rule: of }) => of.alert)).toContain(last);
  });

  test("keep what fired before a restart of Sentinel, as not known until they are evaluated", async () => {
    const rules = many(RULES_AT_ONCE + 1);
    const saved = { labels: { ...rules[0]?.labels, job: "a", alertname: "R0" }, isHandled: true };
    const restored: readonly SavedAlert[] = [
      { ...saved, name: "R0", state: "firing", activeAtMs: 1, firingAtMs: 1 },
      {
        ...saved,
        name: "R0",
        labels: { ...saved.labels, x: "y" },
        state: "pending",
        activeAtMs: 1,
      },
    ];
    const { shared } = sharedRules(() => jobs(["a", 1.9]), { groups: [groupOf(rules)], restored });
    expect((await shared.poll()).alertsOf("a")).toMatchObject([
      { state: "no_data", firingAtMs: 1, rule: { alert: "R0" } },
    ]);
  });
});
