/** From what the rules' expressions said to alert states. Missing data is a state of its own. */

import type { Reading } from "./evaluation.ts";
import { expandLabels } from "./template/expand.ts";
import type { Alert, Evaluation, Labels, Rule, Sample } from "../core/model.ts";

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
  const before = byRule(previous);
  const alerts: Alert[] = [];
  for (const reading of readings)
    for (const alert of detectRule(reading, before.get(reading.rule) ?? NONE, nowMs))
      alerts.push(alert);
  return alerts;
}

/** The alerts of one rule by their labels' fingerprint. */
type AlertsOfRule = ReadonlyMap<string, Alert>;
const NONE: AlertsOfRule = new Map();

function byRule(alerts: readonly Alert[]): ReadonlyMap<Rule, AlertsOfRule> {
  const rules = new Map<Rule, Map<string, Alert>>();
  for (const alert of alerts)
    rules.getOrInsert(alert.rule, new Map()).set(fingerprint(alert.labels), alert);
  return rules;
}

function detectRule(
  { rule, evaluation }: Reading,
  before: AlertsOfRule,
  nowMs: number,
): readonly Alert[] {
  const after = new Map<string, Alert>();
  if (evaluation.kind === "active")
    for (const sample of evaluation.samples) {
      const labels = alertLabels(rule, sample.labels, sample.value);
      const key = fingerprint(labels);
      const last = before.get(key);
      // The same object as before keeps its fingerprint.
      after.set(key, advance({ ...sample, labels: last?.labels ?? labels }, { rule, last, nowMs }));
    }
  for (const [key, alert] of before)
    if (alert.firingAtMs !== undefined && !after.has(key)) {
      const kept = keep(alert, evaluation, nowMs);
      if (kept !== undefined) after.set(key, kept);
    }
  return after.size > 0 ? [...after.values()] : [atRest(rule, evaluation)];
}

interface Advance {
  readonly rule: Rule;
  readonly last: Alert | undefined;
  readonly nowMs: number;
}

function advance({ labels, value }: Sample, { rule, last, nowMs }: Advance): Alert {
  const activeAtMs = last?.activeAtMs ?? nowMs;
  const fires = last?.firingAtMs !== undefined || nowMs - activeAtMs >= rule.forMs;
  return {
    rule,
    labels,
    state: fires ? "firing" : "pending",
    value,
    activeAtMs,
    firingAtMs: fires ? (last?.firingAtMs ?? nowMs) : undefined,
    quietSinceMs: undefined,
  };
}

/** What becomes of an alert that fired and whose condition is not seen to hold: it, or nothing. */
function keep(
  { noDataReason: _, isRejected: __, isIdle: ___, ...alert }: Alert,
  evaluation: Evaluation,
  nowMs: number,
): Alert | undefined {
  if (evaluation.kind === "no_data") return { ...alert, state: "no_data", ...missing(evaluation) };
  // `keep_firing_for` counts from the first quiet poll, as in Prometheus.
  const quietSinceMs = alert.quietSinceMs ?? nowMs;
  if (nowMs - quietSinceMs >= alert.rule.keepFiringForMs) return undefined;
  return { ...alert, state: "firing", quietSinceMs };
}

/** A rule of which no label set is pending or firing. */
export function atRest(rule: Rule, evaluation: Evaluation): Alert {
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

function missing({ reason, isRejected, isIdle }: Extract<Evaluation, { kind: "no_data" }>) {
  return { noDataReason: reason, ...(isRejected && { isRejected }), ...(isIdle && { isIdle }) };
}

/**
 * The labels of the alert that a rule raises for a sample: the rule's win, as in Prometheus.
 *
 * @param value of the sample, which labels of the rule may tell
 */
export function alertLabels(rule: Rule, labels: Labels, value?: number): Labels {
  const { __name__: _, ...sample } = labels;
  const ofRule = expandLabels(rule.labels, { labels, value });
  return { ...sample, ...ofRule, alertname: rule.alert };
}

/** Alerts keep their labels from poll to poll, and are compared at each. */
const fingerprints = new WeakMap<Labels, string>();

/** The same for the same labels, in whatever order they come. */
export function fingerprint(labels: Labels): string {
  const known = fingerprints.get(labels);
  if (known !== undefined) return known;
  // With its length before each part, so that no value can be taken for another name.
  let text = "";
  for (const name of Object.keys(labels).sort()) {
    const value = labels[name] ?? "";
    text += `${name.length}:${name}${value.length}:${value}`;
  }
  fingerprints.set(labels, text);
  return text;
}

/** An alert is asked for its key several times at each poll. */
const keys = new WeakMap<Alert, string>();

/** One rule on one label set. */
export function alertKey(alert: Alert): string {
  const known = keys.get(alert);
  if (known !== undefined) return known;
  const key = `${alert.rule.expr}\n${fingerprint(alert.labels)}`;
  keys.set(alert, key);
  return key;
}

/**
 * The alerts of the last poll as those before this one. After a time in which nobody looked, such
 * as while the machine slept, nothing has been seen to hold all along: what was pending starts anew.
 *
 * @param gapMs since the last poll
 */
export function carryOver(
  alerts: readonly Alert[],
  gapMs: number,
  mostGapMs: number,
): readonly Alert[] {
  if (gapMs <= mostGapMs) return alerts;
  return alerts.filter(({ state }) => state !== "pending");
}

/** A model, or an action of another service, holds up a poll for as long as this. */
const MAX_BETWEEN_POLLS_MS = 120_000;

/** How far two polls may be apart for what was pending at the first to go on at the second. */
export function mostGapMs(pollIntervalMs: number): number {
  return Math.max(MAX_BETWEEN_POLLS_MS, 3 * pollIntervalMs);
}

/** Whether it fires and its condition was seen to hold at this poll: one kept firing may be well again. */
export function isHolding({ state, quietSinceMs }: Alert): boolean {
  return state === "firing" && quietSinceMs === undefined;
}

/** Whether it fires, or fired and has no data since: nothing has shown that it ended. */
export function isFiringOrUnknown({ state }: Alert): boolean {
  return state === "firing" || state === "no_data";
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

/** Whether an alert is of the rule that an incident is about. */
export type IsOfIncident = (alert: Alert) => boolean;

export function isOfRule({ rule }: Alert): IsOfIncident {
  return (alert) => alert.rule.alert === rule.alert && alert.rule.expr === rule.expr;
}

/** After a restart of Sentinel the name is all that is known of the rule. */
export function isNamed(alertname: string): IsOfIncident {
  return ({ rule }) => rule.alert === alertname;
}

export function isQuiet(alerts: readonly Alert[]): boolean {
  // One that fired and has no data is not quiet: nothing has shown that it ended.
  return alerts.every(({ state, firingAtMs }) => state !== "pending" && firingAtMs === undefined);
}
