/**
 * The process's own figures, under the names that Prometheus clients share.
 *
 * prom-client's ready-made set also exports what Bun reports wrongly (heap and virtual size, garbage
 * collection, handles) and cannot leave single ones out, so these are chosen by hand.
 */

import { readFileSync, readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, type Registry } from "prom-client";

/** Each sample is a timer that wakes the process: often enough to see 50 ms, rare enough to idle. */
const LOOP_SAMPLE_MS = 20;
const LAG_WINDOW_MS = 10_000;
const LAG_READING_MS = 100;
const LAG_HELP = "delay of the event loop in about the last 10 s.";

/** Adds the metrics to the registry; their values are read when it is rendered. */
export function exportProcess(registry: Registry): void {
  counter("process_cpu_user_seconds_total", "CPU time in user mode, workers included.", () => {
    return process.cpuUsage().user / 1e6;
  });
  counter("process_cpu_system_seconds_total", "CPU time in the kernel, workers included.", () => {
    return process.cpuUsage().system / 1e6;
  });
  counter("process_cpu_seconds_total", "CPU time, user and system, workers included.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  const startedAtS = performance.timeOrigin / 1000;
  gauge("process_start_time_seconds", "When the process started, Unix time.", () => startedAtS);
  gauge("process_resident_memory_bytes", "Memory that is resident.", () => {
    return readWhereShown(() => process.memoryUsage.rss());
  });
  if (process.platform === "linux") exportDescriptors();
  exportLoopLag();

  function exportDescriptors(): void {
    const limits = readWhereShown(() => readFileSync("/proc/self/limits", "utf8"));
    if (limits === undefined) return;
    // One of the descriptors listed belongs to the listing itself.
    const open = () => readdirSync("/proc/self/fd").length - 1;
    gauge("process_open_fds", "Open file descriptors.", () => readWhereShown(open));
    const [, limit] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
    if (limit !== undefined) {
      gauge("process_max_fds", "How many file descriptors may be open.", () => Number(limit));
    }
  }

  function exportLoopLag(): void {
    const read = watchLoopLag();
    gauge("nodejs_eventloop_lag_mean_seconds", `Mean ${LAG_HELP}`, () => read().meanS);
    gauge("nodejs_eventloop_lag_max_seconds", `Longest ${LAG_HELP}`, () => read().maxS);
    gauge("nodejs_eventloop_lag_p50_seconds", `Median ${LAG_HELP}`, () => read().p50S);
    gauge("nodejs_eventloop_lag_p90_seconds", `90th percentile of the ${LAG_HELP}`, () => {
      return read().p90S;
    });
    gauge("nodejs_eventloop_lag_p99_seconds", `99th percentile of the ${LAG_HELP}`, () => {
      return read().p99S;
    });
  }

  /** What cannot be read just then has no sample: it is not zero. */
  function gauge(name: string, help: string, read: () => number | undefined): void {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const value = read();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  }

  function counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
}

interface LoopLag {
  readonly meanS: number;
  readonly maxS: number;
  readonly p50S: number;
  readonly p90S: number;
  readonly p99S: number;
}

/** Delays of about the last 10 s; what one scrape reads is not taken away from another. */
function watchLoopLag(): () => LoopLag {
  const histogram = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  histogram.enable();
  let windowStartMs = performance.now();
  let readAtMs = Number.NEGATIVE_INFINITY;
  let lag: LoopLag = { meanS: 0, maxS: 0, p50S: 0, p90S: 0, p99S: 0 };
  return () => {
    const nowMs = performance.now();
    // One reading serves all figures of a scrape. An empty histogram has NaN and 2^63 in it.
    if (nowMs - readAtMs < LAG_READING_MS || histogram.count === 0) return lag;
    lag = {
      meanS: histogram.mean / 1e9,
      maxS: histogram.max / 1e9,
      p50S: histogram.percentile(50) / 1e9,
      p90S: histogram.percentile(90) / 1e9,
      p99S: histogram.percentile(99) / 1e9,
    };
    readAtMs = nowMs;
    if (nowMs - windowStartMs >= LAG_WINDOW_MS) {
      histogram.reset();
      windowStartMs = nowMs;
    }
    return lag;
  };
}

/** `undefined` where `/proc` is hidden, or has gone since. */
function readWhereShown<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
