/** Times and durations as people read them; durations as Prometheus writes them are in core/duration.ts. */

/** What was measured: tenths below 10 s, else whole seconds, such as `2.1 s` or `42 s`. */
export function seconds(durationMs: number): string {
  const value = durationMs / 1000;
  return `${value < 10 ? Math.round(value * 10) / 10 : Math.round(value)} s`;
}

/** A limit, exactly as it was set. */
export function exactSeconds(durationMs: number): string {
  return `${durationMs / 1000} s`;
}

/** What was measured, always with tenths, for a column of a table. */
export function secondsWithTenths(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

const SPANS = [
  { unit: "d", ms: 86_400_000 },
  { unit: "h", ms: 3_600_000 },
  { unit: "m", ms: 60_000 },
  { unit: "s", ms: 1000 },
] as const;

/** A duration in its most readable unit, such as `45s` or `3h`; a clock that was put back gives `0s`. */
export function span(durationMs: number): string {
  const { unit, ms } = SPANS.find((span) => durationMs >= 2 * span.ms) ?? SPANS[3];
  return `${Math.max(Math.round(durationMs / ms), 0)}${unit}`;
}

/** The time of day here, to the second. */
export function clockTime(atMs: number): string {
  return new Date(atMs).toTimeString().slice(0, 8);
}

/** The time of day here, to the minute; with the date unless it is the day of now. */
export function timeOrDate(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const time = at.toTimeString().slice(0, 5);
  if (at.toDateString() === new Date(nowMs).toDateString()) return time;
  // The Swedish locale writes a date as ISO 8601 does.
  return `${at.toLocaleDateString("sv-SE")} ${time}`;
}

/** The greatest distance from 1970 that a date can have. */
const GREATEST_TIME_MS = 8.64e15;

/** As ISO 8601 has it, in UTC; `undefined` if there is no such time. */
export function isoTime(atMs: number | undefined): string | undefined {
  if (atMs === undefined || !(Math.abs(atMs) <= GREATEST_TIME_MS)) return undefined;
  return new Date(atMs).toISOString();
}
