/** Burns cores from workers, so that the main loop stays free to answer probes and scrapes. */

import { unlessAborted } from "../../core/abort.ts";
import type { BurnOrder, WorkerReport } from "../cpu-worker.ts";
import { MAX_DURATION_MS } from "../fault.ts";
import { allowedCores } from "../limits.ts";
import { invalid } from "../parameters.ts";
import { defineKind, whole, within } from "./kind.ts";

interface CpuBurn {
  readonly durationMs: number;
  /** Default: one for each core this process may use. */
  readonly workers?: number;
  /** The share of one core for each worker, above 0 and up to 1, which is the default. */
  readonly share?: number;
  /**
   * A module that becomes `cpu-worker.ts` in a worker thread. By default the program's own entry: the only
   * one that exists in a compiled executable.
   */
  readonly workerEntry?: string | undefined;
  /** Called when all workers run. */
  readonly onStarted?: () => void;
  /** Called a few times a second with the cores that all workers together have really used since. */
  readonly onCores?: (cores: number) => void;
}

interface CpuBurnResult {
  readonly primesFound: number;
  readonly workers: number;
}

/** A worker takes some 20 ms to start, more when the cores are busy already. */
const START_DEADLINE_MS = 10_000;
/** A worker stops within some 10 ms; one that never started may not say so. */
const STOP_DEADLINE_MS = 1_000;
const MAX_WORKERS = 256;
/** What a thread and its heap take: a hundred were measured at 190 MB. */
const MB_PER_WORKER = 2;

/**
 * Burns for the whole duration, counted from when all workers run.
 *
 * @param signal ends the burn at once, in the middle of a calculation
 * @throws when a worker fails or does not start, and with the signal's reason
 */
export async function burnCpu(burn: CpuBurn, signal: AbortSignal): Promise<CpuBurnResult> {
  signal.throwIfAborted();
  const { durationMs, share = 1, workerEntry = Bun.main, onStarted, onCores } = burn;
  const { workers: count = defaultWorkers() } = burn;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const workers: Worker[] = [];
  const coreShares = new Map<Worker, number>();
  let ready = 0;
  let finished = 0;
  let primesFound = 0;

  const receive = (worker: Worker, data: WorkerReport) => {
    if ("ready" in data) {
      ready += 1;
      if (ready < count) return;
      clearTimeout(startTimer);
      const order: BurnOrder = { durationMs, share };
      for (const worker of workers) worker.postMessage(order);
      onStarted?.();
      return;
    }
    coreShares.set(worker, data.coreShare);
    onCores?.([...coreShares.values()].reduce((sum, share) => sum + share, 0));
    if (data.primesFound === undefined) return;
    primesFound += data.primesFound;
    finished += 1;
    if (finished === count) resolve();
  };
  const startTimer = setTimeout(
    () => reject(new Error(`only ${ready} of ${count} CPU workers started`)),
    START_DEADLINE_MS,
  );
  try {
    for (let started = 0; started < count; started += 1) {
      // A small heap: what it costs is cores, not memory.
      const worker = new Worker(workerEntry, { name: "sentinel-cpu", smol: true });
      worker.onmessage = ({ data }: MessageEvent<WorkerReport>) => receive(worker, data);
      worker.onerror = ({ message }) => reject(new Error(`a CPU worker failed: ${message}`));
      workers.push(worker);
    }
    await unlessAborted(done, signal);
    return { primesFound, workers: count };
  } finally {
    clearTimeout(startTimer);
    await Promise.all(workers.map(stop));
  }
}

/** Resolves when the worker's thread is at its end: until then it may still burn. */
async function stop(worker: Worker): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  worker.addEventListener("close", () => resolve(), { once: true });
  const timer = setTimeout(resolve, STOP_DEADLINE_MS);
  worker.terminate();
  await closed;
  clearTimeout(timer);
}

function defaultWorkers(): number {
  return Math.min(MAX_WORKERS, Math.ceil(allowedCores()));
}

export const cpu = defineKind({
  kind: "cpu",
  summary: "Burns a share of all cores, from workers: the service itself goes on answering.",
  example: { load: 80, duration: 30 },
  parameters: () => ({
    load: within(1, 100, "percent of all cores").optional(),
    workers: whole(1, MAX_WORKERS, "each burns up to one core").optional(),
  }),
  order({ load: asked, workers = defaultWorkers() }, { cpuWorkerEntry, memory }) {
    const roomFor = Math.floor(memory.allowedMb() / MB_PER_WORKER);
    // As many as there are cores may always be: a fault of the memory does not keep one of the cores out.
    const mostWorkers = Math.max(roomFor, defaultWorkers());
    if (workers > mostWorkers) {
      const why = `each takes ${MB_PER_WORKER} MB`;
      throw invalid(
        "workers",
        `workers must be up to ${mostWorkers} here (${why}), not ${workers}`,
      );
    }
    const cores = allowedCores();
    const mostLoad = 100 * Math.min(1, workers / cores);
    const load = asked ?? mostLoad;
    if (load > mostLoad) {
      const most = `${workers} workers burn at most ${Math.floor(mostLoad)} % of ${cores} cores`;
      throw invalid(
        "load",
        `load must be up to ${Math.floor(mostLoad)} here, not ${load}: ${most}`,
      );
    }
    return {
      requested: load,
      unit: "% of all cores",
      chosen: { load, workers },
      async inject({ signal, applied, measureBy }) {
        let usedCores: number | undefined;
        measureBy(() => usedCores && (usedCores / cores) * 100);
        const burn: CpuBurn = {
          // Its end is the signal's.
          durationMs: MAX_DURATION_MS,
          workers,
          share: Math.min(1, ((load / 100) * cores) / workers),
          workerEntry: cpuWorkerEntry,
          onStarted: applied,
          onCores: (used) => (usedCores = used),
        };
        await burnCpu(burn, signal);
      },
    };
  },
});
