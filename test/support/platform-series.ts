/** What a platform tells of services, for tests. */

import type { ServiceSeries } from "../../src/core/given-series.ts";
import { createDockerApi } from "../../src/platforms/docker/api.ts";
import { resolveConnection } from "../../src/platforms/docker/connection.ts";
import type { ContainerEngine } from "../../src/platforms/docker/containers.ts";

const NOWHERE = "/nonexistent/sentinel-test";

/** An engine that nobody can reach, for what the `docker` command alone is asked. */
export const NO_ENGINE: ContainerEngine = {
  api: createDockerApi(
    resolveConnection({
      host: `unix://${NOWHERE}.sock`,
      context: undefined,
      isTls: false,
      certFolder: undefined,
      configFolder: NOWHERE,
      runtimeFolder: undefined,
    }),
    {},
  ),
  label: "sentinel.heal=true",
};

/** The samples of one service by their names; of series with further labels, the last one. */
export function valuesOf(
  services: readonly ServiceSeries[],
  name: string,
): Readonly<Record<string, number>> {
  const samples = services.find(({ service }) => service === name)?.samples ?? [];
  return Object.fromEntries(samples.map((sample) => [sample.name, sample.value]));
}
