/** A main loop that is blocked: nothing is answered, not even a probe, a scrape or a SIGTERM. */

import { delay } from "../waiting.ts";
import { defineKind } from "./kind.ts";

const MAX_BLOCK_S = 30;
const DEFAULT_BLOCK_S = 5;
/** Time for the answer to the request that asked for it. */
const HEAD_START_MS = 50;

export const block = defineKind({
  kind: "block",
  summary: "Blocks the main loop: no request, probe or scrape is answered until it is over.",
  example: { duration: 3 },
  duration: { fallback: DEFAULT_BLOCK_S, max: MAX_BLOCK_S },
  parameters: () => ({}),
  order: (_, __, durationMs) => ({
    endsByItself: true,
    requested: durationMs / 1000,
    unit: "s",
    async inject({ signal, applied, measureBy }) {
      applied();
      await delay(HEAD_START_MS, signal);
      const fromMs = performance.now();
      // Waiting, as on a lock or a disk: to burn the core as well is the kind `cpu`.
      Bun.sleepSync(durationMs);
      const tookS = (performance.now() - fromMs) / 1000;
      measureBy(() => tookS);
    },
  }),
});
