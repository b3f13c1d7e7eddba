/** What Docker says of the watched containers, as a Prometheus exposition like any target's. */

import { z } from "zod";
import { messageOf } from "../../core/errors.ts";
import { type DockerApi, NoAnswerError } from "../../platforms/docker/api.ts";
import {
  type ContainerProblem,
  chooseWatched,
  type ListedContainer,
  type Wanted,
} from "./container-list.ts";

interface ContainersQuestion {
  readonly api: DockerApi;
  readonly wanted: Wanted;
  /** Of the whole look; a single container gets a part of it. */
  readonly deadlineMs: number;
}

/** What one container may hold up the others for, as a share of the deadline. */
const CONTAINER_SHARE = 0.7;

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

export interface ContainersAnswer {
  readonly readings: readonly ContainerReading[];
  /** The containers with the label, also those of which there is no reading. */
  readonly labelled: readonly string[];
  readonly problems: readonly ContainerProblem[];
}

/**
 * Asks the engine's own API: a `docker` process for each look would cost more than all the rest.
 * A container of which the engine cannot tell is a problem of its own, and hides no other.
 *
 * @throws Error that says what is wrong with the engine's answer, or that it cannot be reached
 * @see https://docs.docker.com/reference/api/engine/
 */
export async function readContainers(
  { api, wanted, deadlineMs }: ContainersQuestion,
  caller: AbortSignal,
): Promise<ContainersAnswer> {
  const signal = AbortSignal.any([caller, AbortSignal.timeout(deadlineMs)]);
  const listed = await api.get("containers/json?all=true", z.array(z.unknown()), signal);
  const { watched, problems } = chooseWatched(listed ?? [], wanted);
  const each = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs * CONTAINER_SHARE)]);
  const answers = await Promise.all(watched.map((one) => readContainer(api, one, each)));
  const failures = answers.flatMap((answer) => (answer.kind === "failed" ? [answer] : []));
  const [first] = failures;
  // The engine went away after it gave the list.
  if (first && failures.length === watched.length && first.error instanceof NoAnswerError)
    throw first.error;
  return {
    readings: answers.flatMap((answer) => (answer.kind === "read" ? [answer.reading] : [])),
    labelled: watched
      .filter(({ isLabelled }, index) => isLabelled && answers[index]?.kind !== "gone")
      .map(({ name }) => name),
    problems: [
      ...problems,
      ...failures.map(({ name, error }) => ({ container: name, why: messageOf(error) })),
    ],
  };
}

type OneAnswer =
  | { readonly kind: "read"; readonly reading: ContainerReading }
  /** It was removed since it was listed. */
  | { readonly kind: "gone" }
  | { readonly kind: "failed"; readonly name: string; readonly error: unknown };

async function readContainer(
  api: DockerApi,
  { id, name }: Pick<ListedContainer, "id" | "name">,
  signal: AbortSignal,
): Promise<OneAnswer> {
  try {
    const path = `containers/${encodeURIComponent(id)}`;
    const inspected = await api.get(`${path}/json`, inspectedSchema, signal);
    if (inspected === undefined) return { kind: "gone" };
    const { State, RestartCount } = inspected;
    const stats = State.Running
      ? await api
          .get(`${path}/stats?stream=false&one-shot=true`, statsSchema, signal)
          .catch(notKnown)
      : undefined;
    return {
      kind: "read",
      reading: { name, ...stateOf(State), restarts: RestartCount, ...useOf(stats) },
    };
  } catch (error) {
    return { kind: "failed", name, error };
  }
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
