/** The machine's wall clock in these days: people and time servers set it, forward and back. */

import type { Clock } from "../../src/core/ports.ts";
import { createClock } from "../../src/observer/system-clock.ts";
import type { Chance } from "./chance.ts";
import { HOUR_MS, MINUTE_MS } from "./fleet.ts";
import type { Timeline } from "./timeline.ts";

export interface Wall {
  /** What it shows. */
  nowMs(): number;
  /** The clock of an observer that starts now. */
  startClock(): Clock;
  /**
   * How much longer ago than it was something may seem to an observer that knows of it from the journal
   * alone, for it has been started since: nobody can tell a clock that was put forward from time that has passed.
   */
  seemsLongerMs(sinceMs: number): number;
  /** Likewise how much less long ago, for the clock was put back. */
  seemsShorterMs(sinceMs: number): number;
  readonly counts: { readonly forward: number; readonly back: number };
}

/** It is never further from the truth. */
export const MAX_WRONG_MS = 2 * HOUR_MS;

interface Jump {
  readonly atMs: number;
  readonly byMs: number;
}

/** Of what is remembered: older jumps matter to no promise. */
const KEPT_MS = 12 * HOUR_MS;

export function createWall(timeline: Timeline, chance: Chance): Wall {
  let wrongMs = 0;
  let startedAtMs = timeline.nowMs();
  let jumps: readonly Jump[] = [];
  const counts = { forward: 0, back: 0 };

  const setNowAndThen = () =>
    timeline.after(chance.until(6 * HOUR_MS), () => {
      const before = wrongMs;
      // Mostly by little, as a time server does, or right again.
      const mostMs = chance.oneOf([0, MINUTE_MS, 10 * MINUTE_MS, MAX_WRONG_MS]);
      wrongMs = chance.between(-mostMs, mostMs);
      const byMs = wrongMs - before;
      counts.forward += byMs > 0 ? 1 : 0;
      counts.back += byMs < 0 ? 1 : 0;
      const nowMs = timeline.nowMs();
      jumps = [...jumps.filter(({ atMs }) => nowMs - atMs < KEPT_MS), { atMs: nowMs, byMs }];
      setNowAndThen();
    });
  setNowAndThen();

  const sum = (sinceMs: number, direction: 1 | -1) => {
    if (sinceMs >= startedAtMs) return 0;
    return jumps
      .filter(({ atMs }) => atMs >= sinceMs && atMs <= startedAtMs)
      .reduce((total, { byMs }) => total + Math.max(byMs * direction, 0), 0);
  };
  const nowMs = () => timeline.nowMs() + wrongMs;
  return {
    nowMs,
    startClock() {
      startedAtMs = timeline.nowMs();
      return {
        ...createClock({ monotonicMs: timeline.nowMs, wallMs: nowMs }),
        sleep: timeline.sleep,
      };
    },
    seemsLongerMs: (sinceMs) => sum(sinceMs, 1),
    seemsShorterMs: (sinceMs) => sum(sinceMs, -1),
    counts,
  };
}
