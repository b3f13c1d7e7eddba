/** PURE: the signals of a service on one time axis. */

import type { Measure, SignalHistory, Surroundings } from "../../core/evidence.ts";
import type { Rule, Series } from "../../core/model.ts";

/** What is asked of the source. */
interface SignalQuery {
  readonly name: string;
  readonly expr: string;
  readonly measures: Measure;
}

/** So many of the service's rules are asked for their signal; more are counted. */
const MAX_SIGNALS = 16;
const POINTS = 60;
const MIN_STEP_MS = 1000;
const MAX_STEP_MS = 15_000;
/** A value that is older than so many steps is none of now. */
const MAX_AGE_STEPS = 3;

/** Of the time axis: at most 15 minutes, and no finer than the range of a rate. */
export function axisOf(windowMs: number): { readonly stepMs: number; readonly durationMs: number } {
  const stepMs = Math.min(Math.max(windowMs / 2, MIN_STEP_MS), MAX_STEP_MS);
  return { stepMs, durationMs: stepMs * POINTS };
}

interface Sources {
  /** The rules made for the service. */
  readonly rules: readonly Rule[];
  readonly service: string;
  readonly windowMs: number;
  /** What its requests are counted by; `undefined` if by nothing. */
  readonly requests: string | undefined;
}

/** The signals of its rules, each once, and what its runtime may tell of its container. */
export function signalQueries({ rules, service, windowMs, requests }: Sources): {
  readonly queries: readonly SignalQuery[];
  readonly leftOut: number;
} {
  const container = `container=${JSON.stringify(service)}`;
  const range = `${Math.max(Math.round(windowMs / 1000), 1)}s`;
  const all: readonly SignalQuery[] = [
    ...(requests === undefined
      ? []
      : [{ name: "requests", expr: requests, measures: "requests" } as const]),
    ...rules.flatMap(({ alert, signal }) =>
      signal === undefined
        ? []
        : [{ name: alert, expr: signal.expr, measures: measureOf(signal.expr) }],
    ),
    {
      name: "container CPU",
      expr: `rate(container_cpu_usage_seconds_total{${container}}[${range}])`,
      measures: "cpu_cores",
    },
    {
      name: "container memory",
      expr: `container_memory_working_set_bytes{${container}}`,
      measures: "memory_bytes",
    },
  ];
  const distinct = all.filter(({ expr }, at) => all.findIndex((one) => one.expr === expr) === at);
  return {
    queries: distinct.slice(0, MAX_SIGNALS),
    leftOut: Math.max(distinct.length - MAX_SIGNALS, 0),
  };
}

/** A share of a limit is none of them. */
function measureOf(expr: string): Measure {
  if (/[^"'\w]\/\s*[a-z(\d]/.test(expr)) return "other";
  if (/^rate\(\w*cpu\w*seconds_total\b/.test(expr)) return "cpu_cores";
  if (/^\w*(?:resident_memory|working_set|memory_usage)_bytes\b/.test(expr)) return "memory_bytes";
  return "other";
}

interface Axis {
  readonly stepMs: number;
  /** By our clock. */
  readonly toMs: number;
  readonly onsetMs: number | undefined;
  readonly startedAtMs: number | undefined;
}

interface Answered {
  readonly query: SignalQuery;
  readonly series: readonly Series[];
}

/** What was measured, by the distance from the newest point, since the source's clock may be another. */
export function timelineOf(
  answers: readonly Answered[],
  { stepMs, toMs, onsetMs, startedAtMs }: Axis,
  leftOut: number,
): NonNullable<Surroundings["timeline"]> {
  const newestMs = Math.max(
    ...answers.flatMap(({ series }) => series.map(({ points }) => points.at(-1)?.timestampMs ?? 0)),
    0,
  );
  const signals = answers
    .map(({ query, series }) => historyOf(query, series, { newestMs, stepMs }))
    .filter(({ values }) => values.some((value) => value !== undefined))
    .map(({ values, ...signal }): SignalHistory => {
      const onsetAt = onsetMs === undefined ? undefined : POINTS - 1 - (toMs - onsetMs) / stepMs;
      const before = onsetAt === undefined ? [] : values.slice(0, Math.max(Math.floor(onsetAt), 0));
      return { ...signal, values, before: median(before), now: newest(values) };
    });
  return { stepMs, toMs, onsetMs, startedAtMs, signals, leftOut };
}

/** One value for each step: of several series their sum, or the greatest where a sum says nothing. */
function historyOf(
  { name, measures }: SignalQuery,
  series: readonly Series[],
  { newestMs, stepMs }: { readonly newestMs: number; readonly stepMs: number },
): Pick<SignalHistory, "name" | "measures" | "values"> {
  const values: (number | undefined)[] = Array.from({ length: POINTS }, () => undefined);
  for (const { points } of series)
    for (const { timestampMs, value } of points) {
      const at = POINTS - 1 - Math.round((newestMs - timestampMs) / stepMs);
      if (at < 0 || at >= POINTS || !Number.isFinite(value)) continue;
      const before = values[at];
      values[at] =
        before === undefined
          ? value
          : measures === "other"
            ? Math.max(before, value)
            : before + value;
    }
  return { name, measures, values };
}

/** Fewer values than two are no state to compare with. */
function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  return known.length < 2 ? undefined : known[Math.floor(known.length / 2)];
}

function newest(values: readonly (number | undefined)[]): number | undefined {
  return values.slice(-MAX_AGE_STEPS).findLast((value) => value !== undefined);
}
