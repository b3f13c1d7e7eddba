/** A leak: memory that is really resident and is not given back until the process stops. */

export const BYTES_PER_MB = 1024 * 1024;

export interface MemoryProbe {
  /** What this process has in memory now. */
  residentBytes(): number;
  /** How large this process may become. */
  allowedBytes(): number;
}

export interface Leak {
  /** How many whole megabytes may be added now; 0 when there is no room. */
  allowedMb(): number;
  /**
   * Adds so many megabytes (of 1,048,576 bytes) and holds them. When the signal aborts in between, what this
   * call has added is given back.
   *
   * The caller has checked `allowedMb()` in the same turn of the loop.
   *
   * @returns bytes by which the process has grown; other allocations of that time are in it
   */
  add(megabytes: number, signal: AbortSignal): Promise<number>;
  heldMb(): number;
  /** Gives everything back. */
  release(): void;
}

/** About 1 ms of page faults: between two chunks the loop answers others. */
const CHUNK_MB = 4;
/** Untouched pages are not resident, and pages of zeros could be shared: they are filled with this. */
const FILL_BYTE = 0x41;

export function createLeak(probe: MemoryProbe): Leak {
  const held = new Set<readonly Buffer[]>();
  let heldMb = 0;
  // Promised to fills under way, but not resident yet: two of them may not have the same room.
  let pendingMb = 0;

  return {
    allowedMb() {
      const roomBytes = probe.allowedBytes() - probe.residentBytes();
      return Math.max(0, Math.floor(roomBytes / BYTES_PER_MB) - pendingMb);
    },
    async add(megabytes, signal) {
      const beforeBytes = probe.residentBytes();
      const chunks: Buffer[] = [];
      let remainingMb = megabytes;
      pendingMb += megabytes;
      try {
        while (remainingMb > 0) {
          signal.throwIfAborted();
          const chunkMb = Math.min(CHUNK_MB, remainingMb);
          chunks.push(Buffer.alloc(chunkMb * BYTES_PER_MB, FILL_BYTE));
          remainingMb -= chunkMb;
          pendingMb -= chunkMb;
          await nextTurn();
        }
        signal.throwIfAborted();
      } catch (error) {
        pendingMb -= remainingMb;
        chunks.length = 0;
        Bun.gc(true);
        throw error;
      }
      held.add(chunks);
      heldMb += megabytes;
      return probe.residentBytes() - beforeBytes;
    },
    heldMb: () => heldMb,
    release() {
      held.clear();
      heldMb = 0;
      Bun.gc(true);
    },
  };
}

/** Lets I/O and timers run first; a mere microtask would not. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
