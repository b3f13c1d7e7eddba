/** Commands that misbehave on purpose, alone on a PATH of their own. */

import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/platforms/run-command.ts";

export interface FakeCli extends AsyncDisposable {
  readonly folder: string;
  /** Finds the fakes and nothing else. */
  readonly env: Environment;
  /** What still runs of the processes that called `record`. */
  running(): Promise<readonly number[]>;
}

/**
 * A folder with one shell script for each name. A script sees the machine's own programs, and may
 * call `record PID` for a process that must not survive.
 */
export async function fakeCli(scripts: Readonly<Record<string, string>>): Promise<FakeCli> {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-fake-"));
  for (const [name, script] of Object.entries(scripts)) {
    const lines = [
      "#!/bin/sh",
      "PATH=/usr/local/bin:/usr/bin:/bin",
      `record() { : > '${folder}/pid-'"$1"; }`,
      script,
    ];
    await Bun.write(join(folder, name), `${lines.join("\n")}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return {
    folder,
    env: { PATH: folder },
    async running() {
      const pids = (await readdir(folder)).flatMap((name) => /^pid-(\d+)$/.exec(name)?.[1] ?? []);
      if (pids.length === 0) throw new Error("no script recorded a process");
      const alive = await Promise.all(pids.map((pid) => isRunning(Number(pid))));
      return pids.map(Number).filter((_, index) => alive[index]);
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true });
    },
  };
}

/** The kernel takes a moment to end what was killed, more so on a busy machine. */
const END_WITHIN_MS = 2000;

/** True if a process of that id goes on running; a zombie whom nobody has collected yet does not. */
export async function isRunning(pid: number): Promise<boolean> {
  const untilMs = performance.now() + END_WITHIN_MS;
  while (await isListed(pid)) {
    if (performance.now() > untilMs) return true;
    await Bun.sleep(20);
  }
  return false;
}

async function isListed(pid: number): Promise<boolean> {
  const shown = Bun.spawn(["ps", "-o", "stat=", "-p", String(pid)], { stderr: "ignore" });
  const state = (await new Response(shown.stdout).text()).trim();
  return state !== "" && !state.startsWith("Z");
}
