/** What every input of the table is held to while it is met, and the worst that was seen. */

import { expect } from "bun:test";
import type { RunningProcess } from "../support/binary.ts";
import { waitedForCpuMs } from "../target/process.ts";
import { residentMb, type Watching, watchHealth } from "./watching.ts";

const MAX_HEALTH_MS = 250;
const MAX_GROWN_MB = 150;
const FALLS_BACK_WITHIN_MS = 30_000;

/** How late something is that comes once in each interval. */
export class Pulse {
  readonly intervalMs: number;
  #beatMs = performance.now();
  #worstMs = 0;

  constructor(intervalMs: number) {
    this.intervalMs = intervalMs;
  }

  beat(): void {
    const nowMs = performance.now();
    this.#worstMs = Math.max(this.#worstMs, nowMs - this.#beatMs - this.intervalMs);
    this.#beatMs = nowMs;
  }

  /** Until now it has waited for us: the next one is due in an interval. */
  restart(): void {
    this.#beatMs = performance.now();
  }

  /** Since it was last asked. What has not come yet is late as well. */
  worst(): number {
    const worstMs = Math.max(0, this.#worstMs, performance.now() - this.#beatMs - this.intervalMs);
    this.#worstMs = 0;
    return worstMs;
  }
}

interface Figures {
  readonly name: string;
  readonly healthMs: number;
  readonly grownMb: number;
  readonly lateMs: number;
  readonly tookMs: number;
}

export interface TableOptions {
  readonly pid: number;
  /** Of the observer: below it is `/health`. */
  readonly url: string;
  readonly pulse: Pulse;
  /** The next honest question, until it is answered. */
  readonly honest: () => Promise<void>;
}

export interface Table extends AsyncDisposable {
  /** Meets one input; throws unless all bounds held, and the honest question was answered after it. */
  meet(name: string, input: () => Promise<void>): Promise<void>;
  /** Memory is at most that much above what it was at rest. */
  fallsBack(): Promise<void>;
}

/** Of one observer, which is at rest; disposed of, it prints the worst. */
export async function createTable({ pid, url, pulse, honest }: TableOptions): Promise<Table> {
  const watching: Watching = watchHealth(url, pid);
  const figures: Figures[] = [];
  await honest();
  await Bun.sleep(2000);
  const restMb = residentMb(pid);
  return {
    async meet(name, input) {
      await watching.worst();
      pulse.worst();
      const beforeMb = residentMb(pid);
      const waitedBeforeMs = waitedForCpuMs(pid);
      const startedMs = performance.now();
      await input();
      const tookMs = performance.now() - startedMs;
      await honest();
      const lateMs = pulse.worst();
      const { slowestMs: healthMs, mostMb } = await watching.worst();
      const grownMb = Math.max(0, mostMb - Math.min(beforeMb, mostMb));
      figures.push({ name, healthMs, grownMb, lateMs, tookMs });
      // What others took of the processor is not the observer's delay.
      const waitedMs = waitedForCpuMs(pid) - waitedBeforeMs;
      expect(healthMs - waitedMs).toBeLessThan(MAX_HEALTH_MS);
      expect(grownMb).toBeLessThan(MAX_GROWN_MB);
      expect(lateMs - waitedMs).toBeLessThan(pulse.intervalMs);
    },
    async fallsBack() {
      const untilMs = performance.now() + FALLS_BACK_WITHIN_MS;
      while (residentMb(pid) > restMb + MAX_GROWN_MB && performance.now() < untilMs)
        await Bun.sleep(200);
      expect(residentMb(pid)).toBeLessThan(restMb + MAX_GROWN_MB);
      await watching[Symbol.asyncDispose]();
    },
    async [Symbol.asyncDispose]() {
      await watching[Symbol.asyncDispose]();
      console.log(report(figures, restMb));
    },
  };
}

/** The last question to an observer that has met all of a table; it ends with this. */
export async function endsWell(table: Table, observer: RunningProcess): Promise<void> {
  await table.fallsBack();
  expect(observer.stdout()).not.toContain("action_started");
  observer.kill("SIGTERM");
  expect(await observer.exited).toBe(0);
}

function report(figures: readonly Figures[], restMb: number): string {
  const worst = (what: string, by: (one: Figures) => number) =>
    figures
      .toSorted((a, b) => by(b) - by(a))
      .slice(0, 3)
      .map((one) => `  ${what.padEnd(28)}${by(one).toFixed(0).padStart(6)}  ${one.name}`);
  return [
    `${figures.length} inputs; at rest ${restMb.toFixed(0)} MB. The worst:`,
    ...worst("health answered after, ms", (one) => one.healthMs),
    ...worst("memory grown by, MB", (one) => one.grownMb),
    ...worst("poll late by, ms", (one) => one.lateMs),
    ...worst("met within, ms", (one) => one.tookMs),
  ].join("\n");
}

/** Asks again until it is so. @throws Error with what was last found, after 20 s */
export async function eventually(what: string, found: () => Promise<unknown>): Promise<void> {
  const untilMs = performance.now() + 20_000;
  for (;;) {
    const now = await found().catch(String);
    if (now === true) return;
    if (performance.now() > untilMs)
      throw new Error(`${what} did not come: ${JSON.stringify(now)}`);
    await Bun.sleep(50);
  }
}
