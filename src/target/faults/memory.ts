/** The fault `memory`: resident memory, at once or as a leak. */

import type { HttpError } from "../http-error.ts";
import { invalid } from "../parameters.ts";
import { whenAborted } from "../../core/abort.ts";
import { delay } from "../waiting.ts";
import { BYTES_PER_MB, fill, type MemoryBlock, type MemoryProbe } from "./held-memory.ts";
import { defineKind, whole, within } from "./kind.ts";

const DEFAULT_MB = 100;
const MAX_MB = 1_000_000;
/** How often a leak grows. */
const LEAK_STEP_MS = 50;

export const memory = defineKind({
  kind: "memory",
  summary: "Holds resident memory: at once, or as a leak of so much a second.",
  example: { megabytes: 200, rate: 20, duration: 60 },
  parameters: () => ({
    megabytes: whole(1, MAX_MB, `MB of ${BYTES_PER_MB} bytes`).default(DEFAULT_MB),
    rate: within(0.1, MAX_MB, "MB a second; at once without it").optional(),
  }),
  order({ megabytes, rate }, { memory }) {
    const allowedMb = memory.allowedMb();
    if (megabytes > allowedMb) throw noRoom(megabytes, allowedMb);
    return {
      requested: megabytes,
      unit: "MB",
      async inject({ signal, applied, measureBy }) {
        const block = memory.reserve(megabytes);
        measureBy(() => block.growthBytes() / BYTES_PER_MB);
        try {
          if (rate === undefined) await fill(block, signal);
          else await leak(block, { rate, applied, probe: memory.probe }, signal);
          applied();
          await whenAborted(signal);
        } finally {
          block.release();
        }
      },
    };
  },
});

interface LeakOptions {
  /** MB a second. */
  readonly rate: number;
  readonly applied: () => void;
  readonly probe: MemoryProbe;
}

async function leak(block: MemoryBlock, options: LeakOptions, signal: AbortSignal): Promise<void> {
  const { rate, applied, probe } = options;
  const startMs = performance.now();
  let isFull = false;
  while (!isFull) {
    const dueMb = ((performance.now() - startMs) / 1000) * rate;
    while (!isFull && block.heldMb() < dueMb) {
      signal.throwIfAborted();
      // Others may have taken the room that there was when the leak began.
      if (probe.residentBytes() >= probe.allowedBytes()) throw new Error("no memory is left");
      isFull = !(await block.grow(dueMb - block.heldMb()));
    }
    applied();
    if (!isFull) await delay(LEAK_STEP_MS, signal);
  }
}

export function noRoom(megabytes: number, allowedMb: number): HttpError {
  const why = "80 % of what this machine or container has left";
  const message =
    allowedMb < 1
      ? `no memory is left below ${why}`
      : `megabytes must be from 1 to ${allowedMb} (${why}), not ${megabytes}`;
  return invalid("megabytes", message);
}
