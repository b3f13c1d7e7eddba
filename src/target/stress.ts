/** The `/stress/*` endpoints: parameters in, one fault, an answer when it is over. */

import { FaultInterrupted, type FaultOrder, type Injection } from "./fault.ts";
import type { Faults } from "./faults.ts";
import { burnCpu } from "./faults/cpu.ts";
import { pickException, SimulatedCrash } from "./faults/crash.ts";
import type { FaultEnvironment } from "./faults/kind.ts";
import { pickDelayMs } from "./faults/latency.ts";
import { BYTES_PER_MB } from "./faults/held-memory.ts";
import { noRoom } from "./faults/memory.ts";
import { clientGone, HttpError } from "./http-error.ts";
import { invalid, parseNumbers } from "./parameters.ts";
import { allowedCores } from "./limits.ts";
import { queryOf } from "./requests.ts";
import { delay } from "./waiting.ts";

interface StressDependencies {
  readonly faults: Faults;
  readonly environment: FaultEnvironment;
  /** In [0, 1). */
  readonly random: () => number;
}

type Stress = (request: Request) => Promise<unknown>;
type StressKind = "cpu" | "memory" | "latency" | "crash";

export const MAX_CPU_S = 600;
export const MAX_DELAY_S = 120;

const CPU_PARAMETERS = {
  duration: { defaultValue: 5, min: 0, aboveMin: true, max: MAX_CPU_S, unit: "s" },
};
const LATENCY_PARAMETERS = {
  min_delay: { defaultValue: 1, min: 0, max: MAX_DELAY_S, unit: "s" },
  max_delay: { defaultValue: 5, min: 0, max: MAX_DELAY_S, unit: "s" },
};
const DEFAULT_LEAK_MB = 10;

export function createStress(dependencies: StressDependencies): Record<StressKind, Stress> {
  return new StressEndpoints(dependencies);
}

/** One method for each endpoint; each gives the body of a 200 or throws. */
class StressEndpoints implements Record<StressKind, Stress> {
  readonly #dependencies: StressDependencies;

  constructor(dependencies: StressDependencies) {
    this.#dependencies = dependencies;
  }

  async cpu(request: Request) {
    const { emit, cpuWorkerEntry } = this.#dependencies.environment;
    const { duration } = parseNumbers(queryOf(request.url), CPU_PARAMETERS);
    const durationMs = duration * 1000;
    const cores = allowedCores();
    const { primesFound, workers } = await this.#run(request, {
      kind: "cpu",
      fields: { duration },
      durationMs,
      requested: 100,
      unit: "% of all cores",
      inject({ signal, applied, measureBy }) {
        let usedCores: number | undefined;
        measureBy(() => usedCores && (usedCores / cores) * 100);
        const onCores = (used: number) => (usedCores = used);
        return burnCpu(
          { durationMs, workerEntry: cpuWorkerEntry, onStarted: applied, onCores },
          signal,
        );
      },
    });
    emit("info", "cpu_stress_completed", { duration, primes_found: primesFound });
    return {
      message: `CPU stress test completed for ${duration} seconds`,
      primes_found: primesFound,
      workers,
    };
  }

  async memory(request: Request) {
    const { emit, memory, leak } = this.#dependencies.environment;
    const megabytes = parseMegabytes(queryOf(request.url), memory.allowedMb());
    const grownBytes = await this.#run(request, {
      kind: "memory",
      fields: { megabytes },
      durationMs: 0,
      requested: megabytes,
      unit: "MB",
      async inject({ signal, measureBy }) {
        const grownBytes = await leak.add(megabytes, signal);
        measureBy(() => grownBytes / BYTES_PER_MB);
        return grownBytes;
      },
    });
    emit("info", "memory_stress_completed", {
      current_size_mb: leak.heldMb(),
      resident_growth_bytes: grownBytes,
    });
    return {
      message: `Added ${megabytes}MB to memory.`,
      total_leaked_mb: leak.heldMb(),
      resident_bytes: memory.probe.residentBytes(),
    };
  }

  async latency(request: Request) {
    const { environment, random } = this.#dependencies;
    const { emit } = environment;
    const range = parseNumbers(queryOf(request.url), LATENCY_PARAMETERS);
    if (range.min_delay > range.max_delay) {
      const bounds = `min_delay (${range.min_delay} s) is above max_delay (${range.max_delay} s)`;
      throw invalid("min_delay", `${bounds}; give both, the smaller one first`);
    }
    const delayMs = pickDelayMs(range.min_delay * 1000, range.max_delay * 1000, random);
    const delayS = Math.round(delayMs) / 1000;
    await this.#run(request, {
      kind: "latency",
      fields: { delay: delayS },
      durationMs: delayMs,
      requested: delayS,
      unit: "s (median)",
      async inject({ signal, measureBy }) {
        const fromMs = performance.now();
        await delay(delayMs, signal);
        const tookS = (performance.now() - fromMs) / 1000;
        measureBy(() => tookS);
      },
    });
    emit("info", "latency_stress_completed", { delay: delayS });
    return { message: `Simulated latency of ${delayS.toFixed(2)} seconds` };
  }

  async crash(request: Request) {
    const { environment, random } = this.#dependencies;
    const { emit } = environment;
    parseNumbers(queryOf(request.url), {});
    const exception = pickException(random);
    return this.#run(request, {
      kind: "crash",
      fields: { exception_type: exception.type },
      durationMs: 0,
      requested: 1,
      unit: "crashes",
      async inject({ measureBy }) {
        emit("warning", "crash_stress_triggered", { exception_type: exception.type });
        measureBy(() => 1);
      },
    }).then(() => {
      throw new SimulatedCrash(exception);
    });
  }

  /** Runs a fault for as long as its client stays, with the events of its start and of an early end. */
  #run<Result>(request: Request, stress: StressOrder<Result>): Promise<Result> {
    const { emit } = this.#dependencies.environment;
    const { kind, fields, inject, ...order } = stress;
    const reporting = async (injection: Injection) => {
      if (kind !== "crash") emit("info", `${kind}_stress_started`, fields);
      try {
        return await inject(injection);
      } catch (error) {
        const { signal } = injection;
        const reason = signal.aborted && signal.reason instanceof FaultInterrupted;
        const why = reason ? signal.reason.reason : "failed";
        emit("warning", `${kind}_stress_cancelled`, { ...fields, reason: why });
        throw error;
      }
    };
    const plan = { ...fields, endpoint: `/stress/${kind}` };
    return this.#dependencies.faults.start(
      { ...order, kind, plan, endsByItself: true, inject: reporting },
      request.signal,
    ).ended;
  }
}

interface StressOrder<Result> extends Pick<
  FaultOrder<Result>,
  "durationMs" | "requested" | "unit" | "inject"
> {
  readonly kind: StressKind;
  /** The fields of its log events. */
  readonly fields: Readonly<Record<string, number | string>>;
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
  if (allowedMb < 1) throw noRoom(DEFAULT_LEAK_MB, allowedMb);
  const { megabytes } = parseNumbers(query, { megabytes: parameter });
  // The default is subject to the bound as well.
  if (megabytes > allowedMb) throw noRoom(megabytes, allowedMb);
  return megabytes;
}

/** What a client is told of a fault that did not run to its end. */
export function interruptionError({ reason }: FaultInterrupted): HttpError {
  if (reason === "client_gone") return clientGone();
  if (reason === "stopping") {
    return new HttpError(503, "stopping", "the target is stopping", {
      headers: { "retry-after": "5" },
    });
  }
  return new HttpError(503, "fault_ended", "the fault was ended before it was done");
}
