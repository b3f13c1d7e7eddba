/** What Prometheus' HTTP API tells of rules, alerts and targets. */

import { z } from "zod";
import { maskFields, maskText } from "../../text/redact.ts";
import { formatDuration } from "../../core/duration.ts";
import type { Alert, Rule } from "../../core/model.ts";
import { renderAnnotations, renderSummary } from "../../rules/alert-summary.ts";
import type { Asked, Reply, RuleGroupStatus, TargetStatus } from "./endpoint.ts";
import { SELECT_RULES } from "./evaluated.ts";
import { invalid, readSwitch } from "./parameters.ts";
import { formatExponent, formatTime } from "./values.ts";

/** In place of the file that Prometheus has its rules from. */
const RULES_FILE = "sentinel rules";

/** Alerts in one answer, of each rule and in all: they are masked one by one, while others wait. */
const MAX_ALERTS = 2000;

/** Which of some rules' label sets a request selects; a reply is what is wrong with it. */
type AskSelected = (asked: Omit<Asked, "nowMs">) => Promise<Reply>;

/** The filters that Grafana and other clients send; groups without a rule left are left out. */
export async function describeRules(
  parameters: URLSearchParams,
  groups: readonly RuleGroupStatus[],
  ask: AskSelected,
) {
  const type = (parameters.get("type") ?? "").toLowerCase();
  if (!["", "alert", "record"].includes(type))
    throw invalid("type", `not supported value ${JSON.stringify(type)}`);
  const withoutAlerts = readSwitch(parameters, "exclude_alerts");
  const selected = await selectRules(parameters, groups, ask);
  if (!("rules" in selected)) return selected;
  const wants = (name: string, value: string) =>
    !parameters.has(name) || parameters.getAll(name).includes(value);
  const isWanted = (rule: Rule) =>
    type !== "record" && wants("rule_name[]", rule.alert) && selected.rules.has(rule);
  // Selectors are matched with the labels of alerts alone.
  const wantsRecordings = type !== "alert" && !parameters.has("match[]");
  const isRecordingWanted = (name: string) => wantsRecordings && wants("rule_name[]", name);

  const described = byName(groups)
    .filter(({ name }) => wants("rule_group[]", name) && wants("file[]", RULES_FILE))
    .map((group) => describeGroup(group, { isWanted, isRecordingWanted, withoutAlerts }))
    .filter(({ rules }) => rules.length > 0);
  return { data: { groups: described } };
}

/** Regular expressions of a request are not matched in this thread, where they would hold up everything. */
async function selectRules(
  parameters: URLSearchParams,
  groups: readonly RuleGroupStatus[],
  ask: AskSelected,
): Promise<{ readonly rules: ReadonlySet<Rule> } | Reply> {
  const rules = groups.flatMap((group) => group.rules);
  if (!parameters.has("match[]")) return { rules: new Set(rules) };
  const labelSets = rules.map(({ labels }) => labels);
  const reply = await ask({ path: SELECT_RULES, parameters: [...parameters], labelSets });
  if (reply.status !== 200) return reply;
  const text = typeof reply.body === "string" ? reply.body : new TextDecoder().decode(reply.body);
  const { data } = selectedSchema.parse(JSON.parse(text));
  return { rules: new Set(rules.filter((_, index) => data[index])) };
}

const selectedSchema = z.object({ data: z.array(z.boolean()) });

/** The order of groups from one file. */
function byName(groups: readonly RuleGroupStatus[]): RuleGroupStatus[] {
  return groups.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

interface RuleFilter {
  readonly isRecordingWanted: (name: string) => boolean;
  readonly isWanted: (rule: Rule) => boolean;
  readonly withoutAlerts: boolean;
}

function describeGroup(group: RuleGroupStatus, filter: RuleFilter) {
  const { isWanted, isRecordingWanted, withoutAlerts } = filter;
  const { name, intervalMs, recordings = [], limit = 0 } = group;
  const lastEvaluation = formatTime(group.lastEvaluationMs);
  const alerts = Map.groupBy(group.alerts, ({ rule }) => rule);
  const rules = group.rules.filter(isWanted).map((rule) => {
    const described = { ...describeRule(rule, alerts.get(rule) ?? []), lastEvaluation };
    return withoutAlerts ? { ...described, alerts: null } : described;
  });
  const recorded = recordings
    .filter(({ record }) => isRecordingWanted(record))
    .map(({ record, expr, labels }) => ({
      name: record,
      query: expr,
      labels,
      health: group.lastEvaluationMs === undefined ? "unknown" : "ok",
      evaluationTime: 0,
      lastEvaluation,
      type: "recording",
    }));
  return {
    name,
    file: RULES_FILE,
    rules: [...recorded, ...rules],
    interval: intervalMs / 1000,
    limit,
    evaluationTime: 0,
    lastEvaluation,
  };
}

const isActive = ({ state }: Alert) => state === "pending" || state === "firing";

function describeRule(rule: Rule, own: readonly Alert[]) {
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
    alerts: active.slice(0, MAX_ALERTS).map(describeAlert),
    health: own.length === 0 ? "unknown" : "ok",
    // Not an error to Prometheus, which knows no such state, and yet what a person wants to know.
    ...(missing?.noDataReason ? { lastError: maskText(missing.noDataReason) } : {}),
    evaluationTime: 0,
    type: "alerting",
  };
}

export function describeAlerts(groups: readonly RuleGroupStatus[]) {
  const active = byName(groups).flatMap((group) => group.alerts.filter(isActive));
  return {
    data: { alerts: active.slice(0, MAX_ALERTS).map(describeAlert) },
    isTruncated: active.length > MAX_ALERTS,
  };
}

/** What an alert tells goes on to people and their messengers, so that credentials are masked. */
function describeAlert(alert: Alert) {
  const { labels, state, activeAtMs, value } = alert;
  return {
    labels: maskFields(labels),
    annotations: maskFields({ ...renderAnnotations(alert), summary: renderSummary(alert) }),
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
