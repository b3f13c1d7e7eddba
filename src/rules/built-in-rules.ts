/** The built-in rules that are made of a service's own metrics, by the convention that they follow. */

import { formatDuration } from "../core/duration.ts";
import type { Service } from "../core/model.ts";
import type {
  Expression,
  Readable,
  ServiceSignals,
  Signal,
  Span,
} from "./conventions/convention.ts";
import { readService } from "./conventions/find.ts";
import { parseExpression } from "../promql/parse.ts";
import { budgetBurnRule, budgetLeakRule, memoryTrendRule } from "./pointing-rules.ts";
import { CURES, PERMITS_ANNOTATION, REVIVALS } from "./permitted.ts";
import {
  CRASH_LOOP_ALERT,
  CRASH_LOOP_SUMMARY,
  MAX_FOR_MS,
  MAX_STARTS,
  type RuleSource,
  TARGET_DOWN_ALERT,
  type Thresholds,
  EXPORTER_KIND,
  UNSCRAPED_KIND,
} from "./rules.ts";

/** A rule made for a service; `unreadable` says why its series cannot answer it. */
export type MadeRule = RuleSource & { readonly unreadable?: string };

export interface RuleOptions {
  readonly service: Service;
  readonly thresholds: Thresholds;
  /** Range of every `rate`, at least 4 scrape intervals. */
  readonly windowMs: number;
  /** What its series have. Default, for a service that has not been seen yet: what our own target has. */
  readonly signals?: ServiceSignals | undefined;
  /** Whoever answers keeps series for days, as a Prometheus does. Default: hours. */
  readonly keepsDays?: boolean;
}

/** Errors within the window below which a share of errors says nothing: one unlucky request. */
const MIN_ERRORS = 3;

const LATENCY_QUANTILE = 0.9;
const STARTS_SPAN: Span = { window: "10m", quantile: LATENCY_QUANTILE };

/** The names that most give: what is looked for while nothing is known of the service. */
const ASSUMED = readService([
  { __name__: "http_requests_total", status: "200" },
  { __name__: "http_request_duration_seconds_bucket" },
  { __name__: "process_cpu_seconds_total" },
  { __name__: "process_resident_memory_bytes" },
  { __name__: "process_start_time_seconds" },
]).signals;

/** The built-in rules for one service, by what its series have. */
export function builtInRules(options: RuleOptions): MadeRule[] {
  return [
    ...metricRules(options),
    ...livenessRules(options),
    crashLoopRule(options),
    ...memoryTrendRules(options),
    ...budgetRules(options),
  ];
}

/**
 * HighCpu and HighLatency have no `for`: their window already asks for seconds of it, and a wait on
 * top would only add to the time to detection.
 */
function metricRules(options: RuleOptions): MadeRule[] {
  const { service, thresholds, windowMs } = options;
  const span = { window: formatDuration(windowMs), quantile: LATENCY_QUANTILE };
  const matchers = matchersOf(service);
  const make = makeRules(options);
  return [
    make("cpuCores", ({ expr }) => ({
      alert: "HighCpu",
      expr: `${expr(matchers, span)} > ${thresholds.cpu}`,
      annotations: { summary: 'CPU use is {{ $value | printf "%.2f" }} cores' },
    })),
    make("latency", ({ expr, isMean }) => ({
      alert: "HighLatency",
      expr: `${expr(matchers, span)} > ${thresholds.latencySeconds}`,
      annotations: {
        summary: isMean
          ? "requests take {{ $value | humanizeDuration }} on average"
          : "9 of 10 requests take up to {{ $value | humanizeDuration }}, the rest longer",
      },
    })),
    make("errorRatio", ({ expr, failedCount }) => ({
      alert: "HighErrorRatio",
      expr: `${expr(matchers, span)} > ${thresholds.errorRatio} and ${(failedCount ?? expr)(matchers, span)} >= ${MIN_ERRORS}`,
      annotations: {
        summary: "{{ $value | humanizePercentage }} of all requests are answered with an error",
      },
    })),
    make("memoryBytes", ({ expr }) => ({
      alert: "HighMemory",
      expr: `${expr(matchers, span)} > ${thresholds.memoryBytes}`,
      for: forOneScrape(windowMs),
      annotations: { summary: "memory use is {{ $value | humanize1024 }}B" },
    })),
  ];
}

/** How a rule is made of what is read, or would be if the service had it. */
function makeRules({ service, signals = assumedOf(service) }: RuleOptions) {
  return (signal: Signal, rule: (reading: Readable) => RuleSource): MadeRule => {
    const reading = signals[signal];
    const made = rule(reading.kind === "readable" ? reading : assumed(signal));
    return {
      ...made,
      labels: { severity: "high", service: service.name },
      annotations: { ...made.annotations, [PERMITS_ANNOTATION]: CURES.join(", ") },
      ...(reading.kind === "unreadable" ? { unreadable: reading.why } : {}),
    };
  };
}

/** Redis and PostgreSQL have no metrics: what is scraped for them is an exporter. */
const ASSUMED_BY_HEALTH = {
  redis: readService([{ __name__: "redis_up" }]).signals,
  postgres: readService([{ __name__: "pg_up" }]).signals,
} as const;

