/** What a load is to be: how many requests, when each is due, and against what. Pure. */

import { isHttpUrl } from "../text/url.ts";
import { SentinelError } from "../core/errors.ts";

export interface LoadPlan {
  /** Requests a second, whole. */
  readonly rate: number;
  /** Whole seconds. */
  readonly durationS: number;
  /** Where the service is, without a slash at the end. */
  readonly url: string;
}

/** The command's options, as text. */
export interface LoadOptions {
  readonly rate: string;
  readonly duration: string;
  readonly url: string;
}

/** Bounds, and what an option is if it is not given. */
export const RATE = { usual: 50, min: 1, max: 10_000 } as const;
export const DURATION_S = { usual: 10, min: 1, max: 3600 } as const;
export const TARGET_URL = "http://localhost:8000";

/** @throws SentinelError `usage`, naming the option */
export function parsePlan({ rate, duration, url }: LoadOptions): LoadPlan {
  return {
    rate: wholeNumber("--rate", rate, { ...RATE, unit: "requests a second" }),
    durationS: wholeNumber("--duration", duration, { ...DURATION_S, unit: "seconds" }),
    url: serviceUrl(url),
  };
}

export function requestCount({ rate, durationS }: LoadPlan): number {
  return rate * durationS;
}

/** In ms from the start; request 0 is due at once. Not a sum, which would drift. */
export function dueAtMs({ rate }: LoadPlan, index: number): number {
  return (index * 1000) / rate;
}

/** How many requests of the plan are due after that time since the start. */
export function dueCount(plan: LoadPlan, elapsedMs: number): number {
  const { rate } = plan;
  return Math.min(requestCount(plan), Math.floor((elapsedMs * rate) / 1000) + 1);
}

interface Range {
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

function wholeNumber(option: string, text: string, { min, max, unit }: Range): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  const form = `a whole number of ${unit} from ${min} to ${max}`;
  throw new SentinelError("usage", `${option} must be ${form}, not ${JSON.stringify(text)}`);
}

function serviceUrl(text: string): string {
  const parsed = isHttpUrl(text) ? URL.parse(text) : null;
  if (parsed !== null && parsed.search === "" && parsed.hash === "")
    return parsed.href.replace(/\/$/, "");
  // Not shown: there may be a password in it.
  throw new SentinelError("usage", "--url must be an http URL without a query or a fragment", {
    hint: `Write one such as ${TARGET_URL}.`,
  });
}
