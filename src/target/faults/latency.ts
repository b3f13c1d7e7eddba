/** An answer that comes late. */

/** Uniform in [min, max]. @param random in [0, 1) */
export function pickDelayMs(minMs: number, maxMs: number, random: () => number): number {
  return minMs + (maxMs - minMs) * random();
}

/** Resolves after the delay; rejects with the signal's reason, its timer cleared, as soon as that aborts. */
export async function delay(delayMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, delayMs);
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
