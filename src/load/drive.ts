/** Sends a load on time, whatever the service does. */

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
  { connections, deadlineMs }: DriveLimits = LIMITS,
): Promise<Results> {
  const { promise, resolve } = Promise.withResolvers<Results>();
  const recorder = createRecorder();
  /** In the order in which they were due. */
  const underWay = new Set<UnderWay>();
  let durationMs = plan.durationS * 1000;
  let count = requestCount(plan);
  let next = 0;
  let cancelWakeUp: (() => void) | undefined;

  const unsent = `not sent within ${deadlineMs / 1000} s`;
  const unanswered = `no answer within ${deadlineMs / 1000} s`;
  const startMs = performance.now();
  const elapsedMs = () => performance.now() - startMs;

  /** Sends all that are due, as far as there are connections, and sees to it that it is called again. */
  const advance = () => {
    const nowMs = elapsedMs();
    for (; next < count; next += 1) {
      const dueMs = dueAtMs(plan, next);
      if (dueMs > nowMs) return wakeUpAt(dueMs);
      if (nowMs - dueMs >= deadlineMs) recorder.failed(requestAt(next).endpoint, unsent);
      else if (underWay.size < connections) void ask(next, dueMs);
      else return;
    }
    if (underWay.size === 0) finish();
  };

  const ask = async (index: number, dueMs: number) => {
    const asked = { dueMs, controller: new AbortController() };
    const request = requestAt(index);
    underWay.add(asked);
    const failure = await send(plan.url, request, asked.controller.signal);
    underWay.delete(asked);
    const nowMs = elapsedMs();
    if (failure !== undefined) recorder.failed(request.endpoint, failure);
    else recorder.succeeded(request.endpoint, nowMs - dueMs, nowMs <= durationMs);
    advance();
  };

  const wakeUpAt = (dueMs: number) => {
    if (cancelWakeUp !== undefined) return;
    const wakeUp = () => {
      cancelWakeUp = undefined;
      const lateMs = elapsedMs() - dueMs;
      if (lateMs >= 0) recorder.wokeUp(lateMs);
      advance();
    };
    const waitMs = Math.max(0, dueMs - elapsedMs());
    if (waitMs < 1 && plan.rate <= PRECISE_UP_TO_RATE) {
      const immediate = setImmediate(wakeUp);
      cancelWakeUp = () => clearImmediate(immediate);
    } else {
      const timer = setTimeout(wakeUp, waitMs);
      cancelWakeUp = () => clearTimeout(timer);
    }
  };

  const failLate = () => {
    const nowMs = elapsedMs();
    for (const { dueMs, controller } of underWay) {
      if (nowMs - dueMs < deadlineMs) return;
      controller.abort(unanswered);
    }
  };
  const lateLook = setInterval(failLate, LOOK_FOR_LATE_EVERY_MS);

  const interrupt = () => {
    const nowMs = elapsedMs();
    durationMs = Math.min(durationMs, nowMs);
    count = Math.max(next, dueCount(plan, nowMs));
    for (; next < count; next += 1) recorder.failed(requestAt(next).endpoint, INTERRUPTED);
    for (const { controller } of underWay) controller.abort(INTERRUPTED);
    advance();
  };

  const finish = () => {
    cancelWakeUp?.();
    clearInterval(lateLook);
    signal.removeEventListener("abort", interrupt);
    resolve(recorder.results({ durationMs, interrupted: signal.aborted }));
  };

  signal.addEventListener("abort", interrupt, { once: true });
  if (signal.aborted) interrupt();
  else advance();
  return promise;
}
