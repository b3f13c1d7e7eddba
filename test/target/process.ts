/** A process as the kernel tells of it: what a fault does is never taken from the process's own word. */

import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

/** `getconf CLK_TCK`: the unit of `/proc/PID/stat`, the same on every Linux since 2.6. */
const TICKS_PER_S = 100;
const BYTES_PER_BLOCK = 512;

/** CPU time of all its threads since it started. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name, in brackets, may hold blanks: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** CPU time in which the whole machine was busy. */
export function machineBusySeconds(): number {
  const [, line = ""] = /^cpu +(.*)$/m.exec(readFileSync("/proc/stat", "utf8")) ?? [];
  const [user, nice, system, _idle, _ioWait, irq, softIrq, steal] = line.split(" ").map(Number);
  const busy = [user, nice, system, irq, softIrq, steal].map((ticks) => ticks ?? 0);
  return busy.reduce((sum, ticks) => sum + ticks, 0) / TICKS_PER_S;
}

/** For how long its main thread has been ready to run while no core was given to it. */
export function waitedForCpuMs(pid: number): number {
  const [, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
  return Number(waitedNs) / 1e6;
}

export function residentBytes(pid: number): number {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  if (kilobytes === undefined) throw new Error(`process ${pid} tells no VmRSS`);
  return Number(kilobytes) * 1024;
}

/** The names of its threads; the kernel keeps 15 characters of each. */
export function threadNames(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8").trim(),
  );
}

/** Its open files: descriptor and target. Connections come and go with their clients and are left out. */
export function openFiles(pid: number): ReadonlyMap<string, string> {
  const links = readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
    const target = linkTarget(`/proc/${pid}/fd/${descriptor}`);
    return target === undefined || target.startsWith("socket:") ? [] : [[descriptor, target]];
  });
  return new Map(links.map(([descriptor = "", target = ""]) => [descriptor, target]));
}

/** What the files without a name, which nobody else could remove, take of the disk. */
export function namelessFileBytes(pid: number): number {
  const nameless = [...openFiles(pid)].filter(([, target]) => target.endsWith(" (deleted)"));
  const sizes = nameless.map(([descriptor]) => statSync(`/proc/${pid}/fd/${descriptor}`).blocks);
  return sizes.reduce((sum, blocks) => sum + blocks * BYTES_PER_BLOCK, 0);
}

/** `undefined` for one that was closed since it was listed. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
