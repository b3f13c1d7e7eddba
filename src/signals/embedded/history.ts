/** How long which series are kept: as long as rules look back on them, within a bound of memory. */

import { SentinelError } from "../../core/errors.ts";
import type { Labels } from "../../core/model.ts";
import { lookBacksOf } from "../../promql/look-back.ts";
import { parseExpression } from "../../promql/parse.ts";
import type { LabelMatcher } from "../../promql/series.ts";
import { span } from "../../text/time.ts";
import { BYTES_PER_SAMPLE, type SampleWindow, SLACK } from "./memory-series.ts";

/** What all series look back on at least. */
export const DEFAULT_WINDOW_MS = 15 * 60_000;

/** Of all samples that are kept longer than that. */
export const MAX_HISTORY_BYTES = 256 * 1024 * 1024;

/** A rule looks back on more than one series: where so few would fill the memory, it is refused. */
const MIN_SERIES = 8;

/** Samples may come a little more often than they are meant to. */
const MAX_PACE = 1.25;
const MIN_SAMPLES = 16;

/** A rule as it bears on how long series are kept. */
export interface HistoryRule {
  readonly expr: string;
  /** What a message names, such as `alerts.yml:7: alert Slow`. */
  readonly place: string;
  /** How far before the present it is evaluated. */
  readonly offsetMs: number;
  /** The series that it records, and how often; absent from one that records none. */
  readonly records?: { readonly name: string; readonly intervalMs: number };
}

/** The window of series that are kept longer than others. */
interface LongWindow extends SampleWindow {
  readonly matchers: readonly LabelMatcher[];
}

export interface History {
  /** Of a series that no rule looks back on for longer: the window of all. */
  windowOf(labels: Labels): SampleWindow | undefined;
  /** One line for people; `undefined` if no rule looks back for longer than all series are kept. */
  readonly description: string | undefined;
}

/** Bytes of a series whose samples fill its window. */
export function bytesOf({ maxSamples }: SampleWindow): number {
  return maxSamples * BYTES_PER_SAMPLE * SLACK;
}

/**
 * @param intervalMs at which series are scraped
 * @throws SentinelError `configuration`, naming the rule that looks back for longer than memory holds
 */
export function planHistory(rules: readonly HistoryRule[], intervalMs: number): History {
  const recorded = new Map<string, number>();
  for (const { records } of rules)
    if (records !== undefined)
      recorded.set(
        records.name,
        Math.min(records.intervalMs, recorded.get(records.name) ?? Infinity),
      );
  const long = rules.flatMap((rule) =>
    lookBacksOf(parseExpression(rule.expr)).flatMap(({ matchers, ms }) => {
      const backMs = ms + rule.offsetMs;
      if (backMs <= DEFAULT_WINDOW_MS) return [];
      const name = matchers.find((one) => one.name === "__name__" && one.operator === "=")?.value;
      return [
        windowFor(rule, { matchers, backMs, paceMs: recorded.get(name ?? "") ?? intervalMs }),
      ];
    }),
  );
  return {
    windowOf(labels) {
      let longest: LongWindow | undefined;
      for (const window of long)
        if (
          window.maxSamples > (longest?.maxSamples ?? 0) &&
          window.matchers.every(({ name, matches }) => matches(labels[name] ?? ""))
        )
          longest = window;
      return longest;
    },
    description: describe(long),
  };
}

interface Wanted {
  readonly matchers: readonly LabelMatcher[];
  readonly backMs: number;
  /** How far apart its samples are. */
  readonly paceMs: number;
}

function windowFor(rule: HistoryRule, { matchers, backMs, paceMs }: Wanted): LongWindow {
  // One more sample: a scrape is never exactly at the beginning of a range.
  const durationMs = backMs + paceMs;
  const maxSamples = Math.ceil((durationMs / paceMs) * MAX_PACE) + MIN_SAMPLES;
  const window = { matchers, durationMs, maxSamples };
  if (bytesOf(window) * MIN_SERIES <= MAX_HISTORY_BYTES) return window;
  const howFar = Number.isFinite(backMs) ? span(backMs) : "to a fixed time";
  const most = Math.floor(
    (MAX_HISTORY_BYTES / MIN_SERIES / BYTES_PER_SAMPLE / SLACK / MAX_PACE) * paceMs,
  );
  throw new SentinelError(
    "configuration",
    `${rule.place} looks back ${howFar}, and Sentinel keeps at most ${span(most)} of series with a sample each ${span(paceMs)}`,
    {
      hint: "Look back less, record what it looks at in a group with a longer interval, raise POLL_INTERVAL, or set PROMETHEUS_URL to a Prometheus.",
    },
  );
}

function describe(long: readonly LongWindow[]): string | undefined {
  if (long.length === 0) return undefined;
  const longestMs = Math.max(...long.map(({ durationMs }) => durationMs));
  const bytes = Math.max(...long.map(bytesOf));
  return `${span(DEFAULT_WINDOW_MS)} of all series, up to ${span(longestMs)} of those that rules look back on: up to ${inMegabytes(bytes)} each, ${inMegabytes(MAX_HISTORY_BYTES)} at most for all of these`;
}

function inMegabytes(bytes: number): string {
  const megabytes = bytes / 1024 / 1024;
  return `${megabytes < 10 ? megabytes.toFixed(2) : Math.round(megabytes)} MB`;
}
