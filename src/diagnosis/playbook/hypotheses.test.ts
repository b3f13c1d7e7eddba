import { describe, expect, test } from "bun:test";
import { allowlist, containerState, evidence, START_MS } from "../../../test/support/fixtures.ts";
import type { Change, SignalHistory, Surroundings } from "../../core/evidence.ts";
import { FAULT_CLASSES, type FaultClass } from "../../core/fault-class.ts";
import type { Evidence } from "../../core/model.ts";
import { foldLog } from "../evidence/log-templates.ts";
import { consult } from "./consult.ts";
import { growthOf } from "./facts.ts";

const MINUTE_MS = 60_000;

const history = (
  measures: SignalHistory["measures"],
  before: number | undefined,
  now: number,
): SignalHistory => ({ name: measures, measures, values: [], before, now });

const cpu = (before: number | undefined, now: number) => history("cpu_cores", before, now);

function timeline(...signals: readonly SignalHistory[]): NonNullable<Surroundings["timeline"]> {
  return {
    stepMs: 1000,
    toMs: START_MS,
    onsetMs: START_MS - 20_000,
    startedAtMs: START_MS - 60 * MINUTE_MS,
    signals,
    leftOut: 0,
  };
}

const traffic = (before: number, now: number): Surroundings["traffic"] => ({
  now,
  before,
  known: { now, before },
  routes: [],
  leftOut: 0,
});

const change = (kind: Change["kind"], agoMs: number): Surroundings["changes"] => ({
  told: [{ kind, atMs: START_MS - agoMs, what: `a ${kind} change` }],
  leftOut: 0,
});

const sick = (name: string): Surroundings["neighbours"] => ({
  told: [{ name, relations: ["depends_on"], state: "exited (1)", sickness: "it is exited (1)" }],
  leftOut: 0,
});

const log = (...value: readonly string[]): Partial<Evidence> => ({
  logs: { kind: "found", value },
});

const dead = { alert: "ContainerDown", health: { ok: false, message: "no answer" } };
const exited = (exitCode: number, oomKilled = false): Partial<Evidence> => ({
  ...dead,
  container: { kind: "found", value: containerState({ status: "exited", exitCode, oomKilled }) },
});
const loop: Partial<Evidence> = {
  ...exited(1),
  alert: "CrashLoop",
  restartLoop: { restarts: 6, isGivenUp: false },
};

const ask = (changes: Partial<Evidence>, surroundings: Surroundings = {}) =>
  consult({ evidence: evidence({ ...changes, surroundings }), allowlist });

const latency = { alert: "HighLatency" };
const errors = { alert: "HighErrorRatio" };
const memory = { alert: "HighMemory" };
const down = { alert: "TargetDown", health: { ok: false, message: "no answer within 3 s" } };
const REFUSED = "connect ECONNREFUSED 10.0.0.3:5432";
const grown = Array.from({ length: 20 }, (_, at) => 100e6 + at * 20e6);

interface Case {
  readonly name: string;
  readonly evidence: Partial<Evidence>;
  readonly surroundings?: Surroundings;
  readonly says: string;
}

