/** When a request to a model server is tried again, and after how long. Pure. */

import { z } from "zod";
import { parseJson } from "../text/json.ts";
import type { Clock } from "../core/ports.ts";

/** The clock that a wait is measured with, and the randomness that spreads it. */
export interface Retry {
  readonly clock: Clock;
  /** From 0 to less than 1. */
  readonly random: () => number;
}

/** Retries of one diagnosis. More would only delay the next diagnoser. */
const MAX_RETRIES = 2;

const FIRST_WAIT_MS = 500;

/** Added to what a server asks for, so that all who were refused do not come back at once. */
const MAX_SPREAD_MS = 250;

/** The part of the deadline that must be left for an answer; a retry with less is a wait in vain. */
const LEFT_FOR_ANSWER = 0.25;

/** Where a diagnosis stands after a failure that may pass. */
export interface Standing {
  /** The number of retries so far. */
  readonly retries: number;
  /** What the server asks for; `undefined` if it does not say. */
  readonly retryAfterMs: number | undefined;
  /** The time that is left until the deadline. */
  readonly leftMs: number;
  readonly deadlineMs: number;
}

/**
 * How long to wait for the next try: what the server asks for and up to 250 ms more, else half to
 * all of 500 ms, doubled at each retry.
 *
 * @returns `undefined` if it is not to be tried again
 */
export function retryWaitMs(standing: Standing, random: () => number): number | undefined {
  const { retries, retryAfterMs, leftMs, deadlineMs } = standing;
  if (retries >= MAX_RETRIES) return undefined;
  const waitMs =
    retryAfterMs === undefined
      ? FIRST_WAIT_MS * 2 ** retries * (0.5 + random() / 2)
      : retryAfterMs + MAX_SPREAD_MS * random();
  return waitMs <= leftMs - deadlineMs * LEFT_FOR_ANSWER ? waitMs : undefined;
}

const retryInfo = z.object({
  error: z.object({
    details: z.array(z.object({ retryDelay: z.string().optional() }).catch({})),
  }),
});

/**
 * How long a server asks to wait: by the header `Retry-After`, in seconds or as a date, or by the
 * `retryDelay` in the body of Google's APIs, which send no such header.
 *
 * @returns `undefined` if it does not say, or nothing that can be read
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 * @see https://cloud.google.com/apis/design/errors (RetryInfo)
 */
export function askedWaitMs(
  header: string | null,
  body: string,
  nowMs: number,
): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = / GMT$/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(atMs)) return Math.max(0, atMs - nowMs);
  const details = retryInfo.safeParse(parseJson(body)).data?.error.details ?? [];
  const delays = details.flatMap(({ retryDelay }) => retryDelay ?? []);
  const seconds = /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(delays[0] ?? "")?.[1];
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1000);
}
