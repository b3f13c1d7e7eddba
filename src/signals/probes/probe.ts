/** What every probe has in common: its bounds, its answer, and how it fails. */

import { exactSeconds } from "../../text/time.ts";
import type { HealthAnswer } from "../../core/model.ts";

/** What one probe gave. */
export interface ProbeAnswer extends HealthAnswer {
  /** The status of an HTTP answer; absent without one. */
  readonly statusCode?: number;
  /** When the first certificate of the server's chain ends; absent without TLS. */
  readonly certificateExpiresAtMs?: number;
}

export interface ProbeLimits {
  /** The deadline of the whole exchange. */
  readonly deadlineMs: number;
  /** Ends it at once; what it gives then is worth nothing. */
  readonly abort?: AbortSignal;
}

/** What holds a connection until the probe has ended. */
interface Held {
  destroy(): unknown;
}

/** How a running probe ends, and what is to be destroyed then. */
export interface Probing {
  answer(answer: ProbeAnswer): void;
  /** It fails: with what was seen of the server nevertheless. */
  fail(why: string, seen?: Partial<ProbeAnswer>): void;
  hold(held: Held): void;
}

/**
 * Runs one probe within its limits and closes its connection, however it ends. Never rejects.
 *
 * @param shown the address without its secrets, which begins each message
 */
export async function runProbe(
  shown: string,
  { deadlineMs, abort }: ProbeLimits,
  start: (probing: Probing) => void,
): Promise<ProbeAnswer> {
  const { promise, resolve } = Promise.withResolvers<ProbeAnswer>();
  const held: Held[] = [];
  const fail: Probing["fail"] = (why, seen = {}) =>
    resolve({ ...seen, ok: false, message: `${shown}: ${why}` });
  const answer: Probing["answer"] = (given) =>
    resolve({ ...given, message: `${shown}: ${given.message}` });
  const late = () => fail(`no answer within ${exactSeconds(deadlineMs)}`);
  const timer = setTimeout(late, deadlineMs);
  const stop = () => fail("not waited for");
  abort?.addEventListener("abort", stop, { once: true });
  try {
    if (abort?.aborted) stop();
    else start({ answer, fail, hold: (one) => held.push(one) });
    return await promise;
  } finally {
    clearTimeout(timer);
    abort?.removeEventListener("abort", stop);
    for (const one of held) one.destroy();
  }
}
