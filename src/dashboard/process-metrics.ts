/** The observer's own process, under the names that Prometheus clients share. */

import { Counter, Gauge, type Registry } from "prom-client";

/** What the system says of this process now. */
export interface ProcessFigures {
  /** User and system, workers included. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Unix time. */
  readonly startedAtS: number;
  /** `undefined` where the system does not tell. */
  readonly openFds: number | undefined;
}

/** Adds the metrics; the figures are read once each time that the registry is rendered. */
export function exportProcess(registry: Registry, read: () => ProcessFigures): void {
  const registers = [registry];
  const cpu = new Counter({
    name: "process_cpu_seconds_total",
    help: "CPU time, user and system, workers included.",
    registers,
    collect() {
      const figures = read();
      cpu.reset();
      cpu.inc(figures.cpuSeconds);
      resident.set(figures.residentBytes);
      started.set(figures.startedAtS);
      openFds?.set(figures.openFds ?? 0);
    },
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const resident = gauge("process_resident_memory_bytes", "Memory that is resident.");
  const started = gauge("process_start_time_seconds", "When the process started, Unix time.");
  const hasFds = read().openFds !== undefined;
  const openFds = hasFds ? gauge("process_open_fds", "Open file descriptors.") : undefined;
}
