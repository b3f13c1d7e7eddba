/** Faults of one request alone, asked for by its header `X-Sentinel-Fault`. */

import type { FaultOrder } from "./fault.ts";
import type { Faults } from "./faults.ts";
import { invalid, shown } from "./parameters.ts";
import { injected } from "./traffic.ts";
import { delay } from "./waiting.ts";

export const FAULT_HEADER = "x-sentinel-fault";

const MAX_LATENCY_S = 120;
const FORM = `must be latency=S (up to ${MAX_LATENCY_S}), status=N (400 to 599), or both with a comma, such as latency=2,status=503`;

interface RequestFault {
  readonly latencyS?: number;
  readonly status?: number;
}

/**
 * Applies what the header says, each part as a fault like any other.
 *
 * @param header e.g. `latency=2`, `status=503`, or both with a comma between
 * @throws HttpError with the status that was asked for, or 422; and what `Faults.start` throws
 */
export async function sufferHeader(
  header: string,
  faults: Faults,
  client: AbortSignal,
): Promise<void> {
  const { latencyS, status } = parseHeader(header);
  if (latencyS !== undefined) await faults.start(late(latencyS), client).ended;
  if (status === undefined) return;
  await faults.start(failing(status), client).ended;
  throw injected(status);
}

function parseHeader(header: string): RequestFault {
  const fault: { latencyS?: number; status?: number } = {};
  for (const part of header.split(",")) {
    const [, name, digits] = /^\s*(latency|status)=(\d{1,9}(?:\.\d{1,9})?)\s*$/.exec(part) ?? [];
    const value = Number(digits);
    const isLatency = name === "latency" && value <= MAX_LATENCY_S;
    const isStatus = name === "status" && Number.isInteger(value) && value >= 400 && value <= 599;
    if (isLatency && fault.latencyS === undefined) fault.latencyS = value;
    else if (isStatus && fault.status === undefined) fault.status = value;
    else throw invalid(FAULT_HEADER, `X-Sentinel-Fault ${FORM}, not ${shown(header)}`);
  }
  return fault;
}

function late(latencyS: number): FaultOrder {
  return {
    kind: "latency",
    plan: { min: latencyS, max: latencyS, requests: 1 },
    durationMs: latencyS * 1000,
    endsByItself: true,
    requested: latencyS,
    unit: "s (median)",
    async inject({ signal, applied, measureBy }) {
      const fromMs = performance.now();
      applied();
      await delay(latencyS * 1000, signal);
      const tookS = (performance.now() - fromMs) / 1000;
      measureBy(() => tookS);
    },
  };
}

function failing(status: number): FaultOrder {
  return {
    kind: "errors",
    plan: { status, first: 1, requests: 1 },
    durationMs: 0,
    endsByItself: true,
    requested: 1,
    unit: "requests",
    async inject({ measureBy }) {
      measureBy(() => 1);
    },
  };
}
