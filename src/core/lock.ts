/** A lock that one caller holds at a time, in the order of asking. */

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
