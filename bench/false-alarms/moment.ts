/** What a service exports at one moment, as series of a page. */

import type { MemorySeries, MemoryStore } from "../../src/signals/embedded/store.ts";

/** How a service is for one step of time. */
export interface Moment {
  readonly requestsPerS: number;
  /** Share of requests that are answered 5xx. */
  readonly errorShare: number;
  /** Median and spread (sigma of its logarithm) of what a request takes, s. */
  readonly medianS: number;
  readonly sigma: number;
  readonly cpuCores: number;
  readonly residentBytes: number;
  readonly startedAtMs: number;
  readonly isUp: boolean;
  /** Nobody scraped it, which says nothing of the service. */
  readonly isMissed?: boolean;
}

export const JOB = "shop";
const BOUNDS_S = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts on from moment to moment, and writes what a scrape would give. */
export class Exporter {
  readonly #store: MemoryStore;
  readonly #random: () => number;
  readonly #series = new Map<string, MemorySeries | undefined>();
  #startedAtMs = Number.NaN;
  #requests = { ok: 0, failed: 0 };
  #buckets: number[] = [];
  #cpuS = 0;

  constructor(store: MemoryStore, random: () => number) {
    this.#store = store;
    this.#random = random;
  }

  pass(moment: Moment, nowMs: number, stepMs: number): void {
    if (moment.startedAtMs !== this.#startedAtMs) this.#restart(moment.startedAtMs);
    const requests = this.#countOf((moment.requestsPerS * stepMs) / 1000);
    const failed = Math.min(requests, this.#countOf(requests * moment.errorShare));
    this.#requests.ok += requests - failed;
    this.#requests.failed += failed;
    BOUNDS_S.forEach((boundS, index) => {
      const share = logNormalShare(boundS, moment);
      this.#buckets[index] = (this.#buckets[index] ?? 0) + Math.round(requests * share);
    });
    this.#cpuS += (moment.cpuCores * stepMs) / 1000;
    if (moment.isMissed) return;
    this.#write("up", {}, { nowMs, value: moment.isUp ? 1 : 0 });
    if (moment.isUp) this.#writePage(moment, nowMs);
    else this.#end(nowMs);
  }

  #writePage({ residentBytes, startedAtMs }: Moment, nowMs: number): void {
    const { ok, failed } = this.#requests;
    const total = ok + failed;
    const count = (status: string, value: number) =>
      this.#write("http_requests_total", { status }, { nowMs, value });
    count("200", ok);
    if (failed > 0) count("500", failed);
    BOUNDS_S.forEach((boundS, index) => {
      const value = Math.min(this.#buckets[index] ?? 0, total);
      this.#write("http_request_duration_seconds_bucket", { le: `${boundS}` }, { nowMs, value });
    });
    const inf = { nowMs, value: total };
    this.#write("http_request_duration_seconds_bucket", { le: "+Inf" }, inf);
    this.#write("process_cpu_seconds_total", {}, { nowMs, value: this.#cpuS });
    this.#write("process_resident_memory_bytes", {}, { nowMs, value: residentBytes });
    this.#write("process_start_time_seconds", {}, { nowMs, value: startedAtMs / 1000 });
  }

  #write(
    name: string,
    labels: Readonly<Record<string, string>>,
    { nowMs, value }: { readonly nowMs: number; readonly value: number },
  ): void {
    const key = `${name} ${Object.values(labels).join()}`;
    let series = this.#series.get(key);
    if (series === undefined || series.removed) {
      series = this.#store.open({ __name__: name, job: JOB, ...labels });
      this.#series.set(key, series);
    }
    if (series !== undefined) this.#store.append(series, nowMs, value);
  }

  /** As after a scrape that failed: all but `up` have ended. */
  #end(nowMs: number): void {
    for (const [key, series] of this.#series)
      if (series !== undefined && !key.startsWith("up ")) this.#store.appendStale(series, nowMs);
  }

  #restart(startedAtMs: number): void {
    this.#startedAtMs = startedAtMs;
    this.#requests = { ok: 0, failed: 0 };
    this.#buckets = [];
    this.#cpuS = 0;
  }

  /** A whole number with that mean, as requests come by chance. */
  #countOf(mean: number): number {
    if (mean <= 0) return 0;
    const spread = Math.sqrt(mean) * normal(this.#random);
    const count = mean > 20 ? mean + spread : poisson(mean, this.#random);
    return Math.max(0, Math.round(count));
  }
}

/** The share of log-normal times that is at most so long. */
function logNormalShare(boundS: number, { medianS, sigma }: Moment): number {
  return normalShare(Math.log(boundS / medianS) / sigma);
}

/** The standard normal distribution function. @see Abramowitz and Stegun, 26.2.17 */
function normalShare(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const polynomial =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * polynomial;
  return z >= 0 ? 1 - tail : tail;
}

/** Box and Muller's. */
export function normal(random: () => number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}

function poisson(mean: number, random: () => number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}
