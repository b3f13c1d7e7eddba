/** PURE: what a diagnosis by rules looks at, made of the evidence. */

import type { Change, Measure, Neighbour, SignalHistory } from "../../core/evidence.ts";
import type { ContainerState, Death, Evidence } from "../../core/model.ts";
import { isCheckBroken } from "../lifecycle.ts";
import { type LogSigns, readLogSigns } from "./log-signs.ts";

/** What an alert is about, whoever wrote its rule. */
export type Symptom = "cpu" | "memory" | "latency" | "errors" | "down" | "loop" | "other";

/** A value before the onset, and now. */
export interface Move {
  readonly now: number;
  readonly before: number | undefined;
  /** Now to before; `undefined` if nothing is known of before. */
  readonly ratio: number | undefined;
}

export interface Facts {
  readonly evidence: Evidence;
  readonly symptom: Symptom;
  /** It is one of the built-in alerts, and not only named like one: thresholds of others may mean anything. */
  readonly isBuiltIn: boolean;
  readonly container: ContainerState | undefined;
  readonly hasEnded: boolean;
  /** Its container or process does not exist. */
  readonly isAbsent: boolean;
  /** It runs, and neither its scrape nor its health check gets an answer. */
  readonly isSilent: boolean;
  readonly cpu: Move | undefined;
  /** Of its limit, 0 to 1. */
  readonly cpuShare: number | undefined;
  readonly memory: Move | undefined;
  readonly memoryShare: number | undefined;
  readonly memoryGrowth: Growth | undefined;
  readonly traffic: Move | undefined;
  /** Share of the server's errors that are 502, 503 or 504: what a gateway says of others. */
  readonly gatewayShare: number | undefined;
  readonly said: LogSigns;
  readonly changes: readonly Timed<Change>[];
  /** Services that it needs and that are sick. */
  readonly sickNeeded: readonly Neighbour[];
  readonly lastDeath: Death | undefined;
  readonly isCheckBroken: boolean;
}

/** Any other status means that it has ended, was never started, or is given up. */
const MAY_ANSWER: readonly string[] = ["running", "restarting", "paused"];

/** Something, and how long before the onset; negative after it. */
interface Timed<T> {
  readonly value: T;
  readonly beforeOnsetMs: number;
}

export function readFacts(evidence: Evidence): Facts {
  const { surroundings = {}, deaths = [] } = evidence;
  const { timeline, limits = {}, traffic } = surroundings;
  const container = evidence.container.kind === "found" ? evidence.container.value : undefined;
  const ended = container !== undefined && !MAY_ANSWER.includes(container.status);
  const symptom = symptomOf(evidence);
  const onsetMs = timeline?.onsetMs;
  const cpu = moveOf(timeline?.signals ?? [], "cpu_cores");
  const memoryHistory = historyOf(timeline?.signals ?? [], "memory_bytes");
  const memory = memoryHistory && moved(memoryHistory);
  const errors = (traffic?.routes ?? []).filter(({ status }) => /^5/.test(status));
  const atMs = onsetMs ?? timeline?.toMs;
  return {
    evidence,
    symptom,
    isBuiltIn: evidence.restartLoop !== undefined || BUILT_IN.has(evidence.alert),
    container,
    hasEnded: ended,
    isAbsent: evidence.container.kind === "absent",
    isSilent: container?.status === "running" && symptom === "down" && evidence.health?.ok !== true,
    cpu,
    cpuShare: shareOf(cpu, limits.cpuCores),
    memory,
    memoryShare: shareOf(memory, limits.memoryBytes),
    memoryGrowth: memoryHistory && growthOf(memoryHistory),
    traffic:
      traffic &&
      movedTo(traffic.known?.now ?? traffic.now, traffic.known?.before ?? traffic.before),
    gatewayShare: shareNow(errors, ({ status }) => /^50[234]$/.test(status)),
    said: readLogSigns(evidence, onsetMs),
    changes:
      atMs === undefined
        ? []
        : (surroundings.changes?.told ?? []).map((value) => ({
            value,
            beforeOnsetMs: atMs - value.atMs,
          })),
    sickNeeded: (surroundings.neighbours?.told ?? []).filter(
      ({ sickness, relations }) =>
        sickness !== undefined && relations.some((of) => of !== "network"),
    ),
    lastDeath: deaths.at(-1),
    isCheckBroken: isCheckBroken(container?.checks),
  };
}

