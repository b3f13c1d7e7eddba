/** What the system says of this process. */

import { readdirSync } from "node:fs";
import type { ProcessFigures } from "../http/process-metrics.ts";

/** Takes some 50 µs. */
export function ownProcess(): ProcessFigures {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: whereShown(() => process.memoryUsage.rss()),
    startedAtS: performance.timeOrigin / 1000,
    // One of the descriptors listed belongs to the listing itself.
    openFds:
      process.platform === "linux"
        ? whereShown(() => readdirSync("/proc/self/fd").length - 1)
        : undefined,
  };
}

/** `undefined` where `/proc` is hidden, or has gone since. */
function whereShown(read: () => number): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
