/** Docker as a platform: single containers, and what Compose does with them. */

import type { Platform } from "../../core/ports.ts";
import { composeActions, type ComposeOptions } from "./compose.ts";
import { type ContainerEngine, containerSeries } from "./containers.ts";
import { containerActions, containerReader, refuseOther } from "./docker.ts";
import { surroundingsReader } from "./surroundings.ts";

/** @param engine what reads containers; the commands of `options` have to reach the same */
export function dockerPlatform(options: ComposeOptions, engine: ContainerEngine): Platform {
  const onContainer = containerActions(options);
  const byCompose = composeActions(options);
  return {
    name: "docker",
    async act(action, signal, stopTimeoutMs) {
      const refusal = refuseOther("docker", action);
      if (refusal) return refusal;
      const run = action.argv[1] === "compose" ? byCompose : onContainer;
      return await run(action, signal, stopTimeoutMs);
    },
    ...containerReader(options),
    surroundings: surroundingsReader(options),
    series: containerSeries(engine),
  };
}