function assumedOf({ health }: Service): ServiceSignals {
  if (typeof health !== "object") return ASSUMED;
  if ("redis" in health) return ASSUMED_BY_HEALTH.redis;
  return "postgres" in health ? ASSUMED_BY_HEALTH.postgres : ASSUMED;
}

function assumed(signal: Signal): Readable {
  const reading = ASSUMED[signal];
  if (reading.kind === "readable") return reading;
  throw new RangeError(`${signal} is not among what is assumed`);
}

/** That the service is down, by the word of whoever scrapes it, or of the exporter that does it for it. */
function livenessRules(options: RuleOptions): MadeRule[] {
  const { service, windowMs, signals = assumedOf(service) } = options;
  const matchers = matchersOf(service);
  const { liveness } = signals;
  const down: RuleSource = {
    alert: TARGET_DOWN_ALERT,
    expr: `up{${matchers}} == 0`,
    for: forOneScrape(windowMs),
    labels: { severity: "critical", service: service.name },
    annotations: {
      summary: "the service cannot be scraped",
      [PERMITS_ANNOTATION]: REVIVALS.join(", "),
    },
  };
  const absent: RuleSource = {
    // Nobody scrapes it: that says nothing of the service, so it permits nothing.
    alert: TARGET_DOWN_ALERT,
    expr: `absent(up{${matchers}})`,
    for: "30s",
    labels: { severity: "critical", service: service.name, kind: UNSCRAPED_KIND },
    annotations: { summary: `no job ${JSON.stringify(service.job)} is scraped at all` },
  };
  const isScraped = liveness.kind === "readable" && liveness.readFrom === "up";
  return [
    ...(isScraped ? [down] : byExporter(down, options)),
    // A job that nobody has named need not be there.
    ...(service.isJobAssumed ? [] : [absent]),
  ];
}

/** An exporter that is down says nothing of the service, which must not be restarted for it. */
function byExporter(
  down: RuleSource,
  { service, signals = assumedOf(service) }: RuleOptions,
): RuleSource[] {
  const { liveness } = signals;
  const exporterDown: RuleSource = {
    ...down,
    // Less urgent than whatever says that the service itself is down, which may permit something.
    labels: { ...down.labels, severity: "high", kind: EXPORTER_KIND },
    annotations: { summary: "its exporter cannot be scraped, so that its metrics tell nothing" },
  };
  if (liveness.kind === "unreadable") return [exporterDown];
  const expr = `${liveness.expr(matchersOf(service), STARTS_SPAN)} == 0`;
  const summary = "its exporter cannot reach it";
  return [{ ...down, expr, annotations: { ...down.annotations, summary } }, exporterDown];
}

function crashLoopRule({ service, signals = assumedOf(service) }: RuleOptions): MadeRule {
  const { startTime } = signals;
  const reading = startTime.kind === "readable" ? startTime : assumed("startTime");
  const starts = (reading.starts ?? reading.expr)(matchersOf(service), STARTS_SPAN);
  return {
    alert: CRASH_LOOP_ALERT,
    expr: `${starts} > ${MAX_STARTS}`,
    labels: { severity: "critical", service: service.name },
    annotations: { summary: CRASH_LOOP_SUMMARY },
    ...(startTime.kind === "unreadable" ? { unreadable: startTime.why } : {}),
  };
}

/** A trend is one of a single series: memory that is a sum of several comes and goes with them. */
function memoryTrendRules({
  service,
  thresholds,
  signals = assumedOf(service),
}: RuleOptions): RuleSource[] {
  const { memoryBytes } = signals;
  if (memoryBytes.kind === "unreadable") return [];
  const bytes = memoryBytes.expr(matchersOf(service), STARTS_SPAN);
  if (parseExpression(bytes).kind !== "vector_selector") return [];
  return [memoryTrendRule(service, { bytes, limit: thresholds.memoryBytes })];
}

/** For a service that has an objective. */
function budgetRules({
  service,
  signals = assumedOf(service),
  keepsDays,
}: RuleOptions): MadeRule[] {
  if (service.availability === undefined) return [];
  const { errorRatio } = signals;
  const { expr, failedCount } = errorRatio.kind === "readable" ? errorRatio : assumed("errorRatio");
  const over = (expression: Expression) => (window: string) =>
    expression(matchersOf(service), { window, quantile: LATENCY_QUANTILE });
  const errors = { ratio: over(expr), count: over(failedCount ?? expr) };
  const makers = keepsDays ? [budgetBurnRule, budgetLeakRule] : [budgetBurnRule];
  const unreadable = errorRatio.kind === "unreadable" ? { unreadable: errorRatio.why } : {};
  const { availability } = service;
  return makers.map((make) => ({ ...make(service, availability, errors), ...unreadable }));
}

/** One more scrape that says so: a single one may have met a restart. */
function forOneScrape(windowMs: number): string {
  return formatDuration(Math.min(windowMs / 4, MAX_FOR_MS));
}

function matchersOf({ job }: Service): string {
  return `job=${JSON.stringify(job)}`;
}
