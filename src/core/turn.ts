/** Turns between the steps of long work. */

import type { Clock } from "./ports.ts";

/** One step over so many alerts takes some 10 ms. */
const MANY = 2000;

/** After a step over many things others go first: whoever asks for health waits for one step, not for all. */
export async function giveTurn(
  count: number,
  clock: Pick<Clock, "sleep">,
  signal: AbortSignal,
): Promise<void> {
  if (count >= MANY) await clock.sleep(0, signal);
}
