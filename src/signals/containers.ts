/** What Docker says of the watched containers, as a Prometheus exposition like any target's. */

import { z } from "zod";
import { messageOf } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import { readBody } from "./body.ts";

export interface ContainersOptions {
  /** Where the engine listens: `unix:///path` or `tcp://host:port`, as in DOCKER_HOST. */
  readonly dockerHost: string;
  /** Containers told of by name, labelled or not. */
  readonly names: readonly string[];
  /** Whoever wears it wants to be restarted when its HEALTHCHECK fails: `name=value`. */
  readonly label: string;
}

/** An engine with more of them is a cluster's, and not what one Sentinel watches. */
const MAX_CONTAINERS = 200;

const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** Of Docker 20.10, which all that is in use understands. */
const API = "v1.41";

const listedSchema = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()).nullable(),
    Labels: z.record(z.string(), z.string()).nullable(),
  }),
);

const inspectedSchema = z.object({
  RestartCount: z.number(),
  State: z.object({
    Running: z.boolean(),
    // Such a one counts as running as well.
    Restarting: z.boolean().optional(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
});

/** Absent parts are what an engine without that cgroup controller leaves out. */
const statsSchema = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }).optional(),
  memory_stats: z
    .object({
      usage: z.number().optional(),
      stats: z
        .object({ inactive_file: z.number(), total_inactive_file: z.number() })
        .partial()
        .optional(),
    })
    .optional(),
});

/** One container at one moment. */
export interface ContainerReading {
  readonly name: string;
  /** Wears the label, with that value. */
  readonly isLabelled: boolean;
  readonly isRunning: boolean;
  /** It died, and its engine is about to start it again. */
  readonly isRestarting: boolean;
  /** `undefined` without a HEALTHCHECK, while it starts, and when the container does not run. */
  readonly isHealthy: boolean | undefined;
  readonly restarts: number;
  readonly isOomKilled: boolean;
  /** `undefined` if it has never been started. */
  readonly startedAtMs: number | undefined;
  /** Without the file cache that the kernel would give up first. */
  readonly memoryBytes: number | undefined;
  readonly cpuSeconds: number | undefined;
}

/**
 * Asks the engine's own API: a `docker` process for each look would cost more than all the rest.
 *
 * @returns one reading for each container that is named or labelled
 * @throws Error that says what is wrong with the engine's answer, or that it cannot be reached
 * @see https://docs.docker.com/reference/api/engine/
 */
