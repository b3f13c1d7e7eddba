/** All kinds of faults, and an order made from what a client asks for. */

import { nearest } from "../text/did-you-mean.ts";
import { FAULT_KINDS, type FaultKind, type FaultOrder } from "./fault.ts";
import { block } from "./faults/block.ts";
import { cpu } from "./faults/cpu.ts";
import { crash } from "./faults/crash.ts";
import { disk } from "./faults/disk.ts";
import { errors } from "./faults/errors.ts";
import { fds } from "./faults/fds.ts";
import { hang } from "./faults/hang.ts";
import type { FaultEnvironment, KindOfFault } from "./faults/kind.ts";
import { latency } from "./faults/latency.ts";
import { logs } from "./faults/logs.ts";
import { memory } from "./faults/memory.ts";
import { health, ready } from "./faults/probes.ts";
import { invalid, shown } from "./parameters.ts";

export const KINDS = {
  cpu,
  memory,
  latency,
  errors,
  crash,
  hang,
  block,
  disk,
  fds,
  logs,
  health,
  ready,
} as const satisfies Record<FaultKind, KindOfFault>;

/**
 * @param body what `POST /faults` was sent, as JSON
 * @throws HttpError 422 naming the field that is unknown, malformed or out of range
 */
export function orderFault(body: unknown, environment: FaultEnvironment): FaultOrder {
  return KINDS[kindOf(body)].order(body, environment);
}

function kindOf(body: unknown): FaultKind {
  const all = FAULT_KINDS.join(", ");
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw invalid("body", `the body must be a JSON object such as {"kind":"cpu","load":50}`);
  }
  const kind: unknown = "kind" in body ? body.kind : undefined;
  if (kind === undefined) throw invalid("kind", `kind is missing: one of ${all}`);
  const known = FAULT_KINDS.find((name) => name === kind);
  if (known !== undefined) return known;
  const near = typeof kind === "string" ? nearest(kind, FAULT_KINDS) : undefined;
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  throw invalid("kind", `kind must be one of ${all}, not ${shown(kind)}${hint}`);
}
