/** Memory that is really resident, and is given back when its fault ends. */

import type { HttpError } from "../http-error.ts";
import { invalid } from "../parameters.ts";
import { delay, untilAborted } from "../waiting.ts";
import { defineKind, whole, within } from "./kind.ts";

export const BYTES_PER_MB = 1024 * 1024;

export interface MemoryProbe {
  /** What this process has in memory now. */
  residentBytes(): number;
  /** How large this process may become. */
  allowedBytes(): number;
  /** Whether a limit of its own (a container's) ends this process, and no other, when it goes too far. */
  hasOwnLimit(): boolean;
}

export interface HeldMemory {
  readonly probe: MemoryProbe;
  /** How many whole megabytes may be added now; 0 when there is no room. */
  allowedMb(): number;
  /**
   * A block that grows as it is filled. Whoever fills it has checked `allowedMb()` in the same turn of the
   * loop.
   */
  reserve(megabytes: number): MemoryBlock;
}

/** So many megabytes (of 1,048,576 bytes), promised to one holder. */
export interface MemoryBlock {
  /** Adds up to 4 MB and lets others run; `false` when the block is full. */
  grow(upToMb?: number): Promise<boolean>;
  /** By how much the process has grown since, what other blocks have added or given back taken away. */
  growthBytes(): number;
  heldMb(): number;
  /** Gives everything back to the system. */
  release(): void;
}

const DEFAULT_MB = 100;
const MOST_MB = 1_000_000;
/** How often a leak grows. */
const LEAK_STEP_MS = 50;
/** About 1 ms of page faults: between two chunks the loop answers others. */
const CHUNK_MB = 4;
/** Untouched pages are not resident, and pages of zeros could be shared: they are filled with this. */
const FILL_BYTE = 0x41;

export function createHeldMemory(probe: MemoryProbe): HeldMemory {
  // Promised to blocks that are not full, hence not resident yet: two may not have the same room.
  let pendingMb = 0;
  let totalMb = 0;

  return {
    probe,
    allowedMb() {
      const roomBytes = probe.allowedBytes() - probe.residentBytes();
      return Math.max(0, Math.floor(roomBytes / BYTES_PER_MB) - pendingMb);
    },
    reserve(megabytes) {
      const chunks: Buffer[] = [];
      let heldMb = 0;
      let leftMb = megabytes;
      pendingMb += megabytes;
      const othersBytes = () => probe.residentBytes() - totalMb * BYTES_PER_MB;
      const beforeBytes = othersBytes();
      return {
        async grow(upToMb = CHUNK_MB) {
          const chunkMb = Math.min(upToMb, CHUNK_MB, leftMb);
          chunks.push(Buffer.alloc(Math.ceil(chunkMb * BYTES_PER_MB), FILL_BYTE));
          heldMb += chunkMb;
          totalMb += chunkMb;
          leftMb -= chunkMb;
          pendingMb -= chunkMb;
          await nextTurn();
          return leftMb > 0;
        },
        growthBytes: () => othersBytes() - beforeBytes + heldMb * BYTES_PER_MB,
        heldMb: () => heldMb,
        release() {
          chunks.length = 0;
          totalMb -= heldMb;
          pendingMb -= leftMb;
          const wasHeld = heldMb > 0;
          heldMb = 0;
          leftMb = 0;
          if (wasHeld) Bun.gc(true);
        },
      };
    },
  };
}

export const memory = defineKind({
  kind: "memory",
  summary: "Holds resident memory: at once, or as a leak of so much a second.",
  example: { megabytes: 200, rate: 20, duration: 60 },
  parameters: () => ({
    megabytes: whole(1, MOST_MB, `MB of ${BYTES_PER_MB} bytes`).default(DEFAULT_MB),
    rate: within(0.1, MOST_MB, "MB a second; at once without it").optional(),
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
          await untilAborted(signal);
        } finally {
          block.release();
        }
      },
    };
  },
});

/** Fills the whole block, as fast as it goes. */
export async function fill(block: MemoryBlock, signal: AbortSignal): Promise<void> {
  do signal.throwIfAborted();
  while (await block.grow());
  signal.throwIfAborted();
}

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

/** Lets I/O and timers run first; a mere microtask would not. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
