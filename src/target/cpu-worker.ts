/**
 * The worker of a CPU fault: counts primes until it is told to stop by the clock.
 *
 * It runs in its own thread, started from `main.ts` (a compiled executable has no other entry), and imports
 * nothing, so that it is ready within milliseconds.
 */

declare const self: Worker;

/** What the main thread sends: burn from now on, for so long. */
export interface BurnOrder {
  readonly durationMs: number;
}

/** `ready` once, as soon as it listens; `primesFound` when the burn is over. */
export type WorkerReport = { readonly ready: true } | { readonly primesFound: number };

/** Numbers tested between two looks at the clock: some 50 µs, so the burn ends on time. */
const NUMBERS_PER_LOOK = 200;

self.onmessage = ({ data }: MessageEvent<BurnOrder>) => {
  report({ primesFound: countPrimesFor(data.durationMs) });
};
report({ ready: true });

function report(message: WorkerReport): void {
  self.postMessage(message);
}

function countPrimesFor(durationMs: number): number {
  const endMs = performance.now() + durationMs;
  let found = 0;
  for (let from = 2; performance.now() < endMs; from += NUMBERS_PER_LOOK) {
    for (let number = from; number < from + NUMBERS_PER_LOOK; number += 1) {
      if (isPrime(number)) found += 1;
    }
  }
  return found;
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) {
    if (number % divisor === 0) return false;
  }
  return number >= 2;
}
