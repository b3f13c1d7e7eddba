/** The main thread's side: asks one question at a time, and ends the thread that takes too long or too much. */

import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Asked, QueryBounds, Reply } from "../prometheus-api/endpoint.ts";
import { failure } from "../prometheus-api/evaluated.ts";
import { ApiError } from "../prometheus-api/parameters.ts";
import type { SeriesStore, StoredSeries } from "../../promql/series.ts";
import { copySamples } from "./copy.ts";
import type { FromThread, ToThread } from "./wire.ts";

interface QueryThreadOptions {
  readonly store: SeriesStore;
  readonly bounds: QueryBounds;
  /** A module that becomes `worker.ts` in a worker thread. By default the program's own entry. */
  readonly workerEntry?: string;
}

interface QueryThread extends AsyncDisposable {
  /** Never rejects: a failure is a reply, too. */
  ask(asked: Asked): Promise<Reply>;
}

/** On top of the time of an evaluation: for the thread to start, and to notice the end. */
const GRACE_MS = 1000;
/** How much resident memory may grow while a question is answered. */
const MAX_GROWN_BYTES = 120 * 1024 * 1024;
const CHECK_EVERY_MS = 20;
/** A thread without questions ends after this time, to free its memory. */
const IDLE_MS = 5000;
const MAX_WAITING = 32;
/** Series whose labels are handed over before other work gets its turn. */
const SERIES_A_TURN = 2000;

/** Never changed, so that a store may remember what it selects by it. */
const EVERYTHING: readonly never[] = [];

export function createQueryThread(options: QueryThreadOptions): QueryThread {
  let thread: Thread | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let idle: Timer | undefined;

  const end = async () => {
    const ended = thread;
    thread = undefined;
    await ended?.end();
  };
  const answer = async (asked: Asked): Promise<Reply> => {
    clearTimeout(idle);
    try {
      thread ??= new Thread(options);
      return await thread.answer(asked);
    } catch (error) {
      await end();
      return failure(error);
    } finally {
      idle = setTimeout(() => void end(), IDLE_MS);
      idle.unref();
    }
  };
  return {
    async ask(asked) {
      if (waiting >= MAX_WAITING)
        return failure(new ApiError("unavailable", "too many queries wait already: ask later"));
      waiting += 1;
      const reply = last.then(() => answer(asked));
      last = reply;
      return await reply.finally(() => (waiting -= 1));
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(idle);
      await end();
    },
  };
}

/** One worker, from its start to its end. */
class Thread {
  readonly #worker: Worker;
  readonly #store: SeriesStore;
  readonly #bounds: QueryBounds;
  /** The series that the worker has the labels of. */
  #told: readonly StoredSeries[] = [];
  readonly #ids = new Map<StoredSeries, number>();
  readonly #byId = new Map<number, StoredSeries>();
  #nextId = 0;

  constructor({ store, bounds, workerEntry = Bun.main }: QueryThreadOptions) {
    this.#store = store;
    this.#bounds = bounds;
    this.#worker = new Worker(workerEntry, { argv: ["query-thread"] });
    this.#worker.unref();
    this.#post({ kind: "begin", bounds });
  }

  /** @throws Error after which the thread is of no use any more */
  async answer(asked: Asked): Promise<Reply> {
    await this.#tellSeries();
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const receive = (message: FromThread) => {
      if (message.kind === "reply") return resolve({ status: message.status, body: message.body });
      try {
        const samples = copySamples(message.needs, this.#byId, this.#bounds.maxSamples);
        const { ids, ends, timestampsMs, values } = samples;
        const moved = [ids, ends, timestampsMs, values].map(({ buffer }) => buffer);
        this.#worker.postMessage({ kind: "samples", samples } satisfies ToThread, moved);
      } catch (error) {
        // It goes on waiting for samples, and the next question takes their place.
        resolve(failure(error));
      }
    };
    const fail = (error: Error) => reject(error);
    const startedMs = performance.now();
    const startBytes = residentBytes();
    const checks = setInterval(() => {
      if (performance.now() - startedMs > this.#bounds.maxEvaluationMs + GRACE_MS)
        reject(new ApiError("timeout", "query timed out in query execution"));
      else if (residentBytes() - startBytes > MAX_GROWN_BYTES)
        reject(new ApiError("execution", "query processing would use too much memory"));
    }, CHECK_EVERY_MS);
    this.#worker.on("message", receive);
    this.#worker.on("error", fail);
    try {
      this.#post({ kind: "ask", asked });
      return await promise;
    } finally {
      clearInterval(checks);
      this.#worker.off("message", receive);
      this.#worker.off("error", fail);
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  /** The store gives the same list as long as no series has come or gone. */
  async #tellSeries(): Promise<void> {
    const all = this.#store.select(EVERYTHING);
    if (all === this.#told) return;
    this.#told = all;
    const present = new Set(all);
    const removed: number[] = [];
    for (const [series, id] of this.#ids) {
      if (present.has(series)) continue;
      this.#ids.delete(series);
      this.#byId.delete(id);
      removed.push(id);
    }
    this.#post({ kind: "series", added: [], removed });
    for (let from = 0; from < all.length; from += SERIES_A_TURN) {
      const added: [id: number, labels: string][] = [];
      for (const series of all.slice(from, from + SERIES_A_TURN)) {
        if (this.#ids.has(series)) continue;
        const id = this.#nextId++;
        this.#ids.set(series, id);
        this.#byId.set(id, series);
        added.push([id, JSON.stringify(series.labels)]);
      }
      if (added.length > 0) this.#post({ kind: "series", added, removed: [] });
      await setImmediate();
    }
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }
}

/** 0 where the system does not say: then time alone is the bound. */
function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}
