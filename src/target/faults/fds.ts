/** File descriptors that are opened and kept. */

import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { devNull } from "node:os";
import { invalid } from "../parameters.ts";
import { whenAborted } from "../../core/abort.ts";
import { defineKind, whole } from "./kind.ts";

/** Each scrape counts all that are open. */
const MAX_DESCRIPTORS = 10_000;
const ALLOWED_SHARE = 0.8;
/** Less than 1 ms; between two batches the loop answers others. */
const BATCH = 100;
/** Descriptors promised to faults that have not opened them yet: two must not get the same room. */
const pending = { descriptors: 0 };

export const fds = defineKind({
  kind: "fds",
  summary: "Opens file descriptors and keeps them, below 80 % of the process's own limit.",
  example: { count: 500, duration: 60 },
  parameters: () => ({ count: whole(1, MAX_DESCRIPTORS, "descriptors").default(100) }),
  order({ count }) {
    const allowed = allowedCount();
    if (count > allowed) {
      const why = "80 % of the process's limit";
      throw invalid("count", `count must be up to ${allowed} (${why}), not ${count}`);
    }
    return {
      requested: count,
      unit: "descriptors",
      async inject({ signal, applied, measureBy }) {
        const open: number[] = [];
        let left = count;
        measureBy(() => open.length);
        pending.descriptors += count;
        try {
          while (open.length < count) {
            const batch = Math.min(BATCH, count - open.length);
            for (let opened = 0; opened < batch; opened += 1) open.push(openSync(devNull, "r"));
            left -= batch;
            pending.descriptors -= batch;
            await new Promise((resolve) => setImmediate(resolve));
            signal.throwIfAborted();
          }
          applied();
          await whenAborted(signal);
        } finally {
          for (const descriptor of open) closeSync(descriptor);
          pending.descriptors -= left;
        }
      },
    };
  },
});

function allowedCount(): number {
  const limits = readIfThere(() => readFileSync("/proc/self/limits", "utf8"));
  const [, limit] = /^Max open files\s+(\d+)/m.exec(limits ?? "") ?? [];
  if (limit === undefined) return MAX_DESCRIPTORS;
  const open = readIfThere(() => readdirSync("/proc/self/fd").length) ?? 0;
  const room = Math.floor(ALLOWED_SHARE * Number(limit)) - open;
  return Math.max(0, room - pending.descriptors);
}

function readIfThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // Elsewhere than on Linux the limit shows only when it is reached.
    return undefined;
  }
}
