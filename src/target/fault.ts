/** A fault as a value: what it is, how it is asked for, told and ended. */

/** No fault is active for longer, whatever it is. */
export const MAX_DURATION_MS = 3_600_000;
export const MAX_SEED = 2 ** 32 - 1;

export const FAULT_KINDS = [
  "cpu",
  "memory",
  "latency",
  "errors",
  "crash",
  "hang",
  "block",
  "disk",
  "fds",
  "logs",
  "health",
  "ready",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * How a fault ended: `completed` when it did what it planned before its time was over, `expired` when
 * its time was over, `cancelled` from outside, `failed` when it could not be applied or held.
 */
export const FAULT_OUTCOMES = ["completed", "expired", "cancelled", "failed"] as const;
export type FaultOutcome = (typeof FAULT_OUTCOMES)[number];

/** Why a fault was ended; the `reason` of its abort signal. */
const INTERRUPTIONS = ["expired", "deleted", "client_gone", "stopping"] as const;
export type Interruption = (typeof INTERRUPTIONS)[number];

/** A fault that was ended before it was done; what it held is released. */
export class FaultInterrupted extends Error {
  override readonly name = "FaultInterrupted";

  constructor(readonly reason: Interruption) {
    super(`the fault was ended: ${reason}`);
  }
}

/** As many faults are active as may be. */
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

/** A fault that is asked for. */
export interface FaultOrder<Result = void> {
  readonly kind: FaultKind;
  /** The parameters in force, as the client would write them; it is told to everybody. */
  readonly plan: Readonly<Record<string, unknown>>;
  /** How long it is meant to take; 0 when that cannot be known. */
  readonly durationMs: number;
  /** It is over by itself, so that its duration says when and does not end it. */
  readonly endsByItself?: boolean;
  readonly seed?: number;
  /** The effect that it is to have, in `unit`. */
  readonly requested: number;
  readonly unit: string;
  /**
   * Applies the fault and holds it until the signal aborts or it is done; by then everything that it
   * held must be released. What it throws makes it a failed fault, unless its signal has aborted.
   */
  inject(injection: Injection): Promise<Result>;
}

/** What a fault has in hand while it is applied. */
export interface Injection {
  readonly signal: AbortSignal;
  /** In [0, 1), from the fault's seed. */
  readonly random: () => number;
  /** What was asked for is in place: nothing has to be waited for any more. */
  applied(): void;
  /** How the effect is read, in the order's unit; `undefined` while there is nothing to read. */
  measureBy(read: () => number | undefined): void;
}

/** A fault as it is told: the body of `GET /faults/:id`. Times are ISO 8601, UTC. */
export interface FaultView {
  readonly id: string;
  readonly kind: FaultKind;
  readonly state: "active" | FaultOutcome;
  readonly plan: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly started_at: string;
  /** When it is due to end, or has ended. */
  readonly ends_at: string;
  /** 0 once it has ended. */
  readonly remaining_s: number;
  readonly requested: number;
  readonly measured: number | null;
  readonly unit: string;
  /** Measured over requested. */
  readonly effect_ratio: number | null;
  /** Why it failed, or who ended it. */
  readonly reason?: string;
}
