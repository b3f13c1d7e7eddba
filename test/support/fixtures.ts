/** Values for the tests of the core, and a world of its own: a clock, a source of signals. */

import { allowlistFor, type ComposeService } from "../../src/allowlist.ts";
import type { LimitState } from "../../src/decision/limits.ts";
import type {
  Alert,
  ContainerState,
  Diagnosis,
  Evidence,
  Point,
  Rule,
  Sample,
  Service,
} from "../../src/core/model.ts";
import type { Owner } from "../../src/rules/ownership.ts";
import type { Clock, SignalSource } from "../../src/core/ports.ts";
import { createClock } from "../../src/observer/system-clock.ts";

export const START_MS = Date.UTC(2025, 0, 1, 12);
export const NEVER = new AbortController().signal;
export const SERVICE_NAME = "sentinel-target-api";
export const COMPOSE: ComposeService = {
  project: "sentinel",
  service: "target",
  files: ["/srv/compose.yaml"],
};
/** Of a container that Compose has made. */
export const allowlist = {
  ...allowlistFor(SERVICE_NAME),
  ...allowlistFor(SERVICE_NAME, { platform: "docker", compose: COMPOSE }),
};

export function service(changes: Partial<Service> = {}): Service {
  return {
    name: SERVICE_NAME,
    job: SERVICE_NAME,
    health: { http: "http://localhost:8000/health" },
    platform: "docker",
    usesCompose: true,
    actions: ["docker-restart", "compose-service-up", "compose-service-restart"],
    ...changes,
  };
}

export function rule(changes: Partial<Rule> = {}): Rule {
  return {
    alert: "HighCpu",
    expr: "cpu > 0.5",
    signal: { expr: "cpu", operator: ">", threshold: 0.5 },
    forMs: 0,
    keepFiringForMs: 0,
    severity: "high",
    labels: { severity: "high", service: SERVICE_NAME },
    annotations: { summary: "CPU use is {{ $value | humanize }} cores" },
    permits: ["docker-restart", "compose-service-restart"],
    ...changes,
  };
}

/** It fires since `START_MS`, unless the changes say otherwise. */
export function alert(changes: Partial<Alert> = {}): Alert {
  const of = changes.rule ?? rule();
  return {
    rule: of,
    labels: { ...of.labels, alertname: of.alert },
    state: "firing",
    value: 1.9,
    activeAtMs: START_MS,
    firingAtMs: START_MS,
    quietSinceMs: undefined,
    ...changes,
  };
}

export function sample(value: number, labels: Sample["labels"] = {}): Sample {
  return { labels, value, timestampMs: START_MS };
}

export function containerState(changes: Partial<ContainerState> = {}): ContainerState {
  return {
    status: "running",
    health: "healthy",
    exitCode: 0,
    oomKilled: false,
    restartCount: 0,
    startedAtMs: START_MS - 60_000,
    startPeriodMs: 0,
    containerId: "0123456789ab",
    image: "sentinel:local",
    ...changes,
  };
}

/** The alert is the service's own. */
export const OWN: Owner = { kind: "service", name: SERVICE_NAME };

/** Nothing holds Sentinel back. */
export const UNRESTRAINED: LimitState = {
  coolsUntilMs: 0,
  pausedUntilMs: 0,
  isPaused: false,
  automationEnded: false,
  isServiceBudgetSpent: false,
  isTotalBudgetSpent: false,
  ineffectiveActions: new Set(),
};

export function diagnosis(changes: Partial<Diagnosis> = {}): Diagnosis {
  return {
    rootCause: "Worker threads burn every core.",
    severity: "high",
    faultClass: "hot_loop",
    confidence: 0.9,
    action: "docker-restart",
    evidence: ["CPU is 1.9 cores"],
    ...changes,
  };
}

export function evidence(changes: Partial<Evidence> = {}): Evidence {
  return {
    service: SERVICE_NAME,
    alert: "HighCpu",
    severity: "high",
    summary: "CPU use is 1.9 cores",
    labels: { alertname: "HighCpu" },
    value: 1.9,
    signal: { expr: "cpu", operator: ">", threshold: 0.5 },
    history: [],
    otherSignals: [],
    container: { kind: "found", value: containerState() },
    health: { ok: true, message: "healthy (status 200)" },
    logs: { kind: "found", value: [] },
    ...changes,
  };
}

