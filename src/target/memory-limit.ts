/** How large this process may become, from what its cgroup and the machine allow. */

import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { join } from "node:path";
import type { MemoryProbe } from "./faults/memory.ts";

/** Past this share the kernel would soon pick a process to kill, and it may pick another one. */
const ALLOWED_SHARE = 0.8;

/** Text of a file, `undefined` if there is none. */
export type ReadText = (path: string) => string | undefined;

/** This process on this machine. The limit is read anew each time: it can be changed while we run. */
export const systemMemory: MemoryProbe = {
  residentBytes: () => process.memoryUsage.rss(),
  allowedBytes() {
    const totalBytes = Math.min(totalmem(), cgroupLimitBytes(readText));
    // A machine that others fill already allows less than its size says.
    const reachableBytes = process.memoryUsage.rss() + availableBytes(readText);
    return Math.floor(ALLOWED_SHARE * Math.min(totalBytes, reachableBytes));
  },
};

/**
 * The tightest memory limit of the process's cgroup and of those above it, version 2 or 1; Infinity without.
 *
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
 */
export function cgroupLimitBytes(read: ReadText): number {
  const limits: number[] = [];
  for (const line of (read("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) continue;
    const isMemoryV1 = controllers?.split(",").includes("memory") === true;
    if (controllers !== "" && !isMemoryV1) continue;
    const root = isMemoryV1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    const file = isMemoryV1 ? "memory.limit_in_bytes" : "memory.max";
    for (const folder of selfAndAbove(path)) {
      const text = read(join(root, folder, file))?.trim() ?? "max";
      if (/^\d+$/.test(text)) limits.push(Number(text));
    }
  }
  // Version 1 writes "no limit" as a number near 2^63, which the machine's size undercuts.
  return Math.min(...limits);
}

/** `/a/b` gives `/a/b`, `/a`, `/`. In a container the root is the container's own group. */
function selfAndAbove(path: string): readonly string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== "..");
  return parts.map((_, index) => `/${parts.slice(0, parts.length - index).join("/")}`).concat("/");
}

function availableBytes(read: ReadText): number {
  const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(read("/proc/meminfo") ?? "") ?? [];
  return kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Not on Linux, or no such cgroup version: there is no such limit.
    return undefined;
  }
}
