/** Services whose name is no container of the engine, so that nothing could be done for them. */

import type { Observation, Service } from "../core/model.ts";
import type { ComposeService } from "../allowlist.ts";
import { listContainers, type DockerOptions } from "../platforms/docker/docker.ts";
import { nearest } from "../text/did-you-mean.ts";

/**
 * @param composed what Compose could make, by the service's name
 * @returns for each such service what is wrong and what to do about it; none if the engine can't tell
 */
export async function missingContainers(
  services: readonly Service[],
  composed: ReadonlyMap<string, Observation<ComposeService>>,
  { docker, signal }: { readonly docker: DockerOptions; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, string>> {
  const contained = services.filter(
    ({ platform, actions }) => platform === "docker" && actions.length > 0,
  );
  if (contained.length === 0) return new Map();
  const names = await containerNames(docker, signal);
  if (names === undefined) return new Map();
  return new Map(
    contained
      .map(({ name }) => name)
      .filter((name) => !names.includes(name) && composed.get(name)?.kind !== "found")
      .map((name) => [name, describeMissing(name, names)]),
  );
}

async function containerNames(
  docker: DockerOptions,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  try {
    // A container with links has the names of those as well.
    return (await listContainers("{{.Names}}", docker, signal)).flatMap((line) => line.split(","));
  } catch {
    // Whoever asks the engine for more says what is wrong with it.
    return undefined;
  }
}

function describeMissing(name: string, names: readonly string[]): string {
  const composed = names.find((other) =>
    new RegExp(`[-_]${RegExp.escape(name)}[-_]1$`).test(other),
  );
  const near = composed ?? nearest(name, names);
  const meant = near === undefined ? "" : ` (did you mean ${near}?)`;
  return `there is no container ${name}${meant}: it is watched, and nothing can be done for it; write a name that \`docker ps --all\` shows, or actions: [] if it runs elsewhere`;
}
