/** What a process and its descendants use, as Linux tells in `/proc`. */

import { readdir, readFile } from "node:fs/promises";
import { parseStat, type ProcessStat } from "./proc-stat.ts";

interface ProcessUsage {
  readonly processes: number;
  readonly cpuSeconds: number;
  /** Resident; what processes share is counted for each. */
  readonly memoryBytes: number;
}

/** A command with more processes than that is not summed up at each poll. */
const MAX_PROCESSES = 1000;

/** @returns `undefined` where there is no such process, or no `/proc` */
export async function readUsage(pid: number): Promise<ProcessUsage | undefined> {
  const root = await readStat(pid);
  if (root === undefined) return undefined;
  const all = [root];
  for (let at = 0; at < all.length && all.length < MAX_PROCESSES; at += 1) {
    const children = await readChildren(all[at]?.pid ?? pid);
    const stats = await Promise.all(children.map(readStat));
    all.push(...stats.filter((stat) => stat !== undefined));
  }
  return {
    processes: all.length,
    cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    memoryBytes: all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
  };
}

async function readStat(pid: number): Promise<ProcessStat | undefined> {
  try {
    return parseStat(await readFile(`/proc/${pid}/stat`, "latin1"));
  } catch {
    // It has ended.
    return undefined;
  }
}

async function readChildren(pid: number): Promise<readonly number[]> {
  try {
    const threads = await readdir(`/proc/${pid}/task`);
    const lists = await Promise.all(
      threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "latin1")),
    );
    return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
  } catch {
    // It has ended, or the kernel does not list children.
    return [];
  }
}
