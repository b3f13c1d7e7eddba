/** The built-in rules on what a platform says of a service, whether it has metrics of its own or not. */

import { formatDuration } from "../core/duration.ts";
import type { Service, Severity } from "../core/model.ts";
import { CURES, PERMITS_ANNOTATION, REVIVALS } from "./permitted.ts";
import {
  CONTAINER_DOWN_ALERT,
  CONTAINER_UNHEALTHY_ALERT,
  CRASH_LOOP_ALERT,
  CRASH_LOOP_SUMMARY,
  MAX_FOR_MS,
  MAX_STARTS,
  type RuleSource,
  type Thresholds,
} from "./rules.ts";

interface RuntimeSettings {
  readonly thresholds: Pick<Thresholds, "cpu" | "memoryBytes">;
  readonly pollIntervalMs: number;
}

/** Of what a container may use, from which on it is about to be throttled, or killed. */
const MAX_SHARE = 0.9;

/** Platforms are asked no oftener. */
const MIN_INTERVAL_MS = 2000;
/** Nobody has said how much is too much: what is used without a limit waits for a person. */
const UNLIMITED_SEVERITY: Severity = "medium";

/** One missed answer leaves enough for a rate. */
const INTERVALS_PER_WINDOW = 3;

/** An OOM kill is told when whoever starts the container again has had the time to. */
const OOM_FOR = "1m";

/** All of them; they are evaluated on Sentinel's own series. */
export function runtimeRules(service: Service, settings: RuntimeSettings): RuleSource[] {
  const { name } = service;
  const rules = [
    unhealthyRule(name),
    downRule(name, settings.pollIntervalMs),
    loopRule(name),
    ...cpuRules(name, settings),
    ...memoryRules(name, settings),
    oomRule(name),
  ];
  return rules.map((rule) => ({ ...rule, on: "own" }));
}

/** @param name as the label `container` of its series has it */
function seriesOf(name: string): (series: string, range?: string) => string {
  return (series, range) =>
    `${series}{container=${JSON.stringify(name)}}${range === undefined ? "" : `[${range}]`}`;
}

function unhealthyRule(name: string): RuleSource {
  return {
    alert: CONTAINER_UNHEALTHY_ALERT,
    // Docker's own retries are its `for`.
    expr: `${seriesOf(name)("container_healthy")} == 0`,
    whenMissing: "its container has no HEALTHCHECK, or is still starting",
    labels: { severity: "high", service: name },
    annotations: {
      summary: "its HEALTHCHECK fails",
      [PERMITS_ANNOTATION]: CURES.join(", "),
    },
  };
}

function downRule(name: string, pollIntervalMs: number): RuleSource {
  return {
    alert: CONTAINER_DOWN_ALERT,
    expr: `${seriesOf(name)("container_up")} == 0`,
    // One more look that says so: a single one may have met a restart.
    for: formatDuration(Math.min(pollIntervalMs, MAX_FOR_MS)),
    labels: { severity: "critical", service: name },
    annotations: { summary: "it has ended", [PERMITS_ANNOTATION]: REVIVALS.join(", ") },
  };
}

/**
 * That a container starts again and again: by its engine's count, of which all counts while the engine
 * waits longer and longer before the next restart, or by its starts, whoever started it.
 */
function loopRule(name: string): RuleSource {
  const of = seriesOf(name);
  const count = of("container_restarts_total");
  const isNew = `(1 - max_over_time(${of("container_restarting", "5m")}))`;
  const restarts = `${count} - min_over_time(${of("container_restarts_total", "10m")}) * ${isNew}`;
  const starts = `changes(${of("container_start_time_seconds", "10m")})`;
  return {
    alert: CRASH_LOOP_ALERT,
    expr: `(${restarts} > ${starts} or ${starts}) > ${MAX_STARTS}`,
    labels: { severity: "critical", service: name, kind: "container" },
    annotations: { summary: CRASH_LOOP_SUMMARY },
  };
}

/** By share of its limit; without a limit, by cores. */
function cpuRules(name: string, { thresholds, pollIntervalMs }: RuntimeSettings): RuleSource[] {
  const of = seriesOf(name);
  const windowMs = INTERVALS_PER_WINDOW * Math.max(pollIntervalMs, MIN_INTERVAL_MS);
  const used = `rate(${of("container_cpu_usage_seconds_total", formatDuration(windowMs))})`;
  const quota = of("container_spec_cpu_quota");
  const period = of("container_spec_cpu_period");
  // A container without a limit has a share of none, which is not the same as no data.
  const share = `${used} / (${quota} / ${period} or ${period} + Inf)`;
  const shared = {
    alert: "ContainerHighCpu",
    // The rules on its own metrics say more, if they fire as well.
    for: formatDuration(Math.min(pollIntervalMs, MAX_FOR_MS)),
  };
  return [
    {
      ...shared,
      expr: `${share} > ${MAX_SHARE}`,
      labels: { severity: "high", service: name, kind: "limit" },
      annotations: {
        summary: "its container uses {{ $value | humanizePercentage }} of its CPU limit",
        [PERMITS_ANNOTATION]: CURES.join(", "),
      },
    },
    {
      ...shared,
      expr: `${used} > ${thresholds.cpu} unless ${quota}`,
      labels: { severity: UNLIMITED_SEVERITY, service: name, kind: "cores" },
      annotations: {
        summary: 'its container uses {{ $value | printf "%.2f" }} cores, and has no limit',
        [PERMITS_ANNOTATION]: CURES.join(", "),
      },
    },
  ];
}

/** By share of its limit; without a limit, by bytes. */
function memoryRules(name: string, { thresholds, pollIntervalMs }: RuntimeSettings): RuleSource[] {
  const of = seriesOf(name);
  const used = of("container_memory_working_set_bytes");
  const limit = of("container_spec_memory_limit_bytes");
  const shared = {
    alert: "ContainerHighMemory",
    for: formatDuration(Math.min(pollIntervalMs, MAX_FOR_MS)),
  };
  return [
    {
      ...shared,
      expr: `${used} / (${limit} > 0 or ${limit} + Inf) > ${MAX_SHARE}`,
      labels: { severity: "high", service: name, kind: "limit" },
      annotations: {
        summary: "its container uses {{ $value | humanizePercentage }} of its memory limit",
        [PERMITS_ANNOTATION]: CURES.join(", "),
      },
    },
    {
      ...shared,
      expr: `${used} > ${thresholds.memoryBytes} unless ${limit} > 0`,
      labels: { severity: UNLIMITED_SEVERITY, service: name, kind: "bytes" },
      annotations: {
        summary: "its container uses {{ $value | humanize1024 }}B of memory, and has no limit",
        [PERMITS_ANNOTATION]: CURES.join(", "),
      },
    },
  ];
}

/** It only points: what killed it is over, and a restart does not give it more memory. */
function oomRule(name: string): RuleSource {
  return {
    alert: "ContainerOomKilled",
    expr: `increase(${seriesOf(name)("container_oom_events_total", "10m")}) > 0`,
    for: OOM_FOR,
    labels: { severity: "high", service: name },
    annotations: { summary: "the kernel killed it for lack of memory within 10 minutes" },
  };
}
