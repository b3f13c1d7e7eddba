/** Starts a command under a guardian, which takes care that nothing of it outlives Sentinel. */

import { constants } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../core/errors.ts";
import type { FromGuardian, GuardedCommand, ToGuardian } from "./guardian.ts";
import { openPipe, type Pipe } from "./pipe.ts";
import { DRAIN_GRACE_MS, Drain, type Sink, signalGroup } from "../run-command.ts";

/** How long the guardian may take beyond the command's grace before the group is killed from here. */
const GUARDIAN_GRACE_MS = 2000;

/** As a shell says it of a command that is not there. */
const NOT_STARTED_EXIT_CODE = 127;

export interface Ended {
  /** As a shell and Docker give it: 128 and the signal's number if a signal ended it. */
  readonly exitCode: number;
  /** In words: `exit code 3`, `SIGKILL`, or why it could not be started. */
  readonly how: string;
}

/** A command that runs. */
interface Guarded {
  readonly pid: number;
  /** Resolves when nothing of its group is left, and all that it wrote has been read. */
  readonly ended: Promise<Ended>;
  /** TERM to its group; KILL after the grace. Once is enough. */
  stop(): void;
}

type Launch =
  | { readonly kind: "started"; readonly child: Guarded }
  | { readonly kind: "not_started"; readonly end: Ended };

interface Streams {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** Resolves when the command runs, about 10 ms later, or when it can't. Never throws. */
export async function launch(command: GuardedCommand, streams: Streams): Promise<Launch> {
  const launched = Promise.withResolvers<Launch>();
  let reported: Ended | undefined;
  let guardian: Guardian;
  try {
    guardian = startGuardian(command.name, (message) => {
      if (message.type === "started")
        return launched.resolve({ kind: "started", child: { pid: message.pid, ended, stop } });
      reported = message.type === "exited" ? endOf(message) : notStarted(message.reason);
      signalGroup(guardian.process, "SIGKILL");
    });
  } catch (error) {
    return { kind: "not_started", end: notStarted(`no guardian: ${messageOf(error)}`) };
  }
  const stop = () => {
    send(guardian, { type: "stop" });
    const kill = () => signalGroup(guardian.process, "SIGKILL");
    const timer = setTimeout(kill, command.graceMs + GUARDIAN_GRACE_MS);
    void guardian.process.exited.finally(() => clearTimeout(timer));
  };
  const ended = waitForEnd(guardian, streams).then((end) => reported ?? end);
  void ended.then((end) => launched.resolve({ kind: "not_started", end }));
  send(guardian, { type: "start", command });
  return launched.promise;
}

/** The command that starts this program: the executable itself, or Bun and the source. */
export function thisProgram(): readonly string[] {
  const entry = Bun.isStandaloneExecutable ? [] : [join(import.meta.dir, "../../main.ts")];
  return [process.execPath, ...entry];
}

interface Guardian {
  readonly process: Bun.Subprocess;
  readonly stdout: Pipe;
  readonly stderr: Pipe;
}

function startGuardian(name: string, onMessage: (message: FromGuardian) => void): Guardian {
  using pipes = new DisposableStack();
  const [stdout, stderr] = [pipes.use(openPipe()), pipes.use(openPipe())];
  const guardian = Bun.spawn([...thisProgram(), "guardian", name], {
    // Not the command's: Bun would take `.env` and `bunfig.toml` from that folder for its own,
    // and variables such as BUN_OPTIONS.
    cwd: "/",
    env: {},
    stdin: "ignore",
    stdout: stdout.writeEnd,
    stderr: stderr.writeEnd,
    // It leads a session and a group of its own.
    detached: true,
    serialization: "json",
    ipc: onMessage,
  });
  stdout.closeWriteEnd();
  stderr.closeWriteEnd();
  pipes.move();
  return { process: guardian, stdout, stderr };
}

/** Waits until nothing of the group is left: a guardian that was killed leaves its command to this process. */
async function waitForEnd(guardian: Guardian, { stdout, stderr }: Streams): Promise<Ended> {
  using out = guardian.stdout;
  using err = guardian.stderr;
  const readers = [new Drain(out.stream(), [stdout]), new Drain(err.stream(), [stderr])];
  const drained = Promise.all(readers.map(({ done }) => done));
  await guardian.process.exited;
  signalGroup(guardian.process, "SIGKILL");
  await Promise.race([drained, Bun.sleep(DRAIN_GRACE_MS)]);
  for (const reader of readers) reader.stop();
  const { exitCode, signalCode } = guardian.process;
  return endOf({ exitCode, signal: signalCode });
}

function send(guardian: Guardian, message: ToGuardian): void {
  try {
    guardian.process.send(message);
  } catch {
    // It has gone, as its exit will show.
  }
}

function notStarted(reason: string): Ended {
  return { exitCode: NOT_STARTED_EXIT_CODE, how: reason };
}

interface Status {
  readonly exitCode: number | null;
  readonly signal: string | number | null;
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = constants.signals;

function endOf({ exitCode, signal }: Status): Ended {
  if (signal === null)
    return { exitCode: exitCode ?? 1, how: `exit code ${exitCode ?? "unknown"}` };
  const number = typeof signal === "number" ? signal : (SIGNAL_NUMBERS[signal] ?? 0);
  return { exitCode: 128 + number, how: typeof signal === "number" ? `signal ${signal}` : signal };
}