export async function readContainers(
  { dockerHost, names, label }: ContainersOptions,
  signal: AbortSignal,
): Promise<readonly ContainerReading[]> {
  const endpoint = endpointOf(dockerHost);
  const get = <T>(path: string, schema: z.ZodType<T>) => ask({ endpoint, path, schema }, signal);
  const [labelName = "", wanted] = label.split("=");
  const listed = (await get("containers/json?all=true", listedSchema)) ?? [];
  const watched = listed
    .map(({ Id, Names, Labels }) => ({
      id: Id,
      name: Names?.[0]?.replace(/^\//, "") ?? "",
      isLabelled: Labels?.[labelName] === wanted,
    }))
    .filter(({ name, isLabelled }) => isLabelled || names.includes(name));
  if (watched.length > MAX_CONTAINERS)
    throw new Error(`${watched.length} containers are watched; at most ${MAX_CONTAINERS} can be`);
  const readings = await Promise.all(
    watched.map(async ({ id, name, isLabelled }) => {
      const inspected = await get(`containers/${id}/json`, inspectedSchema);
      if (inspected === undefined) return [];
      const { State, RestartCount } = inspected;
      const stats = State.Running
        ? await get(`containers/${id}/stats?stream=false&one-shot=true`, statsSchema).catch(
            notKnown,
          )
        : undefined;
      return [{ name, isLabelled, ...stateOf(State), restarts: RestartCount, ...useOf(stats) }];
    }),
  );
  return readings.flat();
}

/**
 * The engine answers with nothing for one that ends just then: what it uses is not worth the state
 * of all the others.
 */
function notKnown(): undefined {
  return undefined;
}

function stateOf({
  Running,
  Restarting = false,
  OOMKilled,
  StartedAt,
  Health,
}: z.output<typeof inspectedSchema>["State"]) {
  const startedAtMs = Date.parse(StartedAt);
  // Docker calls what it stopped itself unhealthy, too: that was somebody's wish.
  const isTold =
    Running && !Restarting && (Health?.Status === "healthy" || Health?.Status === "unhealthy");
  return {
    isRunning: Running,
    isRestarting: Restarting,
    isHealthy: isTold ? Health.Status === "healthy" : undefined,
    isOomKilled: OOMKilled,
    startedAtMs: startedAtMs > 0 ? startedAtMs : undefined,
  };
}

function useOf(stats: z.output<typeof statsSchema> | undefined) {
  const { usage, stats: parts } = stats?.memory_stats ?? {};
  // The name differs between the two versions of cgroups.
  const fileCache = parts?.inactive_file ?? parts?.total_inactive_file ?? 0;
  const cpuNanoseconds = stats?.cpu_stats?.cpu_usage.total_usage;
  return {
    memoryBytes: usage === undefined ? undefined : Math.max(usage - fileCache, 0),
    cpuSeconds: cpuNanoseconds === undefined ? undefined : cpuNanoseconds / 1e9,
  };
}

const METRICS: readonly {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  value(reading: ContainerReading): number | undefined;
}[] = [
  {
    name: "container_up",
    type: "gauge",
    help: "1 while the container runs, or waits to be restarted by Docker's own restart policy.",
    value: ({ isRunning }) => Number(isRunning),
  },
  {
    name: "container_healthy",
    type: "gauge",
    help: "1 or 0 as its HEALTHCHECK says; absent where there is none, and while it starts.",
    value: ({ isHealthy }) => (isHealthy === undefined ? undefined : Number(isHealthy)),
  },
  {
    name: "container_restarts_total",
    type: "counter",
    help: "Restarts by Docker's own restart policy.",
    value: ({ restarts }) => restarts,
  },
  {
    name: "container_restarting",
    type: "gauge",
    help: "1 while it waits to be restarted by Docker's own restart policy.",
    value: ({ isRestarting }) => Number(isRestarting),
  },
  {
    name: "container_oom_killed",
    type: "gauge",
    help: "1 if the kernel killed it for lack of memory the last time it ended.",
    value: ({ isOomKilled }) => Number(isOomKilled),
  },
  {
    name: "container_start_time_seconds",
    type: "gauge",
    help: "When it was last started, in seconds since 1970.",
    value: ({ startedAtMs }) => startedAtMs && startedAtMs / 1000,
  },
  {
    name: "container_memory_working_set_bytes",
    type: "gauge",
    help: "Memory in use, without the file cache that could be given up.",
    value: ({ memoryBytes }) => memoryBytes,
  },
  {
    name: "container_cpu_usage_seconds_total",
    type: "counter",
    help: "CPU time used since it was started.",
    value: ({ cpuSeconds }) => cpuSeconds,
  },
];

/** Prometheus' text format; the label `container` is the name, which needs no escape. */
export function renderContainers(readings: readonly ContainerReading[]): string {
  const lines = METRICS.flatMap(({ name, type, help, value }) => {
    const samples = readings.flatMap((reading) => {
      const found = value(reading);
      return found === undefined ? [] : [`${name}{container="${reading.name}"} ${found}`];
    });
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples];
  });
  return `${lines.join("\n")}\n`;
}

interface Endpoint {
  readonly origin: string;
  /** The socket's path, unless the engine listens on TCP. */
  readonly unix?: string;
}

/** @throws Error for what the engine's API cannot be reached by, such as `ssh://` */
function endpointOf(dockerHost: string): Endpoint {
  const path = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
  if (path !== undefined) return { origin: "http://docker", unix: path };
  const address = /^(?:tcp|http):\/\/([^/@]+)\/?$/.exec(dockerHost)?.[1];
  if (address !== undefined) return { origin: `http://${address}` };
  throw new Error(`DOCKER_HOST ${dockerHost} is neither unix:///path nor tcp://host:port`);
}

interface Question<T> {
  readonly endpoint: Endpoint;
  readonly path: string;
  readonly schema: z.ZodType<T>;
}

/** `undefined` if what was asked for is gone since it was listed. */
async function ask<T>(
  { endpoint, path, schema }: Question<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  const { origin, unix } = endpoint;
  const where = unix ?? origin;
  let status: number;
  let text: string | undefined;
  try {
    const options = unix === undefined ? { signal } : { signal, unix };
    const response = await fetch(`${origin}/${API}/${path}`, options);
    status = response.status;
    text = await readBody(response, MAX_BODY_BYTES);
    if (text === undefined) throw new Error(`it is longer than ${MAX_BODY_BYTES} bytes`);
  } catch (error) {
    throw new Error(`no answer from the Docker engine at ${where} (${reasonOf(error)})`);
  }
  if (status === 404) return undefined;
  const parsed = schema.safeParse(status === 200 ? parseJson(text) : undefined);
  if (parsed.success) return parsed.data;
  const [what] = z.prettifyError(parsed.error).split("\n", 1);
  throw new Error(`the Docker engine at ${where} answered ${status} to ${path}: ${what}`);
}

/** The code alone where there is one: Bun's own text speaks of typos. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : messageOf(error);
}
