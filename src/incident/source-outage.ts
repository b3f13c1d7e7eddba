/** When the source of signals counts as down, and when as back. Pure. */

import type { WatchEvent } from "../core/events.ts";

/** Polls in a row that a source must answer to be back, so that one that comes and goes is reported once. */
export const BACK_AFTER_POLLS = 3;

type SourceEvent = Extract<WatchEvent, { type: "source_down" | "source_back" }>;

interface SourceOutage {
  /** A person was told that the source is down, and not yet that it is back. */
  readonly isTold: boolean;
  /**
   * Takes what a poll has shown.
   *
   * @param sourceDown why the source gave no answer; `undefined` if it did
   * @returns what a person is to be told
   */
  polled(sourceDown: string | undefined): SourceEvent | undefined;
}

export function createSourceOutage(): SourceOutage {
  let isTold = false;
  let answersInRow = 0;

  return {
    get isTold() {
      return isTold;
    },
    polled(sourceDown) {
      const wasTold = isTold;
      if (sourceDown !== undefined) {
        answersInRow = 0;
        isTold = true;
        return wasTold ? undefined : { type: "source_down", reason: sourceDown };
      }
      answersInRow += 1;
      isTold = wasTold && answersInRow < BACK_AFTER_POLLS;
      return wasTold && !isTold ? { type: "source_back" } : undefined;
    },
  };
}
