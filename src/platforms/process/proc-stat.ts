/** One line of `/proc/PID/stat`; pure. */

export interface ProcessStat {
  readonly pid: number;
  /** Its own, and of children that have ended and were waited for. */
  readonly cpuSeconds: number;
  /** Resident. */
  readonly memoryBytes: number;
}

/** As every Linux tells programs, whatever it counts by. */
const TICKS_PER_SECOND = 100;
/** Of x86-64, and of most machines else; one with larger pages has a multiple of it. */
const PAGE_BYTES = 4096;

/** Where fields stand behind the name, which is in parentheses and may hold anything. */
const FIELDS = { userTicks: 11, endedChildrenTicks: 14, residentPages: 21 } as const;

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
export function parseStat(line: string): ProcessStat | undefined {
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const at = (index: number) => Number(fields[index]);
  const { userTicks, endedChildrenTicks, residentPages } = FIELDS;
  let ticks = 0;
  for (let index: number = userTicks; index <= endedChildrenTicks; index += 1) ticks += at(index);
  const pid = Number.parseInt(line, 10);
  const memoryBytes = at(residentPages) * PAGE_BYTES;
  if (!Number.isFinite(pid + ticks + memoryBytes)) return undefined;
  return { pid, cpuSeconds: ticks / TICKS_PER_SECOND, memoryBytes };
}
