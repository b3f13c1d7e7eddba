/** Which conventions a service's series follow, and what is read of it by them. Pure. */

import type { Labels } from "../../core/model.ts";
import type { Reading, ServiceSignals, Unreadable } from "./convention.ts";
import { GRPC_ERROR_LABELS, HTTP_ERROR_LABELS } from "./error-labels.ts";
import { Families } from "./families.ts";
import { CPU_READINGS, EXPORTERS, MEMORY_READINGS, RUNTIMES, START_READINGS } from "./processes.ts";
import { exporterOf, readProcess } from "./process-signals.ts";
import { readTraffic, type TrafficReadings } from "./traffic-signals.ts";
import {
  NAMESPACED,
  NAMESPACED_PATTERN,
  namespacedConventions,
  TRAFFIC_CONVENTIONS,
} from "./traffic.ts";

/** One convention that a service follows. */
interface Match {
  /** As it is set in `sentinel.yaml`; `process` where nothing counts requests. */
  readonly name: string;
  readonly signals: ServiceSignals;
}

const PROCESS_ALONE = "process";

/** All that may be set. */
export const CONVENTION_NAMES: readonly string[] = [
  ...TRAFFIC_CONVENTIONS.map(({ name }) => name),
  NAMESPACED,
  PROCESS_ALONE,
];

/**
 * All that fit, the best first: the one that tells errors, then latency, then requests; of equals the
 * one that is earlier in the table. What is read of the process is the same in each.
 *
 * @param series as `seriesQuery` gives them, or whole label sets; with `__name__`
 * @returns none if none of the metrics is known
 */
function findConventions(series: readonly Labels[]): readonly Match[] {
  const families = new Families(series);
  if (families.names.length === 0) return [];
  const ofProcess = readProcess(families);
  const ofTraffic = [...TRAFFIC_CONVENTIONS, ...namespacedConventions(families.names)]
    .flatMap((convention) => {
      const readings = readTraffic(convention, families);
      return readings === undefined ? [] : [{ name: convention.name, readings }];
    })
    .toSorted((a, b) => worth(b.readings) - worth(a.readings));
  const alone = { name: PROCESS_ALONE, readings: withoutTraffic(families) };
  return (ofTraffic.length > 0 ? ofTraffic : [alone]).map(({ name, readings }) => ({
    name,
    signals: { ...readings, ...ofProcess },
  }));
}

/** What is read of one service, and by which conventions. */
export interface ServiceReading {
  /** Of all that fit, the best first; empty if none of its metrics is known. */
  readonly conventions: readonly string[];
  readonly signals: ServiceSignals;
}

/**
 * What is read of a service by the best convention that fits, or by the one that is set.
 *
 * @param series as of `findConventions`
 * @param wanted one of `CONVENTION_NAMES`
 */
export function readService(series: readonly Labels[], wanted?: string): ServiceReading {
  const matches = findConventions(series);
  const conventions = matches.map(({ name }) => name);
  const families = new Families(series);
  const used = wanted === undefined ? matches[0] : matches.find(({ name }) => name === wanted);
  const signals = used?.signals ?? { ...readNothing(families, wanted), ...readProcess(families) };
  return { conventions, signals };
}

function readNothing(families: Families, wanted: string | undefined): TrafficReadings {
  if (wanted === undefined || wanted === PROCESS_ALONE) return withoutTraffic(families);
  const missing: Unreadable = {
    kind: "unreadable",
    why: `its convention is set to ${wanted}, of which it has no series`,
    whatWouldChangeIt: "to leave out convention of this service, or to correct it",
  };
  return { requestRate: missing, errorRatio: missing, latency: missing, inFlight: missing };
}

function worth({ errorRatio, latency, requestRate }: TrafficReadings): number {
  const has = ({ kind }: Reading) => (kind === "readable" ? 1 : 0);
  return 4 * has(errorRatio) + 2 * has(latency) + has(requestRate);
}

function withoutTraffic(families: Families): TrafficReadings {
  const exporter = exporterOf(families);
  const remedy = RUNTIMES.find(({ metric }) => families.has(metric))?.remedy;
  const whatWouldChangeIt =
    exporter === undefined
      ? `metrics of its requests, such as those of ${remedy ?? "a client library of Prometheus: http_requests_total with a label status"}`
      : "metrics of its requests, which its exporter does not have";
  const why = "none of its metrics is one of requests that is known";
  const lacking: Unreadable = { kind: "unreadable", why, whatWouldChangeIt };
  return { requestRate: lacking, errorRatio: lacking, latency: lacking, inFlight: lacking };
}

/**
 * Asks for the names of the metrics that are known, with the labels that matter and nothing else, so that
 * the answer stays small however many series there are.
 *
 * @param matchers such as `job="shop"`
 */
export function seriesQuery(matchers: string): string {
  const named = (names: string) =>
    `group by (${LABELS.join(", ")}) ({${matchers},__name__=~"${names}"})`;
  // By themselves, as a list of names is found at once, and a pattern only after all have been tried.
  return `${named(NAMES)} or on (__name__) ${named(PATTERNS)}`;
}

const LABELS: readonly string[] = [
  "__name__",
  "quantile",
  ...new Set([...HTTP_ERROR_LABELS, ...GRPC_ERROR_LABELS].map(({ name }) => name)),
];

const NAMES: string = namesPattern();
const PATTERNS = `${NAMESPACED_PATTERN}|.+exporter_build_info`;

function namesPattern(): string {
  const durations = TRAFFIC_CONVENTIONS.flatMap((one) => one.durations).map(({ metric }) => metric);
  const counters = TRAFFIC_CONVENTIONS.flatMap(({ counters, failures = [], inFlight }) => [
    ...counters,
    ...failures,
    ...inFlight,
  ]);
  const process = [...CPU_READINGS, ...MEMORY_READINGS, ...START_READINGS].flatMap(
    ({ metrics }) => metrics,
  );
  const marks = [...EXPORTERS.map(({ up }) => up), ...RUNTIMES.map(({ metric }) => metric)];
  return [
    `(${[...new Set(durations)].join("|")})(_bucket|_sum|_count)?`,
    ...new Set([...counters, ...process, ...marks]),
  ].join("|");
}
