/** Whether an action healed: three verdicts, on samples taken after it. Pure. */

import { seconds } from "../text/time.ts";
import type { Verdict } from "../core/model.ts";

/** What was seen of the service at one moment after the action. */
export interface Check {
  readonly atMs: number;
  /** The alert that fired, evaluated again; `no_data` is neither. */
  readonly alert: "silent" | "active" | "no_data";
  /** Age of the newest scrape, by the source's own clock; `undefined` without a scrape. */
  readonly scrapeAgeMs: number | undefined;
  /** Whether its health check passes; `undefined` if it has none. */
  readonly healthy: boolean | undefined;
}

export interface VerificationPlan {
  /** When the action had ended. */
  readonly actedAtMs: number;
  /** The rules' rate window: before it has passed, rates still hold samples from before. */
  readonly windowMs: number;
  /** No verdict before this long after the action; at least the window. */
  readonly stabilizeMs: number;
}

/** When the last verdict is due: one window more than the first, for a service that starts slowly. */
export function lastCheckMs({ actedAtMs, stabilizeMs, windowMs }: VerificationPlan): number {
  return actedAtMs + stabilizeMs + windowMs;
}

/**
 * The verdict at the newest check, or `undefined` while it is too early.
 *
 * Judged are the checks of the last `stabilizeMs - windowMs` (at least the newest one): by then each
 * of them looks back on a whole window after the action.
 *
 * @param checks oldest first
 */
export function judge(checks: readonly Check[], plan: VerificationPlan): Verdict | undefined {
  const newest = checks.at(-1);
  if (newest === undefined || newest.atMs < plan.actedAtMs + plan.stabilizeMs) return undefined;
  const verdict = judgeSpan(checks, newest, plan);
  const isLast = newest.atMs >= lastCheckMs(plan);
  return verdict.kind === "healed" || isLast ? verdict : undefined;
}

function judgeSpan(checks: readonly Check[], newest: Check, plan: VerificationPlan): Verdict {
  const fromMs = newest.atMs - Math.max(plan.stabilizeMs - plan.windowMs, 0);
  const span = checks.filter(({ atMs }) => atMs >= fromMs);
  if (newest.alert === "active")
    return {
      kind: "not_healed",
      reason: "the alert still holds on samples taken after the action",
    };
  if (newest.alert === "silent" && newest.healthy === false)
    return { kind: "not_healed", reason: "the alert is silent, but its health check fails" };
  if (span.some(({ alert }) => alert === "no_data"))
    return {
      kind: "unknown",
      reason: "the alert's signal has no data since the action, so nothing shows that it is well",
    };
  if (span.some((check) => !isFresh(check, plan)))
    return { kind: "unknown", reason: "the service has not been scraped since the action" };
  if (span.some(({ alert }) => alert === "active"))
    return { kind: "not_healed", reason: "the alert came back after the action" };
  const health =
    newest.healthy === undefined
      ? "; the service has no health check"
      : ", and its health check passes";
  return {
    kind: "healed",
    reason: `the alert is silent on ${seconds(plan.windowMs)} of samples taken after the action${health}`,
  };
}

function isFresh({ atMs, scrapeAgeMs }: Check, { actedAtMs }: VerificationPlan): boolean {
  return scrapeAgeMs !== undefined && atMs - scrapeAgeMs > actedAtMs;
}
