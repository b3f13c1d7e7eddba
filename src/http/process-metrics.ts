/** The observer's own process, under the names that Prometheus clients share. */

import { Counter, Gauge, type Registry } from "prom-client";

/** What the system says of this process now. */
export interface ProcessFigures {
  /** User and system, workers included. */
  readonly cpuSeconds: number;
  /** `undefined` where the system does not say; so are the next ones. */
  readonly residentBytes: number | undefined;
  /** Unix time. */
  readonly startedAtS: number;
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
      show(resident, figures.residentBytes);
      started.set(figures.startedAtS);
      if (openFds !== undefined) show(openFds, figures.openFds);
    },
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const resident = gauge("process_resident_memory_bytes", "Memory that is resident.");
  const started = gauge("process_start_time_seconds", "When the process started, Unix time.");
  const hasFds = read().openFds !== undefined;
  const openFds = hasFds ? gauge("process_open_fds", "Open file descriptors.") : undefined;
}

/** What is not known has no sample: it is not zero. */
function show(gauge: Gauge, value: number | undefined): void {
  if (value === undefined) gauge.remove();
  else gauge.set(value);
}
