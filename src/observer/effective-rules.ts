/** Which rules a service has, and over which range their rates are taken. */

import type { ObserverSettings } from "../config/config.ts";
import type { Rule, Service } from "../core/model.ts";
import type { MonitorOptions } from "../rules/monitor.ts";
import type { SignalSource } from "../core/ports.ts";
import { readRule, refusedRule, withoutReplaced } from "../rules/rules.ts";
import type { SharedRulesOptions } from "../rules/shared-rules.ts";
import type { EmbeddedSource } from "../signals/embedded/embedded.ts";
import type { HistoryRule } from "../signals/embedded/history.ts";
import { isRecording } from "../rules/files/rule-file.ts";
import { isAlerting, readGroup, type RuleGroup } from "../rules/files/group.ts";
import { followConventions } from "../rules/conventions/follow.ts";
import { builtInRules, type MadeRule, type RuleOptions } from "../rules/built-in-rules.ts";
import { probeRules } from "../rules/probe-rules.ts";
import { probeIntervalMs } from "../signals/embedded/probe-giver.ts";
import { runtimeRules } from "../rules/runtime-rules.ts";

const SCRAPES_PER_WINDOW = 4;
const MIN_WINDOW_MS = 4000;
const UNKNOWN_WINDOW_MS = 60_000;

const BUILT_IN = "built-in rules";

/** For which service, over which range, and what its series have. */
type Made = Pick<RuleOptions, "service" | "windowMs" | "signals">;

/** The built-in rules in force for a service, as they would stand in a rule file. */
export function builtInSources(settings: ObserverSettings, made: Made): MadeRule[] {
  const { service } = made;
  const { pollIntervalMs, prometheusUrl, thresholds } = settings;
  const isEmbedded = prometheusUrl === undefined;
  const hasMetrics = service.job !== undefined;
  const ofMetrics = hasMetrics ? builtInRules({ ...made, thresholds, keepsDays: !isEmbedded }) : [];
  const refused = hasMetrics && isEmbedded ? [refusedRule(service, pollIntervalMs)] : [];
  const ofProbe = probeRules(service, probeIntervalMs(pollIntervalMs));
  // Who supervises a process is Sentinel itself: it starts it again, and says what became of it.
  const ofRuntime = service.platform === "process" ? [] : runtimeRules(service, settings);
  const all = [...ofMetrics, ...refused, ...ofProbe, ...ofRuntime];
  return withoutReplaced(all, settings.ownRules);
}

/** The rules that are made for a service. */
export function builtInRulesFor(settings: ObserverSettings, made: Made): Rule[] {
  return builtInSources(settings, made).map(({ unreadable, ...source }) => ({
    ...readRule(source, BUILT_IN, made.service.name),
    ...(unreadable === undefined ? {} : { unreadable }),
  }));
}

/**
 * The groups of the user's files, which are evaluated once for all services.
 *
 * @throws SentinelError `configuration`
 */
export function groupsOfFiles(
  settings: Pick<ObserverSettings, "ruleGroups" | "prometheusUrl">,
): RuleGroup[] {
  return settings.ruleGroups.map((group) =>
    readGroup(group, { isEvaluatedHere: settings.prometheusUrl === undefined }),
  );
}

/** Only Sentinel's own store takes what rules record: a Prometheus has its own recording rules. */
export function recordingBy(
  embedded: Pick<EmbeddedSource, "record"> | undefined,
): Pick<SharedRulesOptions, "record"> {
  if (embedded === undefined) return {};
  return {
    record: (rule, { queryOffsetMs, limit }) =>
      embedded.record(rule, { beforeMs: queryOffsetMs, limit }),
  };
}

/** Which series rules of files record, if a Prometheus is to do that; `undefined` if there are none. */
export function recordingsLeft(
  settings: Pick<ObserverSettings, "ruleGroups" | "prometheusUrl">,
): string | undefined {
  const names = settings.prometheusUrl === undefined ? [] : recordedNames(settings);
  if (names.length === 0) return undefined;
  return `${names.length} series of recording rules are left to Prometheus, which has to load them: ${names.join(", ")}`;
}

