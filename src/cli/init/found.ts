/** The containers of an engine, as far as `sentinel init` wants to know of them. */

import { basename } from "node:path";
import { z } from "zod";
import type { Orchestrator } from "../../core/model.ts";
import type { DockerApi } from "../../platforms/docker/api.ts";
import { orchestratorOf } from "../../platforms/docker/orchestrator.ts";

/** A port on which a container listens, by TCP. */
export interface FoundPort {
  readonly port: number;
  /** Host and port at which it is published on this machine; absent if it is not. */
  readonly published?: string;
  /** Host and port in the container's own network, which may change at each start. */
  readonly inside?: string;
}

export interface FoundContainer {
  readonly name: string;
  readonly image: string;
  /** Its Compose project and service; empty without Compose. */
  readonly project: string;
  readonly composeService: string;
  readonly hasHealthcheck: boolean;
  readonly ports: readonly FoundPort[];
  /** Why it is left out of the file; absent if it is not. */
  readonly leftOut?: string;
}

const bindingSchema = z.object({ HostIp: z.string(), HostPort: z.string() });

const inspectedSchema = z.object({
  Id: z.string(),
  Name: z.string(),
  Path: z.string().default(""),
  Args: z.array(z.string()).nullish(),
  State: z.object({ Running: z.boolean(), Status: z.string().default("not running") }),
  Config: z.object({
    Image: z.string().default(""),
    Labels: z.record(z.string(), z.string()).nullish(),
    ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
    Healthcheck: z.object({ Test: z.array(z.string()).nullish() }).nullish(),
  }),
  HostConfig: z.object({ NetworkMode: z.string().default("") }),
  NetworkSettings: z.object({
    Ports: z.record(z.string(), z.array(bindingSchema).nullable()).nullish(),
    Networks: z.record(z.string(), z.object({ IPAddress: z.string().default("") })).nullish(),
  }),
});
type Inspected = z.output<typeof inspectedSchema>;

const LABELS = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  oneOff: "com.docker.compose.oneoff",
} as const;

const ORCHESTRATED = {
  swarm: "Swarm runs it, and starts it again by itself",
  kubernetes: "Kubernetes runs it, and starts it again by itself",
} satisfies Record<Orchestrator, string>;

/** Questions to the engine at the same time: one for each container. */
const AT_ONCE = 8;

/**
 * All containers, in the order of their names.
 *
 * @param hostname of this machine: a container that has its own id for it is Sentinel's own
 * @throws Error with the engine's own sentence, or that it can't be reached
 */
export async function findContainers(
  api: DockerApi,
  hostname: string,
  signal: AbortSignal,
): Promise<readonly FoundContainer[]> {
  const listSchema = z.array(z.object({ Id: z.string() }));
  const listed = (await api.get("containers/json?all=true", listSchema, signal)) ?? [];
  const found: FoundContainer[] = [];
  for (let from = 0; from < listed.length; from += AT_ONCE) {
    const some = listed.slice(from, from + AT_ONCE);
    const answers = await Promise.all(
      // A container that is gone meanwhile, or that the engine can't describe, is not to be watched.
      some.map(({ Id }) =>
        api.get(`containers/${Id}/json`, inspectedSchema, signal).catch(() => undefined),
      ),
    );
    for (const answer of answers) if (answer !== undefined) found.push(describe(answer, hostname));
  }
  return found.toSorted((a, b) => a.name.localeCompare(b.name));
}

function describe(inspected: Inspected, hostname: string): FoundContainer {
  const { Name, Config } = inspected;
  const labels = Config.Labels ?? {};
  const [test = "NONE"] = Config.Healthcheck?.Test ?? [];
  const leftOut = whyLeftOut(inspected, hostname);
  return {
    name: Name.replace(/^\//, ""),
    image: Config.Image,
    project: labels[LABELS.project] ?? "",
    composeService: labels[LABELS.service] ?? "",
    hasHealthcheck: test !== "NONE" && test !== "",
    ports: portsOf(inspected),
    ...(leftOut === undefined ? {} : { leftOut }),
  };
}

function whyLeftOut(inspected: Inspected, hostname: string): string | undefined {
  const { Id, State, Config } = inspected;
  const labels = Config.Labels ?? {};
  const orchestrator = orchestratorOf(labels);
  if (orchestrator !== undefined) return ORCHESTRATED[orchestrator];
  if ((hostname.length >= 12 && Id.startsWith(hostname)) || isObserver(inspected))
    return "it is Sentinel itself";
  if (labels[LABELS.oneOff] === "True") return "`docker compose run` has made it, for one command";
  if (!State.Running) return `it does not run (${State.Status})`;
  return undefined;
}

function isObserver({ Path, Args }: Inspected): boolean {
  const words = [Path, ...(Args ?? [])];
  const isSentinel = words.some((word) => basename(word) === "sentinel");
  return isSentinel && words.some((word) => /^(--role=)?observer$/.test(word));
}

function portsOf({ Config, HostConfig, NetworkSettings }: Inspected): readonly FoundPort[] {
  const { Ports, Networks } = NetworkSettings;
  const isOnHost = HostConfig.NetworkMode === "host";
  const address = Object.values(Networks ?? {}).find(
    ({ IPAddress }) => IPAddress !== "",
  )?.IPAddress;
  const names = new Set([...Object.keys(Config.ExposedPorts ?? {}), ...Object.keys(Ports ?? {})]);
  return [...names]
    .filter((name) => /^\d+\/tcp$/.test(name))
    .map((name): FoundPort => {
      const port = Number.parseInt(name, 10);
      const [binding] = Ports?.[name] ?? [];
      const published = isOnHost ? `127.0.0.1:${port}` : binding && addressOf(binding);
      return {
        port,
        ...(published === undefined ? {} : { published }),
        ...(address === undefined ? {} : { inside: `${address}:${port}` }),
      };
    })
    .toSorted((a, b) => a.port - b.port);
}

function addressOf({ HostIp, HostPort }: z.output<typeof bindingSchema>): string {
  if (HostIp === "" || HostIp === "0.0.0.0" || HostIp === "::") return `127.0.0.1:${HostPort}`;
  return HostIp.includes(":") ? `[${HostIp}]:${HostPort}` : `${HostIp}:${HostPort}`;
}
