/** Prometheus alerting rules: how they are read, and those that are built in. */

import { ACTION_IDS, EFFECTS, type Permit } from "../allowlist.ts";
import { formatDuration, parseDuration } from "../core/duration.ts";
import { SentinelError } from "../core/errors.ts";
import type { Labels, Rule, Service, Severity } from "../core/model.ts";
import { SEVERITIES } from "../core/model.ts";
import { PERMITS_ANNOTATION } from "./permitted.ts";
import { readSignal } from "./signal.ts";

/** Which alert says that restarting does not cure: while it fires, nothing is restarted. */
export const CRASH_LOOP_ALERT = "CrashLoop";

const METRICS_REFUSED_ALERT = "MetricsRefused";

/** The alert that says that what has to be scraped cannot be. */
export const TARGET_DOWN_ALERT = "TargetDown";
/** The label `kind` of the one that says that nobody scrapes it. */
export const UNSCRAPED_KIND = "absent";
/** The kind of the alert that says that a service's exporter is down, and so nothing of the service. */
export const EXPORTER_KIND = "exporter";

/** The alert that says that a container's HEALTHCHECK fails. */
export const CONTAINER_UNHEALTHY_ALERT = "ContainerUnhealthy";

/** The alert that says that a container has ended and is not started again by its engine. */
export const CONTAINER_DOWN_ALERT = "ContainerDown";

/** For an alert whose severity is not one of ours: such an alert waits for a person. */
const UNKNOWN_SEVERITY: Severity = "medium";

/** One alerting rule as it stands in a Prometheus rule file. */
export interface RuleSource {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string | undefined;
  readonly keep_firing_for?: string | undefined;
  readonly labels?: Labels | undefined;
  readonly annotations?: Labels | undefined;
  /** As of a rule; no file says these two. */
  readonly on?: Rule["on"];
  readonly whenMissing?: Rule["whenMissing"];
}

export interface Thresholds {
  /** Cores. */
  readonly cpu: number;
  /** P90, seconds. */
  readonly latencySeconds: number;
  readonly memoryBytes: number;
  /** Share of requests answered 5xx, 0 to 1. */
  readonly errorRatio: number;
}

/** Where scrapes are far apart, seconds still count. */
export const MAX_FOR_MS = 5000;

/** Starts within 10 minutes, whoever started it: past it a restart is no cure. */
export const MAX_STARTS = 3;
export const CRASH_LOOP_SUMMARY =
  "started {{ $value | humanize }} times within 10 minutes; restarting does not help";

/**
 * That Sentinel refuses the metrics of a service, which answers: too many series, or dear ones. The service
 * is not to blame, so that nothing is permitted.
 */
export function refusedRule({ name, job }: Service, intervalMs: number): RuleSource {
  return {
    alert: METRICS_REFUSED_ALERT,
    expr: `sentinel_scrape_refused{job=${JSON.stringify(job)}} == 1`,
    // Two scrapes, as of a target that is down.
    for: formatDuration(Math.min(intervalMs, MAX_FOR_MS)),
    labels: { severity: "high", service: name },
    annotations: { summary: "its metrics are refused: it {{ $labels.reason }}" },
  };
}

/** The built-in rules that are in force: a rule of a file replaces every one of its name. */
export function withoutReplaced(
  builtIn: readonly RuleSource[],
  own: readonly Pick<RuleSource, "alert">[],
): RuleSource[] {
  const replaced = new Set(own.map(({ alert }) => alert));
  return builtIn.filter(({ alert }) => !replaced.has(alert));
}

/**
 * Reads one rule.
 *
 * @param where what to name in the message, e.g. the file
 * @param service the one that it is made for; the alerts of a rule of a file belong to whom their labels name
 * @throws SentinelError `configuration` on an expression, a duration, an effect or an action id that is none
 */
export function readRule(source: RuleSource, where: string, service?: string): Rule {
  const { alert, expr, labels = {}, annotations = {} } = source;
  const place = `${where}: alert ${alert}`;
  const severity = SEVERITIES.find((known) => known === labels["severity"]) ?? UNKNOWN_SEVERITY;
  return {
    alert,
    expr,
    signal: readSignal(expr, place),
    forMs: parseDuration(source.for ?? "0s", `${place}: for`),
    keepFiringForMs: parseDuration(source.keep_firing_for ?? "0s", `${place}: keep_firing_for`),
    severity,
    labels,
    annotations,
    permits: readPermits(annotations, place),
    ...(source.on === undefined ? {} : { on: source.on }),
    ...(source.whenMissing === undefined ? {} : { whenMissing: source.whenMissing }),
    ...(service === undefined ? {} : { service }),
  };
}

function readPermits(annotations: Labels, place: string): Permit[] {
  const words = (annotations[PERMITS_ANNOTATION] ?? "").split(",").map((word) => word.trim());
  return words
    .filter((word) => word !== "")
    .map((word) => {
      const permit = [...EFFECTS, ...ACTION_IDS].find((known) => known === word);
      if (permit !== undefined) return permit;
      throw new SentinelError("configuration", `${place}: ${PERMITS_ANNOTATION} has ${word}`, {
        hint: `Write effects (${EFFECTS.join(", ")}) or ids (${ACTION_IDS.join(", ")}).`,
      });
    });
}
