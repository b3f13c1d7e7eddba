/** What the benchmarks share: rows with a bound, the executable they measure, and what a process costs. */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly bound: string;
  readonly met: boolean;
}

/** Of the kernel's clock, in which `/proc` counts CPU time. */
const TICKS_PER_S = 100;

/** Prints a line for each row. @returns the exit code: 1 when a bound was missed */
export function report(rows: readonly Row[]): number {
  for (const { what, measured, bound, met } of rows)
    console.log(`${met ? "ok  " : "MISS"}  ${what.padEnd(46)} ${measured.padEnd(44)} ${bound}`);
  return rows.every(({ met }) => met) ? 0 : 1;
}

/** The one that is given on the command line; without it `./sentinel`, which is built first. */
export async function findExecutable(): Promise<string> {
  const [, , given] = process.argv;
  if (given !== undefined && given !== "") return resolve(given);
  const project = join(import.meta.dir, "..");
  await run(["bun", "run", "build"], project);
  return join(project, "sentinel");
}

/** @throws when it does not succeed */
export async function run(command: readonly string[], cwd: string): Promise<void> {
  const child = Bun.spawn([...command], { cwd, stdout: "ignore" });
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed`);
}

export function freePort(): number {
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  return server.port;
}

/** User and system time of a process and all its threads. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field, a name in brackets, may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

export function residentMb(pid: number): number {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1024;
}