const CASES: readonly Case[] = [
  {
    name: "a surge with CPU to match",
    evidence: {},
    surroundings: { timeline: timeline(cpu(0.2, 0.9)), traffic: traffic(10, 60) },
    says: "overload none",
  },
  {
    name: "the same CPU without a surge",
    evidence: {},
    surroundings: { timeline: timeline(cpu(0.2, 0.9)), traffic: traffic(10, 10) },
    says: "hot_loop docker-restart",
  },
  {
    name: "the same by a rule of a file",
    evidence: { alert: "BusyCpu" },
    surroundings: { timeline: timeline(cpu(0.2, 0.9)), traffic: traffic(10, 10) },
    says: "hot_loop docker-restart",
  },
  {
    name: "a surge that makes it slow",
    evidence: latency,
    surroundings: { timeline: timeline(cpu(0.2, 0.9)), traffic: traffic(10, 60) },
    says: "overload none",
  },
  {
    name: "slow, idle, and fewer requests end",
    evidence: latency,
    surroundings: { timeline: timeline(cpu(0.05, 0.02)), traffic: traffic(10, 1) },
    says: "hang docker-restart",
  },
  {
    name: "slow, and what it needs has ended",
    evidence: latency,
    surroundings: { timeline: timeline(cpu(0.05, 0.02)), neighbours: sick("db") },
    says: "dependency none",
  },
  {
    name: "errors, and the log says that a connection is refused",
    evidence: { ...errors, ...log(REFUSED) },
    says: "dependency none",
  },
  {
    name: "errors of its own",
    evidence: {
      ...errors,
      ...log("TypeError: a is undefined", "Traceback (most recent call last):"),
    },
    says: "crash docker-restart",
  },
  {
    name: "errors since a new version",
    evidence: { ...errors, ...log("TypeError: a is undefined") },
    surroundings: { timeline: timeline(), changes: change("deploy", MINUTE_MS) },
    says: "deploy none",
  },
  {
    name: "errors a day after a new version",
    evidence: { ...errors, ...log("TypeError: a is undefined") },
    surroundings: { timeline: timeline(), changes: change("deploy", 20 * 60 * MINUTE_MS) },
    says: "crash docker-restart",
  },
  {
    name: "a new version after the onset is no cause of it",
    evidence: errors,
    surroundings: { timeline: timeline(), changes: change("deploy", -5 * MINUTE_MS) },
    says: "crash docker-restart",
  },
  {
    name: "errors since other settings",
    evidence: errors,
    surroundings: { timeline: timeline(), changes: change("config", MINUTE_MS) },
    says: "config none",
  },
  {
    name: "a crash loop that names a setting",
    evidence: { ...loop, ...log("invalid configuration: DATABASE_URL is not set") },
    says: "config none",
  },
  { name: "a command that is not there", evidence: exited(127), says: "config none" },
  {
    name: "slow since it was cut off",
    evidence: { ...latency, ...log("getaddrinfo ENOTFOUND db") },
    surroundings: { timeline: timeline(), changes: change("network", 30_000) },
    says: "network none",
  },
  {
    name: "no route",
    evidence: { ...errors, ...log("connect EHOSTUNREACH 10.0.0.3:5432") },
    says: "network none",
  },
  {
    name: "no space",
    evidence: { ...errors, ...log("ENOSPC: no space left on device, write") },
    says: "disk none",
  },
  {
    name: "too many open files",
    evidence: { ...errors, ...log("accept4: EMFILE, too many open files") },
    says: "resource_limit docker-restart",
  },
  {
    name: "killed for lack of memory",
    evidence: exited(137, true),
    says: "resource_limit docker-restart",
  },
  {
    name: "memory that grows",
    evidence: memory,
    surroundings: {
      timeline: timeline({ ...history("memory_bytes", 120e6, 480e6), values: grown }),
      traffic: traffic(10, 10),
    },
    says: "leak docker-restart",
  },
  {
    name: "a process that is silent and idle",
    evidence: down,
    surroundings: { timeline: timeline(cpu(0.1, 0.001)) },
    says: "hang docker-restart",
  },
  {
    name: "a process that is silent and burns a core",
    evidence: down,
    surroundings: { timeline: timeline(cpu(0.1, 1)), traffic: traffic(10, 0) },
    says: "hot_loop docker-restart",
  },
  { name: "a process that died", evidence: exited(139), says: "crash docker-restart" },
  {
    name: "an alert of which nothing is known",
    evidence: { alert: "OrdersFell", signal: undefined },
    says: "unknown none",
  },
];

test.each(CASES.map((one) => [one.name, one] as const))("%s", (_, { says, ...given }) => {
  const { faultClass, action } = ask(given.evidence, given.surroundings);
  expect(`${faultClass} ${action}`).toBe(says);
});

test("there is a case for every class", () => {
  const met = new Set(CASES.map(({ says }) => says.split(" ")[0]));
  expect(FAULT_CLASSES.filter((one) => !met.has(one))).toEqual([]);
});

const NEVER_RESTARTED: readonly FaultClass[] = ["overload", "dependency", "config", "deploy"];

test.each(CASES.filter(({ says }) => NEVER_RESTARTED.some((one) => says.startsWith(one))))(
  "nothing is run for $name, whatever the alert",
  ({ evidence: changes, surroundings }) => {
    for (const alert of ["HighErrorRatio", "HighLatency", "ContainerUnhealthy"])
      expect(ask({ ...changes, alert }, surroundings).action).toBe("none");
  },
);

test("a new version is rolled back where the platform can", () => {
  const { "docker-restart": restart } = allowlist;
  const rollback = { ...restart, effects: ["rollback"] as const };
  const surroundings = { timeline: timeline(), changes: change("deploy", MINUTE_MS) };
  const { action } = consult({
    evidence: evidence({ ...errors, surroundings }),
    allowlist: { "docker-restart": rollback },
  });
  expect(action).toBe("docker-restart");
});

describe("two causes with as much support", () => {
  test("leave it to a person, and both are named", () => {
    const surroundings = {
      timeline: timeline(cpu(0.2, 0.9)),
      traffic: traffic(10, 19),
    };
    const slow = ask({ ...latency, ...log("waiting for lock") }, surroundings);
    expect(slow.action).toBe("none");
  });
});

test("out of memory right after a new version is no reason to restart it", () => {
  const surroundings = { timeline: timeline(), changes: change("deploy", 21_000) };
  const said = log("FATAL: out of memory", "out of memory again");
  const { faultClass, action, rootCause } = ask({ ...exited(137, true), ...said }, surroundings);
  expect({ faultClass, action }).toEqual({ faultClass: "resource_limit", action: "none" });
  expect(rootCause).toContain("yet it may be deploy (a deploy change");
});

