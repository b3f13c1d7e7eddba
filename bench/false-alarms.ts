/**
 * How often the built-in rules cry wolf: simulated weeks of healthy services of many shapes, and beside
 * them the same services with a fault: `bun bench/false-alarms.ts [--seeds=N] [--shape=NAME]`.
 *
 * Exit 1 when a shape has more than one false alarm a week, or a fault is missed.
 */

import { parseArgs } from "node:util";
import { createMonitor, type Monitor } from "../src/rules/monitor.ts";
import { budgetBurnRule, budgetLeakRule } from "../src/rules/pointing-rules.ts";
import { builtInRules } from "../src/rules/built-in-rules.ts";
import { readRule, type RuleSource } from "../src/rules/rules.ts";
import type { Rule } from "../src/core/model.ts";
import type { SignalSource } from "../src/core/ports.ts";
import { evaluateInstant } from "../src/promql/evaluate.ts";
import { parseExpression } from "../src/promql/parse.ts";
import { createSeriesStore, type MemoryStore } from "../src/signals/embedded/store.ts";
import { NEVER, service, START_MS } from "../test/support/fixtures.ts";
import { randomFrom } from "../test/promql/random.ts";
import { FAULTS, type Fault } from "./false-alarms/faults.ts";
import { Exporter, JOB } from "./false-alarms/moment.ts";
import {
  DAY_MS,
  HOUR_MS,
  type Limits,
  MINUTE_MS,
  type Shape,
  SHAPES,
} from "./false-alarms/shapes.ts";

const STEP_MS = 30_000;
const WINDOW_MS = 4 * STEP_MS;
const WEEK_MS = 7 * DAY_MS;
const AVAILABILITY = 0.999;
/** Rules that look back for days are as right when they are asked less often. */
const SLOW_EVERY = 10;
const MAX_A_WEEK = 1;
/** A fault begins on the second day, at an hour of its own, and is given so long to be found. */
const FOUND_WITHIN_MS = 3 * HOUR_MS;

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "20" }, shape: { type: "string" } },
});
const SEEDS = Number(values.seeds);
const shapes = SHAPES.filter(({ name }) => values.shape === undefined || name === values.shape);

const SHOP = service({ name: JOB, job: JOB });

const ALL = `http_requests_total{job="${JOB}"}`;
const FAILED = `http_requests_total{job="${JOB}",status=~"5.."}`;
const ERRORS = {
  ratio: (range: string) => `sum(rate(${FAILED}[${range}])) / sum(rate(${ALL}[${range}]))`,
  count: (range: string) => `sum(increase(${FAILED}[${range}]))`,
};

function rulesOf(limits: Limits): { readonly quick: Rule[]; readonly slow: Rule[] } {
  const { cpuCores: cpu, latencyS: latencySeconds, memoryBytes } = limits;
  const thresholds = { cpu, latencySeconds, memoryBytes, errorRatio: 0.05 };
  const read = (sources: readonly RuleSource[]) =>
    sources.map((source) => readRule(source, "bench", JOB));
  return {
    quick: read(builtInRules({ service: SHOP, thresholds, windowMs: WINDOW_MS })),
    slow: read([
      budgetBurnRule(SHOP, AVAILABILITY, ERRORS),
      budgetLeakRule(SHOP, AVAILABILITY, ERRORS),
    ]),
  };
}

/** The present of a story; the wall clock is never set in it. */
class Time {
  nowMs = START_MS;
  readonly clock = {
    nowMs: () => this.nowMs,
    toWall: (atMs: number) => atMs,
    fromWall: (atMs: number) => atMs,
    sleep: () => Promise.resolve(),
  };
}

function sourceOf(store: MemoryStore, time: Time): SignalSource {
  const parsed = new Map<string, ReturnType<typeof parseExpression>>();
  return {
    query(expr) {
      const known = parsed.get(expr) ?? parseExpression(expr);
      parsed.set(expr, known);
      const value = evaluateInstant(known, store, { atMs: time.nowMs });
      if (value.type !== "vector") throw new Error(`${expr} gives a ${value.type}`);
      return Promise.resolve(value.samples);
    },
    range: () => Promise.resolve([]),
    scrapeIntervalMs: () => Promise.resolve(STEP_MS),
  };
}

interface Story {
  readonly shape: Shape;
  readonly seed: number;
  readonly forMs: number;
  readonly fault?: { readonly what: Fault; readonly fromMs: number };
}

interface Fired {
  readonly alert: string;
  readonly afterMs: number;
}

