/** Memory that nobody gives back: until the process stops, or all faults are ended. */

import { fill, type HeldMemory, type MemoryBlock } from "./held-memory.ts";

export interface Leak {
  /**
   * Adds that many megabytes and holds them. When the signal aborts in between, what this call has added is
   * given back. The caller has checked `allowedMb()` of the memory in the same turn of the loop.
   *
   * @returns bytes by which the process has grown
   */
  add(megabytes: number, signal: AbortSignal): Promise<number>;
  heldMb(): number;
  /** Gives everything back. */
  release(): void;
}

export function createLeak(memory: HeldMemory): Leak {
  const blocks: MemoryBlock[] = [];

  return {
    async add(megabytes, signal) {
      const block = memory.reserve(megabytes);
      try {
        await fill(block, signal);
      } catch (error) {
        block.release();
        throw error;
      }
      blocks.push(block);
      return block.growthBytes();
    },
    heldMb: () => blocks.reduce((sum, block) => sum + block.heldMb(), 0),
    release() {
      for (const block of blocks.splice(0)) block.release();
    },
  };
}
