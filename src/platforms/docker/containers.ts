/** What an engine says of the watched containers, as series. */

import { z } from "zod";
import { messageOf } from "../../core/errors.ts";
import type { GivenSample } from "../../core/given-series.ts";
import type { Platform, PlatformSeries, SeriesQuestion } from "../../core/ports.ts";
import { type DockerApi, NoAnswerError } from "./api.ts";
import { chooseWatched, type ListedContainer } from "./container-list.ts";

/** The engine whose containers are read. */
export interface ContainerEngine {
  readonly api: DockerApi;
  /** The label of containers that are watched although no settings name them: `name=value`. */
  readonly label: string;
}

/** How long one container may hold up the others, as a share of the deadline. */
const CONTAINER_SHARE = 0.7;

const inspectedSchema = z.object({
  RestartCount: z.number(),
  State: z.object({
    Running: z.boolean(),
    // A container that is restarting counts as running as well.
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
interface ContainerReading {
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

/**
 * Asks the engine's own API: a `docker` process for each reading would cost more than all the rest.
 * A container of which the engine cannot tell is a problem of its own, and hides no other.
 *
 * @throws Error that says what is wrong with the engine's answer, or that it cannot be reached
 * @see https://docs.docker.com/reference/api/engine/
 */
export function containerSeries(engine: ContainerEngine): Platform["series"] {
  return (question, signal) => readContainers(engine, question, signal);
}

async function readContainers(
  { api, label }: ContainerEngine,
  { services, deadlineMs }: SeriesQuestion,
  caller: AbortSignal,
): Promise<PlatformSeries> {
  const signal = AbortSignal.any([caller, AbortSignal.timeout(deadlineMs)]);
  const listed = await api.get("containers/json?all=true", z.array(z.unknown()), signal);
  const { watched, problems } = chooseWatched(listed ?? [], { names: services, label });
  const each = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs * CONTAINER_SHARE)]);
  const answers = await Promise.all(watched.map((one) => readContainer(api, one, each)));
  const failures = answers.flatMap((answer) => (answer.kind === "failed" ? [answer] : []));
  const [first] = failures;
  // The engine went away after it gave the list.
  if (first && failures.length === watched.length && first.error instanceof NoAnswerError)
    throw first.error;
  return {
    services: answers.flatMap((answer) =>
      answer.kind === "read"
        ? [{ service: answer.reading.name, samples: samplesOf(answer.reading) }]
        : [],
    ),
    found: watched
      .filter(({ isLabelled }, index) => isLabelled && answers[index]?.kind !== "gone")
      .map(({ name }) => name),
    problems: [
      ...problems,
      ...failures.map(({ name, error }) => ({ service: name, why: messageOf(error) })),
    ],
  };
}

type OneAnswer =
  | { readonly kind: "read"; readonly reading: ContainerReading }
  /** The container was removed after it was listed. */
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
  // Docker also calls a container unhealthy that somebody stopped on purpose.
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

/** The series of one container: what is not known has none. */
const METRICS: Readonly<Record<string, (reading: ContainerReading) => number | undefined>> = {
  container_up: ({ isRunning }) => Number(isRunning),
  container_healthy: ({ isHealthy }) => (isHealthy === undefined ? undefined : Number(isHealthy)),
  container_restarts_total: ({ restarts }) => restarts,
  container_restarting: ({ isRestarting }) => Number(isRestarting),
  container_oom_killed: ({ isOomKilled }) => Number(isOomKilled),
  container_start_time_seconds: ({ startedAtMs }) => startedAtMs && startedAtMs / 1000,
  container_memory_working_set_bytes: ({ memoryBytes }) => memoryBytes,
  container_cpu_usage_seconds_total: ({ cpuSeconds }) => cpuSeconds,
};

function samplesOf(reading: ContainerReading): readonly GivenSample[] {
  const labels = { container: reading.name };
  return Object.entries(METRICS).flatMap(([name, valueOf]) => {
    const value = valueOf(reading);
    return value === undefined ? [] : [{ name, labels, value }];
  });
}
