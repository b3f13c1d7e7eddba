/** Which rules a service has, and over which range their rates are taken. */

import type { ObserverSettings } from "./config.ts";
import type { Rule, Service } from "./core/model.ts";
import type { MonitorOptions } from "./core/monitor.ts";
import type { SignalSource } from "./core/ports.ts";
import {
  builtInRules,
  containerLoopRule,
  containerRules,
  mergeRules,
  type RuleSource,
  readRule,
  unhealthyRule,
} from "./core/rules.ts";
import { requireSupported } from "./core/signal.ts";

const SCRAPES_PER_WINDOW = 4;
const MIN_WINDOW_MS = 4000;
const UNKNOWN_WINDOW_MS = 60_000;

/** The rules in force for a service, built-in ones first, as they stand in a rule file. */
export function ruleSources(
  settings: ObserverSettings,
  service: Service,
  windowMs: number,
): (RuleSource & { readonly file?: string })[] {
  const builtIn = builtInRules(service, settings.thresholds, windowMs);
  // Only Sentinel's own scraping has what Docker says as series.
  const hasContainer = settings.prometheusUrl === undefined && service.executors.includes("docker");
  const own = [unhealthyRule(service), containerLoopRule(service)];
  const all = hasContainer ? [...builtIn, ...own] : builtIn;
  return mergeRules(all, settings.ownRules);
}

/** @throws SentinelError `configuration` */
export function rulesFor(settings: ObserverSettings, service: Service, windowMs: number): Rule[] {
  const isOurs = settings.prometheusUrl === undefined;
  return ruleSources(settings, service, windowMs).map(({ file = "built-in rules", ...source }) => {
    const rule = readRule(source, file);
    if (isOurs) requireSupported(rule.expr, `${file}: alert ${rule.alert}`);
    return rule;
  });
}

/** `RATE_WINDOW=auto` is 4 scrape intervals, so that a missed scrape leaves enough for a rate. */
export function monitorOptions(
  settings: ObserverSettings,
  service: Service,
  source: SignalSource,
): MonitorOptions {
  return {
    rulesFor: (windowMs) => rulesFor(settings, service, windowMs),
    fallbackWindowMs: UNKNOWN_WINDOW_MS,
    pollIntervalMs: settings.pollIntervalMs,
    async findWindowMs(signal) {
      if (settings.rateWindowMs !== undefined) return settings.rateWindowMs;
      try {
        const intervalMs = await source.scrapeIntervalMs(service.job, signal);
        return intervalMs && Math.max(SCRAPES_PER_WINDOW * intervalMs, MIN_WINDOW_MS);
      } catch {
        // The source is away, which the poll itself says.
        return undefined;
      }
    },
  };
}

/** For a container without metrics: Docker's word has no rates, and no window. */
export function containerMonitorOptions(service: Service, intervalMs: number): MonitorOptions {
  const rules = containerRules(service, intervalMs).map((rule) => readRule(rule, "built-in rules"));
  return {
    rulesFor: () => rules,
    fallbackWindowMs: SCRAPES_PER_WINDOW * intervalMs,
    pollIntervalMs: intervalMs,
    findWindowMs: () => Promise.resolve(SCRAPES_PER_WINDOW * intervalMs),
  };
}
