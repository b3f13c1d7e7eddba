/**
 * Runs a command, starts it again when it dies, and keeps what it wrote last: for a service without
 * a container. Nothing of it outlives Sentinel (guardian.ts).
 */

import { unlessAborted } from "../../core/abort.ts";
import type { Death as Ending, Outcome } from "../../core/model.ts";
import type { Clock } from "../../core/ports.ts";
import { ENDING_LINES, Endings } from "./endings.ts";
import { type Ended, launch } from "./guarded.ts";
import type { GuardedCommand } from "./guardian.ts";
import { OutputTap, type WriteLine } from "./output-tap.ts";
import { LogTail } from "./log-tail.ts";
import {
  afterDeath,
  DEFAULT_RESTART_POLICY,
  type Death,
  type RestartPolicy,
} from "./restart-policy.ts";
import { childEnvironment, type Environment, type Sink } from "../run-command.ts";

/** As `docker stop` waits. */
const STOP_GRACE_MS = 10_000;

/** Whoever lives this long has not died of its start. */
const SETTLE_MS = 500;

/** The number of last lines by which a result says why a start failed. */
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
  /** Is given each line that the command writes, as far as it does not write too much. */
  readonly onLine?: WriteLine;
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
  /** It has run well for a while after it died and was restarted by its supervisor; oldest death first. */
  | { readonly type: "child_cured"; readonly deaths: readonly Ending[]; readonly ranMs: number }
  /** It was stopped on request. */
  | { readonly type: "child_stopped"; readonly how: string };

export type SupervisorState = "stopped" | "starting" | "running" | "backing_off" | "given_up";

