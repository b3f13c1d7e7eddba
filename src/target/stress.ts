/** The `/stress/*` endpoints: parameters in, one fault, an answer when it is over. */

import type { EmitEvent } from "./events.ts";
import type { FaultKind, Faults } from "./faults.ts";
import { FaultInterrupted } from "./faults.ts";
import { burnCpu } from "./faults/cpu.ts";
import { pickException, SimulatedCrash } from "./faults/crash.ts";
import { delay, pickDelayMs } from "./faults/latency.ts";
import type { Leak } from "./faults/memory.ts";
import { BYTES_PER_MB } from "./faults/memory.ts";
import { HttpError } from "./http-error.ts";
import { invalid, parseNumbers } from "./parameters.ts";
import { queryOf } from "./requests.ts";

export interface StressDependencies {
  readonly faults: Faults;
  readonly leak: Leak;
  readonly residentBytes: () => number;
  readonly emit: EmitEvent;
  /** In [0, 1). */
  readonly random: () => number;
  /** See `CpuBurn.workerEntry`. */
  readonly cpuWorkerEntry: string | undefined;
}

type Stress = (request: Request) => Promise<unknown> | never;

const MAX_CPU_S = 600;
const MAX_DELAY_S = 120;

const CPU_PARAMETERS = {
  duration: { defaultValue: 5, min: 0, aboveMin: true, max: MAX_CPU_S, unit: "s" },
};
const LATENCY_PARAMETERS = {
  min_delay: { defaultValue: 1, min: 0, max: MAX_DELAY_S, unit: "s" },
  max_delay: { defaultValue: 5, min: 0, max: MAX_DELAY_S, unit: "s" },
};
const DEFAULT_LEAK_MB = 10;

/** One function for each endpoint; each gives the body of a 200 or throws. */
export function createStress(dependencies: StressDependencies) {
  const { faults, leak, residentBytes, emit, random, cpuWorkerEntry } = dependencies;

  return {
    async cpu(request) {
      const { duration } = parseNumbers(queryOf(request.url), CPU_PARAMETERS);
      const durationMs = duration * 1000;
      const { primesFound, workers } = await faults.run(
        { kind: "cpu", durationMs },
        request.signal,
        reporting("cpu", { duration }, (signal) => {
          const entry = cpuWorkerEntry === undefined ? {} : { workerEntry: cpuWorkerEntry };
          return burnCpu({ durationMs, ...entry }, signal);
        }),
      );
      emit("info", "cpu_stress_completed", { duration, primes_found: primesFound });
      return {
        message: `CPU stress test completed for ${duration} seconds`,
        primes_found: primesFound,
        workers,
      };
    },

    async memory(request) {
      const megabytes = parseMegabytes(queryOf(request.url), leak.allowedMb());
      const grownBytes = await faults.run(
        { kind: "memory", durationMs: 0 },
        request.signal,
        reporting("memory", { megabytes }, (signal) => leak.add(megabytes, signal)),
      );
      const totalMb = leak.heldMb();
      emit("info", "memory_stress_completed", {
        current_size_mb: totalMb,
        resident_growth_bytes: grownBytes,
      });
      return {
        message: `Added ${megabytes}MB to memory.`,
        total_leaked_mb: totalMb,
        resident_bytes: residentBytes(),
      };
    },

    async latency(request) {
      const range = parseNumbers(queryOf(request.url), LATENCY_PARAMETERS);
      if (range.min_delay > range.max_delay) {
        const bounds = `min_delay (${range.min_delay} s) is above max_delay (${range.max_delay} s)`;
        throw invalid("min_delay", `${bounds}; give both, the smaller one first`);
      }
      const delayMs = pickDelayMs(range.min_delay * 1000, range.max_delay * 1000, random);
      const delayS = Math.round(delayMs) / 1000;
      await faults.run(
        { kind: "latency", durationMs: delayMs },
        request.signal,
        reporting("latency", { delay: delayS }, (signal) => delay(delayMs, signal)),
      );
      emit("info", "latency_stress_completed", { delay: delayS });
      return { message: `Simulated latency of ${delayS.toFixed(2)} seconds` };
    },

    async crash(request) {
      parseNumbers(queryOf(request.url), {});
      const exception = pickException(random);
      emit("warning", "crash_stress_triggered", { exception_type: exception.type });
      throw new SimulatedCrash(exception);
    },
  } satisfies Record<FaultKind | "crash", Stress>;

  /** The body of a fault, with the events of its start and of an early end. */
  function reporting<T>(
    kind: FaultKind,
    fields: Readonly<Record<string, number>>,
    body: (signal: AbortSignal) => Promise<T>,
  ): (signal: AbortSignal) => Promise<T> {
    return async (signal) => {
      emit("info", `${kind}_stress_started`, fields);
      try {
        return await body(signal);
      } catch (error) {
        const reason = error instanceof FaultInterrupted ? error.reason : "failed";
        emit("warning", `${kind}_stress_cancelled`, { ...fields, reason });
        throw error;
      }
    };
  }
}

function parseMegabytes(query: string, allowedMb: number): number {
  const parameter = {
    defaultValue: DEFAULT_LEAK_MB,
    min: 1,
    max: allowedMb,
    whole: true,
    unit: `MB of ${BYTES_PER_MB} bytes`,
    why: "what is left below 80 % of the memory of this machine or container",
  };
  if (allowedMb < 1) {
    throw invalid(
      "megabytes",
      "no memory is left below 80 % of what this machine or container has",
    );
  }
  const { megabytes } = parseNumbers(query, { megabytes: parameter });
  // The default is subject to the bound as well.
  if (megabytes > allowedMb) {
    throw invalid("megabytes", `megabytes must be from 1 to ${allowedMb} MB (${parameter.why})`);
  }
  return megabytes;
}

/** What a client is told of a fault that did not run to its end. */
export function interruptionError({ reason }: FaultInterrupted): HttpError {
  if (reason === "client_gone") {
    // Nobody reads this; the status (nginx's) is for the log and the metrics.
    return new HttpError(499, "client_closed_request", "the client closed the connection");
  }
  return new HttpError(503, "stopping", "the target is stopping", {
    headers: { "retry-after": "5" },
  });
}
