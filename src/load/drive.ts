/** Sends a load on time, whatever the service does. */

import { exactSeconds } from "../text/time.ts";
import { dueAtMs, dueCount, type LoadPlan, requestCount } from "./plan.ts";
import { createRecorder, type Results } from "./results.ts";
import { send } from "./send.ts";
import { requestAt } from "./traffic.ts";

interface DriveLimits {
  /** Requests under way at once; those that are due beyond wait. */
  readonly connections: number;
  /** From when a request was due to all of its answer. */
  readonly deadlineMs: number;
}

const LIMITS: DriveLimits = {
  // What Bun's `fetch` allows; it would queue the rest by itself, where none of them could be counted.
  connections: 256,
  deadlineMs: 30_000,
};
const LOOK_FOR_LATE_EVERY_MS = 100;
/** A timer comes up to 1 ms late; up to this rate that is waited for awake, at 0.1 % of a core each. */
const PRECISE_UP_TO_RATE = 100;

const INTERRUPTED = "interrupted";

interface UnderWay {
  readonly dueMs: number;
  readonly controller: AbortController;
}

/**
 * Open loop: a request is sent when it is due, not when the one before it was answered. If all
 * connections are busy it waits, and so do those behind it; a latency counts from when the request
 * was due, not from when it was sent, or a service that stalls would delay its own measurement
 * (coordinated omission). Up to 100 requests a second are sent within about 0.1 ms, more within 1 ms.
 *
 * Every request that was due succeeds or fails, within its deadline: the run ends at most that long
 * after the last was due. When the signal aborts, all that are unanswered fail at once, and those
 * that are not due yet are not counted.
 *
 * @see https://github.com/giltene/wrk2 for the method
 */
export function drive(
  plan: LoadPlan,
  signal: AbortSignal,
  limits: DriveLimits = LIMITS,
): Promise<Results> {
  return new Drive(plan, signal, limits).run();
}

class Drive {
  readonly #plan: LoadPlan;
  readonly #signal: AbortSignal;
  readonly #limits: DriveLimits;
  readonly #recorder = createRecorder();
  /** In the order in which they were due. */
  readonly #underWay = new Set<UnderWay>();
  readonly #done = Promise.withResolvers<Results>();
  readonly #startMs = performance.now();
  #durationMs: number;
  #count: number;
  /** The request that is due next; they are counted from 0. */
  #next = 0;
  #cancelWakeUp: (() => void) | undefined;

  constructor(plan: LoadPlan, signal: AbortSignal, limits: DriveLimits) {
    this.#plan = plan;
    this.#signal = signal;
    this.#limits = limits;
    this.#durationMs = plan.durationS * 1000;
    this.#count = requestCount(plan);
  }

  async run(): Promise<Results> {
    const interrupt = () => this.#interrupt();
    const lateLook = setInterval(() => this.#failLate(), LOOK_FOR_LATE_EVERY_MS);
    this.#signal.addEventListener("abort", interrupt, { once: true });
    if (this.#signal.aborted) this.#interrupt();
    else this.#advance();
    const results = await this.#done.promise;
    clearInterval(lateLook);
    this.#signal.removeEventListener("abort", interrupt);
    return results;
  }

  /** Sends all that are due, as far as there are connections, and sees to it that it is called again. */
  #advance(): void {
    const { connections, deadlineMs } = this.#limits;
    const nowMs = this.#elapsedMs();
    for (; this.#next < this.#count; this.#next += 1) {
      const dueMs = dueAtMs(this.#plan, this.#next);
      if (dueMs > nowMs) return this.#wakeUpAt(dueMs);
      if (nowMs - dueMs >= deadlineMs)
        this.#recorder.failed(requestAt(this.#next).endpoint, unsent(deadlineMs));
      else if (this.#underWay.size < connections) void this.#ask(this.#next, dueMs);
      else return;
    }
    if (this.#underWay.size === 0) this.#finish();
  }

  async #ask(index: number, dueMs: number): Promise<void> {
    const asked = { dueMs, controller: new AbortController() };
    const request = requestAt(index);
    this.#underWay.add(asked);
    const failure = await send(this.#plan.url, request, asked.controller.signal);
    this.#underWay.delete(asked);
    const nowMs = this.#elapsedMs();
    if (failure !== undefined) this.#recorder.failed(request.endpoint, failure);
    else this.#recorder.succeeded(request.endpoint, nowMs - dueMs, nowMs <= this.#durationMs);
    this.#advance();
  }

  #wakeUpAt(dueMs: number): void {
    if (this.#cancelWakeUp !== undefined) return;
    const wakeUp = () => {
      this.#cancelWakeUp = undefined;
      const lateMs = this.#elapsedMs() - dueMs;
      if (lateMs >= 0) this.#recorder.wokeUp(lateMs);
      this.#advance();
    };
    const waitMs = Math.max(0, dueMs - this.#elapsedMs());
    if (waitMs < 1 && this.#plan.rate <= PRECISE_UP_TO_RATE) {
      const immediate = setImmediate(wakeUp);
      this.#cancelWakeUp = () => clearImmediate(immediate);
    } else {
      const timer = setTimeout(wakeUp, waitMs);
      this.#cancelWakeUp = () => clearTimeout(timer);
    }
  }

  #failLate(): void {
    const { deadlineMs } = this.#limits;
    const nowMs = this.#elapsedMs();
    for (const { dueMs, controller } of this.#underWay) {
      if (nowMs - dueMs < deadlineMs) return;
      controller.abort(unanswered(deadlineMs));
    }
  }

  #interrupt(): void {
    const nowMs = this.#elapsedMs();
    this.#durationMs = Math.min(this.#durationMs, nowMs);
    this.#count = Math.max(this.#next, dueCount(this.#plan, nowMs));
    for (; this.#next < this.#count; this.#next += 1)
      this.#recorder.failed(requestAt(this.#next).endpoint, INTERRUPTED);
    for (const { controller } of this.#underWay) controller.abort(INTERRUPTED);
    this.#advance();
  }

  #finish(): void {
    this.#cancelWakeUp?.();
    const [durationMs, interrupted] = [this.#durationMs, this.#signal.aborted];
    this.#done.resolve(this.#recorder.results({ durationMs, interrupted }));
  }

  #elapsedMs(): number {
    return performance.now() - this.#startMs;
  }
}

function unsent(deadlineMs: number): string {
  return `not sent within ${exactSeconds(deadlineMs)}`;
}

function unanswered(deadlineMs: number): string {
  return `no answer within ${exactSeconds(deadlineMs)}`;
}
