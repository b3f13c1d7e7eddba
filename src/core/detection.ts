/** From what the rules' expressions said to alert states. Missing data is a state of its own. */

import type { Alert, Evaluation, Labels, Rule, Sample } from "./model.ts";

/** One rule and what its expression said at this poll. */
export interface Reading {
  readonly rule: Rule;
  readonly evaluation: Evaluation;
}

/**
 * What the answers to a rule's two queries mean.
 *
 * @param active the result of the whole expression: the rule holds for each of its samples
 * @param measured the result of the compared side alone; `undefined` if the rule has none
 */
export function evaluate(
  active: readonly Sample[],
  measured: readonly Sample[] | undefined,
): Evaluation {
  const finite = active.filter(({ value }) => Number.isFinite(value));
  if (finite.length > 0) return { kind: "active", samples: finite };
  const notFinite = active[0];
  if (notFinite !== undefined)
    return { kind: "no_data", reason: `the value is ${notFinite.value}, not a number to act on` };
  // A rule that compares nothing, such as absent(...), is quiet when it is empty.
  if (measured === undefined) return { kind: "inactive", value: undefined, measured };
  if (measured.length === 0) return { kind: "no_data", reason: "there are no samples" };
  const known = measured.filter(({ value }) => Number.isFinite(value));
  if (known.length === 0)
    return { kind: "no_data", reason: `the value is ${measured[0]?.value}: nothing was measured` };
  const value = known.reduce((most, sample) => Math.max(most, sample.value), -Infinity);
  return { kind: "inactive", value, measured: known };
}

/**
 * Alert states after a poll, as Prometheus would have them, with two exceptions for safety: missing
 * data ends a pending alert and suspends a firing one, instead of resolving it.
 *
 * @param previous the states after the poll before
 * @returns for each rule one alert for each label set that is pending or firing, or else one
 */
export function detect(
  previous: readonly Alert[],
  readings: readonly Reading[],
  nowMs: number,
): Alert[] {
  return readings.flatMap(({ rule, evaluation }) => {
    const before = previous.filter((alert) => alert.rule === rule);
    const active =
      evaluation.kind === "active"
        ? evaluation.samples.map((sample) => advance(rule, sample, { before, nowMs }))
        : [];
    const seen = new Set(active.map(({ labels }) => fingerprint(labels)));
    const kept = before
      .filter(
        ({ labels, firingAtMs }) => firingAtMs !== undefined && !seen.has(fingerprint(labels)),
      )
      .flatMap((alert) => keep(alert, evaluation, nowMs));
    const all = [...active, ...kept];
    return all.length > 0 ? all : [atRest(rule, evaluation)];
  });
}

interface Before {
  readonly before: readonly Alert[];
  readonly nowMs: number;
}

function advance(rule: Rule, sample: Sample, { before, nowMs }: Before): Alert {
  const labels = alertLabels(rule, sample.labels);
  const key = fingerprint(labels);
  const last = before.find((alert) => fingerprint(alert.labels) === key);
  const activeAtMs = last?.activeAtMs ?? nowMs;
  const fires = last?.firingAtMs !== undefined || nowMs - activeAtMs >= rule.forMs;
  return {
    rule,
    labels,
    state: fires ? "firing" : "pending",
    value: sample.value,
    activeAtMs,
    firingAtMs: fires ? (last?.firingAtMs ?? nowMs) : undefined,
    quietSinceMs: undefined,
  };
}

/** What becomes of an alert that fired and whose condition is not seen to hold: it, or nothing. */
function keep(
  { noDataReason: _, isRejected: __, ...alert }: Alert,
  evaluation: Evaluation,
  nowMs: number,
): Alert[] {
  if (evaluation.kind === "no_data")
    return [{ ...alert, state: "no_data", ...missing(evaluation) }];
  // `keep_firing_for` counts from the first quiet poll, as in Prometheus.
  // A clock that was put back may not draw that out.
  const quietSinceMs = Math.min(alert.quietSinceMs ?? nowMs, nowMs);
  if (nowMs - quietSinceMs >= alert.rule.keepFiringForMs) return [];
  return [{ ...alert, state: "firing", quietSinceMs }];
}

function atRest(rule: Rule, evaluation: Evaluation): Alert {
  const isMissing = evaluation.kind === "no_data";
  return {
    rule,
    labels: alertLabels(rule, {}),
    state: isMissing ? "no_data" : "inactive",
    value: evaluation.kind === "inactive" ? evaluation.value : undefined,
    activeAtMs: undefined,
    firingAtMs: undefined,
    quietSinceMs: undefined,
    ...(isMissing ? missing(evaluation) : {}),
  };
}

function missing({ reason, isRejected }: Extract<Evaluation, { kind: "no_data" }>) {
  return { noDataReason: reason, ...(isRejected ? { isRejected } : {}) };
}

/** The labels of the alert that a rule raises for a sample: the rule's win, as in Prometheus. */
export function alertLabels(rule: Rule, { __name__: _, ...sample }: Labels): Labels {
  return { ...sample, ...rule.labels, alertname: rule.alert };
}

/** The same for the same labels, in whatever order they come. */
export function fingerprint(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether it fires and its condition was seen to hold at this poll: one kept firing may be well again. */
export function isHolding({ state, quietSinceMs }: Alert): boolean {
  return state === "firing" && quietSinceMs === undefined;
}

const SEVERITY_ORDER = { critical: 0, high: 1, medium: 2, low: 3 } as const;

/** The alert to look into first, of those that fire and hold: the most severe, then the one that has fired longest. */
export function mostUrgent(alerts: readonly Alert[]): Alert | undefined {
  return alerts
    .filter(isHolding)
    .toSorted(
      (a, b) =>
        SEVERITY_ORDER[a.rule.severity] - SEVERITY_ORDER[b.rule.severity] ||
        (a.firingAtMs ?? 0) - (b.firingAtMs ?? 0),
    )[0];
}

/** Whether a series of the measured side is the one that this alert is about. */
export function isSeriesOf({ rule, labels }: Alert, series: Labels): boolean {
  return fingerprint(alertLabels(rule, series)) === fingerprint(labels);
}
