/** Ends the process when what it is there for has stopped, so that whatever started it starts it again. */

import { Worker } from "node:worker_threads";
import {
  createStallDetector,
  type Loop,
  type StallDetectorOptions,
  stallText,
} from "./stall-detector.ts";
import type { WatchdogOrder } from "./worker.ts";

interface WatchdogOptions {
  readonly limitMs: number;
  /** Called when a loop stands still though the process is free; it is to end the process. */
  onStall(why: string): void;
  /** A module that becomes `worker.ts` in a worker thread. By default the program's own entry. */
  readonly workerEntry?: string;
}

export interface Watchdog extends AsyncDisposable {
  /** A loop that has to beat from now on. */
  join(name: string): Loop;
}

/** A stall is found within the limit and one tick, a tenth of the limit. */
const TICKS_PER_LIMIT = 10;

/**
 * Two threads watch. This one sees a loop that waits for what never comes; while it sees none, it
 * beats itself. The other one, which nothing can block, ends the process when those beats stop.
 */
export function startWatchdog(options: WatchdogOptions): Watchdog {
  const { limitMs, onStall, workerEntry = Bun.main } = options;
  const timing: StallDetectorOptions = { limitMs, tickMs: limitMs / TICKS_PER_LIMIT };
  const stallDetector = createStallDetector(timing);
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const timer = setInterval(() => {
    Atomics.add(beats, 0, 1);
    const name = stallDetector.tick();
    if (name !== undefined) onStall(stallText(`${name} has stood still`, limitMs));
  }, timing.tickMs);
  const order: WatchdogOrder = { ...timing, beats };
  const worker = new Worker(workerEntry, { argv: ["watchdog"], workerData: order });
  worker.on("error", ({ message }) => onStall(`its watchdog failed: ${message}`));
  worker.unref();
  return {
    join: stallDetector.join,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await worker.terminate();
    },
  };
}
