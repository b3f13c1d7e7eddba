/** Durations as Prometheus writes them. */

import { SentinelError } from "./errors.ts";

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  y: 365 * 86_400_000,
  w: 7 * 86_400_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
};

/**
 * Prometheus' durations, such as `5s` or `1m30s`.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations
 */
export function parseDuration(text: string, place: string): number {
  const pattern = /^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/;
  if (text === "0") return 0;
  if (text === "" || !pattern.test(text))
    throw new SentinelError("configuration", `${place} is ${JSON.stringify(text)}`, {
      hint: "Write a duration such as 10s or 1m30s.",
    });
  return [...text.matchAll(/(\d+)(ms|[ywdhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (DURATION_UNITS_MS[unit ?? ""] ?? 0),
    0,
  );
}

/** In Prometheus' own form: whole seconds where they are whole, else milliseconds. */
export function formatDuration(durationMs: number): string {
  return durationMs % 1000 === 0 ? `${durationMs / 1000}s` : `${Math.round(durationMs)}ms`;
}
