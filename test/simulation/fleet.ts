/** Services that fail in all the ways they know, and the Docker and Prometheus that they live in. */

import type { ActionId } from "../../src/allowlist.ts";
import { SentinelError } from "../../src/core/errors.ts";
import type { ContainerState, Rule, Sample, Service } from "../../src/core/model.ts";
import type { Platform, SignalSource } from "../../src/core/ports.ts";
import { containerState, rule, service, START_MS } from "../support/fixtures.ts";
import type { Chance } from "./chance.ts";
import type { Timeline } from "./timeline.ts";
import type { Wall } from "./wall.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export type Autonomy = "auto" | "approve";

/** One service: what is seen of it, and what an action does to it. */
export interface Member {
  readonly service: Service;
  readonly autonomy: Autonomy;
  readonly rules: readonly Rule[];
  readonly source: SignalSource;
  readonly observed: Pick<Platform, "inspect" | "logs">;
  /** As the rule of a file sees it; `undefined` while there is no data. */
  errors(): number | undefined;
  isHealthy(): boolean;
  /** Whether its container is, and Docker would say so. */
  isSeenStarting(): boolean;
  /** Something that comes back again and again after each action. */
  fail(): void;
  /** A command has had its effect. */
  apply(action: ActionId): void;
}

export interface Fleet {
  readonly members: readonly Member[];
  /** Evaluates the rule of a file, for all of them and for series that are nobody's. */
  readonly sharedSource: SignalSource;
  isDockerDown(): boolean;
  /** Nothing new fails from now on, and all that has failed ends. */
  settle(): void;
}

export interface FleetOptions {
  readonly timeline: Timeline;
  readonly wall: Pick<Wall, "nowMs">;
  readonly chance: Chance;
  /** Told of each answer about a rule: whether it holds for that service; `undefined` without data. */
  onLook(service: string, alert: string, holds: boolean | undefined): void;
}

const SIGNALS = ["cpu", "memory", "errors"] as const;
type Signal = (typeof SIGNALS)[number];

/** What is wrong with one signal of one service. */
interface Fault {
  readonly untilMs: number;
  readonly curedBy: readonly ActionId[];
  /** Any action breaks the service, until the fault ends. */
  readonly isTrap: boolean;
  /** Comes and goes with that period. */
  readonly flapMs: number | undefined;
  /** How often it comes back soon after it was cured. */
  readonly returns: number;
  readonly returnsWithinMs: number;
}

const RESTARTS = ["docker-restart", "compose-restart", "compose-up"] as const;
/** A restart cures it, for good. */
const PLAIN: Omit<Fault, "untilMs"> = {
  curedBy: RESTARTS,
  isTrap: false,
  flapMs: undefined,
  returns: 0,
  returnsWithinMs: 35 * MINUTE_MS,
};

const START_PERIOD_MS = 20_000;

/** The stop is on the list of each service, and still nobody may do it alone. */
const ACTIONS = [...RESTARTS, "docker-stop"] as const;

/** The rule of a file: each label set that holds belongs to the service that it names, or to nobody. */
export const SHARED_RULE: Rule = rule({
  alert: "Errors",
  expr: "errors > 0.5",
  signal: { expr: "errors", operator: ">", threshold: 0.5 },
  labels: { severity: "high" },
  permits: RESTARTS,
});

/** Containers that nobody watches, with the same metrics; they flap all month. */
const STRANGERS = ["stranger-1", "service-00", "service"] as const;
const STRANGER_FLAP_MS = 7 * MINUTE_MS;

/** The rules of a service; the second one permits what nobody may do alone. */
function rulesOf(name: string, index: number): readonly Rule[] {
  const severity = index === 2 ? "medium" : "high";
  return [
    rule({ severity, labels: { severity, service: name }, permits: RESTARTS }),
    rule({
      alert: "HighMemory",
      expr: "memory > 0.5",
      signal: { expr: "memory", operator: ">", threshold: 0.5 },
      severity: "critical",
      labels: { severity: "critical", service: name },
      annotations: { summary: "Memory is full" },
      permits: ["docker-stop", "docker-restart", "compose-up"],
    }),
  ];
}

