/** Burns every core from workers, so that the main loop stays free to answer probes and scrapes. */

import { availableParallelism } from "node:os";
import type { BurnOrder, WorkerReport } from "../cpu-worker.ts";

export interface CpuBurn {
  readonly durationMs: number;
  /** Default: one for each core this process may use. */
  readonly workers?: number;
  /**
   * A module that becomes `cpu-worker.ts` in a worker thread. By default the program's own entry: the only
   * one that exists in a compiled executable.
   */
  readonly workerEntry?: string;
}

export interface CpuBurnResult {
  readonly primesFound: number;
  readonly workers: number;
}

/** A worker takes some 20 ms to start, more when the cores are busy already. */
const START_DEADLINE_MS = 10_000;

/**
 * Burns for the whole duration, counted from when all workers run.
 *
 * @param signal ends the burn at once, in the middle of a calculation
 * @throws when a worker fails or does not start, and with the signal's reason
 */
export async function burnCpu(burn: CpuBurn, signal: AbortSignal): Promise<CpuBurnResult> {
  signal.throwIfAborted();
  const { durationMs, workers: count = availableParallelism(), workerEntry = Bun.main } = burn;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const workers: Worker[] = [];
  let ready = 0;
  let finished = 0;
  let primesFound = 0;

  const receive = ({ data }: MessageEvent<WorkerReport>) => {
    if ("ready" in data) {
      ready += 1;
      if (ready < count) return;
      clearTimeout(startTimer);
      const order: BurnOrder = { durationMs };
      for (const worker of workers) worker.postMessage(order);
      return;
    }
    primesFound += data.primesFound;
    finished += 1;
    if (finished === count) resolve();
  };
  const startTimer = setTimeout(
    () => reject(new Error(`only ${ready} of ${count} CPU workers started`)),
    START_DEADLINE_MS,
  );
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    for (let started = 0; started < count; started += 1) {
      // A small heap: what it costs is cores, not memory.
      const worker = new Worker(workerEntry, { name: "sentinel-cpu", smol: true });
      worker.onmessage = receive;
      worker.onerror = ({ message }) => reject(new Error(`a CPU worker failed: ${message}`));
      workers.push(worker);
    }
    await done;
    return { primesFound, workers: count };
  } finally {
    clearTimeout(startTimer);
    signal.removeEventListener("abort", abort);
    for (const worker of workers) worker.terminate();
  }
}
