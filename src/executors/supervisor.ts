/**
 * Runs a command, starts it again when it dies, and keeps what it wrote last: for a service without
 * a container. Nothing of it outlives Sentinel (guardian.ts).
 */

import type { Outcome } from "../core/model.ts";
import type { Clock } from "../core/ports.ts";
import { type Ended, launch } from "./guarded.ts";
import { RecentLines } from "./recent-lines.ts";
import {
  afterDeath,
  DEFAULT_RESTART_POLICY,
  type Death,
  type RestartPolicy,
} from "./restart-policy.ts";
import { childEnvironment, type Environment } from "./spawn.ts";

/** As `docker stop` waits. */
const STOP_GRACE_MS = 10_000;

/** Whoever lives this long has not died of its start. */
const SETTLE_MS = 500;

/** So many last lines say in a result why a start failed. */
const RESULT_LINES = 10;

export interface SupervisorOptions {
  /** The service's name, as in its incidents. */
  readonly name: string;
  /** Program first. Never passed through a shell. */
  readonly argv: readonly string[];
  /** Default: this process's working folder. */
  readonly cwd?: string;
  /** Default: this process's environment. The models' credentials are never in it. */
  readonly env?: Environment;
  /** Between TERM and KILL; default 10 s. */
  readonly graceMs?: number;
  /** How long a new process must live for its start to have succeeded; default 0.5 s. */
  readonly settleMs?: number;
  /** What is not given is as in `DEFAULT_RESTART_POLICY`. */
  readonly policy?: Partial<RestartPolicy>;
  readonly clock: Clock;
  /** Told of each change, in order. */
  readonly onEvent?: (event: SupervisorEvent) => void;
}

/** `how` is as in `Ended`. */
export type SupervisorEvent =
  | { readonly type: "child_started"; readonly pid: number }
  /** By itself; or it could not be started. */
  | { readonly type: "child_died"; readonly how: string; readonly ranMs: number }
  | { readonly type: "child_restarting"; readonly inMs: number }
  /** It is not started again until somebody does. */
  | { readonly type: "child_given_up"; readonly deaths: number; readonly withinMs: number }
  /** As it was told to. */
  | { readonly type: "child_stopped"; readonly how: string };

export type SupervisorState = "stopped" | "starting" | "running" | "backing_off" | "given_up";

export interface SupervisorStatus {
  readonly state: SupervisorState;
  /** Of the command itself, while it runs. */
  readonly pid: number | undefined;
  /** By itself, since somebody last started it. */
  readonly restarts: number;
  /** When the last process started, by the wall clock: an engine tells of containers in the same way. */
  readonly startedAtMs: number | undefined;
  /** How the last process ended, or why it could not be started. */
  readonly lastEnd: Ended | undefined;
}

/** What became of a start or a stop. */
export type SupervisorResult = Pick<Outcome, "exitCode" | "output"> & {
  readonly kind: "succeeded" | "failed" | "cancelled";
};

/**
 * The three that change something take turns: of two restarts at once, the second follows on the
 * first. With a signal that is aborted before its turn nothing is done; afterwards the work is
 * brought to its end, for half a restart would leave the service down, but no longer waited for.
 * None of them throws.
 */
export interface Supervisor extends AsyncDisposable {
  readonly name: string;
  readonly argv: readonly string[];
  status(): SupervisorStatus;
  /** The last lines of standard output and error, oldest first; also of processes that have died. */
  lastLines(count: number): readonly string[];
  /** Starts it, unless it runs: also one that was given up, or that waits for its restart. */
  start(signal?: AbortSignal): Promise<SupervisorResult>;
  restart(signal?: AbortSignal): Promise<SupervisorResult>;
  /** Stops it with all of its group. It stays stopped until somebody starts it. */
  stop(signal?: AbortSignal): Promise<SupervisorResult>;
  /** Stops it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** One stretch of being kept alive: from somebody's start to a stop, or until it is given up. */
interface Session {
  readonly stop: AbortController;
  readonly started: PromiseWithResolvers<void>;
  readonly died: PromiseWithResolvers<Ended>;
}

const CANCELLED: SupervisorResult = { kind: "cancelled", exitCode: undefined, output: "" };

/** A supervisor of one command. It starts nothing before it is told to. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { name, argv, clock, onEvent = () => {} } = options;
  const { graceMs = STOP_GRACE_MS, settleMs = SETTLE_MS } = options;
  const policy = { ...DEFAULT_RESTART_POLICY, ...options.policy };
  const lines = new RecentLines();
  const command = {
    name,
    argv,
    cwd: options.cwd ?? process.cwd(),
    env: withoutUndefined(childEnvironment(options.env)),
    graceMs,
  };

  let status: SupervisorStatus = {
    state: "stopped",
    pid: undefined,
    restarts: 0,
    startedAtMs: undefined,
    lastEnd: undefined,
  };
  const change = (changes: Partial<SupervisorStatus>): void => {
    status = { ...status, ...changes };
  };

  /** Kept from one start to the next: a start by an alert must not make a crash loop look new. */
  let deaths: readonly Death[] = [];