const BUILT_IN: ReadonlyMap<string, Symptom> = new Map([
  ["HighCpu", "cpu"],
  ["HighLatency", "latency"],
  ["HighErrorRatio", "errors"],
  ["HighMemory", "memory"],
  ["TargetDown", "down"],
  ["ContainerUnhealthy", "down"],
  ["ContainerDown", "down"],
  ["ProbeFailing", "down"],
  ["CrashLoop", "loop"],
  ["ContainerHighCpu", "cpu"],
  ["ContainerHighMemory", "memory"],
  ["ContainerOomKilled", "memory"],
]);

/** What the name of an alert or of its metric says; the first that fits. */
const NAMED: readonly (readonly [Symptom, RegExp])[] = [
  ["loop", /crash_?loop|restart/i],
  ["cpu", /cpu|throttl/i],
  ["memory", /memory|heap|oom|resident/i],
  ["errors", /error|5xx|fail(?:ure|ed)|burn/i],
  ["latency", /latency|slow|duration|response_?time|p9\d|quantile/i],
  ["down", /down|absent|unreachable|unavailable|unhealthy|probe|exited|(?:^|\W)up(?:\{|\s*==)/i],
];

function symptomOf({ alert, signal, restartLoop }: Evidence): Symptom {
  if (restartLoop !== undefined) return "loop";
  const known = BUILT_IN.get(alert);
  if (known !== undefined) return known;
  const named = (text: string) => NAMED.find(([, pattern]) => pattern.test(text))?.[0];
  return named(alert) ?? named(signal?.expr ?? "") ?? "other";
}

function historyOf(
  signals: readonly SignalHistory[],
  measure: Measure,
): (SignalHistory & { readonly now: number }) | undefined {
  for (const signal of signals)
    if (signal.measures === measure && signal.now !== undefined)
      return { ...signal, now: signal.now };
  return undefined;
}

function moveOf(signals: readonly SignalHistory[], measure: Measure): Move | undefined {
  const history = historyOf(signals, measure);
  return history && moved(history);
}

function moved({
  now,
  before,
}: {
  readonly now: number;
  readonly before: number | undefined;
}): Move {
  return movedTo(now, before);
}

function movedTo(now: number, before: number | undefined): Move {
  return { now, before, ratio: before === undefined || before <= 0 ? undefined : now / before };
}

function shareOf(move: Move | undefined, limit: number | undefined): number | undefined {
  return move === undefined || limit === undefined || limit <= 0 ? undefined : move.now / limit;
}

function shareNow<T extends { readonly now: number }>(
  all: readonly T[],
  isOne: (one: T) => boolean,
): number | undefined {
  const sum = (some: readonly T[]) => some.reduce((total, { now }) => total + now, 0);
  return sum(all) > 0 ? sum(all.filter(isOne)) / sum(all) : undefined;
}

/** How steadily something grows. */
interface Growth {
  /** From the beginning of the line to its end, as a factor. */
  readonly factor: number;
  /** Share of the variance that a straight line explains, 0 to 1. */
  readonly fit: number;
  readonly points: number;
}

const MIN_GROWTH_POINTS = 6;

/** A straight line through the values, by least squares. */
export function growthOf({ values }: Pick<SignalHistory, "values">): Growth | undefined {
  const points = values.flatMap((value, at) => (value === undefined ? [] : [{ at, value }]));
  if (points.length < MIN_GROWTH_POINTS) return undefined;
  const mean = (of: (point: { readonly at: number; readonly value: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanAt, meanValue] = [mean(({ at }) => at), mean(({ value }) => value)];
  const covariance = mean(({ at, value }) => (at - meanAt) * (value - meanValue));
  const varianceAt = mean(({ at }) => (at - meanAt) ** 2);
  const variance = mean(({ value }) => (value - meanValue) ** 2);
  const slope = covariance / varianceAt;
  const first = meanValue + slope * ((points[0]?.at ?? 0) - meanAt);
  const last = meanValue + slope * ((points.at(-1)?.at ?? 0) - meanAt);
  return {
    factor: first > 0 ? last / first : 1,
    fit: variance === 0 ? 0 : covariance ** 2 / (varianceAt * variance),
    points: points.length,
  };
}
