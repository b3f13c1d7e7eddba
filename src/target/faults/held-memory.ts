/** Memory that is really resident, and is given back when it is released. */

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

/** Megabytes (of 1,048,576 bytes) that are promised to one holder. */
export interface MemoryBlock {
  /** Adds up to 4 MB and lets others run; `false` when the block is full. */
  grow(upToMb?: number): Promise<boolean>;
  /** By how much the process has grown since, what other blocks have added or given back taken away. */
  growthBytes(): number;
  heldMb(): number;
  /** Gives everything back to the system. */
  release(): void;
}

/** About 1 ms of page faults: between two chunks the loop answers others. */
const CHUNK_MB = 4;
/** Untouched pages are not resident, and pages of zeros could be shared: they are filled with this. */
const FILL_BYTE = 0x41;

export function createHeldMemory(probe: MemoryProbe): HeldMemory {
  // Megabytes promised to blocks that are not full, hence not resident yet: two must not get the same room.
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

/** Fills the whole block, as fast as possible. */
export async function fill(block: MemoryBlock, signal: AbortSignal): Promise<void> {
  do signal.throwIfAborted();
  while (await block.grow());
  signal.throwIfAborted();
}

/** Lets I/O and timers run first; a mere microtask would not. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
