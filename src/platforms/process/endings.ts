/** How a supervised command has ended by itself, as far as it is kept. Pure. */

import type { Death as Ending } from "../../core/model.ts";
import type { Ended } from "./guarded.ts";

/** How many ends are kept, and how many lines before each. */
const MAX_ENDINGS = 5;
export const ENDING_LINES = 20;

interface Own {
  /** The time of the end, by the wall clock. */
  readonly atMs: number;
  readonly ranMs: number;
  /** What this process has written last, oldest first. */
  readonly lines: readonly string[];
}

export class Endings {
  #all: readonly Ending[] = [];
  #uncured: readonly Ending[] = [];

  /** All ends that are kept, oldest first. */
  get all(): readonly Ending[] {
    return this.#all;
  }

  /** Those since it last ran well, or since somebody started it; oldest first. */
  get uncured(): readonly Ending[] {
    return this.#uncured;
  }

  keep({ exitCode }: Ended, own: Own): void {
    // Whether memory ran out is not known: SIGKILL looks the same, whoever sends it.
    const ending = { ...own, exitCode, oomKilled: false, wasStopped: false };
    this.#all = [...this.#all, ending].slice(-MAX_ENDINGS);
    this.#uncured = [...this.#uncured, ending].slice(-MAX_ENDINGS);
  }

  forgetUncured(): void {
    this.#uncured = [];
  }
}
