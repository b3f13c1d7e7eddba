/** The faults that are active now: how many may be, and how all of them end. */

export const FAULT_KINDS = ["cpu", "memory", "latency"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Why a fault ended before its time; the `reason` of its abort signal. */
export const INTERRUPTIONS = ["client_gone", "stopping"] as const;
export type Interruption = (typeof INTERRUPTIONS)[number];

/** A fault that was ended from outside; what it held is released. */
export class FaultInterrupted extends Error {
  override readonly name = "FaultInterrupted";

  constructor(readonly reason: Interruption) {
    super(`the fault was ended: ${reason}`);
  }
}

/** No slot is free. */
export class TooManyFaults extends Error {
  override readonly name = "TooManyFaults";

  /** @param retryAfterMs until the first of the active faults is due to end */
  constructor(
    readonly limit: number,
    readonly retryAfterMs: number,
  ) {
    super(`${limit} faults are active, which is the limit`);
  }
}

export interface FaultPlan {
  readonly kind: FaultKind;
  /** How long it is meant to take; 0 when that cannot be known. */
  readonly durationMs: number;
}

export interface Faults {
  /**
   * Runs a fault for as long as its client stays and the target runs.
   *
   * @param body must end soon after its signal aborts, releasing what it holds; its rejection is then
   *   reported as the interruption it is
   * @throws TooManyFaults at the limit, FaultInterrupted when ended from outside
   */
  run<T>(
    plan: FaultPlan,
    client: AbortSignal,
    body: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
  activeCount(): number;
  /** Ends all active faults and refuses new ones; resolves when none is left. */
  stop(): Promise<void>;
}

interface ActiveFault {
  readonly endsAtMs: number;
  readonly controller: AbortController;
  readonly ended: Promise<unknown>;
}

/** @param nowMs a clock that never goes back */
export function createFaults(maxActive: number, nowMs: () => number): Faults {
  const active = new Set<ActiveFault>();
  let stopping = false;

  return {
    async run(plan, client, body) {
      if (stopping) throw new FaultInterrupted("stopping");
      if (client.aborted) throw new FaultInterrupted("client_gone");
      if (active.size >= maxActive) throw new TooManyFaults(maxActive, firstEndMs());

      const controller = new AbortController();
      const leave = () => controller.abort(new FaultInterrupted("client_gone"));
      client.addEventListener("abort", leave, { once: true });
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const fault = { endsAtMs: nowMs() + plan.durationMs, controller, ended };
      active.add(fault);
      try {
        const result = await body(controller.signal);
        controller.signal.throwIfAborted();
        return result;
      } catch (error) {
        // Whatever an interrupted body fails with, the interruption is why.
        controller.signal.throwIfAborted();
        throw error;
      } finally {
        client.removeEventListener("abort", leave);
        active.delete(fault);
        end();
      }
    },
    activeCount: () => active.size,
    async stop() {
      stopping = true;
      const ended = [...active].map((fault) => fault.ended);
      for (const fault of active) fault.controller.abort(new FaultInterrupted("stopping"));
      await Promise.all(ended);
    },
  };

  function firstEndMs(): number {
    const ends = [...active].map((fault) => fault.endsAtMs);
    return Math.max(0, Math.min(...ends) - nowMs());
  }
}
