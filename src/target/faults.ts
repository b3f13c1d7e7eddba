/** The faults that are active now and those that were: how each starts, is measured and ends. */

import type { EmitEvent } from "./events.ts";
import {
  FaultInterrupted,
  type FaultKind,
  type FaultOrder,
  type FaultOutcome,
  type FaultView,
  type Interruption,
  MAX_DURATION_MS,
  MAX_SEED,
  TooManyFaults,
} from "./fault.ts";
import { seededRandom } from "./seeded-random.ts";

interface StartedFault<Result> {
  readonly id: string;
  /** The fault as it is now, even when `Faults.get` has forgotten it. */
  view(): FaultView;
  /** Resolves when the effect is in place, or the fault is over. */
  readonly applied: Promise<void>;
  /** Rejects with `FaultInterrupted` when it was ended, else with what it failed of. */
  readonly ended: Promise<Result>;
}

interface FaultCounts {
  readonly started: number;
  readonly active: number;
  readonly ended: Readonly<Record<FaultOutcome, number>>;
  /** The effect ratio of the fault of this kind that was measured last. */
  readonly effectRatio: number | undefined;
}

export interface Faults {
  /**
   * Starts a fault.
   *
   * @param client ends it when it aborts
   * @throws TooManyFaults at the limit, FaultInterrupted when there is nobody to start it for
   */
  start<Result>(order: FaultOrder<Result>, client?: AbortSignal): StartedFault<Result>;
  /** `undefined` for one that never was or is forgotten. */
  get(id: string): FaultView | undefined;
  /** Newest first; of those that have ended the last 50. */
  list(): { readonly active: readonly FaultView[]; readonly recent: readonly FaultView[] };
  /** Ends one, if it is active, and tells it; resolves when what it held is released. */
  end(id: string): Promise<FaultView | undefined>;
  /** Ends all that are active, and tells them, newest first. */
  endAll(): Promise<readonly FaultView[]>;
  counts(kind: FaultKind): FaultCounts;
  activeCount(): number;
  /** Ends all and refuses new ones; resolves when none is left. */
  stop(): Promise<void>;
}

interface FaultsOptions {
  readonly maxActive: number;
  /** A clock that never goes back. */
  readonly nowMs: () => number;
  /** For the seeds that nobody chose. In [0, 1). */
  readonly random: () => number;
  readonly emit: EmitEvent;
}

const RECENT_FAULTS = 50;

interface Fault {
  readonly id: string;
  readonly order: FaultOrder<unknown>;
  readonly seed: number;
  readonly startedAt: Date;
  readonly endsAtMs: number;
  readonly controller: AbortController;
  readonly over: Promise<void>;
  read: () => number | undefined;
  end?: { readonly outcome: FaultOutcome; readonly at: Date; readonly reason: string | undefined };
}

interface Tally {
  started: number;
  active: number;
  ended: Record<FaultOutcome, number>;
  effectRatio: number | undefined;
}

export function createFaults(options: FaultsOptions): Faults {
  return new FaultRegistry(options);
}

