/** A target to be broken: the compiled executable in its own process, and what its clients see. */

import { expect } from "bun:test";
import { z } from "zod";
import {
  type RunningProcess,
  sentinelBinary,
  type StartOptions,
  startProcess,
} from "../support/binary.ts";
import { until } from "../support/supervise.ts";

const faultSchema = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.enum(["active", "completed", "expired", "cancelled", "failed"]),
  plan: z.record(z.string(), z.unknown()),
  seed: z.int(),
  requested: z.number(),
  measured: z.number().nullable(),
  effect_ratio: z.number().nullable(),
  reason: z.string().optional(),
});
export type Fault = z.infer<typeof faultSchema>;

/** The body of `POST /faults`. */
export type FaultBody = { readonly kind: string } & Readonly<Record<string, unknown>>;

/** A target, by what its clients see. */
export interface TargetClient {
  /** Without a slash at the end. */
  readonly url: string;
  get(path: string, init?: RequestInit): Promise<Response>;
  /** Whatever the answer is. */
  order(body: unknown): Promise<Response>;
  /** Starts a fault, which must succeed. */
  post(body: FaultBody): Promise<Fault>;
  fault(id: string): Promise<Fault>;
  /** Ends it; the answer tells how it was. */
  end(id: string): Promise<Fault>;
  /** Resolves when it has ended by itself. */
  ended(id: string): Promise<Fault>;
  /** A series of `/metrics`, e.g. `sentinel_fault_active{kind="cpu"}`; `undefined` if there is none. */
  metric(series: string): Promise<number | undefined>;
}

/** The same, with the process at hand. */
export interface BreakableTarget extends TargetClient, AsyncDisposable {
  readonly process: RunningProcess;
  readonly pid: number;
}

/** @param options `argv` replaces the executable's, for a shell around it */
export async function startTarget(
  options: StartOptions & { readonly argv?: readonly string[] } = {},
): Promise<BreakableTarget> {
  const { argv = [sentinelBinary(), "--role=target"], env, ...others } = options;
  const started = startProcess(argv, {
    ...others,
    env: { PORT: "0", MAX_ACTIVE_FAULTS: "50", ...env },
  });
  const { url } = await started.event(({ event }) => event === "target_started");
  return {
    ...clientOf(String(url)),
    process: started,
    pid: started.pid,
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}

/** @param url without a slash at the end */
export function clientOf(url: string): TargetClient {
  const get = (path: string, init?: RequestInit) => fetch(`${url}${path}`, init);
  const order = (body: unknown) =>
    get("/faults", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const fault = async (id: string) => faultSchema.parse(await (await get(`/faults/${id}`)).json());
  return {
    url,
    get,
    order,
    async post(body) {
      const response = await order(body);
      const answer: unknown = await response.json();
      expect({ status: response.status, answer }).toMatchObject({ status: 201 });
      return faultSchema.parse(answer);
    },
    fault,
    async end(id) {
      const response = await get(`/faults/${id}`, { method: "DELETE" });
      return faultSchema.parse(await response.json());
    },
    async ended(id) {
      await until(`the end of ${id}`, async () => (await fault(id)).state !== "active");
      return fault(id);
    },
    async metric(series) {
      const text = await (await get("/metrics")).text();
      const line = text.split("\n").find((line) => line.startsWith(`${series} `));
      return line === undefined ? undefined : Number(line.slice(series.length + 1));
    },
  };
}

/** How a request went, by the client's clock. */
export interface Exchange {
  readonly status: number;
  readonly tookMs: number;
}

/** One request, to its last byte. */
export async function exchange(url: string, init: RequestInit = {}): Promise<Exchange> {
  const fromMs = performance.now();
  const response = await fetch(url, init);
  await response.arrayBuffer();
  return { status: response.status, tookMs: performance.now() - fromMs };
}

/** As many requests, some at a time, each on its own. */
export async function exchanges(
  url: string,
  { count, atOnce = 16 }: { readonly count: number; readonly atOnce?: number },
): Promise<readonly Exchange[]> {
  const done: Exchange[] = [];
  let sent = 0;
  const client = async () => {
    while (sent < count) {
      sent += 1;
      done.push(await exchange(url));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return done;
}

/** Requests at their times, whether those before are answered or not: nobody waits for a slow answer. */
export async function openLoop(
  url: string,
  { count, perSecond }: { readonly count: number; readonly perSecond: number },
): Promise<readonly Exchange[]> {
  const startMs = performance.now();
  const under: Promise<Exchange>[] = [];
  while (under.length < count) {
    const due = Math.min(count, Math.ceil(((performance.now() - startMs) / 1000) * perSecond));
    while (under.length < due) under.push(exchange(url));
    await Bun.sleep(2);
  }
  return Promise.all(under);
}

/** The value that the share `quantile` of the values is not above. */
export function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)];
  if (value === undefined) throw new Error("there are no values");
  return value;
}

/** Of so many tries with this probability each, a share outside of it comes once in 100,000 runs. */
export function binomialBound(probability: number, tries: number): number {
  return 4.5 * Math.sqrt((probability * (1 - probability)) / tries);
}

/** Within a part of what it should be, e.g. 0.1 for 10 %. */
export function expectNear(actual: number, expected: number, tolerance: number): void {
  expect(actual).toBeGreaterThanOrEqual(expected * (1 - tolerance));
  expect(actual).toBeLessThanOrEqual(expected * (1 + tolerance));
}
