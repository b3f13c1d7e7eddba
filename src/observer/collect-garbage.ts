/** Keeps a small observer's memory where it is. */

/** In this time one service at a 1 s poll leaves some 2 MB behind. */
const EVERY_MS = 5 * 60_000;

/**
 * A larger one allocates so much that the runtime collects by itself all the time, and a full collection would
 * hold up the loop for longer than a health check waits.
 */
const MAX_RESIDENT_BYTES = 256 * 1024 * 1024;

/**
 * What has outlived a few small collections is found by a full one alone. An observer allocates so little that the
 * runtime does none for more than an hour, while its resident memory rises by 20 MB and falls back: nobody could
 * tell that from a leak. `bench/soak.ts` measures it.
 */
export function collectGarbageNowAndThen(): Disposable {
  const timer = setInterval(() => {
    if (process.memoryUsage.rss() < MAX_RESIDENT_BYTES) Bun.gc(true);
  }, EVERY_MS);
  return {
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
