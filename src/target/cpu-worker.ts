/**
 * The worker of a CPU fault: counts primes for its share of the time until it is stopped, or told to stop by
 * the clock.
 *
 * It runs in its own thread, started from `main.ts` (a compiled executable has no other entry), and imports
 * nothing, so that it is ready within milliseconds.
 */

declare const self: Worker;

/** What the main thread sends: how long to burn from now on. */
export interface BurnOrder {
  readonly durationMs: number;
  /** The share of one core, above 0 and up to 1. */
  readonly share: number;
}

/** `ready` once, as soon as it listens; `coreShare` now and then; both when the burn is over. */
export type WorkerReport =
  | { readonly ready: true }
  | {
      /** What this thread really got of one core since the burn began. */
      readonly coreShare: number;
      readonly primesFound?: number;
    };

/** Numbers tested between two readings of the clock: some 50 µs, so the burn ends on time. */
const NUMBERS_PER_CLOCK_READ = 200;
/** In each of these the share is kept. */
const PERIOD_MS = 50;
/** What others took of a core is made up for later, up to this much. */
const MAX_ARREARS_MS = 1000;
const REPORT_MS = 200;

self.onmessage = ({ data }: MessageEvent<BurnOrder>) => {
  report(burn(data));
};
report({ ready: true });

function report(message: WorkerReport): void {
  self.postMessage(message);
}

/** Keeps this thread's own CPU time, as the kernel counts it, at its share of the time that passes. */
function burn({ durationMs, share }: BurnOrder): WorkerReport {
  const startMs = performance.now();
  const startCpuMs = threadCpuMs();
  const usedMs = () => threadCpuMs() - startCpuMs;
  let forgivenMs = 0;
  let reportedMs = startMs;
  let primesFound = 0;
  let from = 2;
  for (;;) {
    const nowMs = performance.now();
    const elapsedMs = nowMs - startMs;
    if (elapsedMs >= durationMs) return { primesFound, coreShare: usedMs() / elapsedMs };
    if (nowMs - reportedMs >= REPORT_MS) {
      report({ coreShare: usedMs() / elapsedMs });
      reportedMs = nowMs;
    }
    const arrearsMs = elapsedMs * share - forgivenMs - usedMs();
    if (arrearsMs > MAX_ARREARS_MS) forgivenMs += arrearsMs - MAX_ARREARS_MS;
    if (share < 1 && arrearsMs <= 0) {
      Bun.sleepSync(Math.min(PERIOD_MS * (1 - share), durationMs - elapsedMs));
      continue;
    }
    for (const to = from + NUMBERS_PER_CLOCK_READ; from < to; from += 1) {
      if (isPrime(from)) primesFound += 1;
    }
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) {
    if (number % divisor === 0) return false;
  }
  return number >= 2;
}