  /** Until it is told to stop, or gives up. */
  async function keepAlive({ stop, started, died }: Session): Promise<void> {
    for (;;) {
      const { end, ranMs } = await runOnce(stop.signal, () => started.resolve());
      change({ pid: undefined, lastEnd: end });
      if (stop.signal.aborted) return onEvent({ type: "child_stopped", how: end.how });
      onEvent({ type: "child_died", how: end.how, ranMs });
      died.resolve(end);
      const nowMs = clock.nowMs();
      deaths = [...deaths, { atMs: nowMs, ranMs }].filter(
        ({ atMs }) => nowMs - atMs <= policy.withinMs,
      );
      const next = afterDeath(deaths, policy);
      if (next.kind === "give_up") {
        change({ state: "given_up" });
        const { withinMs } = policy;
        return onEvent({ type: "child_given_up", deaths: next.deaths, withinMs });
      }
      change({ state: "backing_off" });
      onEvent({ type: "child_restarting", inMs: next.inMs });
      await clock.sleep(next.inMs, stop.signal);
      if (stop.signal.aborted) return;
      change({ restarts: status.restarts + 1 });
    }
  }

  /** One process, from its start to its end. */
  async function runOnce(signal: AbortSignal, onStarted: () => void) {
    change({ state: "starting" });
    const [stdout, stderr] = [lines.open(), lines.open()];
    const launched = await launch(command, { stdout, stderr });
    const startedAtMs = clock.nowMs();
    if (launched.kind === "not_started") {
      lines.note(`(could not be started: ${launched.end.how})`);
      return { end: launched.end, ranMs: 0 };
    }
    const { child } = launched;
    change({ state: "running", pid: child.pid, startedAtMs: clock.toWall(startedAtMs) });
    onEvent({ type: "child_started", pid: child.pid });
    onStarted();
    const onAbort = () => child.stop();
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const end = await child.ended;
    signal.removeEventListener("abort", onAbort);
    stdout.end();
    stderr.end();
    return { end, ranMs: clock.nowMs() - startedAtMs };
  }

  let endSession = async (): Promise<void> => {};

  async function begin(): Promise<SupervisorResult> {
    const session: Session = {
      stop: new AbortController(),
      started: Promise.withResolvers(),
      died: Promise.withResolvers(),
    };
    change({ restarts: 0 });
    const done = keepAlive(session);
    endSession = async () => {
      session.stop.abort();
      await done;
      change({ state: "stopped" });
    };
    const settled = session.started.promise.then(() => clock.sleep(settleMs, session.stop.signal));
    const end = await Promise.race([session.died.promise, settled]);
    if (end === undefined) return runs();
    const output = [...lines.last(RESULT_LINES), `(it died at once: ${end.how})`].join("\n");
    return { kind: "failed", exitCode: end.exitCode, output };
  }

  function runs(): SupervisorResult {
    return { kind: "succeeded", exitCode: 0, output: `it runs as process ${status.pid}` };
  }

  async function restart(): Promise<SupervisorResult> {
    await endSession();
    return begin();
  }

  async function stop(): Promise<SupervisorResult> {
    await endSession();
    return { kind: "succeeded", exitCode: 0, output: "it is stopped" };
  }

  let turn: Promise<unknown> = Promise.resolve();
  function inTurn(
    work: () => Promise<SupervisorResult>,
    signal?: AbortSignal,
  ): Promise<SupervisorResult> {
    const result = turn.then(() => (signal?.aborted ? CANCELLED : work()));
    turn = result;
    return signal ? unlessAborted(result, signal) : result;
  }

  return {
    name,
    argv,
    status: () => status,
    lastLines: (count) => lines.last(count),
    start: (signal) =>
      inTurn(async () => (status.state === "running" ? runs() : restart()), signal),
    restart: (signal) => inTurn(restart, signal),
    stop: (signal) => inTurn(stop, signal),
    async [Symbol.asyncDispose]() {
      await inTurn(stop);
    },
  };
}

/** The result, or that it was cancelled, whichever is first. */
async function unlessAborted(
  result: Promise<SupervisorResult>,
  signal: AbortSignal,
): Promise<SupervisorResult> {
  const aborted = Promise.withResolvers<SupervisorResult>();
  const onAbort = () => aborted.resolve(CANCELLED);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([result, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function withoutUndefined(env: Environment): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
