/** Time for several loops at once: it stands still while anybody works, and leaps when all of them sleep. */

import type { Clock } from "../../src/core/ports.ts";
import { NEVER_SET, START_MS } from "../support/fixtures.ts";

export interface Timeline extends Clock {
  /** Runs the work after so long. */
  after(durationMs: number, work: () => void): void;
  /** Leaps from wake-up to wake-up until then. */
  run(untilMs: number): Promise<void>;
}

interface WakeUp {
  readonly atMs: number;
  readonly work: () => void;
  readonly signal: AbortSignal | undefined;
}

export function createTimeline(): Timeline {
  let nowMs = START_MS;
  /** Latest first: the next one is the last, and is taken without moving the others. */
  let wakeUps: WakeUp[] = [];
  const known = new WeakSet<AbortSignal>();

  const add = (durationMs: number, work: () => void, signal?: AbortSignal) => {
    const atMs = nowMs + Math.max(durationMs, 0);
    // Of two at the same moment the one that was asked for first comes first.
    let index = wakeUps.length;
    while (index > 0 && (wakeUps[index - 1]?.atMs ?? Infinity) <= atMs) index -= 1;
    wakeUps.splice(index, 0, { atMs, work, signal });
  };
  /** One listener for all sleeps under a signal: there are millions of them. */
  const wakeOnAbort = (signal: AbortSignal) => {
    if (known.has(signal)) return;
    known.add(signal);
    const wake = () => {
      const woken = wakeUps.filter((wakeUp) => wakeUp.signal === signal);
      wakeUps = wakeUps.filter((wakeUp) => wakeUp.signal !== signal);
      for (const { work } of woken) work();
    };
    signal.addEventListener("abort", wake, { once: true });
  };

  return {
    ...NEVER_SET,
    nowMs: () => nowMs,
    sleep(durationMs, signal) {
      if (signal.aborted) return Promise.resolve();
      wakeOnAbort(signal);
      const { promise, resolve } = Promise.withResolvers<void>();
      add(durationMs, resolve, signal);
      return promise;
    },
    after: (durationMs, work) => add(durationMs, work),
    async run(untilMs) {
      // Those who were started just now have not come to their first sleep.
      await allAsleep();
      for (let next = wakeUps.at(-1); next !== undefined; next = wakeUps.at(-1)) {
        if (next.atMs > untilMs) break;
        nowMs = next.atMs;
        wakeUps.pop();
        next.work();
        await allAsleep();
      }
      nowMs = untilMs;
    },
  };
}

/** Nothing here waits for the real world, so that a turn of the event loop is enough for all of it. */
function allAsleep(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
