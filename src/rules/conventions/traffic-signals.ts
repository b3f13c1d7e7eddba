/** What a convention for requests reads from a service's series. Pure. */

import type { Duration, Reading, Readable, TrafficConvention, Unreadable } from "./convention.ts";
import { failedMatcher, HTTP_ERROR_LABELS } from "./error-labels.ts";
import { and, type Counter, countOf, rateOf, select } from "./expressions.ts";
import type { Families } from "./families.ts";

export interface TrafficReadings {
  readonly requestRate: Reading;
  readonly errorRatio: Reading;
  readonly latency: Reading;
  readonly inFlight: Reading;
}

/** @returns `undefined` if the service has none of its series */
export function readTraffic(
  convention: TrafficConvention,
  families: Families,
): TrafficReadings | undefined {
  const { only, inFlight, needs } = convention;
  if (needs !== undefined && !families.has(needs)) return undefined;
  const counters = countersOf(convention, families);
  const latency = latencyOf(convention, families);
  const [counter] = counters;
  if (counter === undefined && latency.kind === "unreadable") return undefined;
  const gauge = inFlight.find((metric) => families.has(metric));
  return {
    requestRate: counter ? requestRateOf(counter, only) : NO_COUNTER,
    errorRatio: counter ? errorRatioOf(counters, convention, families) : NO_COUNTER,
    latency,
    inFlight: gauge
      ? {
          kind: "readable",
          readFrom: gauge,
          expr: (matchers) => `sum(${select(gauge, matchers, only)})`,
        }
      : {
          kind: "unreadable",
          why: "no gauge of requests under way is known",
          whatWouldChangeIt: `a gauge such as ${inFlight[0] ?? "http_requests_in_progress"}`,
        },
  };
}

const NO_COUNTER: Unreadable = {
  kind: "unreadable",
  why: "nothing counts requests",
  whatWouldChangeIt: "a counter of requests with a label such as status",
};

function countersOf(
  { counters, durations }: TrafficConvention,
  families: Families,
): readonly Counter[] {
  const named = [...counters, ...durations.map(({ metric }) => `${metric}_count`)];
  const natives = durations.filter((duration) => isNative(duration, families));
  return [
    ...named
      .filter((metric) => families.has(metric))
      .map((metric) => ({ metric, isNative: false })),
    ...natives.map(({ metric }) => ({ metric, isNative: true })),
  ];
}

/** A series by the very name of the histogram is a native one, unless it is a summary's quantile. */
function isNative({ metric, isMean }: Duration, families: Families): boolean {
  return !isMean && families.has(metric) && families.values(metric, "quantile").size === 0;
}

function requestRateOf(counter: Counter, only: string | undefined): Readable {
  return {
    kind: "readable",
    readFrom: counter.metric,
    expr: (matchers, { window }) => rateOf(counter, and(matchers, only), window),
  };
}

function errorRatioOf(
  counters: readonly Counter[],
  { only, failures = [], errorLabels = HTTP_ERROR_LABELS }: TrafficConvention,
  families: Families,
): Reading {
  for (const counter of counters)
    for (const label of errorLabels) {
      const values = families.values(counter.metric, label.name);
      const failed = failedMatcher(label, values);
      if (failed !== undefined) return byLabel({ counter, failed, label: label.name }, only);
    }
  const [counter] = counters;
  const failing = failures.find((metric) => families.has(metric));
  if (counter !== undefined && failing !== undefined) return byCounter(counter, failing, only);
  return noErrors(counters, errorLabels, families);
}

/**
 * A failure is counted from its first time on only, so that before it there is no series of it: then it is
 * 0, but of series alone that have the label.
 */
function byLabel(
  { counter, failed, label }: { counter: Counter; failed: string; label: string },
  only: string | undefined,
): Readable {
  return {
    kind: "readable",
    readFrom: `${counter.metric}{${failed}}`,
    expr(matchers, { window }) {
      const all = and(matchers, only);
      const errors = rateOf(counter, and(all, failed), window);
      const none = `0 * ${rateOf(counter, and(all, `${label}!=""`), window)}`;
      return `(${errors} or ${none}) / ${rateOf(counter, all, window)}`;
    },
    failedCount: (matchers, { window }) => countOf(counter, and(matchers, only, failed), window),
  };
}

