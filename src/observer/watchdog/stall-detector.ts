/** Whether one of several loops is stalled. Pure: time is counted by its ticks. */

export interface StallDetectorOptions {
  /** A loop that gives no sign for longer than this is stalled. */
  readonly limitMs: number;
  /** From one tick to the next. */
  readonly tickMs: number;
}

/** The signs that a loop gives of itself. */
export interface Loop {
  /** The loop has moved. Its next sign may take `forMs` and the limit on top. */
  beat(forMs?: number): void;
  /** It has ended, and nothing more is expected of it. */
  leave(): void;
}

export interface StallDetector {
  /** A loop that is expected to beat from now on. */
  join(name: string): Loop;
  /** Counts one tick. @returns the name of a stalled loop, if there is one */
  tick(): string | undefined;
}

/**
 * Counts ticks and never reads a clock: a machine that sleeps, or a process that is stopped, wakes to
 * one tick, however long it was away, and nothing seems to have stood still.
 */
export function createStallDetector({ limitMs, tickMs }: StallDetectorOptions): StallDetector {
  const ticksIn = (durationMs: number) => Math.ceil(durationMs / tickMs);
  const limitTicks = ticksIn(limitMs);
  const loops = new Map<Loop, { readonly name: string; ticksLeft: number }>();
  return {
    join(name) {
      const state = { name, ticksLeft: limitTicks };
      const loop: Loop = {
        beat: (forMs = 0) => (state.ticksLeft = limitTicks + ticksIn(forMs)),
        leave: () => loops.delete(loop),
      };
      loops.set(loop, state);
      return loop;
    },
    tick() {
      for (const state of loops.values()) state.ticksLeft -= 1;
      return [...loops.values()].find(({ ticksLeft }) => ticksLeft <= 0)?.name;
    },
  };
}

/** Says what is stalled, and what follows from it. */
export function stallText(what: string, limitMs: number): string {
  return `${what} for ${Math.round(limitMs / 100) / 10} s: Sentinel ends, to be started again`;
}