/** Tells each time that an alert begins to fire. */
async function tell({ shape, seed, forMs, fault }: Story, onFired: (fired: Fired) => void) {
  const random = randomFrom(seed);
  const time = new Time();
  const store = createSeriesStore({ windowMs: 3 * DAY_MS + HOUR_MS, maxSamplesPerSeries: 20_000 });
  const exporter = new Exporter(store, random);
  const momentAt = shape.begin(random);
  const { quick, slow } = rulesOf(shape.limits);
  const source = sourceOf(store, time);
  const monitorOf = (rules: readonly Rule[], pollIntervalMs: number) =>
    createMonitor(
      {
        rulesFor: () => rules,
        findWindowMs: () => Promise.resolve(WINDOW_MS),
        fallbackWindowMs: WINDOW_MS,
        pollIntervalMs,
      },
      source,
      time.clock,
    );
  const monitors = [monitorOf(quick, STEP_MS), monitorOf(slow, SLOW_EVERY * STEP_MS)];
  const firing = new Set<string>();
  for (let step = 0; step * STEP_MS < forMs; step += 1) {
    const atMs = step * STEP_MS;
    time.nowMs = START_MS + atMs;
    const calm = momentAt(atMs);
    const isSick = fault !== undefined && atMs >= fault.fromMs;
    const moment = isSick ? fault.what.apply(calm, atMs - fault.fromMs) : calm;
    const startedAtMs = START_MS + moment.startedAtMs;
    exporter.pass({ ...moment, startedAtMs }, time.nowMs, STEP_MS);
    for (const [index, monitor] of monitors.entries())
      if (index === 0 || step % SLOW_EVERY === 0)
        for (const alert of await newlyFiring(monitor, firing)) onFired({ alert, afterMs: atMs });
  }
}

async function newlyFiring(monitor: Monitor, firing: Set<string>): Promise<readonly string[]> {
  const { alerts } = await monitor.poll(NEVER);
  const fired: string[] = [];
  for (const rule of monitor.rules) {
    const isFiring = alerts.some((one) => one.rule === rule && one.state === "firing");
    const key = `${rule.alert} ${rule.expr}`;
    if (isFiring && !firing.has(key)) fired.push(rule.alert);
    if (isFiring) firing.add(key);
    else firing.delete(key);
  }
  return fired;
}

let isMissed = false;

console.log(`False alarms in a healthy week (mean of ${SEEDS} weeks; ${MAX_A_WEEK} is the most):`);
for (const shape of shapes) {
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS; seed += 1)
    await tell({ shape, seed, forMs: WEEK_MS }, ({ alert }) =>
      counts.set(alert, (counts.get(alert) ?? 0) + 1),
    );
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0) / SEEDS;
  if (total > MAX_A_WEEK) isMissed = true;
  const parts = [...counts].map(([alert, count]) => `${alert} ${(count / SEEDS).toFixed(2)}`);
  const mark = total > MAX_A_WEEK ? "MISS" : "ok  ";
  console.log(
    `${mark}  ${shape.name.padEnd(18)} ${total.toFixed(2).padStart(6)}   ${parts.join(", ")}`,
  );
}

console.log(`\nFaults of the same services, found within ${FOUND_WITHIN_MS / HOUR_MS} h:`);
for (const what of FAULTS) {
  const afterS: number[] = [];
  let missed = 0;
  for (const shape of shapes)
    for (let seed = 1; seed <= Math.ceil(SEEDS / 4); seed += 1) {
      const fromMs = DAY_MS + (8 + (seed % 12)) * HOUR_MS + 17 * MINUTE_MS;
      let foundMs: number | undefined;
      const forMs = fromMs + FOUND_WITHIN_MS;
      await tell({ shape, seed, forMs, fault: { what, fromMs } }, ({ alert, afterMs }) => {
        if (what.alerts.includes(alert) && afterMs >= fromMs)
          foundMs ??= afterMs - fromMs + STEP_MS;
      });
      if (foundMs === undefined) missed += 1;
      else afterS.push(foundMs / 1000);
    }
  afterS.sort((a, b) => a - b);
  const median = afterS[Math.floor(afterS.length / 2)];
  console.log(
    `      ${what.name.padEnd(18)} found ${String(afterS.length).padStart(4)}, missed ${String(missed).padStart(3)}   median after ${median ?? "-"} s, worst ${afterS.at(-1) ?? "-"} s`,
  );
}
process.exitCode = isMissed ? 1 : 0;
