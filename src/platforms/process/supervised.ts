/** A supervised command, as the two ports see it: what acts on a service, and what tells of it. */

import type { Outcome } from "../../core/model.ts";
import { GIVEN_UP } from "../../core/model.ts";
import type { ContainerRuntime, Executor } from "../../core/ports.ts";
import { notStarted, refuseOther } from "../docker/docker.ts";
import type { Supervisor, SupervisorResult, SupervisorState } from "./supervisor.ts";

/** Runs the actions of the executor `supervisor`, on this one command. */
export function supervisorExecutor(supervisor: Supervisor): Executor {
  const work: Readonly<Record<string, (signal: AbortSignal) => Promise<SupervisorResult>>> = {
    "supervisor-restart": supervisor.restart,
    "supervisor-stop": supervisor.stop,
    "supervisor-start": supervisor.start,
  };
  return {
    name: "supervisor",
    async run(action, signal): Promise<Outcome> {
      const { id, argv } = action;
      const refusal = refuseOther("supervisor", action);
      if (refusal) return refusal;
      const startedAt = performance.now();
      const result = await work[id]?.(signal);
      if (result === undefined) return notStarted(argv, `the supervisor does not know ${id}`);
      return { argv, ...result, durationMs: performance.now() - startedAt };
    },
  };
}

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
export function supervisorRuntime(supervisor: Supervisor): ContainerRuntime {
  const { name, argv } = supervisor;
  return {
    async inspect(container) {
      if (container !== name) return undefined;
      const { state, pid, restarts, startedAtMs, lastEnd } = supervisor.status();
      const hasNeverRun = startedAtMs === undefined && lastEnd === undefined;
      return {
        status: state === "stopped" && hasNeverRun ? "created" : STATUSES[state],
        health: "none",
        // Of the last process that ended, also while the next one runs: it tells why it was restarted.
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
      return supervisor.lastLines(lines);
    },

    deaths: () => Promise.resolve(supervisor.deaths()),
  };
}
