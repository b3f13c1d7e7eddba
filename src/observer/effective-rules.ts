/** Which rules a service has, and over which range their rates are taken. */

import type { ObserverSettings } from "../config/config.ts";
import type { Rule, Service } from "../core/model.ts";
import type { MonitorOptions } from "../rules/monitor.ts";
import type { SignalSource } from "../core/ports.ts";
import {
  containerLoopRule,
  containerRules,
  readRule,
  refusedRule,
  unhealthyRule,
  withoutReplaced,
} from "../rules/rules.ts";
import { isAlerting, readGroup, type RuleGroup } from "../rules/files/group.ts";
import { followConventions } from "../rules/conventions/follow.ts";
import { builtInRules, type MadeRule, type RuleOptions } from "../rules/built-in-rules.ts";
import { probeRules } from "../rules/probe-rules.ts";
import { probeIntervalMs } from "../signals/embedded/probe-scraper.ts";

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
  // Only Sentinel's own scraping has what Docker says as series.
  const hasContainer = isEmbedded && service.platform === "docker";
  const ofContainer = hasMetrics
    ? [unhealthyRule(service), containerLoopRule(service)]
    : containerRules(service, pollIntervalMs);
  const ofProbe = isEmbedded ? probeRules(service, probeIntervalMs(pollIntervalMs)) : [];
  const all = [...ofMetrics, ...refused, ...ofProbe, ...(hasContainer ? ofContainer : [])];
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

/** The alerting rules among them. */
export function rulesOfFiles(
  settings: Pick<ObserverSettings, "ruleGroups" | "prometheusUrl">,
): Rule[] {
  return groupsOfFiles(settings).flatMap(({ rules }) => rules.filter(isAlerting));
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
    rulesFor: (windowMs) =>
      builtInRulesFor(settings, { service, windowMs, signals: followed.signals }),
    findSignals: followed.refresh,
    fallbackWindowMs:
      job === undefined ? SCRAPES_PER_WINDOW * settings.pollIntervalMs : UNKNOWN_WINDOW_MS,
    pollIntervalMs: settings.pollIntervalMs,
    async findWindowMs(signal) {
      if (settings.rateWindowMs !== undefined || job === undefined) return settings.rateWindowMs;
      try {
        const intervalMs = await source.scrapeIntervalMs(job, signal);
        return intervalMs && Math.max(SCRAPES_PER_WINDOW * intervalMs, MIN_WINDOW_MS);
      } catch {
        // The source is away, which the poll itself says.
        return undefined;
      }
    },
  };
}

/** For a container without metrics: Docker's word has no rates, and no window. */
export function containerMonitorOptions(
  { ownRules, pollIntervalMs }: Pick<ObserverSettings, "ownRules" | "pollIntervalMs">,
  service: Service,
): MonitorOptions {
  const rules = withoutReplaced(containerRules(service, pollIntervalMs), ownRules).map((rule) =>
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
