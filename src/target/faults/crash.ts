/** Exceptions of the kinds that services really die of, and the other ways in which a process ends. */

import { z } from "zod";
import { invalid } from "../parameters.ts";
import { delay } from "../waiting.ts";
import { defineKind, whole, within } from "./kind.ts";
import { BYTES_PER_MB, type HeldMemory } from "./held-memory.ts";

export const SIMULATED_EXCEPTIONS = [
  { type: "ValueError", message: "Simulated ValueError: Invalid configuration" },
  { type: "KeyError", message: "Simulated KeyError: Missing critical key" },
  { type: "ConnectionError", message: "Simulated ConnectionError: Database unreachable" },
  {
    type: "ZeroDivisionError",
    message: "Simulated ZeroDivisionError: Division by zero in calculation",
  },
] as const;
type SimulatedException = (typeof SIMULATED_EXCEPTIONS)[number];

/** An exception that nobody is meant to catch; its `name` is the simulated type. */
export class SimulatedCrash extends Error {
  override readonly name: string;

  constructor({ type, message }: SimulatedException) {
    super(message);
    this.name = type;
  }
}

/** @param random in [0, 1); each exception is equally likely */
export function pickException(random: () => number): SimulatedException {
  const index = Math.floor(random() * SIMULATED_EXCEPTIONS.length);
  return SIMULATED_EXCEPTIONS[index] ?? SIMULATED_EXCEPTIONS[0];
}

const CRASH_MODES = ["exception", "unhandled_rejection", "exit", "signal", "oom"] as const;
type CrashMode = (typeof CRASH_MODES)[number];

/** Those that end a process, and that it does not take for a request of its own runtime. */
const CRASH_SIGNALS = ["SIGKILL", "SIGTERM", "SIGINT", "SIGQUIT", "SIGABRT", "SIGHUP"] as const;
type CrashSignal = (typeof CRASH_SIGNALS)[number];
/** What the role handles, so that it works as process 1 as well. */
const HANDLED: ReadonlySet<CrashSignal> = new Set(["SIGTERM", "SIGINT"]);

/** Time for the answer to the request that asked for it. */
const MIN_DELAY_S = 0.05;
const MAX_DELAY_S = 3600;
const OOM_CHUNK_MB = 4;

export const crash = defineKind({
  kind: "crash",
  summary: "Ends the process: an exception, a rejection, an exit code, a signal, or out of memory.",
  example: { mode: "exit", code: 3, delay: 1 },
  parameters: () => ({
    mode: z.enum(CRASH_MODES).default("exception").describe(oneOf(CRASH_MODES)),
    code: whole(0, 255, 'the exit code of the mode "exit"').optional(),
    signal: z
      .enum(CRASH_SIGNALS)
      .optional()
      .describe(`${oneOf(CRASH_SIGNALS)}, for the mode "signal"`),
    allow_oom: z.boolean().optional().describe('true or false; the mode "oom" needs true'),
    delay: within(MIN_DELAY_S, MAX_DELAY_S, "s").default(0.1),
  }),
  order(parameters, { memory, ownProcess }, durationMs) {
    const { mode, code = 1, signal: sent = "SIGKILL", delay: delayS } = parameters;
    checkCrash(parameters, memory);
    const act = {
      exception: (exception) => {
        throw new SimulatedCrash(exception);
      },
      unhandled_rejection: (exception) => void Promise.reject(new SimulatedCrash(exception)),
      exit: () => ownProcess.exit(code),
      signal: () => void process.kill(process.pid, sent),
    } satisfies Record<Exclude<CrashMode, "oom">, (exception: SimulatedException) => void>;
    return {
      endsByItself: true,
      requested: 1,
      unit: "crashes",
      chosen: {
        ...(mode === "exit" && { code }),
        ...(mode === "signal" && { signal: sent }),
        // Only running out of memory takes its time.
        ...(mode !== "oom" && { duration: delayS }),
      },
      async inject({ signal, random, applied, measureBy }) {
        applied();
        await delay(delayS * 1000, signal);
        if (mode === "oom") return exhaustMemory(durationMs, signal);
        const exception = pickException(random);
        measureBy(() => 1);
        // The crash comes after this fault has ended and was logged: afterwards nothing can be written.
        setImmediate(() => {
          ownProcess.flushLog();
          act[mode](exception);
        });
      },
    };
  },
});

type CrashParameters = {
  readonly mode: CrashMode;
  readonly code?: number | undefined;
  readonly signal?: CrashSignal | undefined;
  readonly allow_oom?: boolean | undefined;
};

function checkCrash(parameters: CrashParameters, memory: HeldMemory): void {
  const { mode, code, signal = "SIGKILL", allow_oom = false } = parameters;
  if (code !== undefined && mode !== "exit") throw invalid("code", 'code is for the mode "exit"');
  if (parameters.signal !== undefined && mode !== "signal") {
    throw invalid("signal", 'signal is for the mode "signal"');
  }
  if (mode === "signal" && process.pid === 1 && !HANDLED.has(signal)) {
    const why = `the kernel keeps ${signal} from process 1 of a container`;
    throw invalid("signal", `${why}; start the container with an init (docker run --init)`);
  }
  if (mode !== "oom") return;
  if (!allow_oom) {
    throw invalid(
      "allow_oom",
      'the mode "oom" needs allow_oom: true: the kernel kills the process',
    );
  }
  if (!memory.probe.hasOwnLimit()) {
    const why = "this process has no memory limit of its own, so the kernel might kill another one";
    throw invalid("mode", `${why}; run it in a container with one (docker run --memory)`);
  }
}

/** Takes memory until the kernel ends this process; if it does not, gives all of it back. */
async function exhaustMemory(durationMs: number, signal: AbortSignal): Promise<void> {
  const chunks: Buffer[] = [];
  const endMs = performance.now() + durationMs;
  try {
    while (performance.now() < endMs) {
      signal.throwIfAborted();
      chunks.push(Buffer.alloc(OOM_CHUNK_MB * BYTES_PER_MB, 0x41));
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    chunks.length = 0;
    Bun.gc(true);
  }
  throw new Error(`the process was not killed within ${durationMs / 1000} s`);
}

function oneOf(values: readonly string[]): string {
  return `one of ${values.join(", ")}`;
}
