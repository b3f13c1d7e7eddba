import { join } from "node:path";
import type { Days, DaysOptions } from "./month.ts";

/** `passDays` in a process of its own. Throws when that fails. */
export async function passDaysApart(options: DaysOptions): Promise<Days> {
  const { promise, resolve, reject } = Promise.withResolvers<Days>();
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "process.ts"), JSON.stringify(options)],
    {
      ipc: resolve,
      serialization: "advanced",
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
    },
  );
  void child.exited.then((code) => reject(new Error(`the days ended with exit code ${code}`)));
  return promise;
}
