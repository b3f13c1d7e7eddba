/** Rules that point at what is going to go wrong, or has been for long. None of them permits an action. */

import { formatDuration } from "../core/duration.ts";
import type { Service, Severity } from "../core/model.ts";
import type { RuleSource } from "./rules.ts";

/** PromQL that gives one number for a service over a range such as `5m`. */
type Ranged = (range: string) => string;

export const POINTING_ALERTS: readonly string[] = [
  "MemoryFilling",
  "ErrorBudgetBurn",
  "ErrorBudgetLeak",
];

const TREND_MS = 15 * 60_000;
const TREND = formatDuration(TREND_MS);
/** Share of the variance that a straight line explains (R²): caches that fill and sawtooths have less. */
const MIN_FIT = 0.95;
/** The variance of the times of evenly spread samples is a twelfth of the square of their span. */
const TIME_VARIANCE = (TREND_MS / 1000) ** 2 / 12;

interface Filling {
  /** A selector of one series in bytes, such as `process_resident_memory_bytes{job="a"}`. */
  readonly bytes: string;
  readonly limit: number;
}

/** How far back the highest use is looked for. */
const PEAKS = "1h";

/**
 * Memory that will reach its limit within as much time as the trend was looked at. A trend is believed when a
 * straight line fits it, it has lasted for all of that time, and it leads higher than any time of the hour
 * before: a garbage collector's sawtooth climbs as straight, to where it has been.
 */
export function memoryTrendRule(service: Service, { bytes, limit }: Filling): RuleSource {
  const of = `${bytes}[${TREND}]`;
  const slope = `deriv(${of})`;
  const isStraight = `${slope} ^ 2 * ${TIME_VARIANCE} > ${MIN_FIT} * stdvar_over_time(${of})`;
  return {
    alert: "MemoryFilling",
    // Where no trend is believed it is the memory of now, and no more than the limit: that is another rule's.
    expr: `(predict_linear(${of}, ${TREND_MS / 1000}) and ${slope} > 0 and ${isStraight} and ${bytes} > max_over_time(${bytes}[${PEAKS}] offset ${TREND}) or clamp_max(${bytes}, ${limit})) > ${limit}`,
    for: "2m",
    labels: { severity: "medium", service: service.name },
    annotations: {
      summary: `memory grows steadily and will be {{ $value | humanize1024 }}B in ${TREND}`,
    },
  };
}

/** How fast an error budget is spent: 1 spends all of it within the 30 days for which it is given. */
interface Burn {
  readonly factor: number;
  /** Long enough to be sure. */
  readonly long: string;
  /** Short enough to be over soon after it is over. */
  readonly short: string;
}

/** SRE Workbook, "Alerting on SLOs", 6: multiwindow, multi-burn-rate alerts. */
const PAGES: readonly Burn[] = [
  { factor: 14.4, long: "1h", short: "5m" },
  { factor: 6, long: "6h", short: "30m" },
];
const TICKETS: readonly Burn[] = [
  { factor: 3, long: "1d", short: "2h" },
  { factor: 1, long: "3d", short: "6h" },
];

/** Errors within the long window below which a share of errors says nothing: unlucky requests. */
const MIN_ERRORS = 5;

interface Errors {
  /** Share of requests that fail, and how many do. */
  readonly ratio: Ranged;
  readonly count: Ranged;
}

/**
 * The error budget of a service is spent too fast: it would be gone within days.
 *
 * @param availability the share of requests that are to be answered without an error, e.g. 0.999
 */
export function budgetBurnRule(service: Service, availability: number, errors: Errors): RuleSource {
  return budgetRule({ alert: "ErrorBudgetBurn", severity: "high", burns: PAGES }, service, {
    availability,
    errors,
  });
}

/** It will not last for its month. It looks back for three days, which only a Prometheus keeps. */
export function budgetLeakRule(service: Service, availability: number, errors: Errors): RuleSource {
  return budgetRule({ alert: "ErrorBudgetLeak", severity: "low", burns: TICKETS }, service, {
    availability,
    errors,
  });
}

interface Kind {
  readonly alert: string;
  readonly severity: Severity;
  readonly burns: readonly Burn[];
}

interface Objective {
  readonly availability: number;
  readonly errors: Errors;
}

function budgetRule(
  { alert, severity, burns }: Kind,
  service: Service,
  { availability, errors }: Objective,
): RuleSource {
  const budget = Number((1 - availability).toPrecision(6));
  const burnsAt = ({ factor, long, short }: Burn) => {
    const limit = Number((factor * budget).toPrecision(6));
    const enough = `${errors.count(long)} >= ${MIN_ERRORS}`;
    return `(${errors.ratio(long)} > ${limit} and ${errors.ratio(short)} > ${limit} and ${enough})`;
  };
  return {
    alert,
    expr: burns.map(burnsAt).join(" or "),
    labels: { severity, service: service.name },
    annotations: {
      summary: `{{ $value | humanizePercentage }} of requests fail, of ${Number((budget * 100).toPrecision(4))} % that may`,
    },
  };
}
