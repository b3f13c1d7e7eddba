/** The series of one container, of what its engine says of its state and its use; pure. */

import { z } from "zod";
import type { GivenSample } from "../../core/given-series.ts";

/** What changes only when something happens to a container. */
export const inspectedSchema = z.object({
  RestartCount: z.number(),
  State: z.object({
    Running: z.boolean(),
    // Such a one counts as running as well.
    Restarting: z.boolean().optional(),
    OOMKilled: z.boolean(),
    ExitCode: z.number().optional(),
    StartedAt: z.string(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  HostConfig: z
    .object({
      Memory: z.number().nullish(),
      NanoCpus: z.number().nullish(),
      CpuQuota: z.number().nullish(),
      CpuPeriod: z.number().nullish(),
    })
    .nullish(),
});
export type Inspected = z.output<typeof inspectedSchema>;

const counters = (...names: readonly string[]) =>
  z.object(Object.fromEntries(names.map((name) => [name, z.number()]))).partial();

/** Absent parts are what an engine without that cgroup controller leaves out. */
export const statsSchema = z.object({
  cpu_stats: z
    .object({
      cpu_usage: z.object({ total_usage: z.number() }),
      throttling_data: counters("periods", "throttled_periods", "throttled_time").nullish(),
    })
    .optional(),
  memory_stats: z
    .object({
      usage: z.number().optional(),
      stats: counters("inactive_file", "total_inactive_file").optional(),
    })
    .optional(),
  pids_stats: counters("current").nullish(),
  blkio_stats: z
    .object({
      io_service_bytes_recursive: z
        .array(z.object({ op: z.string(), value: z.number() }))
        .nullish(),
    })
    .nullish(),
  networks: z
    .record(z.string(), counters("rx_bytes", "tx_bytes", "rx_errors", "tx_errors"))
    .nullish(),
});
type Stats = z.output<typeof statsSchema>;

/** What is known of a container at one poll. */
export interface ContainerFacts {
  readonly name: string;
  readonly inspected: Inspected;
  /** `undefined` of one that does not run, and of one that ends just now. */
  readonly stats: Stats | undefined;
  /** Since it is watched. */
  readonly oomKills: number;
}

type Values = Readonly<Record<string, number | undefined>>;

/** What is not known has no series. */
export function containerSamples(facts: ContainerFacts): readonly GivenSample[] {
  const { name, inspected, stats } = facts;
  const labels = { container: name, name };
  const values: Values = {
    ...stateOf(facts),
    ...limitsOf(inspected),
    ...(stats && usageOf(stats)),
  };
  const interfaces = Object.entries(stats?.networks ?? {}).flatMap(([interfaceName, counts]) =>
    samples(networkOf(counts), { ...labels, interface: interfaceName }),
  );
  return [...samples(values, labels), ...interfaces];
}

function samples(values: Values, labels: GivenSample["labels"]): readonly GivenSample[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, labels, value }],
  );
}

function stateOf({ inspected, oomKills }: ContainerFacts): Values {
  const { RestartCount, State } = inspected;
  const { Running, Restarting = false, OOMKilled, ExitCode, StartedAt, Health } = State;
  // Docker calls what it stopped itself unhealthy, too: that was somebody's wish.
  const isTold =
    Running && !Restarting && (Health?.Status === "healthy" || Health?.Status === "unhealthy");
  const startedAtMs = Date.parse(StartedAt);
  // Year 1: it has never been started.
  const wasStarted = startedAtMs > 0;
  const hasEnded = wasStarted && (!Running || Restarting);
  return {
    container_up: Number(Running),
    container_healthy: isTold ? Number(Health.Status === "healthy") : undefined,
    container_restarts_total: RestartCount,
    container_restarting: Number(Restarting),
    container_oom_killed: Number(OOMKilled),
    container_oom_events_total: oomKills,
    container_exit_code: hasEnded ? ExitCode : undefined,
    container_start_time_seconds: wasStarted ? startedAtMs / 1000 : undefined,
  };
}

/** Docker's own, where only the number of cores is told. */
const PERIOD_US = 100_000;
const NANO_CPUS = 1e9;

function limitsOf({ HostConfig }: Inspected): Values {
  const { Memory, NanoCpus, CpuQuota, CpuPeriod } = HostConfig ?? {};
  const periodUs = CpuPeriod || PERIOD_US;
  const quotaUs = NanoCpus ? (NanoCpus / NANO_CPUS) * periodUs : CpuQuota;
  return {
    container_spec_cpu_period: periodUs,
    container_spec_cpu_quota: quotaUs && quotaUs > 0 ? quotaUs : undefined,
    // 0 stands for no limit, as cAdvisor has it.
    container_spec_memory_limit_bytes: Math.max(Memory ?? 0, 0),
  };
}

const NANOSECONDS_PER_SECOND = 1e9;

function usageOf({ cpu_stats, memory_stats, pids_stats, blkio_stats }: Stats): Values {
  const { usage, stats: parts = {} } = memory_stats ?? {};
  // The name differs between the two versions of cgroups.
  const fileCache = parts["inactive_file"] ?? parts["total_inactive_file"] ?? 0;
  const throttling = cpu_stats?.throttling_data ?? {};
  const blocks = blkio_stats?.io_service_bytes_recursive ?? undefined;
  const bytesOf = (wanted: string) =>
    blocks
      ?.filter(({ op }) => op.toLowerCase() === wanted)
      .reduce((sum, { value }) => sum + value, 0);
  return {
    container_cpu_usage_seconds_total: seconds(cpu_stats?.cpu_usage.total_usage),
    container_cpu_cfs_periods_total: throttling["periods"],
    container_cpu_cfs_throttled_periods_total: throttling["throttled_periods"],
    container_cpu_cfs_throttled_seconds_total: seconds(throttling["throttled_time"]),
    // Without the file cache that the kernel would give up first.
    container_memory_working_set_bytes:
      usage === undefined ? undefined : Math.max(usage - fileCache, 0),
    container_processes: pids_stats?.["current"],
    container_fs_reads_bytes_total: bytesOf("read"),
    container_fs_writes_bytes_total: bytesOf("write"),
  };
}

function networkOf(counts: Readonly<Record<string, number | undefined>>): Values {
  return {
    container_network_receive_bytes_total: counts["rx_bytes"],
    container_network_receive_errors_total: counts["rx_errors"],
    container_network_transmit_bytes_total: counts["tx_bytes"],
    container_network_transmit_errors_total: counts["tx_errors"],
  };
}

function seconds(nanoseconds: number | undefined): number | undefined {
  return nanoseconds === undefined ? undefined : nanoseconds / NANOSECONDS_PER_SECOND;
}
