/** PURE: what a diagnosis by rules looks at, made of the evidence. */

import type {
  Change,
  LogDigest,
  Measure,
  Neighbour,
  SignalHistory,
  Surroundings,
} from "../../core/evidence.ts";
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
  /** It is of now, and not of before it could not be scraped any more. */
  readonly isTrafficCurrent: boolean;
  /** Lines of its log a second. */
  readonly logLines: Move | undefined;
  /** Lines a second since the onset; `undefined` without an onset, or without times. */
  readonly logSinceOnset: number | undefined;
  /** Share of the server's errors that are 502, 503 or 504: what a gateway says of others. */
  readonly gatewayShare: number | undefined;
  readonly said: LogSigns;
  readonly changes: readonly Timed<Change>[];
  /** Services that it needs and that are sick. */
  readonly sickNeeded: readonly Neighbour[];
  /** A service that it needs, that runs, and that is on no network with it. */
  readonly apart: Neighbour | undefined;
  readonly lastDeath: Death | undefined;
  readonly isCheckBroken: boolean;
}

/** Any other status means that it has ended, was never started, or is given up. */
const MAY_ANSWER: readonly string[] = ["running", "restarting", "paused", "removing"];

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
    isSilent: container?.status === "running" && isSilent(evidence, symptom),
    cpu,
    cpuShare: shareOf(cpu, limits.cpuCores),
    memory,
    memoryShare: shareOf(memory, limits.memoryBytes),
    memoryGrowth: memoryHistory && growthOf(memoryHistory),
    traffic: trafficMove(traffic, timeline),
    isTrafficCurrent: traffic?.now !== undefined && isWindowOver(timeline),
    logLines: logMove(evidence.logDigest, onsetMs),
    logSinceOnset: linesSince(evidence.logDigest, timeline),
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
    apart: (surroundings.neighbours?.told ?? []).find(
      ({ isApart, sickness, relations }) =>
        isApart &&
        sickness === undefined &&
        relations.some((of) => of !== "network" && of !== "log"),
    ),
    lastDeath: deaths.at(-1),
    isCheckBroken: isCheckBroken(container?.checks),
  };
}

/** What a health check says of one that does not even refuse to work. */
const NO_ANSWER = /no answer|timed? ?out|refused|reset|closed/i;

function isSilent({ health }: Evidence, symptom: Symptom): boolean {
  if (health?.ok) return false;
  return symptom === "down" || (health !== undefined && NO_ANSWER.test(health.message));
}

