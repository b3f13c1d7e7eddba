/** Parts of a date, in UTC. */

import type { DateFunction } from "../signatures.ts";

/** The calendar repeats after 400 years. */
const CYCLE_SECONDS = 146_097 * 86_400;
const CYCLE_YEARS = 400;

/** Go counts seconds in 64 bits, and so does its calendar: what comes before the first is the last. */
const INT64_LIMIT = 2 ** 63;

/**
 * The date of a time in seconds since 1970, within the first 400 years, and the years that it is
 * later. A `Date` alone ends in the year 275760, Prometheus' calendar does not. NaN and what is too
 * large become the smallest whole number, as in Prometheus on most machines: December 292277026596.
 */
function dateOf(seconds: number): { readonly date: Date; readonly laterYears: number } {
  const whole = Math.abs(seconds) < INT64_LIMIT ? Math.trunc(seconds) : INT64_LIMIT;
  // The remainder is exact, however large the number.
  const remainder = whole % CYCLE_SECONDS;
  const within = remainder < 0 ? remainder + CYCLE_SECONDS : remainder;
  return {
    date: new Date(within * 1000),
    laterYears: Math.round((whole - within) / CYCLE_SECONDS) * CYCLE_YEARS,
  };
}

function daysInMonth(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000) + 1;
}

/** Of seconds since 1970. */
export const dateFunctions = {
  minute: (seconds) => dateOf(seconds).date.getUTCMinutes(),
  hour: (seconds) => dateOf(seconds).date.getUTCHours(),
  day_of_week: (seconds) => dateOf(seconds).date.getUTCDay(),
  day_of_month: (seconds) => dateOf(seconds).date.getUTCDate(),
  day_of_year: (seconds) => dayOfYear(dateOf(seconds).date),
  days_in_month: (seconds) => daysInMonth(dateOf(seconds).date),
  month: (seconds) => dateOf(seconds).date.getUTCMonth() + 1,
  year: (seconds) => {
    const { date, laterYears } = dateOf(seconds);
    return date.getUTCFullYear() + laterYears;
  },
} as const satisfies Record<DateFunction, (seconds: number) => number>;