/** Each once, in the order of the files. */
export function recordedNames({ ruleGroups }: Pick<ObserverSettings, "ruleGroups">): string[] {
  const records = ruleGroups.flatMap(({ rules }) =>
    rules.flatMap((rule) => (isRecording(rule) ? [rule.record] : [])),
  );
  return [...new Set(records)];
}

/**
 * Every rule of a file, and how far apart samples are of what is recorded.
 *
 * @throws SentinelError `configuration`
 */
export function historyRules(
  settings: Pick<ObserverSettings, "ruleGroups" | "prometheusUrl" | "pollIntervalMs">,
): HistoryRule[] {
  return groupsOfFiles(settings).flatMap((group, index) => {
    const offsetMs = group.queryOffsetMs;
    const intervalMs = Math.max(group.intervalMs ?? 0, settings.pollIntervalMs);
    return group.rules.map((rule, at): HistoryRule => {
      const file = settings.ruleGroups[index]?.rules[at]?.file ?? group.name;
      const { expr } = rule;
      if (isAlerting(rule)) return { expr, offsetMs, place: `${file}: alert ${rule.alert}` };
      const records = { name: rule.record, intervalMs };
      return { expr, offsetMs, place: `${file}: record ${rule.record}`, records };
    });
  });
}

/** The alerting rules among them. */
export function rulesOfFiles(
  settings: Pick<ObserverSettings, "ruleGroups" | "prometheusUrl">,
): Rule[] {
  return groupsOfFiles(settings).flatMap(({ rules }) => rules.filter(isAlerting));
}

function rateWindowOf(intervalMs: number): number {
  return Math.max(SCRAPES_PER_WINDOW * intervalMs, MIN_WINDOW_MS);
}

/** `RATE_WINDOW=auto` is 4 scrape intervals, so that a missed scrape leaves enough for a rate. */
export function monitorOptions(
  settings: ObserverSettings,
  service: Service,
  source: SignalSource,
): MonitorOptions {
  const { job } = service;
  const isEmbedded = settings.prometheusUrl === undefined;
  const followed = followConventions(service, source, { isEmbedded });
  return {
    rulesFor(windowMs) {
      const rules = builtInRulesFor(settings, { service, windowMs, signals: followed.signals });
      source.expect?.(
        service.name,
        rules.map(({ expr }) => expr),
      );
      return rules;
    },
    findSignals: followed.refresh,
    fallbackWindowMs:
      job === undefined ? SCRAPES_PER_WINDOW * settings.pollIntervalMs : UNKNOWN_WINDOW_MS,
    pollIntervalMs: settings.pollIntervalMs,
    async findWindowMs(signal) {
      if (settings.rateWindowMs !== undefined || job === undefined) return settings.rateWindowMs;
      try {
        const intervalMs = await source.scrapeIntervalMs(job, signal);
        return intervalMs && rateWindowOf(intervalMs);
      } catch {
        // The source is away, which the poll itself says.
        return undefined;
      }
    },
  };
}

/** For a container that is watched for its label alone: what its platform says has no window of its own. */
export function containerMonitorOptions(
  settings: Pick<ObserverSettings, "ownRules" | "pollIntervalMs" | "thresholds">,
  service: Service,
): MonitorOptions {
  const { ownRules, pollIntervalMs } = settings;
  const rules = withoutReplaced(runtimeRules(service, settings), ownRules).map((rule) =>
    readRule(rule, BUILT_IN, service.name),
  );
  const windowMs = SCRAPES_PER_WINDOW * pollIntervalMs;
  return {
    rulesFor: () => rules,
    fallbackWindowMs: windowMs,
    pollIntervalMs,
    findWindowMs: () => Promise.resolve(windowMs),
  };
}
