/** What Prometheus' HTTP API tells of rules, alerts and targets. */

import { maskFields, maskText } from "../core/credentials.ts";
import { formatDuration } from "../core/duration.ts";
import type { Alert, Labels, Rule } from "../core/model.ts";
import { renderSummary } from "../core/summary.ts";
import { labelOf } from "../promql/labels.ts";
import type { LabelMatcher } from "../promql/series.ts";
import { invalid, readSelectors, readSwitch } from "./prometheus-parameters.ts";
import { formatExponent, formatTime } from "./prometheus-values.ts";

export interface RuleGroupStatus {
  readonly name: string;
  readonly intervalMs: number;
  readonly rules: readonly Rule[];
  /** As they stand after the last poll. */
  readonly alerts: readonly Alert[];
  readonly lastEvaluationMs: number | undefined;
}

export interface TargetStatus {
  readonly labels: Labels;
  readonly url: string;
  readonly health: "up" | "down" | "unknown";
  readonly lastError: string;
  readonly lastScrapeMs: number | undefined;
  readonly lastScrapeDurationMs: number | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** In place of the file that Prometheus has its rules from. */
const RULES_FILE = "sentinel rules";

/** The filters that Grafana and other clients send; groups without a rule left are left out. */
export function describeRules(parameters: URLSearchParams, groups: readonly RuleGroupStatus[]) {
  const type = (parameters.get("type") ?? "").toLowerCase();
  if (!["", "alert", "record"].includes(type))
    throw invalid("type", `not supported value ${JSON.stringify(type)}`);
  const withoutAlerts = readSwitch(parameters, "exclude_alerts");
  const selectors = readSelectors(parameters);
  const wants = (name: string, value: string) =>
    !parameters.has(name) || parameters.getAll(name).includes(value);
  // Sentinel evaluates alerting rules alone.
  const isWanted = (rule: Rule) =>
    type !== "record" && wants("rule_name[]", rule.alert) && isSelected(rule.labels, selectors);

  const described = byName(groups)
    .filter(({ name }) => wants("rule_group[]", name) && wants("file[]", RULES_FILE))
    .map((group) => describeGroup(group, { isWanted, withoutAlerts }))
    .filter(({ rules }) => rules.length > 0);
  return { groups: described };
}

/** The order of groups from one file. */
function byName(groups: readonly RuleGroupStatus[]): RuleGroupStatus[] {
  return groups.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function isSelected(labels: Labels, selectors: readonly (readonly LabelMatcher[])[]): boolean {
  return (
    selectors.length === 0 ||
    selectors.some((matchers) =>
      matchers.every(({ name, matches }) => matches(labelOf(labels, name))),
    )
  );
}

interface RuleFilter {
  readonly isWanted: (rule: Rule) => boolean;
  readonly withoutAlerts: boolean;
}

function describeGroup(group: RuleGroupStatus, { isWanted, withoutAlerts }: RuleFilter) {
  const { name, intervalMs } = group;
  const lastEvaluation = formatTime(group.lastEvaluationMs);
  const rules = group.rules.filter(isWanted).map((rule) => {
    const described = { ...describeRule(rule, group.alerts), lastEvaluation };
    return withoutAlerts ? { ...described, alerts: null } : described;
  });
  return {
    name,
    file: RULES_FILE,
    rules,
    interval: intervalMs / 1000,
    limit: 0,
    evaluationTime: 0,
    lastEvaluation,
  };
}

const isActive = ({ state }: Alert) => state === "pending" || state === "firing";

function describeRule(rule: Rule, groupAlerts: readonly Alert[]) {
  const own = groupAlerts.filter((alert) => alert.rule === rule);
  const active = own.filter(isActive);
  const missing = own.find(({ state }) => state === "no_data");
  const state = active.some((alert) => alert.state === "firing") ? "firing" : active[0]?.state;
  return {
    state: state ?? "inactive",
    name: rule.alert,
    query: rule.expr,
    duration: rule.forMs / 1000,
    keepFiringFor: rule.keepFiringForMs / 1000,
    labels: rule.labels,
    annotations: rule.annotations,
    alerts: active.map(describeAlert),
    health: own.length === 0 ? "unknown" : "ok",
    // Not an error to Prometheus, which knows no such state, and yet what a person wants to know.
    ...(missing?.noDataReason ? { lastError: maskText(missing.noDataReason) } : {}),
    evaluationTime: 0,
    type: "alerting",
  };
}

export function describeAlerts(groups: readonly RuleGroupStatus[]) {
  const active = byName(groups).flatMap((group) => group.alerts.filter(isActive));
  return { alerts: active.map(describeAlert) };
}

/** What an alert tells goes on to people and their messengers, so that credentials are masked. */
function describeAlert(alert: Alert) {
  const { labels, rule, state, activeAtMs, value } = alert;
  return {
    labels: maskFields(labels),
    annotations: maskFields({ ...rule.annotations, summary: renderSummary(alert) }),
    state,
    activeAt: formatTime(activeAtMs),
    value: formatExponent(value ?? Number.NaN),
  };
}

/** Sentinel drops no target: what it is told to scrape, it scrapes. */
export function describeTargets(parameters: URLSearchParams, targets: readonly TargetStatus[]) {
  const state = (parameters.get("state") ?? "").toLowerCase();
  const isShown = (which: string) => ["", "any", which].includes(state);
  const pool = parameters.get("scrapePool") ?? "";
  const pools = new Set(targets.map(poolOf));
  return {
    activeTargets: isShown("active")
      ? targets.filter((target) => pool === "" || poolOf(target) === pool).map(describeTarget)
      : [],
    droppedTargets: [],
    droppedTargetCounts: isShown("dropped")
      ? Object.fromEntries([...pools].map((name) => [name, 0]))
      : null,
  };
}

function poolOf({ labels }: TargetStatus): string {
  return labels["job"] ?? "";
}

function describeTarget(target: TargetStatus) {
  const { labels, url, health, lastError } = target;
  return {
    discoveredLabels: {},
    labels,
    scrapePool: poolOf(target),
    scrapeUrl: url,
    globalUrl: url,
    lastError,
    lastScrape: formatTime(target.lastScrapeMs),
    lastScrapeDuration: (target.lastScrapeDurationMs ?? 0) / 1000,
    health,
    scrapeInterval: formatDuration(target.intervalMs),
    scrapeTimeout: formatDuration(target.timeoutMs),
  };
}
