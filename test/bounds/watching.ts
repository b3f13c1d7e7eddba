/** What a running observer costs while something is done to it: how late it answers, and its memory. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const worstSchema = z.object({ slowestMs: z.number(), mostMb: z.number() });
export type Worst = z.infer<typeof worstSchema>;

export interface Watching extends AsyncDisposable {
  /** Of all since the last time that it was asked. */
  worst(): Promise<Worst>;
}

/**
 * Asks for the health of an observer again and again, until it is disposed of. From a process of its own:
 * what the test itself is busy with must not look like the observer's delay.
 */
export function watchHealth(url: string, pid: number): Watching {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "watcher.ts"), url, `${pid}`], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  return {
    async worst() {
      child.stdin.write("\n");
      await child.stdin.flush();
      let text = "";
      while (!text.includes("\n")) {
        const { value, done } = await lines.read();
        if (done) throw new Error(`nothing watches ${url} any more`);
        text += value;
      }
      return worstSchema.parse(JSON.parse(text));
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

/** Resident memory of a process, as the kernel counts it. */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}