describe("a service that cannot be scraped", () => {
  const requests = (...values: readonly number[]): SignalHistory => ({
    ...history("requests", 8, values.at(-1) ?? 0),
    values: [...Array.from({ length: 20 }, () => 8), ...values, undefined, undefined],
  });
  const goneOn = (perSecond: number) => ({
    logDigest: foldLog(
      Array.from({ length: 80 + perSecond * 20 }, (_, at) => ({
        text: "a request",
        atMs: START_MS - 100_000 + (at < 80 ? at * 1000 : 80_000 + ((at - 80) * 1000) / perSecond),
      })),
    ),
  });
  const unknown = { now: undefined, before: 8, known: undefined, routes: [], leftOut: 0 };

  test("is overloaded if its requests rose until then", () => {
    const surroundings = {
      timeline: { ...timeline(requests(30, 45)), stepMs: 5000 },
      traffic: unknown,
    };
    expect(ask(down, surroundings)).toMatchObject({ faultClass: "overload", action: "none" });
  });

  test("does not hang if its log goes on, and is overloaded if it has many more lines", () => {
    const surroundings = { timeline: timeline(), traffic: unknown };
    const slow = ask({ ...down, ...goneOn(2) }, surroundings);
    expect(slow).toMatchObject({ action: "none" });
    expect(ask({ ...down, ...goneOn(20) }, surroundings)).toMatchObject({
      faultClass: "overload",
      action: "none",
    });
  });

  test("hangs if its log has ended with the onset", () => {
    const logDigest = foldLog(
      Array.from({ length: 80 }, (_, at) => ({
        text: "a request",
        atMs: START_MS - 100_000 + at * 1000,
      })),
    );
    const {
      action,
      evidence: told,
      rootCause,
    } = ask({ ...down, logDigest }, { timeline: timeline(), traffic: unknown });
    expect(action).toBe("docker-restart");
    expect([rootCause, ...told].join()).toContain("its log has ended with the onset");
  });
});

test("a health check that runs out of time is a hang", () => {
  const check = { exitCode: -1, output: "Health check exceeded timeout (2s)" };
  const { faultClass, action } = ask({
    alert: "ContainerUnhealthy",
    container: { kind: "found", value: containerState({ checks: [check] }) },
  });
  expect({ faultClass, action }).toEqual({ faultClass: "hang", action: "docker-restart" });
});

test("errors that the service explains in words that are not known are a person's", () => {
  const line = (text: string) => JSON.stringify({ level: "error", event: "request failed", text });
  const many = (text: string) => ({
    logDigest: foldLog(Array.from({ length: 5 }, () => ({ text: line(text) }))),
  });
  expect(ask({ ...errors, ...many("the ledger is out of balance") }).action).toBe("none");
  expect(ask({ ...errors, ...many("TypeError: a is undefined") }).action).toBe("docker-restart");
  expect(ask({ ...errors, ...log('{"event":"request","status":500}') }).action).toBe(
    "docker-restart",
  );
});

test("why is one sentence, and what speaks against it is told as well", () => {
  const { rootCause, evidence: told } = ask(
    { ...latency, ...log(REFUSED) },
    { timeline: timeline(cpu(0.2, 0.9)), traffic: traffic(10, 60), neighbours: sick("db") },
  );
  expect(rootCause).toBe(
    `Something that it depends on fails: db, which it needs, is sick: it is exited (1); its log says once: ${REFUSED}; a restart would not help.`,
  );
  expect(told.at(-1)).toStartWith("Next: overload, for requests rose from 10 to 60 a second");
});

test("memory that is too much is given back, also where it grew before anybody looked", () => {
  const flat = {
    ...history("memory_bytes", 6e8, 6e8),
    values: Array.from({ length: 8 }, () => 6e8),
  };
  const { action, faultClass } = consult({
    evidence: evidence({ alert: "HighMemory", surroundings: { timeline: timeline(flat) } }),
    allowlist,
  });
  expect({ action, faultClass }).toEqual({ action: "docker-restart", faultClass: "leak" });
});

describe("growth", () => {
  const of = (values: readonly (number | undefined)[]) => growthOf({ values });
  test("a straight line fits wholly, whatever is missing", () => {
    const { factor = 0, fit = 0 } = of([1, 2, undefined, 4, 5, 6, 7]) ?? {};
    expect(factor).toBeCloseTo(7);
    expect(fit).toBeCloseTo(1);
  });
  test("a flat one does not grow", () => {
    expect(of(Array.from({ length: 6 }, () => 3))).toEqual({ factor: 1, fit: 0, points: 6 });
  });
  test("five points are too few", () => {
    expect(of([1, 2, 3, 4, 5])).toBeUndefined();
  });
});
