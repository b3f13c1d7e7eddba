/** A load's results as a table for people. Pure. */

import { secondsWithTenths } from "../text/time.ts";
import { align } from "../text/table.ts";
import type { Results, Tally } from "./results.ts";
import { ENDPOINTS } from "./traffic.ts";

/** A process that is late by more, more than once in a hundred times, distorts what it measures. */
const NOTABLE_DELAY_MS = 5;

const PERCENTS = [50, 90, 99] as const;

/** Lines: the table, what failed if anything did, and how to read it. At most 80 characters wide. */
export function renderResults(results: Results): string[] {
  const { endpoints, total, interrupted, durationMs } = results;
  const titles = ["requests", "errors", "rate/s", ...PERCENTS.map((p) => `p${p} ms`), "max ms"];
  const rows = ENDPOINTS.map((endpoint) => [endpoint, ...cells(endpoints[endpoint], durationMs)]);
  return [
    ...(interrupted ? [`Interrupted after ${secondsWithTenths(durationMs)}.`, ""] : []),
    ...align([["endpoint", ...titles], ...rows, ["total", ...cells(total, durationMs)]]),
    "",
    ...renderFailures(results),
    "Latencies are those of successes, from when each was due: waiting counts.",
    ...renderOwnDelay(results),
  ];
}

function cells({ succeeded, inTime, failures, latency }: Tally, durationMs: number): string[] {
  const errors = [...failures.values()].reduce((sum, count) => sum + count, 0);
  const rate = durationMs === 0 ? undefined : (inTime * 1000) / durationMs;
  const percentiles = PERCENTS.map((percent) => latency.percentile(percent));
  return [
    String(succeeded + errors),
    String(errors),
    ...[rate, ...percentiles, latency.maxMs].map(threeFigures),
  ];
}

/** The most frequent first. */
function renderFailures({ endpoints }: Results): string[] {
  const failures = ENDPOINTS.flatMap((endpoint) =>
    [...endpoints[endpoint].failures].map(([failure, count]) => ({ endpoint, failure, count })),
  ).toSorted((a, b) => b.count - a.count);
  if (failures.length === 0) return [];
  const rows = failures.map(({ endpoint, failure, count }) => [endpoint, `${count}`, failure]);
  return [...align([["endpoint", "errors", "cause"], ...rows], [0, 2]), ""];
}

function renderOwnDelay({ ownDelay }: Results): string[] {
  const delayMs = ownDelay.percentile(99);
  if (delayMs === undefined || delayMs <= NOTABLE_DELAY_MS) return [];
  return [
    `This process woke up late itself, by up to ${threeFigures(delayMs)} ms (p99), which is in them:`,
    "the machine is busy. Lower --rate, or run it elsewhere.",
  ];
}

function threeFigures(value: number | undefined): string {
  if (value === undefined) return "-";
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}
