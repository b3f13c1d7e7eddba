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
  /** As it is now, also when it has ended so long ago that `Faults.get` has forgotten it. */
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
  /** Of the fault of this kind that was measured last. */
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

export function createFaults({ maxActive, nowMs, random, emit }: FaultsOptions): Faults {
  const active = new Map<string, Fault>();
  const recent: Fault[] = [];
  const tallies = emptyTallies();
  let stopping = false;

  const endThese = async (faults: readonly Fault[], why: Interruption) => {
    for (const { controller } of faults) controller.abort(new FaultInterrupted(why));
    await Promise.all(faults.map(({ over }) => over));
    return faults.map(view).reverse();
  };
  const endAll = (why: Interruption) => endThese([...active.values()], why);
  const find = (id: string) => active.get(id) ?? recent.find((fault) => fault.id === id);

  return {
    start(order, client) {
      if (stopping) throw new FaultInterrupted("stopping");
      if (client?.aborted) throw new FaultInterrupted("client_gone");
      if (active.size >= maxActive) throw new TooManyFaults(maxActive, firstEndMs());

      const { promise: over, resolve: setOver } = Promise.withResolvers<void>();
      const { promise: applied, resolve: setApplied } = Promise.withResolvers<void>();
      const fault: Fault = {
        id: newId(order.kind),
        order,
        seed: order.seed ?? Math.floor(random() * MAX_SEED),
        startedAt: new Date(),
        endsAtMs: nowMs() + order.durationMs,
        controller: new AbortController(),
        over,
        read: () => undefined,
      };
      begin(fault);
      const ended = hold(fault, client, () =>
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
      return { id: fault.id, view: () => view(fault), applied, ended };
    },
    get(id) {
      const fault = find(id);
      return fault === undefined ? undefined : view(fault);
    },
    list: () => ({ active: [...active.values()].reverse().map(view), recent: recent.map(view) }),
    async end(id) {
      const fault = find(id);
      if (fault === undefined) return undefined;
      if (fault.end === undefined) await endThese([fault], "deleted");
      return view(fault);
    },
    endAll: () => endAll("deleted"),
    counts(kind) {
      const tally = tallies[kind];
      const latest = [...active.values()].findLast(({ order }) => order.kind === kind);
      const ratio = latest === undefined ? null : view(latest).effect_ratio;
      return { ...tally, effectRatio: ratio ?? tally.effectRatio };
    },
    activeCount: () => active.size,
    async stop() {
      stopping = true;
      await endAll("stopping");
    },
  };

  async function hold<Result>(
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
      finish(fault, "completed", undefined);
      return result;
    } catch (error) {
      freezeMeasure(fault);
      // Whatever an interrupted fault fails with, the interruption is why.
      const interruption: unknown = signal.aborted ? signal.reason : undefined;
      if (!(interruption instanceof FaultInterrupted)) {
        finish(fault, "failed", error instanceof Error ? error.message : String(error));
        throw error;
      }
      const { reason } = interruption;
      if (reason === "expired") finish(fault, "expired", undefined);
      else finish(fault, "cancelled", reason);
      throw interruption;
    } finally {
      clearTimeout(timer);
      client?.removeEventListener("abort", leave);
    }
  }

  function begin(fault: Fault): void {
    const { id, order, seed } = fault;
    const { kind, plan, requested, unit } = order;
    active.set(id, fault);
    const tally = tallies[kind];
    tally.started += 1;
    tally.active += 1;
    emit("info", "fault_started", {
      id,
      kind,
      plan,
      seed,
      requested: toFourPlaces(requested),
      unit,
    });
  }

  function finish(fault: Fault, outcome: FaultOutcome, reason: string | undefined): void {
    fault.end = { outcome, at: new Date(), reason };
    active.delete(fault.id);
    recent.unshift(fault);
    recent.length = Math.min(recent.length, RECENT_FAULTS);
    const tally = tallies[fault.order.kind];
    tally.active -= 1;
    tally.ended[outcome] += 1;
    const { id, kind, requested, measured, unit, effect_ratio } = view(fault);
    tally.effectRatio = effect_ratio ?? tally.effectRatio;
    const duration_s = (fault.end.at.getTime() - fault.startedAt.getTime()) / 1000;
    const effect = { requested, measured, unit, effect_ratio };
    const why = reason === undefined ? {} : { reason };
    emit("info", "fault_ended", { id, kind, outcome, ...why, duration_s, ...effect });
  }

  function view(fault: Fault): FaultView {
    const { id, order, seed, startedAt, endsAtMs, end } = fault;
    const { kind, plan, requested, unit } = order;
    const measured = rounded(fault.read());
    const remainingMs = end === undefined ? Math.max(0, endsAtMs - nowMs()) : 0;
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

  function newId(kind: FaultKind): string {
    const id = `${kind}-${crypto.randomUUID().slice(0, 8)}`;
    return find(id) === undefined ? id : newId(kind);
  }

  function firstEndMs(): number {
    const ends = [...active.values()].map((fault) => fault.endsAtMs);
    return Math.max(0, Math.min(...ends) - nowMs());
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
