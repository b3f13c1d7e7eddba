/** The machine's clocks as one that never jumps, and what the wall clock makes of it. */

import { unlessAborted } from "../core/abort.ts";
import type { Clock } from "../core/ports.ts";

/** The machine's two clocks, in milliseconds. */
interface Readings {
  /** Counts evenly from any beginning, whatever is done to the wall clock. */
  monotonicMs(): number;
  /** Since 1970; people, time servers and a machine that slept set it. */
  wallMs(): number;
}

/** A wall clock is set right in small steps all the time; what is more than this is a jump. */
const MAX_DRIFT_MS = 1000;
/** Jumps that are remembered: a clock that is set all day long costs no memory. */
const MAX_ERAS = 32;

/** A time during which the wall clock was as far ahead. */
interface Era {
  /** The earliest beginning: when the clock was last seen to differ. */
  readonly fromMs: number;
  readonly aheadMs: number;
}

/** A clock that agrees with the wall clock at the moment of its making. */
export function createClock({ monotonicMs, wallMs }: Readings): Omit<Clock, "sleep"> {
  const originMs = wallMs() - monotonicMs();
  const nowMs = () => Math.floor(originMs + monotonicMs());
  const start: Era = { fromMs: -Infinity, aheadMs: 0 };
  /** The newest first. */
  let eras: readonly Era[] = [start];
  let seenMs = -Infinity;

  const current = (): Era => {
    const fromMs = seenMs;
    seenMs = nowMs();
    const aheadMs = Math.round(wallMs()) - seenMs;
    const [newest = start] = eras;
    if (Math.abs(aheadMs - newest.aheadMs) <= MAX_DRIFT_MS) return newest;
    const jumped = { fromMs, aheadMs };
    eras = [jumped, ...eras].slice(0, MAX_ERAS);
    return jumped;
  };

  return {
    nowMs,
    toWall: (atMs) => atMs + current().aheadMs,
    fromWall(wallAtMs) {
      const newest = current();
      let untilMs = nowMs() + MAX_DRIFT_MS;
      for (const { fromMs, aheadMs } of eras) {
        const atMs = wallAtMs - aheadMs;
        if (atMs >= fromMs && atMs <= untilMs) return atMs;
        untilMs = fromMs + MAX_DRIFT_MS;
      }
      return wallAtMs - newest.aheadMs;
    },
  };
}

export const systemClock: Clock = {
  ...createClock({ monotonicMs: () => performance.now(), wallMs: () => Date.now() }),
  async sleep(durationMs, signal) {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, durationMs);
    await unlessAborted(promise, signal, () => clearTimeout(timer));
  },
};
