/** Leaves a model alone that fails again and again, and tries it once in a while. */

import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  CircuitState,
  circuitBreaker,
  ConsecutiveBreaker,
  handleWhenResult,
  type IBackoff,
} from "cockatiel";
import { DiagnosisError, type DiagnosisFailure } from "../core/errors.ts";
import type { Clock, Diagnoser } from "../core/ports.ts";

const FAILURES_TO_OPEN = 3;
export const OPEN_MS = 60_000;

/**
 * What a failed diagnosis says: `server_fails` of every model there, `model_fails` of this one,
 * `works` that it answered, `nothing` about either.
 *
 * An answer that can't be used does not count against its model: what is in the logs of one service
 * could otherwise silence the model for all of them. What a person has to put right, such as a key,
 * is told at every incident: it is refused within milliseconds, and costs nothing.
 */
const MEANINGS = {
  unreachable: "server_fails",
  unavailable: "model_fails",
  rate_limited: "model_fails",
  timeout: "model_fails",
  unauthorized: "works",
  rejected: "works",
  empty_answer: "works",
  malformed_answer: "works",
  answer_too_large: "works",
  circuit_open: "nothing",
  budget_spent: "nothing",
} as const satisfies Record<DiagnosisFailure, string>;

type Meaning = (typeof MEANINGS)[DiagnosisFailure];

/**
 * Closed until 3 failures of its meaning in a row, then open for 60 s: what is to run meanwhile is
 * refused at once. After that one call is let through; it closes the circuit or opens it again.
 */
export class Circuit {
  readonly #policy: CircuitBreakerPolicy;
  #openUntilMs = 0;

  /** @param server host and port, if the circuit is that of a whole server */
  constructor(
    readonly opensOn: Extract<Meaning, "server_fails" | "model_fails">,
    readonly clock: Clock,
    readonly server?: string,
  ) {
    const counted = handleWhenResult(
      (result) => result instanceof DiagnosisError && MEANINGS[result.reason] === opensOn,
      // What is thrown says nothing: it does not count, and closes nothing either.
    ).orWhen(() => this.#policy.state === CircuitState.HalfOpen);
    this.#policy = circuitBreaker(counted, {
      breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
      halfOpenAfter: { next: () => this.#open() },
    });
  }

  /**
   * @param work returns the failures that say something, and throws the others
   * @throws DiagnosisError `circuit_open`, without having started the work
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    // The library would let a second call wait for the first, which may take its whole deadline.
    if (this.#policy.state === CircuitState.HalfOpen)
      throw this.#refusal("another call finds out whether it works again");
    try {
      return await this.#policy.execute(work);
    } catch (thrown) {
      if (!(thrown instanceof BrokenCircuitError)) throw thrown;
      const leftS = Math.ceil((this.#openUntilMs - this.clock.nowMs()) / 1000);
      throw this.#refusal(`it failed repeatedly; the next try is in ${leftS} s`);
    }
  }

  /**
   * The library compares `Date.now()` with a duration; with all or nothing as the duration, our own
   * clock decides. Set back by a person, it must not keep the circuit open for longer.
   */
  #open(): IBackoff<unknown> {
    const openedAtMs = this.clock.nowMs();
    this.#openUntilMs = openedAtMs + OPEN_MS;
    const { clock } = this;
    return {
      next: () => this.#open(),
      get duration() {
        const sinceMs = clock.nowMs() - openedAtMs;
        return sinceMs >= 0 && sinceMs < OPEN_MS ? Infinity : -Infinity;
      },
    };
  }

  #refusal(why: string): DiagnosisError {
    const { server } = this;
    const who = server === undefined ? "not asked" : `${server} is not asked`;
    return new DiagnosisError("circuit_open", `${who}: ${why}`, server ? { server } : {});
  }
}

/**
 * The same diagnoser, asked only while both circuits let it.
 *
 * @param circuits `server` is shared by all the models there
 */
export function behindCircuits(
  diagnoser: Diagnoser,
  circuits: { readonly server: Circuit; readonly model: Circuit },
): Diagnoser {
  return {
    ...diagnoser,
    async diagnose(request, signal) {
      const settle = () =>
        diagnoser.diagnose(request, signal).catch((thrown: unknown) => {
          if (!(thrown instanceof DiagnosisError)) throw thrown;
          if (signal.aborted || MEANINGS[thrown.reason] === "nothing") throw thrown;
          return thrown;
        });
      const settled = await circuits.model.run(() => circuits.server.run(settle));
      if (settled instanceof DiagnosisError) throw settled;
      return settled;
    },
  };
}