export interface SimulatedClock extends Clock {
  readonly elapsedMs: number;
  /** Time passes without anybody sleeping, such as while a model thinks. */
  pass(durationMs: number): void;
  /** Runs the work when that much has passed since the start. */
  at(elapsedMs: number, work: () => void): void;
}

/** Of a wall clock that nobody sets. */
export const NEVER_SET = {
  toWall: (atMs: number) => atMs,
  fromWall: (wallAtMs: number) => wallAtMs,
} as const;

/** Far more sleeps than any story has: a loop without an end fails instead of hanging. */
const MAX_SLEEPS = 20_000;

/** A clock whose sleep advances time at once. */
export function simulatedClock(): SimulatedClock {
  let nowMs = START_MS;
  let sleeps = 0;
  const due: { readonly atMs: number; readonly work: () => void }[] = [];
  const next = (untilMs: number) => {
    const [first] = due.toSorted((a, b) => a.atMs - b.atMs);
    return first !== undefined && first.atMs <= untilMs ? first : undefined;
  };
  const pass = (durationMs: number, signal?: AbortSignal) => {
    const untilMs = nowMs + durationMs;
    for (let entry = next(untilMs); entry !== undefined; entry = next(untilMs)) {
      due.splice(due.indexOf(entry), 1);
      nowMs = Math.max(nowMs, entry.atMs);
      entry.work();
      if (signal?.aborted) return;
    }
    nowMs = untilMs;
  };
  return {
    ...NEVER_SET,
    nowMs: () => nowMs,
    get elapsedMs() {
      return nowMs - START_MS;
    },
    pass: (durationMs) => pass(durationMs),
    at: (elapsedMs, work) => due.push({ atMs: START_MS + elapsedMs, work }),
    async sleep(durationMs, signal) {
      sleeps += 1;
      if (sleeps > MAX_SLEEPS) throw new Error("the story does not end");
      if (!signal.aborted) pass(durationMs, signal);
    },
  };
}

/** A simulated clock beside a wall clock that somebody sets. */
export function settableClock() {
  const inner = simulatedClock();
  let setMs = 0;
  const wallMs = () => inner.nowMs() + setMs;
  const { toWall, fromWall } = createClock({ monotonicMs: () => inner.nowMs(), wallMs });
  return {
    clock: Object.assign(inner, { toWall, fromWall }),
    wallMs,
    set: (byMs: number) => void (setMs += byMs),
  };
}

/** What an expression gives at that time: a number, samples, nothing, or a failure that is thrown. */
export type Script = (
  expr: string,
  elapsedMs: number,
) => number | readonly Sample[] | Error | undefined;

export interface ScriptedSource extends SignalSource {
  readonly queries: string[];
}

/**
 * Answers by script. `A > 5` and `A == 0` are compared here, as Prometheus does: the script gives A.
 * The age of the newest scrape is 1 s unless the script has an answer of its own to `scrape_age`.
 */
export function scriptedSource(clock: SimulatedClock, script: Script): ScriptedSource {
  const queries: string[] = [];
  const samplesAt = (expr: string, elapsedMs: number): readonly Sample[] => {
    const result = script(expr, elapsedMs);
    if (result instanceof Error) throw result;
    if (typeof result !== "number") return result ?? [];
    return [{ labels: {}, value: result, timestampMs: START_MS + elapsedMs }];
  };
  return {
    queries,
    async query(expr) {
      queries.push(expr);
      if (expr.startsWith("time() - ")) {
        const age = samplesAt("scrape_age", clock.elapsedMs);
        return age.length > 0 ? age : [sample(1)];
      }
      const [, left, operator, threshold] = /^(.+) (>|==) ([\d.]+)$/.exec(expr) ?? [];
      if (left === undefined) return samplesAt(expr, clock.elapsedMs);
      return samplesAt(left, clock.elapsedMs).filter(({ value }) =>
        operator === ">" ? value > Number(threshold) : value === Number(threshold),
      );
    },
    async range(expr, { durationMs, stepMs }) {
      const series = new Map<string, { labels: Sample["labels"]; points: Point[] }>();
      for (let backMs = durationMs; backMs >= 0; backMs -= stepMs) {
        const elapsedMs = clock.elapsedMs - backMs;
        for (const { labels, value } of samplesAt(expr, elapsedMs)) {
          const key = JSON.stringify(labels);
          const { points } = series.getOrInsert(key, { labels, points: [] });
          points.push({ timestampMs: START_MS + elapsedMs, value });
        }
      }
      return [...series.values()];
    },
    scrapeIntervalMs: () => Promise.resolve(5000),
  };
}
