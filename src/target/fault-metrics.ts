/** The ground truth as metrics: what was injected, against which a detector can be judged. */

import { Counter, Gauge, type Registry } from "prom-client";
import { FAULT_KINDS, FAULT_OUTCOMES } from "./fault.ts";
import type { Faults } from "./faults.ts";

/** Adds the metrics; they are read when the registry is rendered, all kinds from the start. */
export function exportFaults(registry: Registry, faults: Pick<Faults, "counts">): void {
  const registers = [registry];
  new Gauge({
    name: "sentinel_fault_active",
    help: "Faults that are active now, by kind.",
    labelNames: ["kind"],
    registers,
    collect() {
      for (const kind of FAULT_KINDS) this.set({ kind }, faults.counts(kind).active);
    },
  });
  new Counter({
    name: "sentinel_faults_started_total",
    help: "Faults started, by kind.",
    labelNames: ["kind"],
    registers,
    collect() {
      this.reset();
      for (const kind of FAULT_KINDS) this.inc({ kind }, faults.counts(kind).started);
    },
  });
  new Counter({
    name: "sentinel_faults_ended_total",
    help: "Faults that have ended, by kind and outcome.",
    labelNames: ["kind", "outcome"],
    registers,
    collect() {
      this.reset();
      for (const kind of FAULT_KINDS) {
        const { ended } = faults.counts(kind);
        for (const outcome of FAULT_OUTCOMES) this.inc({ kind, outcome }, ended[outcome]);
      }
    },
  });
  new Gauge({
    name: "sentinel_fault_effect_ratio",
    help: "Measured effect over the requested one, of the fault of this kind that was measured last.",
    labelNames: ["kind"],
    registers,
    collect() {
      for (const kind of FAULT_KINDS) {
        const { effectRatio } = faults.counts(kind);
        if (effectRatio !== undefined) this.set({ kind }, effectRatio);
      }
    },
  });
}
