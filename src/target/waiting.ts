/** Waiting that ends at once when its signal aborts, and leaves no timer behind. */

import { unlessAborted } from "../core/abort.ts";

/** Resolves after the delay; rejects with the signal's reason, its timer cleared, as soon as that aborts. */
export async function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, delayMs);
  try {
    await unlessAborted(promise, signal);
  } finally {
    clearTimeout(timer);
  }
}