const BUILT_IN: ReadonlyMap<string, Symptom> = new Map([
  ["HighCpu", "cpu"],
  ["HighLatency", "latency"],
  ["HighErrorRatio", "errors"],
  ["HighMemory", "memory"],
  ["ContainerHighCpu", "cpu"],
  ["ContainerHighMemory", "memory"],
  ["ContainerOomKilled", "memory"],
  ["MemoryFilling", "memory"],
  ["ErrorBudgetBurn", "errors"],
  ["ErrorBudgetLeak", "errors"],
  ["ProbeFailing", "down"],
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

/** The one that was measured last: a process that cannot be scraped tells less of itself than its container. */
function historyOf(
  signals: readonly SignalHistory[],
  measure: Measure,
): (SignalHistory & { readonly now: number }) | undefined {
  const age = ({ values }: SignalHistory) =>
    values.length - values.findLastIndex((value) => value !== undefined);
  const [freshest] = signals
    .filter(({ measures }) => measures === measure)
    .flatMap((signal) => (signal.now === undefined ? [] : [{ ...signal, now: signal.now }]))
    .toSorted((a, b) => age(a) - age(b));
  return freshest;
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

/** A rate is mostly of before the onset until a window of it has passed, which is two steps. */
function isWindowOver(timeline: Surroundings["timeline"]): boolean {
  if (timeline?.onsetMs === undefined) return true;
  return timeline.toMs - timeline.onsetMs >= 2 * timeline.stepMs;
}

/** So many values before the onset are what was usual just then. */
const USUAL_VALUES = 8;

function trafficMove(
  traffic: Surroundings["traffic"],
  timeline: Surroundings["timeline"],
): Move | undefined {
  const { usual, since } = requestsAround(timeline);
  // A service that had just started got fewer requests than it usually does.
  const before = (known: number | undefined) =>
    known === undefined ? usual : Math.max(known, usual ?? 0);
  if (traffic?.known !== undefined) return movedTo(traffic.known.now, before(traffic.known.before));
  if (traffic?.now !== undefined) return movedTo(traffic.now, before(traffic.before));
  // One that cannot be scraped any more has told of its last requests before that.
  return since === undefined ? undefined : movedTo(since, before(traffic?.before));
}

/** What was usual just before the onset, and the most since then. */
function requestsAround(timeline: Surroundings["timeline"]): {
  readonly usual: number | undefined;
  readonly since: number | undefined;
} {
  const requests = timeline?.signals.find(({ measures }) => measures === "requests");
  if (timeline?.onsetMs === undefined || requests === undefined)
    return { usual: requests?.before, since: requests?.now };
  const { toMs, onsetMs, stepMs } = timeline;
  const known = (values: SignalHistory["values"]) => values.filter((value) => value !== undefined);
  const onset = requests.values.length - 1 - Math.ceil((toMs - onsetMs) / stepMs);
  const before = known(requests.values.slice(0, Math.max(onset, 0))).slice(-USUAL_VALUES);
  const after = known(requests.values.slice(Math.max(onset, 0)));
  const sorted = before.toSorted((a, b) => a - b);
  return {
    usual: sorted[Math.floor(sorted.length / 2)],
    since: after.length === 0 ? undefined : Math.max(...after),
  };
}

/** Before the onset, and the most since then that lasted for a while. */
function logMove(log: LogDigest | undefined, onsetMs: number | undefined): Move | undefined {
  if (log?.volume === undefined || log.fromMs === undefined || onsetMs === undefined)
    return undefined;
  const { sliceMs, counts } = log.volume;
  const onset = Math.floor((onsetMs - log.fromMs) / sliceMs);
  const before = counts.slice(1, Math.max(onset, 1));
  const since = counts.slice(Math.max(onset, 0)).toSorted((a, b) => b - a);
  if (before.length < 3 || since.length === 0) return undefined;
  const mean = before.reduce((sum, count) => sum + count, 0) / before.length;
  const perSecond = (count: number) => (count * 1000) / sliceMs;
  return movedTo(perSecond(since[Math.min(1, since.length - 1)] ?? 0), perSecond(mean));
}

/** So soon after the onset a log says nothing of whether it goes on. */
const MIN_SINCE_MS = 4000;

/** A log that has ended with the onset has none. */
function linesSince(
  log: LogDigest | undefined,
  timeline: Surroundings["timeline"],
): number | undefined {
  if (log?.volume === undefined || log.fromMs === undefined) return undefined;
  if (timeline?.onsetMs === undefined) return undefined;
  const sinceMs = timeline.toMs - timeline.onsetMs;
  if (sinceMs < MIN_SINCE_MS) return undefined;
  const { sliceMs, counts } = log.volume;
  // The slice of the onset is of before it as well.
  const first = Math.max(Math.floor((timeline.onsetMs - log.fromMs) / sliceMs) + 1, 0);
  const lines = counts.slice(first).reduce((sum, count) => sum + count, 0);
  return (lines * 1000) / sinceMs;
}

function shareNow<T extends { readonly now: number | undefined }>(
  all: readonly T[],
  isOne: (one: T) => boolean,
): number | undefined {
  const sum = (some: readonly T[]) => some.reduce((total, { now = 0 }) => total + now, 0);
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
    // A line through a step may begin below anything that was measured.
    factor: last / Math.max(first, Math.min(...points.map(({ value }) => value))),
    fit: variance === 0 ? 0 : covariance ** 2 / (varianceAt * variance),
    points: points.length,
  };
}
