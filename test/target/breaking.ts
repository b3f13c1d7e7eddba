/** A compiled target to break, and what its process looks like from outside. */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type RunningProcess, sentinelBinary, startProcess } from "../support/binary.ts";

export interface BreakableTarget extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly url: string;
  /** Its own temp folder, which nobody else writes to. */
  readonly temp: string;
  /** Starts a fault and returns its id; throws unless it is answered with 201. */
  start(fault: Readonly<Record<string, unknown>>): Promise<string>;
  /** Ends one, or all. */
  end(id?: string): Promise<void>;
  activeFaults(): Promise<number>;
}

/** @param env what the target is told beside a free port and its temp folder */
export async function startBreakable(
  env: Readonly<Record<string, string>> = {},
): Promise<BreakableTarget> {
  const temp = await mkdtemp(join(tmpdir(), "sentinel-faults-"));
  const process = startProcess([sentinelBinary(), "--role=target"], {
    env: { PORT: "0", TMPDIR: temp, ...env },
  });
  const { url } = await process.event(({ event }) => event === "target_started");
  const base = String(url);
  return {
    process,
    url: base,
    temp,
    async start(fault) {
      const response = await fetch(`${base}/faults`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(fault),
        keepalive: false,
      });
      const text = await response.text();
      if (response.status !== 201) throw new Error(`${JSON.stringify(fault)}: ${text}`);
      return z.looseObject({ id: z.string() }).parse(JSON.parse(text)).id;
    },
    async end(id) {
      const path = id === undefined ? "/faults" : `/faults/${id}`;
      const response = await fetch(`${base}${path}`, { method: "DELETE", keepalive: false });
      const text = await response.text();
      if (!response.ok) throw new Error(`DELETE ${path}: ${text}`);
    },
    async activeFaults() {
      const list: unknown = await (await fetch(`${base}/faults`, { keepalive: false })).json();
      return z.looseObject({ active: z.array(z.unknown()) }).parse(list).active.length;
    },
    async [Symbol.asyncDispose]() {
      await process[Symbol.asyncDispose]();
      await rm(temp, { recursive: true, force: true });
    },
  };
}

/** What a process has, as the kernel tells it. */
export interface Footprint {
  readonly threads: number;
  /** Of CPU faults alone, by their name. */
  readonly burners: number;
  readonly descriptors: number;
  /** Of the descriptors. */
  readonly sockets: number;
  /** Descriptors of files that have no name any more. */
  readonly deletedFiles: number;
  readonly residentMb: number;
  readonly cpuMs: number;
}

const CLOCK_TICK_MS = 10;

export function footprint(pid: number): Footprint {
  const proc = `/proc/${pid}`;
  const tasks = readdirSync(`${proc}/task`).map((task) => textOf(`${proc}/task/${task}/comm`));
  const links = readdirSync(`${proc}/fd`).map((fd) => linkOf(`${proc}/fd/${fd}`));
  const [, resident] = /^VmRSS:\s+(\d+) kB$/m.exec(textOf(`${proc}/status`)) ?? [];
  // Behind the name, which may have blanks in it: user and system time are the 12th and the 13th.
  const figures = textOf(`${proc}/stat`)
    .replace(/^.*\) /s, "")
    .split(" ");
  return {
    threads: tasks.length,
    burners: tasks.filter((name) => name.startsWith("sentinel-cpu")).length,
    descriptors: links.length,
    sockets: links.filter((link) => link.startsWith("socket:")).length,
    deletedFiles: links.filter((link) => link.endsWith(" (deleted)")).length,
    residentMb: Number(resident) / 1024,
    cpuMs: (Number(figures[11]) + Number(figures[12])) * CLOCK_TICK_MS,
  };
}

/** What is gone between the listing and the look at it is nothing. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** Waits until it is so; throws what it was last, if that takes longer. */
export async function settled<T>(
  read: () => T | Promise<T>,
  isSo: (value: T) => boolean,
  deadlineMs = 5_000,
): Promise<T> {
  const untilMs = performance.now() + deadlineMs;
  for (;;) {
    const value = await read();
    if (isSo(value)) return value;
    if (performance.now() > untilMs) throw new Error(`it stays at ${JSON.stringify(value)}`);
    await Bun.sleep(20);
  }
}
