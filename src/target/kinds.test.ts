import { describe, expect, test } from "bun:test";
import { aliveProcess } from "../../test/support/target.ts";
import {
  FAULT_KINDS,
  type FaultKind,
  type FaultOrder,
  MAX_DURATION_MS,
  MAX_SEED,
} from "./fault.ts";
import type { FaultEnvironment } from "./faults/kind.ts";
import { createLeak } from "./faults/leak.ts";
import { BYTES_PER_MB, createHeldMemory } from "./faults/held-memory.ts";
import { HttpError } from "./http-error.ts";
import { KINDS, orderFault } from "./kinds.ts";
import { createProbes } from "./probes.ts";
import { createTraffic } from "./traffic.ts";

const ROOM_MB = 1_000;

function environment({ hasOwnLimit = true, roomMb = ROOM_MB } = {}): FaultEnvironment {
  const memory = createHeldMemory({
    residentBytes: () => 0,
    allowedBytes: () => roomMb * BYTES_PER_MB,
    hasOwnLimit: () => hasOwnLimit,
  });
  return {
    memory,
    leak: createLeak(memory),
    traffic: createTraffic(),
    probes: createProbes(),
    emit: () => {},
    ownProcess: aliveProcess,
    cpuWorkerEntry: undefined,
  };
}

const order = (body: unknown): FaultOrder => orderFault(body, environment());