export function createFleet(size: number, options: FleetOptions): Fleet {
  const { timeline, chance } = options;
  let isOver = false;
  const every = (averageMs: number, work: () => void) => {
    const next = () =>
      timeline.after(chance.until(averageMs), () => {
        if (isOver) return;
        work();
        next();
      });
    next();
  };
  /** Away every now and then, for a time. */
  const outage = (averageMs: number, mostMs: number) => {
    let untilMs = 0;
    every(averageMs, () => {
      untilMs = timeline.nowMs() + chance.between(10_000, mostMs);
    });
    return () => !isOver && timeline.nowMs() < untilMs;
  };
  const isPrometheusDown = outage(9 * HOUR_MS, 25 * MINUTE_MS);
  const isDockerDown = outage(11 * HOUR_MS, 25 * MINUTE_MS);
  const shared = { isPrometheusDown, isDockerDown, isOver: () => isOver, every };
  const members = Array.from({ length: size }, (_, index) => createMember(index, options, shared));
  // What they all need fails, so that all of them want to be acted upon at the same time.
  every(16 * HOUR_MS, () => {
    for (const { fail } of members) fail();
  });
  const errors = (): Sample[] => [
    ...members.flatMap((member) => {
      const value = member.errors();
      return value === undefined ? [] : [errorsOf(member.service.name, value, timeline)];
    }),
    ...STRANGERS.map((name) => {
      const isOn = Math.floor(timeline.nowMs() / STRANGER_FLAP_MS) % 2 === 1;
      return errorsOf(name, isOn ? 1.9 : 0.1, timeline);
    }),
  ];
  const sharedSource: SignalSource = {
    async query(expr) {
      if (isPrometheusDown()) throw new SentinelError("source_unreachable", "it is away");
      const samples = errors();
      for (const { service: one } of members) {
        const found = samples.find(({ labels }) => labels["container"] === one.name);
        options.onLook(one.name, SHARED_RULE.alert, found && found.value > 0.5);
      }
      return expr.includes(">") ? samples.filter(({ value }) => value > 0.5) : samples;
    },
    range: () => Promise.resolve([]),
    scrapeIntervalMs: () => Promise.resolve(5000),
  };
  return {
    members,
    sharedSource,
    isDockerDown,
    settle() {
      isOver = true;
    },
  };
}

interface Shared {
  isPrometheusDown(): boolean;
  isDockerDown(): boolean;
  isOver(): boolean;
  every(averageMs: number, work: () => void): void;
}

