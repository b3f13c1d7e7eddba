/** Locks that one caller, or a few, hold at a time, in the order of asking. */

import { unlessAborted } from "./abort.ts";

export interface Lock {
  /** Resolves with what releases the lock; if the signal aborts first, with something that does nothing. */
  acquire(signal?: AbortSignal): Promise<Disposable>;
}

export function createLock(): Lock {
  let last: Promise<void> = Promise.resolve();

  return {
    async acquire(signal) {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = before.then(() => promise);
      await (signal === undefined ? before : unlessAborted(before, signal, () => undefined));
      // A caller that does not want it any more releases it at once, so that those behind it go on.
      if (signal?.aborted) resolve();
      return { [Symbol.dispose]: resolve };
    },
  };
}

const NOTHING: Disposable = { [Symbol.dispose]() {} };

/** A lock that so many hold at a time. */
export function createSemaphore(count: number): Lock {
  let free = count;
  const waiting: (() => void)[] = [];

  const wait = async (signal?: AbortSignal): Promise<boolean> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    await (signal === undefined ? promise : unlessAborted(promise, signal, () => undefined));
    const place = waiting.indexOf(resolve);
    if (place >= 0) waiting.splice(place, 1);
    // Who is no longer in the row has been let in, whatever has happened since.
    return place < 0;
  };

  return {
    async acquire(signal) {
      if (signal?.aborted) return NOTHING;
      if (free > 0) free -= 1;
      else if (!(await wait(signal))) return NOTHING;
      let isHeld = true;
      return {
        [Symbol.dispose]() {
          if (!isHeld) return;
          isHeld = false;
          const next = waiting.shift();
          if (next === undefined) free += 1;
          else next();
        },
      };
    },
  };
}