interface SupervisorStatus {
  readonly state: SupervisorState;
  /** The process id of the command itself, while it runs. */
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
  /** Its last ends by itself, oldest first, with the wall clock's times and the last lines before each. */
  deaths(): readonly Ending[];
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

/** A supervisor of one command, which starts nothing by itself. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new CommandSupervisor(options);
}

class CommandSupervisor implements Supervisor {
  readonly name: string;
  readonly argv: readonly string[];
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #policy: RestartPolicy;
  readonly #command: GuardedCommand;
  readonly #onEvent: (event: SupervisorEvent) => void;
  readonly #lines = new LogTail();
  #status: SupervisorStatus = {
    state: "stopped",
    pid: undefined,
    restarts: 0,
    startedAtMs: undefined,
    lastEnd: undefined,
  };
  /** Kept from one start to the next: a start by an alert must not make a crash loop look new. */
  #deaths: readonly Death[] = [];
  readonly #endings = new Endings();
  #endSession = async (): Promise<void> => {};
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SupervisorOptions) {
    const { name, argv, graceMs = STOP_GRACE_MS } = options;
    this.name = name;
    this.argv = argv;
    this.#options = options;
    this.#clock = options.clock;
    this.#policy = { ...DEFAULT_RESTART_POLICY, ...options.policy };
    this.#onEvent = options.onEvent ?? (() => {});
    const env = withoutUndefined(childEnvironment(options.env));
    this.#command = { name, argv, cwd: options.cwd ?? process.cwd(), env, graceMs };
  }

  status(): SupervisorStatus {
    return this.#status;
  }

  lastLines(count: number): readonly string[] {
    return this.#lines.last(count);
  }

  deaths(): readonly Ending[] {
    return this.#endings.all;
  }

  // Fields, and not methods: each is handed on as a function of its own.
  readonly start = (signal?: AbortSignal) =>
    this.#inTurn(async () => (this.#isRunning ? this.#runs() : this.#restart()), signal);

  readonly restart = (signal?: AbortSignal) => this.#inTurn(() => this.#restart(), signal);

  readonly stop = (signal?: AbortSignal) => this.#inTurn(() => this.#stop(), signal);

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #inTurn(work: () => Promise<SupervisorResult>, signal?: AbortSignal): Promise<SupervisorResult> {
    const result = this.#turn.then(() => (signal?.aborted ? CANCELLED : work()));
    this.#turn = result;
    return signal ? unlessAborted(result, signal, () => CANCELLED) : result;
  }

  async #restart(): Promise<SupervisorResult> {
    await this.#endSession();
    return this.#begin();
  }

  async #stop(): Promise<SupervisorResult> {
    await this.#endSession();
    return { kind: "succeeded", exitCode: 0, output: "it is stopped" };
  }

  async #begin(): Promise<SupervisorResult> {
    // Somebody starts it: whatever it died of before, it is not its own restart that may cure it.
    this.#endings.forgetUncured();
    const session: Session = {
      stop: new AbortController(),
      started: Promise.withResolvers(),
      died: Promise.withResolvers(),
    };
    this.#change({ restarts: 0 });
    const done = this.#keepAlive(session);
    this.#endSession = async () => {
      session.stop.abort();
      await done;
      this.#change({ state: "stopped" });
    };
    const { settleMs = SETTLE_MS } = this.#options;
    const settled = session.started.promise.then(() =>
      this.#clock.sleep(settleMs, session.stop.signal),
    );
    const end = await Promise.race([session.died.promise, settled]);
    if (end === undefined) return this.#runs();
    const output = [...this.#lines.last(RESULT_LINES), `(it died at once: ${end.how})`].join("\n");
    return { kind: "failed", exitCode: end.exitCode, output };
  }

  get #isRunning(): boolean {
    return this.#status.state === "running";
  }

  #runs(): SupervisorResult {
    return { kind: "succeeded", exitCode: 0, output: `it runs as process ${this.#status.pid}` };
  }

  /** Restarts the command until it is stopped, or given up. */
  async #keepAlive({ stop, started, died }: Session): Promise<void> {
    for (;;) {
      const linesBefore = this.#lines.added;
      const { end, ranMs } = await this.#runOnce(stop.signal, () => started.resolve());
      this.#change({ pid: undefined, lastEnd: end });
      if (stop.signal.aborted) return this.#onEvent({ type: "child_stopped", how: end.how });
      this.#keepEnding(end, ranMs, this.#lines.added - linesBefore);
      this.#onEvent({ type: "child_died", how: end.how, ranMs });
      died.resolve(end);
      const nowMs = this.#clock.nowMs();
      this.#deaths = [...this.#deaths, { atMs: nowMs, ranMs }].filter(
        ({ atMs }) => nowMs - atMs <= this.#policy.withinMs,
      );
      const next = afterDeath(this.#deaths, this.#policy);
      if (next.kind === "give_up") {
        this.#change({ state: "given_up" });
        const { withinMs } = this.#policy;
        return this.#onEvent({ type: "child_given_up", deaths: next.deaths, withinMs });
      }
      this.#change({ state: "backing_off" });
      this.#onEvent({ type: "child_restarting", inMs: next.inMs });
      await this.#clock.sleep(next.inMs, stop.signal);
      if (stop.signal.aborted) return;
      this.#change({ restarts: this.#status.restarts + 1 });
    }
  }

  /** One process, from its start to its end. */
  async #runOnce(signal: AbortSignal, onStarted: () => void) {
    this.#change({ state: "starting" });
    const [out, err] = [this.#lines.open(), this.#lines.open()];
    const taps = this.#options.onLine
      ? [new OutputTap(this.#options.onLine), new OutputTap(this.#options.onLine)]
      : [];
    const [stdout, stderr] = [sinkOf(out, taps[0]), sinkOf(err, taps[1])];
    const launched = await launch(this.#command, { stdout, stderr });
    const startedAtMs = this.#clock.nowMs();
    if (launched.kind === "not_started") {
      this.#lines.note(`(could not be started: ${launched.end.how})`);
      return { end: launched.end, ranMs: 0 };
    }
    const { child } = launched;
    this.#change({
      state: "running",
      pid: child.pid,
      startedAtMs: this.#clock.toWall(startedAtMs),
    });
    this.#onEvent({ type: "child_started", pid: child.pid });
    onStarted();
    const onAbort = () => child.stop();
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const over = new AbortController();
    if (this.#endings.uncured.length > 0) void this.#awaitCure(over.signal);
    const end = await child.ended;
    over.abort();
    signal.removeEventListener("abort", onAbort);
    for (const stream of [out, err, ...taps]) stream.end();
    return { end, ranMs: this.#clock.nowMs() - startedAtMs };
  }

  #keepEnding(end: Ended, ranMs: number, ownLines: number): void {
    const atMs = this.#clock.toWall(this.#clock.nowMs());
    // What an earlier process wrote is told with its own end.
    const lines = this.#lines.last(Math.min(ownLines, ENDING_LINES));
    this.#endings.keep(end, { atMs, ranMs, lines });
  }

  /** Tells that its restart has cured it, unless it ends before. */
  async #awaitCure(ended: AbortSignal): Promise<void> {
    const { stableMs } = this.#policy;
    await this.#clock.sleep(stableMs, ended);
    if (ended.aborted) return;
    this.#onEvent({ type: "child_cured", deaths: this.#endings.uncured, ranMs: stableMs });
    this.#endings.forgetUncured();
  }

  #change(changes: Partial<SupervisorStatus>): void {
    this.#status = { ...this.#status, ...changes };
  }
}

/** Both, where there are two. */
function sinkOf(kept: Sink, tap: Sink | undefined): Sink {
  if (tap === undefined) return kept;
  return {
    push(chunk) {
      kept.push(chunk);
      tap.push(chunk);
    },
  };
}

function withoutUndefined(env: Environment): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