function createMember(
  index: number,
  { timeline, wall, chance, onLook }: FleetOptions,
  { isPrometheusDown, isDockerDown, isOver, every }: Shared,
): Member {
  const name = `service-${index}`;
  const rules = rulesOf(name, index);
  const faults = new Map<Signal, Fault>();
  let missingUntilMs = 0;
  let brokenUntilMs = 0;
  let isStopped = false;
  let containers = 1;
  let startedAtMs = START_MS - DAY_MS;
  /** As its engine tells it, by the wall clock of that moment. */
  let toldStartMs = startedAtMs;

  const begin = (signal: Signal, fault: Fault) => {
    if (!isOver() && !faults.has(signal)) faults.set(signal, fault);
  };
  const start = (isNew: boolean) => {
    startedAtMs = timeline.nowMs();
    toldStartMs = wall.nowMs();
    isStopped = false;
    if (isNew) containers += 1;
  };
  for (const signal of SIGNALS)
    every(18 * HOUR_MS, () => begin(signal, someFault(timeline.nowMs(), chance)));
  every(20 * HOUR_MS, () => {
    missingUntilMs = timeline.nowMs() + chance.between(5000, 10 * MINUTE_MS);
  });
  // By itself, or by somebody who does not ask; more often than not nothing is wrong at the time.
  every(8 * HOUR_MS, () => start(chance.happens(0.3)));
  every(2 * HOUR_MS, () => {
    if (faults.size > 0) start(false);
  });

  /** `undefined` while there is no data. */
  const level = (signal: Signal): number | undefined => {
    const nowMs = timeline.nowMs();
    if (!isOver() && nowMs < missingUntilMs) return undefined;
    const fault = faults.get(signal);
    if (fault === undefined) return 0.1;
    if (isOver() || nowMs >= fault.untilMs) {
      faults.delete(signal);
      return 0.1;
    }
    const isOff = fault.flapMs !== undefined && Math.floor(nowMs / fault.flapMs) % 2 === 1;
    return isOff ? 0.1 : 1.9;
  };

  const cure = (signal: Signal, fault: Fault) => {
    faults.delete(signal);
    if (fault.returns === 0) return;
    const again = { ...fault, returns: fault.returns - 1 };
    timeline.after(chance.between(MINUTE_MS, fault.returnsWithinMs), () => {
      begin(signal, { ...again, untilMs: timeline.nowMs() + chance.between(HOUR_MS, 3 * HOUR_MS) });
    });
  };

  const isStarting = () => timeline.nowMs() - startedAtMs < START_PERIOD_MS;
  const container = (): ContainerState =>
    containerState({
      status: isStopped ? "exited" : "running",
      health: isStarting() ? "starting" : "healthy",
      startedAtMs: toldStartMs,
      startPeriodMs: START_PERIOD_MS,
      containerId: `${name}-${containers}`,
    });

  const source: SignalSource = {
    async query(expr) {
      if (isPrometheusDown()) throw new SentinelError("source_unreachable", "it is away");
      if (expr.startsWith("time()")) return [sampleOf(2, timeline)];
      const signal = expr.startsWith("cpu") ? "cpu" : "memory";
      const value = level(signal);
      if (!expr.includes(">")) return value === undefined ? [] : [sampleOf(value, timeline)];
      const alert = signal === "cpu" ? "HighCpu" : "HighMemory";
      const holds = value === undefined ? undefined : value > 0.5;
      onLook(name, alert, holds);
      return value !== undefined && holds === true ? [sampleOf(value, timeline)] : [];
    },
    async range() {
      if (isPrometheusDown()) throw new SentinelError("source_unreachable", "it is away");
      return [];
    },
    scrapeIntervalMs: () => Promise.resolve(5000),
  };

  return {
    service: service({ name, job: name, actions: ACTIONS }),
    autonomy: index === 3 ? "approve" : "auto",
    rules,
    source,
    observed: {
      async inspect() {
        if (isDockerDown()) throw new Error("Docker cannot be reached");
        return container();
      },
      logs: () => Promise.resolve([]),
    },
    errors: () => level("errors"),
    isHealthy: () => isOver() || (!isStopped && timeline.nowMs() >= brokenUntilMs),
    isSeenStarting: () => isStarting() && !isStopped && !isDockerDown(),
    fail() {
      const untilMs = timeline.nowMs() + chance.between(HOUR_MS, 3 * HOUR_MS);
      const again = { returns: 9, returnsWithinMs: 5 * MINUTE_MS };
      begin("cpu", { ...PLAIN, ...again, untilMs });
    },
    apply(action) {
      if (action.endsWith("-stop")) {
        isStopped = true;
        // Whoever had it stopped starts it again.
        timeline.after(chance.between(MINUTE_MS, HOUR_MS), () => start(true));
        return;
      }
      start(action === "compose-up");
      for (const [signal, fault] of faults) {
        if (fault.isTrap) brokenUntilMs = fault.untilMs;
        if (fault.curedBy.includes(action)) cure(signal, fault);
      }
    },
  };
}

function someFault(nowMs: number, chance: Chance): Fault {
  const plain = { ...PLAIN, untilMs: nowMs + chance.between(10 * MINUTE_MS, 4 * HOUR_MS) };
  const kind = chance.between(0, 99);
  if (kind < 35) return plain;
  if (kind < 60) return { ...plain, returns: chance.between(1, 8) };
  if (kind < 70) return { ...plain, curedBy: ["compose-up"] };
  if (kind < 80) return { ...plain, curedBy: [] };
  if (kind < 95) return { ...plain, flapMs: chance.between(8000, 6 * MINUTE_MS), curedBy: [] };
  return { ...plain, curedBy: [], isTrap: true };
}

function errorsOf(container: string, value: number, timeline: Timeline): Sample {
  return { ...sampleOf(value, timeline), labels: { container } };
}

function sampleOf(value: number, { nowMs }: Timeline): Sample {
  return { labels: {}, value, timestampMs: nowMs() };
}
