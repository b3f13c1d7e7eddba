/** What a rule may cost while it is evaluated: all loops wait for it. */

import { exactSeconds } from "../../text/time.ts";
import { PromqlError } from "../../promql/errors.ts";
import type { Limits } from "../../promql/query.ts";

/** Rules over 20,000 series take some 50 ms. */
const MAX_EVALUATION_MS = 250;
const MAX_SAMPLES = 2_000_000;
/** How long an expression that took too long is not tried again: it would hold up each poll. */
const REFUSED_FOR_MS = 60_000;
const MAX_REMEMBERED = 1000;

export class RuleLimits {
  /** Expressions that took too long, and until when they are refused. */
  readonly #refusedUntilMs = new Map<string, number>();

  /** @throws PromqlError of the evaluation, and `timeout` for an expression that took too long a while ago */
  within<T>(expr: string, evaluate: (limits: Limits) => T): T {
    const startMs = performance.now();
    const refusedUntilMs = this.#refusedUntilMs.get(expr) ?? Number.NEGATIVE_INFINITY;
    if (startMs < refusedUntilMs) throw tooSlow();
    const limits: Limits = {
      maxSamples: MAX_SAMPLES,
      shouldStop: () => performance.now() - startMs > MAX_EVALUATION_MS,
    };
    try {
      return evaluate(limits);
    } catch (error) {
      if (!(error instanceof PromqlError) || error.code !== "timeout") throw error;
      if (this.#refusedUntilMs.size >= MAX_REMEMBERED) this.#refusedUntilMs.clear();
      this.#refusedUntilMs.set(expr, startMs + REFUSED_FOR_MS);
      throw tooSlow();
    }
  }
}

function tooSlow(): PromqlError {
  return new PromqlError(
    "timeout",
    `it takes more than ${exactSeconds(MAX_EVALUATION_MS)}, so it is tried once in ${exactSeconds(REFUSED_FOR_MS)} only; select less, or aggregate first`,
  );
}
