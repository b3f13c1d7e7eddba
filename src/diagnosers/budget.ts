/** How many calls and tokens one model may take within an hour. */

import type { Clock } from "../core/ports.ts";

const HOUR_MS = 3_600_000;

interface BudgetLimits {
  readonly callsPerHour: number;
  readonly tokensPerHour: number;
}

/**
 * Counts over the last 60 minutes. A request that is tried again is a call of its own, as the vendor
 * counts. What an answer takes is known only after it: the tokens can be exceeded by one answer.
 */
export class Budget {
  /** Oldest first. What is older than an hour is forgotten before every call. */
  #spent: { readonly atMs: number; readonly calls: number; readonly tokens: number }[] = [];

  constructor(
    readonly limits: BudgetLimits,
    readonly clock: Clock,
  ) {}

  /** Why no further call may be made, and what to do about it; `undefined` if one may. */
  refusal(): string | undefined {
    const { callsPerHour, tokensPerHour } = this.limits;
    this.#forget();
    const spent = (of: "calls" | "tokens") =>
      this.#spent.reduce((sum, { [of]: count }) => sum + count, 0);
    if (spent("calls") >= callsPerHour)
      return `not asked: ${callsPerHour} calls within an hour are made (MODEL_CALLS_PER_HOUR)`;
    if (spent("tokens") >= tokensPerHour)
      return `not asked: ${tokensPerHour} tokens within an hour are used (MODEL_TOKENS_PER_HOUR)`;
    return undefined;
  }

  countCall(): void {
    this.#count(1, 0);
  }

  /** A call that reached nobody costs nothing. */
  takeBackCall(): void {
    const last = this.#spent.findLastIndex(({ calls }) => calls > 0);
    if (last >= 0) this.#spent.splice(last, 1);
  }

  countTokens(tokens: number): void {
    this.#count(0, tokens);
  }

  #count(calls: number, tokens: number): void {
    this.#spent.push({ atMs: this.clock.nowMs(), calls, tokens });
  }

  /** By the distance, so that a clock set back neither frees the budget nor locks it for ever. */
  #forget(): void {
    const nowMs = this.clock.nowMs();
    this.#spent = this.#spent.filter(({ atMs }) => Math.abs(nowMs - atMs) < HOUR_MS);
  }
}
