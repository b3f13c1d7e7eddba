import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { BYTES_PER_MB, createLeak, type MemoryProbe } from "./memory.ts";

const staying = new AbortController().signal;

/** What the kernel says, not what the runtime says. */
function residentBytes(): number {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

function probeOf(allowedMb: number): MemoryProbe {
  return { residentBytes: () => 0, allowedBytes: () => allowedMb * BYTES_PER_MB };
}

describe("a leak", () => {
  test("is resident by as much as was asked, until it is released", async () => {
    const leak = createLeak({ residentBytes, allowedBytes: () => Infinity });
    const before = residentBytes();
    const reported = await leak.add(200, staying);
    const grownMb = (residentBytes() - before) / BYTES_PER_MB;
    expect(grownMb).toBeWithin(190, 215);
    expect(reported / BYTES_PER_MB).toBeWithin(190, 215);
    expect(leak.heldMb()).toBe(200);
    leak.release();
    expect(leak.heldMb()).toBe(0);
    expect((residentBytes() - before) / BYTES_PER_MB).toBeLessThan(60);
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
    expect(createLeak(probeOf(allowedMb)).allowedMb()).toBe(expected);
  });
});