function refusalOf(body: unknown, within = environment()): HttpError {
  try {
    orderFault(body, within);
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(body)} was accepted`);
}

describe.each([...FAULT_KINDS])("the kind %s", (kind) => {
  test("needs nothing but its name", () => {
    const { durationMs, requested, unit, plan, seed } = order({ kind });
    expect(durationMs).toBeWithin(50, MAX_DURATION_MS + 1);
    expect(requested).toBeGreaterThan(0);
    expect(unit).not.toBe("");
    expect(plan).toHaveProperty("duration", durationMs / 1000);
    expect(seed).toBeUndefined();
  });

  test("has an example that works, and is told as it was asked for", () => {
    const { example, summary } = KINDS[kind];
    const { plan, kind: ordered } = order({ kind, ...example });
    expect(ordered).toBe(kind);
    // A crash takes no longer than its delay.
    const { duration: _, ...rest } = example;
    expect(plan).toMatchObject(kind === "crash" ? rest : example);
    expect(summary).toEndWith(".");
  });

  test("has a plan that can be asked for again", () => {
    const { plan } = order({ kind, ...KINDS[kind].example });
    const again = kind === "crash" ? { ...plan, duration: 1 } : plan;
    expect(order({ kind, ...again }).plan).toEqual(plan);
  });

  test("says of each parameter what it must be", () => {
    for (const name of Object.keys(KINDS[kind].schema().shape).filter((name) => name !== "kind")) {
      const { message, details } = refusalOf({ kind, [name]: { no: "such" } });
      expect(details.field).toBe(name);
      expect(message).toMatch(/^\w+ must be (a |one of |true or false).+, not \{"no":"such"\}$/);
    }
  });

  test("refuses what it does not know, with the nearest name", () => {
    const { status, details, message } = refusalOf({ kind, durration: 1 });
    expect({ status, field: details.field }).toEqual({ status: 422, field: "durration" });
    expect(message).toContain("did you mean duration?");
  });

  test("takes a seed from 0 to 2^32 - 1", () => {
    expect(order({ kind, seed: 0 }).seed).toBe(0);
    expect(order({ kind, seed: MAX_SEED }).seed).toBe(MAX_SEED);
    for (const seed of [-1, MAX_SEED + 1, 0.5]) {
      expect(refusalOf({ kind, seed }).details.field).toBe("seed");
    }
  });
});

/** Kind, parameter, what is still accepted, what just is not; other parameters as far as needed. */
const BOUNDS: readonly (readonly [
  FaultKind,
  string,
  readonly unknown[],
  readonly unknown[],
  Readonly<Record<string, unknown>>?,
])[] = [
  ["health", "duration", [0.1, 3_600], [0.099, 3_600.001, 0, -1, "1", null, Infinity, NaN]],
  ["block", "duration", [0.1, 30], [0.099, 30.001]],
  ["cpu", "load", [1, 100], [0.99, 100.01, 0]],
  ["cpu", "workers", [1, 256], [0, 257, 1.5], { load: 1 }],
  ["memory", "megabytes", [1, ROOM_MB], [0, ROOM_MB + 1, 1.5]],
  ["memory", "rate", [0.1, 1_000_000], [0.09, 1_000_001]],
  ["latency", "min", [0, 5], [-0.001, 120.001]],
  ["latency", "max", [0, 120], [-0.001, 120.001]],
  ["latency", "share", [0, 1], [-0.01, 1.01]],
  ["errors", "status", [400, 599], [399, 600, 500.5, "500"]],
  ["errors", "probability", [0, 1], [-0.001, 1.001]],
  ["errors", "every", [1, 1_000_000], [0, 1_000_001, 1.5]],
  ["errors", "first", [1, 1_000_000], [0, 1_000_001, 1.5]],
  ["crash", "mode", ["exception", "unhandled_rejection", "exit", "signal"], ["segfault", 1, ""]],
  ["crash", "code", [0, 255], [-1, 256, 1.5], { mode: "exit" }],
  ["crash", "signal", ["SIGKILL", "SIGHUP"], ["SIGSTOP", "KILL", 9], { mode: "signal" }],
  ["crash", "delay", [0.05, 3_600], [0.049, 3_600.001]],
  ["crash", "allow_oom", [true], [false, "true", 1], { mode: "oom" }],
  ["hang", "share", [0, 1], [-0.01, 1.01]],
  ["disk", "megabytes", [1], [0, 100_001, 1.5]],
  ["fds", "count", [1], [0, 10_001, 1.5]],
  ["logs", "rate", [0.1, 5_000], [0.09, 5_000.1]],
  ["logs", "text", ["x", "x".repeat(8_192)], ["", "x".repeat(8_193), 1]],
];

test.each(BOUNDS)("%s takes %s within its bounds alone", (kind, name, fine, wrong, others = {}) => {
  for (const value of fine) {
    expect(order({ kind, ...others, [name]: value }).plan).toHaveProperty([name], value);
  }
  for (const value of wrong) {
    const { status, details } = refusalOf({ kind, ...others, [name]: value });
    expect({ value, status, field: details.field }).toEqual({ value, status: 422, field: name });
  }
});

describe.each<FaultKind>(["latency", "errors", "hang"])("routes of %s", (kind) => {
  test("are a list of patterns", () => {
    const most = Array.from({ length: 20 }, (_, nth) => `/api/${nth}`);
    for (const routes of [["/api/*"], ["/"], most, [`/${"a".repeat(199)}`]]) {
      expect(order({ kind, routes }).plan).toHaveProperty("routes", routes);
    }
    const wrong = [[], "/api/*", ["api"], [1], ["/api/"], [...most, "/x"], [`/${"a".repeat(200)}`]];
    for (const routes of wrong) expect(refusalOf({ kind, routes }).details.field).toBe("routes");
  });
});

describe("parameters that must fit each other", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["bounds the wrong way round", { kind: "latency", min: 2, max: 1 }, "min"],
    ["bounds and a profile", { kind: "latency", min: 1, p50: 1, p90: 1, p99: 1 }, "min"],
    ["an upper bound and a profile", { kind: "latency", max: 1, p50: 1, p90: 1, p99: 1 }, "max"],
    ["a profile without p90", { kind: "latency", p50: 1, p99: 1 }, "p90"],
    ["p90 below p50", { kind: "latency", p50: 2, p90: 1, p99: 3 }, "p90"],
    ["p99 below p90", { kind: "latency", p50: 1, p90: 2, p99: 1.9 }, "p99"],
    ["a probability and every Nth", { kind: "errors", probability: 1, every: 2 }, "every"],
    ["every Nth and the first N", { kind: "errors", every: 2, first: 2 }, "first"],
    ["a code without exit", { kind: "crash", code: 3 }, "code"],
    ["a signal without its mode", { kind: "crash", signal: "SIGKILL" }, "signal"],
    ["oom without a permit", { kind: "crash", mode: "oom" }, "allow_oom"],
    ["more load than its workers can burn", { kind: "cpu", load: 100, workers: 1 }, "load"],
  ])("%s is refused", (_, body, field) => {
    // One worker burns a whole machine of one core.
    if (body["workers"] === 1 && navigator.hardwareConcurrency === 1) return;
    expect(refusalOf(body).details.field).toBe(field);
  });

  test("one bound of a delay moves the other's default with it", () => {
    expect(order({ kind: "latency" }).plan).toMatchObject({ min: 1, max: 5 });
    expect(order({ kind: "latency", min: 7 }).plan).toMatchObject({ min: 7, max: 7 });
    expect(order({ kind: "latency", max: 0.5 }).plan).toMatchObject({ min: 0.5, max: 0.5 });
    expect(order({ kind: "latency", max: 2 }).plan).toMatchObject({ min: 1, max: 2 });
  });

  test("more workers than cores need the memory for them", () => {
    const some = 200;
    const within = environment({ roomMb: 2 * some });
    const cpu = (workers: number) => ({ kind: "cpu", load: 1, workers });
    expect(orderFault(cpu(some), within).plan).toMatchObject({ workers: some });
    const { details, message } = refusalOf(cpu(some + 1), within);
    expect(details.field).toBe("workers");
    expect(message).toContain("up to 200 here");
    expect(orderFault({ kind: "cpu" }, environment({ roomMb: 0 })).kind).toBe("cpu");
  });

  test("oom needs a limit of the process's own, or the kernel might kill another one", () => {
    const oom = { kind: "crash", mode: "oom", allow_oom: true };
    expect(order(oom).plan).toMatchObject({ mode: "oom" });
    const refusal = refusalOf(oom, environment({ hasOwnLimit: false }));
    expect(refusal.details.field).toBe("mode");
  });
});

describe("the kind", () => {
  test.each<[string, unknown, string]>([
    ["missing", {}, "kind is missing"],
    ["unknown", { kind: "nothing" }, 'not "nothing"'],
    ["almost one", { kind: "memroy" }, "did you mean memory?"],
    ["in another case", { kind: "CPU" }, 'not "CPU"'],
    ["a name of the prototype", { kind: "toString" }, 'not "toString"'],
    ["no text", { kind: ["cpu"] }, 'not ["cpu"]'],
    ["null", { kind: null }, "not null"],
  ])("that is %s is refused", (_, body, part) => {
    const { status, details, message } = refusalOf(body);
    expect({ status, field: details.field }).toEqual({ status: 422, field: "kind" });
    expect(message).toContain(part);
  });

  test("is asked of an object alone", () => {
    for (const body of [null, 1, "cpu", [], [{ kind: "cpu" }], true, undefined]) {
      expect(refusalOf(body)).toMatchObject({ status: 422, details: { field: "body" } });
    }
  });
});
