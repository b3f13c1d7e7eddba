/** How much of the machine this process may use, from what its cgroup and the machine allow. */

import { readFileSync } from "node:fs";
import { availableParallelism, freemem, totalmem } from "node:os";
import { join } from "node:path";
import type { MemoryProbe } from "./faults/held-memory.ts";

/** Above this share the kernel would soon kill a process, and it may pick another one. */
const ALLOWED_SHARE = 0.8;
const CGROUPS = "/sys/fs/cgroup";

/** The text of a file; `undefined` without such a file. */
type ReadText = (path: string) => string | undefined;

/** This process on this machine. The limit is read again each time, as it can be changed while this process runs. */
export const systemMemory: MemoryProbe = {
  residentBytes: () => process.memoryUsage.rss(),
  allowedBytes() {
    const totalBytes = Math.min(totalmem(), cgroupLimitBytes(readText));
    // A machine that others fill already allows less than its size says.
    const reachableBytes = process.memoryUsage.rss() + availableBytes(readText);
    return Math.floor(ALLOWED_SHARE * Math.min(totalBytes, reachableBytes));
  },
  hasOwnLimit: () => cgroupLimitBytes(readText) < totalmem(),
};

/** How many cores this process may keep busy; a container's quota may make that a fraction. */
export function allowedCores(): number {
  return Math.min(availableParallelism(), cgroupCores(readText));
}

/**
 * The tightest memory limit of the process's cgroup and of those above it, version 2 or 1; Infinity without.
 *
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
 */
export function cgroupLimitBytes(read: ReadText): number {
  const limits = groupFolders(read, "memory").map(({ folder, version }) => {
    const file = version === 2 ? "memory.max" : "memory.limit_in_bytes";
    const text = read(join(folder, file))?.trim() ?? "";
    return /^\d+$/.test(text) ? Number(text) : Infinity;
  });
  // Version 1 writes "no limit" as a number near 2^63, which the machine's size undercuts.
  return Math.min(...limits);
}

/**
 * The tightest CPU quota in the same groups, in cores; Infinity without.
 *
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
 */
export function cgroupCores(read: ReadText): number {
  const quotas = groupFolders(read, "cpu").map(({ folder, version }) => {
    const text =
      version === 2
        ? read(join(folder, "cpu.max"))
        : `${read(join(folder, "cpu.cfs_quota_us"))?.trim()} ${read(join(folder, "cpu.cfs_period_us"))}`;
    // `max 100000`, or -1 in version 1, is no quota.
    const [, quotaUs, periodUs] = /^(\d+) (\d+)\s*$/.exec(text ?? "") ?? [];
    return quotaUs === undefined ? Infinity : Number(quotaUs) / Number(periodUs);
  });
  return Math.min(...quotas);
}

interface GroupFolder {
  readonly folder: string;
  readonly version: 1 | 2;
}

/** The folders of the controller's files, of the process's cgroup and of those above it. */
function groupFolders(read: ReadText, controller: "cpu" | "memory"): readonly GroupFolder[] {
  return (read("/proc/self/cgroup") ?? "").split("\n").flatMap((line): readonly GroupFolder[] => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (controllers === "")
      return selfAndAbove(path).map((part) => ({ folder: join(CGROUPS, part), version: 2 }));
    if (controllers?.split(",").includes(controller) !== true) return [];
    return selfAndAbove(path).map((part) => ({
      folder: join(CGROUPS, controller, part),
      version: 1,
    }));
  });
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
    // Without Linux, or without that version of cgroups, there is no such limit.
    return undefined;
  }
}
