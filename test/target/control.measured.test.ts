/** Whoever breaks the target keeps the controls in hand: with all kinds active, it still answers them. */

import { expect, test } from "bun:test";
import { availableParallelism } from "node:os";
import { FAULT_KINDS, type FaultKind } from "../../src/target/fault.ts";
import { settled, startBreakable } from "./breaking.ts";

const P99_WITHIN_MS = 250;
const REQUESTS = 400;
const INTERVAL_MS = 20;
const TIMEOUT_MS = 60_000;

/** All but `block`, under which nothing can answer. */
const FAULTS = {
  cpu: { load: 100 },
  memory: { megabytes: 200, rate: 40 },
  latency: { p50: 0.05, p90: 0.2, p99: 0.5, share: 0.5 },
  errors: { status: 503, probability: 0.3 },
  crash: { mode: "exit", delay: 3_600 },
  hang: { share: 0.2 },
  disk: { megabytes: 100 },
  fds: { count: 1_000 },
  logs: { rate: 500 },
  health: {},
  ready: {},
} as const satisfies Record<Exclude<FaultKind, "block">, Readonly<Record<string, unknown>>>;

interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * Requests at a steady rate, whether or not those before have been answered; each is timed from when it was
 * due, so that a pause is not left out.
 */
async function openLoop(url: string): Promise<Latencies> {
  const startMs = performance.now();
  const tookMs = await Promise.all(
    Array.from({ length: REQUESTS }, async (_, nth) => {
      const dueMs = startMs + nth * INTERVAL_MS;
      await Bun.sleep(dueMs - performance.now());
      // A timer may also be a little early.
      const fromMs = Math.min(dueMs, performance.now());
      const response = await fetch(url);
      await response.text();
      expect(response.status).toBe(200);
      return performance.now() - fromMs;
    }),
  );
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(share * REQUESTS) - 1] ?? Infinity;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Ordinary requests that the faults hit, until the signal aborts. */
async function ordinaryTraffic(url: string, signal: AbortSignal): Promise<number> {
  let sent = 0;
  const requests: Promise<unknown>[] = [];
  while (!signal.aborted) {
    const answer = fetch(`${url}/api/items`, { signal }).then((response) => response.text());
    // Those that hang are dropped in the end.
    requests.push(Promise.allSettled([answer]));
    sent += 1;
    await Bun.sleep(INTERVAL_MS);
  }
  await Promise.all(requests);
  return sent;
}

const shown = ({ p50, p99, max }: Latencies) =>
  `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${max.toFixed(1)} ms`;

test(
  `/faults and /metrics answer within ${P99_WITHIN_MS} ms at p99 while all but the loop is broken`,
  async () => {
    await using target = await startBreakable({ MAX_ACTIVE_FAULTS: "20" });
    expect(Object.keys(FAULTS).length).toBe(FAULT_KINDS.length - 1);
    for (const [kind, parameters] of Object.entries(FAULTS)) {
      await target.start({ kind, ...parameters, ...(kind !== "crash" && { duration: 120 }) });
    }
    const stop = new AbortController();
    const traffic = ordinaryTraffic(target.url, stop.signal);
    const [faults, metrics] = await Promise.all([
      openLoop(`${target.url}/faults`),
      openLoop(`${target.url}/metrics`),
    ]);
    expect(await target.activeFaults()).toBe(FAULT_KINDS.length - 1);
    stop.abort();
    const sent = await traffic;
    console.log(
      `${REQUESTS} requests each on ${availableParallelism()} cores, beside ${sent} ordinary ones: ` +
        `/faults ${shown(faults)}; /metrics ${shown(metrics)}`,
    );
    expect(faults.p99).toBeLessThan(P99_WITHIN_MS);
    expect(metrics.p99).toBeLessThan(P99_WITHIN_MS);

    // And the way out works as fast.
    const fromMs = performance.now();
    await target.end();
    expect(performance.now() - fromMs).toBeLessThan(2_000);
    await settled(target.activeFaults, (active) => active === 0);
    expect((await fetch(`${target.url}/api/items`)).status).toBe(200);
  },
  TIMEOUT_MS,
);
