/** Waiting that ends when a signal aborts, and leaves no listener behind. */

const ABORTED = Symbol("aborted");

/** Resolves when the signal aborts. */
export async function whenAborted(signal: AbortSignal): Promise<void> {
  await unlessAborted(new Promise<never>(() => {}), signal, () => undefined);
}

/**
 * What the work gives; when the signal aborts first, what stands for it. The work itself is not stopped.
 *
 * @param instead called when the signal aborts first; without it, the signal's reason is thrown
 */
export async function unlessAborted<T, A = never>(
  work: Promise<T>,
  signal: AbortSignal,
  instead: () => A = () => {
    throw signal.reason;
  },
): Promise<T | A> {
  const { promise: aborted, resolve } = Promise.withResolvers<typeof ABORTED>();
  const onAbort = () => resolve(ABORTED);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const first = await Promise.race([work, aborted]);
    return first === ABORTED ? instead() : first;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
