/** A supervised command as a platform: what acts on the one service, and what tells of it. */

import type { GivenSample } from "../../core/given-series.ts";
import { GIVEN_UP, type Outcome } from "../../core/model.ts";
import type { Platform } from "../../core/ports.ts";
import { notStarted, refuseOther } from "../docker/docker.ts";
import { readUsage } from "./usage.ts";
import type { Supervisor, SupervisorResult, SupervisorState } from "./supervisor.ts";

/** As Docker calls it, where Docker has a word for it. */
const STATUSES = {
  stopped: "exited",
  starting: "restarting",
  running: "running",
  // Not left to it, as an engine's own restart is: who supervises here is Sentinel itself.
  backing_off: "exited",
  given_up: GIVEN_UP,
} satisfies Record<SupervisorState, string>;

/** Knows this one service: its process for the container, its command for the image. */
export function processPlatform(supervisor: Supervisor): Platform {
  const { name, argv } = supervisor;
  const work: Readonly<Record<string, (signal: AbortSignal) => Promise<SupervisorResult>>> = {
    "supervisor-restart": supervisor.restart,
    "supervisor-stop": supervisor.stop,
    "supervisor-start": supervisor.start,
  };
  return {
    name: "process",

    async act(action, signal): Promise<Outcome> {
      const refusal = refuseOther("process", action);
      if (refusal) return refusal;
      const startedAt = performance.now();
      const result = await work[action.id]?.(signal);
      if (result === undefined)
        return notStarted(action.argv, `the supervisor does not know ${action.id}`);
      return { argv: action.argv, ...result, durationMs: performance.now() - startedAt };
    },

    async inspect(container) {
      if (container !== name) return undefined;
      const { state, pid, restarts, startedAtMs, lastEnd } = supervisor.status();
      const hasNeverRun = startedAtMs === undefined && lastEnd === undefined;
      return {
        status: state === "stopped" && hasNeverRun ? "created" : STATUSES[state],
        health: "none",
        // The exit code of the last process stays while the next one runs: it says why there was a restart.
        exitCode: lastEnd?.exitCode ?? 0,
        // Not known: SIGKILL looks the same, whoever sends it.
        oomKilled: false,
        restartCount: restarts,
        startedAtMs,
        startPeriodMs: 0,
        containerId: pid === undefined ? "no process" : `pid ${pid}`,
        // Without its arguments, which may be secrets: this is shown to models and in the log.
        image: argv[0] ?? "",
      };
    },

    async logs(container, lines) {
      if (container !== name) throw new Error(`the supervisor does not run ${container}`);
      return supervisor.lastLines(lines).map((text) => ({ text }));
    },

    deaths: () => Promise.resolve(supervisor.deaths()),

    async series({ services }) {
      if (!services.includes(name)) return { services: [], found: [], problems: [] };
      return {
        services: [{ service: name, samples: await readSeries(supervisor) }],
        found: [],
        problems: [],
      };
    },
  };
}

/** The process for the container, as in `inspect`. */
async function readSeries(supervisor: Supervisor): Promise<readonly GivenSample[]> {
  const { state, pid, restarts, startedAtMs } = supervisor.status();
  const usage = pid === undefined ? undefined : await readUsage(pid);
  const values: Readonly<Record<string, number | undefined>> = {
    container_up: Number(state === "running"),
    container_restarts_total: restarts,
    container_start_time_seconds: startedAtMs && startedAtMs / 1000,
    container_cpu_usage_seconds_total: usage?.cpuSeconds,
    container_memory_working_set_bytes: usage?.memoryBytes,
    container_processes: usage?.processes,
  };
  const labels = { container: supervisor.name };
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, labels, value }],
  );
}
