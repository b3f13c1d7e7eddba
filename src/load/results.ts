/** What came of a load's requests, for each endpoint. Its size does not depend on how many they are. */

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { ENDPOINTS, type Endpoint } from "./traffic.ts";

/** Why a request failed, for people: `status 503`, `connection refused`. */
export type Failure = string;

/** The requests of one endpoint, or all: those that succeeded and those that failed, and no others. */
export interface Tally {
  readonly succeeded: number;
  /** How many of them had their answer while requests were still being made. */
  readonly inTime: number;
  readonly failures: ReadonlyMap<Failure, number>;
  readonly latency: Latency;
}

/**
 * Latencies of the requests that succeeded, in ms from when each was due. A failure has no latency: an
 * error that comes at once would make a broken service look fast.
 */
interface Latency {
  /** At most 0.1 % above the true value. @param percent in (0, 100]; `undefined` without a latency */
  percentile(percent: number): number | undefined;
  /** Exact. */
  readonly maxMs: number | undefined;
}

export interface Results {
  /** How long requests were made: as long as was planned, unless it was interrupted. */
  readonly durationMs: number;
  readonly interrupted: boolean;
  readonly endpoints: Readonly<Record<Endpoint, Tally>>;
  readonly total: Tally;
  /** How late this process woke up to send, of which no service is guilty. */
  readonly ownDelay: Latency;
}

/** Gathers outcomes while a load runs. */
interface Recorder {
  succeeded(endpoint: Endpoint, latencyMs: number, inTime: boolean): void;
  failed(endpoint: Endpoint, failure: Failure): void;
  wokeUp(lateMs: number): void;
  results(run: Pick<Results, "durationMs" | "interrupted">): Results;
}

export function createRecorder(): Recorder {
  const gathered = {
    "GET /api/items": gather(),
    "GET /api/items/:id": gather(),
    "POST /api/orders": gather(),
  } satisfies Record<Endpoint, Gathered>;
  const ownDelay = createHistogram();

  return {
    succeeded(endpoint, latencyMs, inTime) {
      const tally = gathered[endpoint];
      record(tally.histogram, latencyMs);
      if (inTime) tally.inTime += 1;
    },
    failed(endpoint, failure) {
      const { failures } = gathered[endpoint];
      failures.set(failure, (failures.get(failure) ?? 0) + 1);
    },
    wokeUp: (lateMs) => record(ownDelay, lateMs),
    results: (run) => ({
      ...run,
      endpoints: {
        "GET /api/items": tallyOf(gathered["GET /api/items"]),
        "GET /api/items/:id": tallyOf(gathered["GET /api/items/:id"]),
        "POST /api/orders": tallyOf(gathered["POST /api/orders"]),
      },
      total: tallyOf(sum(ENDPOINTS.map((endpoint) => gathered[endpoint]))),
      ownDelay: latencyOf(ownDelay),
    }),
  };
}

interface Gathered {
  /** Latencies in µs, with three significant figures, which is the default. */
  readonly histogram: RecordableHistogram;
  readonly failures: Map<Failure, number>;
  inTime: number;
}

function gather(): Gathered {
  return { histogram: createHistogram(), failures: new Map(), inTime: 0 };
}

function sum(parts: readonly Gathered[]): Gathered {
  const whole = gather();
  for (const { histogram, failures, inTime } of parts) {
    whole.histogram.add(histogram);
    whole.inTime += inTime;
    for (const [failure, count] of failures)
      whole.failures.set(failure, (whole.failures.get(failure) ?? 0) + count);
  }
  return whole;
}

function tallyOf({ histogram, failures, inTime }: Gathered): Tally {
  return { succeeded: histogram.count, inTime, failures, latency: latencyOf(histogram) };
}

/** A histogram takes whole numbers from 1. */
function record(histogram: RecordableHistogram, durationMs: number): void {
  histogram.record(Math.max(1, Math.round(durationMs * 1000)));
}

function latencyOf(histogram: RecordableHistogram): Latency {
  const { count, max } = histogram;
  return {
    maxMs: count === 0 ? undefined : max / 1000,
    // The histogram gives the upper end of a bucket, which may be above all that was recorded.
    percentile: (percent) =>
      count === 0 ? undefined : Math.min(histogram.percentile(percent), max) / 1000,
  };
}
