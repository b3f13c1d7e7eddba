/**
 * The watchdog's own thread. It is started from `main.ts` (a compiled executable has no other entry).
 *
 * A worker's `process.exit` ends the worker alone, and no signal leaves an exit code of 1: so the
 * process is ended by the C library's `_exit`, which a blocked thread cannot hold up.
 */

import { workerData } from "node:worker_threads";
import { printError } from "../../log.ts";
import { createStallDetector, type StallDetectorOptions, stallText } from "./stall-detector.ts";

/** What the main thread hands over. */
export interface WatchdogOrder extends StallDetectorOptions {
  /** Shared: element 0 changes with each beat. */
  readonly beats: Int32Array;
}

const EXIT_FAILED = 1;
/** A reader of standard error that takes nothing may well be what blocks the process. */
const MAX_PRINTING_S = 2;

const { beats, limitMs, tickMs }: WatchdogOrder = workerData;
const stallDetector = createStallDetector({ limitMs, tickMs });
const main = stallDetector.join("the main thread");
let seen = 0;

setInterval(() => {
  const beaten = Atomics.load(beats, 0);
  if (beaten !== seen) main.beat();
  seen = beaten;
  const name = stallDetector.tick();
  if (name !== undefined) void end(stallText(`${name} has been blocked`, limitMs));
}, tickMs);

async function end(why: string): Promise<void> {
  try {
    const { dlopen } = await import("bun:ffi");
    const { symbols } = dlopen(process.platform === "darwin" ? "libSystem.B.dylib" : "libc.so.6", {
      alarm: { args: ["u32"], returns: "u32" },
      _exit: { args: ["i32"], returns: "void" },
    });
    // The kernel ends what is still there by then.
    symbols.alarm(MAX_PRINTING_S);
    printError(`sentinel: ${why}.`);
    symbols._exit(EXIT_FAILED);
  } catch {
    // Without that library (as on musl) it ends all the same, if not with our own code.
    process.kill(process.pid, "SIGKILL");
  }
}
