/** The platforms, for a command that asks of a service and runs nothing. */

import type { Platform } from "../core/ports.ts";
import type { ComposeOptions } from "../platforms/docker/compose.ts";
import { notStarted } from "../platforms/docker/docker.ts";
import { dockerPlatform } from "../platforms/docker/platform.ts";

const NOT_STARTED = "the observer starts it, and does not run";

/** A process is the observer's to start, so that there is nothing to be asked of. */
const PROCESS: Platform = {
  name: "process",
  act: ({ argv }) => Promise.resolve(notStarted(argv, NOT_STARTED)),
  inspect: () => Promise.reject(new Error(NOT_STARTED)),
  logs: () => Promise.reject(new Error(NOT_STARTED)),
};

/** @param others that are asked beside them */
export function askedPlatforms(
  docker: ComposeOptions,
  others: readonly Platform[] = [],
): readonly Platform[] {
  return [dockerPlatform(docker), PROCESS, ...others].map((platform) => ({
    ...platform,
    act: ({ argv }) => Promise.resolve(notStarted(argv, "nothing is run here")),
  }));
}
