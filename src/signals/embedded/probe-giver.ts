/** The probes of services, as series. */

import type { SeriesGiver } from "../../core/given-series.ts";
import type { Service } from "../../core/model.ts";
import { probeSeries } from "../probes/probe-series.ts";

/** A service that answers late is no sick one, however often rules are evaluated. */
const MIN_INTERVAL_MS = 2000;

/** Between two probes of a service. */
export function probeIntervalMs(pollIntervalMs: number): number {
  return Math.max(pollIntervalMs, MIN_INTERVAL_MS);
}

export function createProbeGiver(
  services: readonly Pick<Service, "name" | "health">[],
): SeriesGiver {
  return {
    job: "sentinel-probe",
    minIntervalMs: MIN_INTERVAL_MS,
    give: (deadlineMs, abort) => probeSeries({ services, deadlineMs }, abort),
  };
}
