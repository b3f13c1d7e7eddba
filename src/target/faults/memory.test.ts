import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createLeak as createLeakOf } from "./leak.ts";
import { BYTES_PER_MB, createHeldMemory, type MemoryProbe } from "./held-memory.ts";

const staying = new AbortController().signal;

/** A process of its own: what other tests leave to the garbage collector is not in its memory. */
const LEAK_OF_200_MB = `
  import { readFileSync } from "node:fs";
  import { createHeldMemory } from ${JSON.stringify(join(import.meta.dir, "held-memory.ts"))};
  import { createLeak } from ${JSON.stringify(join(import.meta.dir, "leak.ts"))};
  // What the kernel says, not what the runtime says.
  const residentBytes = () =>
    1024 * Number(/^VmRSS:\\s+(\\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  const leak = createLeak(createHeldMemory({ residentBytes, allowedBytes: () => Infinity }));
  const before = residentBytes();
  const reported = await leak.add(200, new AbortController().signal);
  const grown = residentBytes() - before;
  const held = leak.heldMb();
  leak.release();
  const left = residentBytes() - before;
  console.log(JSON.stringify({ reported, grown, left, held, heldAfter: leak.heldMb() }));
`;

function probeOf(allowedMb: number): MemoryProbe {
  return {
    residentBytes: () => 0,
    allowedBytes: () => allowedMb * BYTES_PER_MB,
    hasOwnLimit: () => false,
  };
}

function createLeak(probe: MemoryProbe) {
  const memory = createHeldMemory(probe);
  return { ...createLeakOf(memory), allowedMb: () => memory.allowedMb() };
}

describe("a leak", () => {
  test("is resident by as much as was asked, until it is released", async () => {
    const child = Bun.spawn([process.execPath, "-e", LEAK_OF_200_MB], { stderr: "inherit" });
    const seen = await new Response(child.stdout).json();
    expect(seen.grown / BYTES_PER_MB).toBeWithin(190, 215);
    expect(seen.reported / BYTES_PER_MB).toBeWithin(190, 215);
    expect(seen.held).toBe(200);
    expect(seen.heldAfter).toBe(0);
    expect(seen.left / BYTES_PER_MB).toBeLessThan(60);
  });

  test("leaves the loop free to do other things", async () => {
    const leak = createLeak(probeOf(Infinity));
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await leak.add(200, staying);
    clearInterval(timer);
    leak.release();
    expect(turns).toBeGreaterThan(5);
  });

  test("that is interrupted holds nothing and takes no room", async () => {
    const leak = createLeak(probeOf(1_000));
    const client = new AbortController();
    const adding = leak.add(500, client.signal);
    client.abort(new Error("gone"));
    await expect(adding).rejects.toThrow("gone");
    expect(leak.heldMb()).toBe(0);
    expect(leak.allowedMb()).toBe(1_000);
  });

  test("under way has its room reserved", async () => {
    const leak = createLeak(probeOf(100));
    expect(leak.allowedMb()).toBe(100);
    const adding = leak.add(40, staying);
    // Its first chunk is resident, which this probe does not see.
    expect(leak.allowedMb()).toBe(64);
    await adding;
    leak.release();
  });

  test.each([
    ["below a whole megabyte there is no room", 0.9, 0],
    ["a whole megabyte is room for one", 1, 1],
    ["past the limit there is no room", -5, 0],
  ])("%s", (_, allowedMb, expected) => {
    expect(createHeldMemory(probeOf(allowedMb)).allowedMb()).toBe(expected);
  });
});
