/** Long work in turns, between which others have theirs. */

import { setImmediate } from "node:timers/promises";

/** The length of a turn; at worst a probe of the observer's health waits for it. */
const TURN_MS = 10;

export class Turns {
  #sinceMs = performance.now();

  /** Lets others go first if this turn was long enough. */
  async pause(): Promise<void> {
    if (performance.now() - this.#sinceMs < TURN_MS) return;
    await setImmediate();
    this.#sinceMs = performance.now();
  }
}
