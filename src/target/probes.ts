/** What the probes answer: the service lives, and whether it takes traffic. */

import { HttpError } from "./http-error.ts";
import { whenAborted } from "../core/abort.ts";

export const PROBES = ["health", "ready"] as const;
export type Probe = (typeof PROBES)[number];

/** How often a probe was asked while a fault made it fail, and how often it failed. */
interface ProbeTally {
  readonly asked: number;
  readonly failed: number;
}

export interface Probes {
  answer(probe: Probe): Response;
  /** Makes a probe fail until the signal aborts. */
  fail(probe: Probe, signal: AbortSignal): ProbeFailure;
  /** Makes the readiness probe fail from now on. */
  drain(): void;
}

interface ProbeFailure {
  readonly over: Promise<void>;
  tally(): ProbeTally;
}

/** The answers as text, since throughput is measured on probes. */
const FINE = { health: '{"status":"ok"}', ready: '{"status":"ready"}' } as const;
const JSON_HEADERS = { headers: { "content-type": "application/json" } };

export function createProbes(): Probes {
  const failing = { health: 0, ready: 0 };
  const tallies = { health: { asked: 0, failed: 0 }, ready: { asked: 0, failed: 0 } };
  let isDraining = false;

  return {
    answer(probe) {
      tallies[probe].asked += 1;
      if (failing[probe] > 0) {
        tallies[probe].failed += 1;
        return refusal("failing", `a fault makes the ${probe} probe fail`);
      }
      if (isDraining && probe === "ready") return refusal("draining", "the service is stopping");
      return new Response(FINE[probe], JSON_HEADERS);
    },
    fail(probe, signal) {
      const before = { ...tallies[probe] };
      const hold = async () => {
        failing[probe] += 1;
        await whenAborted(signal);
        failing[probe] -= 1;
      };
      return {
        over: hold(),
        tally: () => ({
          asked: tallies[probe].asked - before.asked,
          failed: tallies[probe].failed - before.failed,
        }),
      };
    },
    drain: () => (isDraining = true),
  };
}

function refusal(code: string, message: string): Response {
  return new HttpError(503, code, message).toResponse();
}
