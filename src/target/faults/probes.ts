/** Probes that fail while the service works: liveness and readiness. */

import type { Probe } from "../probes.ts";
import { defineKind } from "./kind.ts";

export const health = probeKind("health", "Makes GET /health fail: the container turns unhealthy.");
export const ready = probeKind("ready", "Makes GET /ready fail: a balancer sends no more traffic.");

function probeKind(probe: Probe, summary: string) {
  return defineKind({
    kind: probe,
    summary,
    example: { duration: 60 },
    parameters: () => ({}),
    order: (_, { probes }) => ({
      requested: 1,
      unit: "of the probes",
      async inject({ signal, applied, measureBy }) {
        const { over, tally } = probes.fail(probe, signal);
        measureBy(() => {
          const { asked, failed } = tally();
          return asked === 0 ? undefined : failed / asked;
        });
        applied();
        await over;
      },
    }),
  });
}
