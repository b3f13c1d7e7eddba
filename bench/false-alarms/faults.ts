/** What goes wrong, as it shows in what a service exports. */

import type { Moment } from "./moment.ts";

const MB = 1024 * 1024;

export interface Fault {
  readonly name: string;
  /** Of these alerts, one is to find it. */
  readonly alerts: readonly string[];
  /** @returns how it is so long after the fault began */
  apply(moment: Moment, sinceMs: number): Moment;
}

export const FAULTS: readonly Fault[] = [
  {
    name: "hot loop",
    alerts: ["HighCpu"],
    apply: (moment) => ({ ...moment, cpuCores: moment.cpuCores + 1 }),
  },
  {
    name: "latency",
    alerts: ["HighLatency"],
    apply: (moment) => ({ ...moment, medianS: 3 }),
  },
  {
    name: "a third fails",
    alerts: ["HighErrorRatio", "ErrorBudgetBurn"],
    apply: (moment) => ({ ...moment, errorShare: 0.33 }),
  },
  {
    name: "2 % fails",
    alerts: ["HighErrorRatio", "ErrorBudgetBurn"],
    apply: (moment) => ({ ...moment, errorShare: 0.02 }),
  },
  {
    name: "fast leak",
    alerts: ["HighMemory", "MemoryFilling"],
    apply: (moment, sinceMs) => ({
      ...moment,
      residentBytes: moment.residentBytes + (sinceMs / 1000) * MB,
    }),
  },
  {
    name: "slow leak",
    alerts: ["HighMemory", "MemoryFilling"],
    apply: (moment, sinceMs) => ({
      ...moment,
      residentBytes: moment.residentBytes + (sinceMs / 1000) * 0.1 * MB,
    }),
  },
  {
    name: "down",
    alerts: ["TargetDown"],
    apply: (moment) => ({ ...moment, isUp: false }),
  },
  {
    name: "crash loop",
    alerts: ["CrashLoop", "TargetDown"],
    apply: (moment, sinceMs) => ({
      ...moment,
      isUp: sinceMs % 60_000 >= 20_000,
      startedAtMs: sinceMs - (sinceMs % 60_000),
    }),
  },
];
