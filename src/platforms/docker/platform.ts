/** Docker as a platform: single containers, and what Compose does with them. */

import type { Platform } from "../../core/ports.ts";
import { composeActions, type ComposeOptions } from "./compose.ts";
import { containerActions, containerReader, refuseOther } from "./docker.ts";
import { surroundingsReader } from "./surroundings.ts";

export function dockerPlatform(options: ComposeOptions): Platform {
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
  };
}
