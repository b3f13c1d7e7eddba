/** One at a time, in the order of asking. */

import { unlessAborted } from "./abort.ts";

export interface Lock {
  /** Resolves with what gives it back; when a signal aborts first, with what does nothing. */
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
      // Given back at once by whoever does not want it any more: those behind it go on.
      if (signal?.aborted) resolve();
      return { [Symbol.dispose]: resolve };
    },
  };
}