class FaultRegistry implements Faults {
  readonly #options: FaultsOptions;
  /** In the order in which they began. */
  readonly #active = new Map<string, Fault>();
  /** Newest first. */
  readonly #recent: Fault[] = [];
  readonly #tallies = emptyTallies();
  #isStopping = false;

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  start<Result>(order: FaultOrder<Result>, client?: AbortSignal): StartedFault<Result> {
    const { maxActive } = this.#options;
    if (this.#isStopping) throw new FaultInterrupted("stopping");
    if (client?.aborted) throw new FaultInterrupted("client_gone");
    if (this.#active.size >= maxActive) throw new TooManyFaults(maxActive, this.#firstEndMs());

    const { promise: over, resolve: setOver } = Promise.withResolvers<void>();
    const { promise: applied, resolve: setApplied } = Promise.withResolvers<void>();
    const fault = this.#newFault(order, over);
    this.#begin(fault);
    const ended = this.#hold(fault, client, () =>
      order.inject({
        signal: fault.controller.signal,
        random: seededRandom(fault.seed),
        applied: setApplied,
        measureBy: (read) => (fault.read = read),
      }),
    ).finally(() => {
      setApplied();
      setOver();
    });
    // Most are not waited for; how they end is told by `get`.
    ended.catch(() => {});
    return { id: fault.id, view: () => this.#view(fault), applied, ended };
  }

  get(id: string): FaultView | undefined {
    const fault = this.#find(id);
    return fault === undefined ? undefined : this.#view(fault);
  }

  list() {
    return {
      active: this.#views([...this.#active.values()].reverse()),
      recent: this.#views(this.#recent),
    };
  }

  async end(id: string): Promise<FaultView | undefined> {
    const fault = this.#find(id);
    if (fault === undefined) return undefined;
    if (fault.end === undefined) await this.#endThese([fault], "deleted");
    return this.#view(fault);
  }

  endAll(): Promise<readonly FaultView[]> {
    return this.#endThese([...this.#active.values()], "deleted");
  }

  counts(kind: FaultKind): FaultCounts {
    const tally = this.#tallies[kind];
    const latest = [...this.#active.values()].findLast(({ order }) => order.kind === kind);
    const ratio = latest === undefined ? null : this.#view(latest).effect_ratio;
    return { ...tally, effectRatio: ratio ?? tally.effectRatio };
  }

  activeCount(): number {
    return this.#active.size;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#endThese([...this.#active.values()], "stopping");
  }

  #newFault(order: FaultOrder<unknown>, over: Promise<void>): Fault {
    const { nowMs, random } = this.#options;
    return {
      id: this.#newId(order.kind),
      order,
      seed: order.seed ?? Math.floor(random() * MAX_SEED),
      startedAt: new Date(),
      endsAtMs: nowMs() + order.durationMs,
      controller: new AbortController(),
      over,
      read: () => undefined,
    };
  }

  /** Holds it until it ends, by itself or because somebody ends it, and releases what it holds. */
  async #hold<Result>(
    fault: Fault,
    client: AbortSignal | undefined,
    inject: () => Promise<Result>,
  ): Promise<Result> {
    const { order, controller } = fault;
    const { signal } = controller;
    const interrupt = (why: Interruption) => controller.abort(new FaultInterrupted(why));
    const leave = () => interrupt("client_gone");
    client?.addEventListener("abort", leave, { once: true });
    const boundMs = order.endsByItself === true ? MAX_DURATION_MS : order.durationMs;
    const timer = setTimeout(() => interrupt("expired"), boundMs);
    // The first listener: what is measured has not been released yet.
    signal.addEventListener("abort", () => freezeMeasure(fault), { once: true });
    try {
      const result = await inject();
      signal.throwIfAborted();
      freezeMeasure(fault);
      this.#finish(fault, "completed", undefined);
      return result;
    } catch (error) {
      freezeMeasure(fault);
      // Whatever an interrupted fault fails with, the interruption is why.
      const interruption: unknown = signal.aborted ? signal.reason : undefined;
      if (!(interruption instanceof FaultInterrupted)) {
        this.#finish(fault, "failed", error instanceof Error ? error.message : String(error));
        throw error;
      }
      const { reason } = interruption;
      if (reason === "expired") this.#finish(fault, "expired", undefined);
      else this.#finish(fault, "cancelled", reason);
      throw interruption;
    } finally {
      clearTimeout(timer);
      client?.removeEventListener("abort", leave);
    }
  }

  #begin(fault: Fault): void {
    const { id, order, seed } = fault;
    const { kind, plan, requested, unit } = order;
    this.#active.set(id, fault);
    const tally = this.#tallies[kind];
    tally.started += 1;
    tally.active += 1;
    this.#options.emit("info", "fault_started", {
      id,
      kind,
      plan,
      seed,
      requested: toFourPlaces(requested),
      unit,
    });
  }

  #finish(fault: Fault, outcome: FaultOutcome, reason: string | undefined): void {
    fault.end = { outcome, at: new Date(), reason };
    this.#active.delete(fault.id);
    this.#recent.unshift(fault);
    this.#recent.length = Math.min(this.#recent.length, RECENT_FAULTS);
    const tally = this.#tallies[fault.order.kind];
    tally.active -= 1;
    tally.ended[outcome] += 1;
    const { id, kind, requested, measured, unit, effect_ratio } = this.#view(fault);
    tally.effectRatio = effect_ratio ?? tally.effectRatio;
    const duration_s = (fault.end.at.getTime() - fault.startedAt.getTime()) / 1000;
    const effect = { requested, measured, unit, effect_ratio };
    const why = reason === undefined ? {} : { reason };
    this.#options.emit("info", "fault_ended", { id, kind, outcome, ...why, duration_s, ...effect });
  }

  #view(fault: Fault): FaultView {
    const { id, order, seed, startedAt, endsAtMs, end } = fault;
    const { kind, plan, requested, unit } = order;
    const measured = rounded(fault.read());
    const remainingMs = end === undefined ? Math.max(0, endsAtMs - this.#options.nowMs()) : 0;
    return {
      id,
      kind,
      state: end?.outcome ?? "active",
      plan,
      seed,
      started_at: startedAt.toISOString(),
      ends_at: (end?.at ?? new Date(startedAt.getTime() + order.durationMs)).toISOString(),
      remaining_s: Math.round(remainingMs) / 1000,
      requested: toFourPlaces(requested),
      measured,
      unit,
      effect_ratio: measured === null || requested === 0 ? null : rounded(measured / requested),
      ...(end?.reason !== undefined && { reason: end.reason }),
    };
  }

  #newId(kind: FaultKind): string {
    const id = `${kind}-${crypto.randomUUID().slice(0, 8)}`;
    return this.#find(id) === undefined ? id : this.#newId(kind);
  }

  #firstEndMs(): number {
    const ends = [...this.#active.values()].map((fault) => fault.endsAtMs);
    return Math.max(0, Math.min(...ends) - this.#options.nowMs());
  }

  #find(id: string): Fault | undefined {
    return this.#active.get(id) ?? this.#recent.find((fault) => fault.id === id);
  }

  #views(faults: readonly Fault[]): readonly FaultView[] {
    return faults.map((fault) => this.#view(fault));
  }

  /** @returns them newest first, once what they held is released */
  async #endThese(faults: readonly Fault[], why: Interruption): Promise<readonly FaultView[]> {
    for (const { controller } of faults) controller.abort(new FaultInterrupted(why));
    await Promise.all(faults.map(({ over }) => over));
    return this.#views(faults).toReversed();
  }
}

function emptyTallies(): Record<FaultKind, Tally> {
  const none = (): Tally => ({
    started: 0,
    active: 0,
    ended: { completed: 0, expired: 0, cancelled: 0, failed: 0 },
    effectRatio: undefined,
  });
  return {
    cpu: none(),
    memory: none(),
    latency: none(),
    errors: none(),
    crash: none(),
    hang: none(),
    block: none(),
    disk: none(),
    fds: none(),
    logs: none(),
    health: none(),
    ready: none(),
  };
}

/** What was measured last stays; what it was measured on is about to be released. */
function freezeMeasure(fault: Fault): void {
  const last = fault.read();
  fault.read = () => last;
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : toFourPlaces(value);
}

function toFourPlaces(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