function byCounter(counter: Counter, failing: string, only: string | undefined): Readable {
  const failures = { metric: failing, isNative: false };
  return {
    kind: "readable",
    readFrom: failing,
    expr(matchers, { window }) {
      const all = and(matchers, only);
      return `${rateOf(failures, all, window)} / ${rateOf(counter, all, window)}`;
    },
    failedCount: (matchers, { window }) => countOf(failures, and(matchers, only), window),
  };
}

const MAX_SHOWN_VALUES = 3;

function noErrors(
  counters: readonly Counter[],
  labels: TrafficConvention["errorLabels"] & {},
  families: Families,
): Unreadable {
  const metric = counters[0]?.metric ?? "";
  const unclear = labels.find(({ name }) => families.values(metric, name).size > 0);
  const values = [...families.values(metric, unclear?.name ?? "")].slice(0, MAX_SHOWN_VALUES);
  return {
    kind: "unreadable",
    why: unclear
      ? `${metric} counts requests, but its label ${unclear.name} (${values.join(", ")}) does not say which failed`
      : `${metric} counts requests, but no label says which failed`,
    whatWouldChangeIt: `a label such as ${labels === HTTP_ERROR_LABELS ? "status" : labels[0]?.name} on ${metric}`,
  };
}

/** A rule asks for this one; a summary has those alone that its service has set. */
const QUANTILE = 0.9;

function latencyOf({ durations, only }: TrafficConvention, families: Families): Reading {
  for (const read of [byBuckets, byNative, bySummary, byMean])
    for (const duration of durations) {
      const found = read(duration, { only, families });
      if (found !== undefined) return found;
    }
  return {
    kind: "unreadable",
    why: "nothing measures how long requests take",
    whatWouldChangeIt: `a histogram such as ${durations[0]?.metric ?? "http_request_duration_seconds"}`,
  };
}

interface Where {
  readonly only: string | undefined;
  readonly families: Families;
}

function byBuckets({ metric, unit }: Duration, { only, families }: Where): Reading | undefined {
  const buckets = `${metric}_bucket`;
  if (!families.has(buckets)) return undefined;
  return {
    kind: "readable",
    readFrom: buckets,
    expr: (matchers, { window, quantile }) =>
      inSeconds(
        `histogram_quantile(${quantile}, sum(rate(${select(buckets, matchers, only)}[${window}])) by (le))`,
        unit,
      ),
  };
}

function byNative(duration: Duration, { only, families }: Where): Reading | undefined {
  const { metric, unit } = duration;
  if (!isNative(duration, families)) return undefined;
  return {
    kind: "readable",
    readFrom: `${metric} (native histogram)`,
    expr: (matchers, { window, quantile }) =>
      inSeconds(
        `histogram_quantile(${quantile}, sum(rate(${select(metric, matchers, only)}[${window}])))`,
        unit,
      ),
  };
}

/** Quantiles of several series cannot be added up: the slowest one speaks. */
function bySummary({ metric, unit }: Duration, { only, families }: Where): Reading | undefined {
  const known = [...families.values(metric, "quantile")].toSorted((a, b) => Number(a) - Number(b));
  const near = (quantile: number) => known.find((text) => Number(text) >= quantile) ?? known.at(-1);
  if (Number(near(QUANTILE) ?? 0) < QUANTILE) return undefined;
  const slowest = (matchers: string, quantile: number) =>
    `max(${select(metric, matchers, only, `quantile="${near(quantile)}"`)})`;
  return {
    kind: "readable",
    readFrom: `${metric} (summary)`,
    expr: (matchers, { quantile }) => inSeconds(slowest(matchers, quantile), unit),
  };
}

function byMean(
  { metric, unit, isMean }: Duration,
  { only, families }: Where,
): Reading | undefined {
  if (isMean && families.has(metric))
    return {
      kind: "readable",
      readFrom: `${metric} (mean)`,
      isMean: true,
      expr: (matchers) => inSeconds(`max(${select(metric, matchers, only)})`, unit),
    };
  const [sum, count] = [`${metric}_sum`, `${metric}_count`];
  if (!families.has(sum) || !families.has(count)) return undefined;
  return {
    kind: "readable",
    readFrom: `${sum} and ${count} (mean)`,
    isMean: true,
    expr: (matchers, { window }) =>
      inSeconds(
        `sum(rate(${select(sum, matchers, only)}[${window}])) / sum(rate(${select(count, matchers, only)}[${window}]))`,
        unit,
      ),
  };
}

function inSeconds(expr: string, unit: Duration["unit"]): string {
  return unit === "s" ? expr : `${expr} / 1000`;
}
