/** What a platform says of its services, and what it says beside series. */

import type { SeriesGiver } from "../../core/given-series.ts";
import type { Platform, ServiceProblem } from "../../core/ports.ts";

/** A platform, and those of its services that settings name. */
export interface AskedPlatform {
  readonly platform: Pick<Platform, "name" | "series">;
  readonly services: readonly string[];
}

/** What a platform last said beside its series. */
export interface PlatformState {
  readonly platform: Platform["name"];
  /** Services that it found and that want to be watched, running or not. */
  readonly found: readonly string[];
  /** Problems that were found twice in a row. */
  readonly problems: readonly ServiceProblem[];
  /** Why it gave no answer when it was last asked; `undefined` if it did. */
  readonly error: string | undefined;
}

/** Docker counts CPU and memory once a second, and some engines keep an asker waiting until then. */
const MIN_INTERVAL_MS = 2000;

interface PlatformGiver extends SeriesGiver {
  readonly platform: Platform["name"];
  told(): Pick<PlatformState, "found" | "problems">;
}

export function createPlatformGiver({ platform, services }: AskedPlatform): PlatformGiver {
  let found: readonly string[] = [];
  let latest: readonly ServiceProblem[] = [];
  let lasting: readonly ServiceProblem[] = [];
  return {
    platform: platform.name,
    job: platform.name,
    minIntervalMs: MIN_INTERVAL_MS,
    told: () => ({ found, problems: lasting }),
    async give(deadlineMs, abort) {
      const answer = await platform.series({ services, deadlineMs }, abort);
      found = answer.found;
      // What is seen once may be a container on its way in or out.
      const before = new Set(latest.map(({ service }) => service));
      lasting = answer.problems.filter(({ service }) => before.has(service));
      latest = answer.problems;
      return answer.services;
    },
  };
}
