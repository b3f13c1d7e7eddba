/** Starts a command under a guardian, which takes care that nothing of it outlives Sentinel. */

import { constants } from "node:os";
import { join } from "node:path";
import type { FromGuardian, GuardedCommand, ToGuardian } from "./guardian.ts";
import { DRAIN_GRACE_MS, Drain, type Sink, signalGroup } from "./spawn.ts";

/** How long the guardian may take beyond the command's grace before the group is killed from here. */
const GUARDIAN_GRACE_MS = 2000;

/** As a shell says it of a command that is not there. */
const NOT_STARTED_EXIT_CODE = 127;

export interface Ended {
  /** As a shell and Docker tell it: 128 and the signal's number if a signal ended it. */
  readonly exitCode: number;
  /** In words, e.g. `exit code 3` or `SIGKILL`. */
  readonly how: string;
}

/** A command that runs. */
export interface Guarded {
  readonly pid: number;
  /** Resolves when nothing of its group is left, and all that it wrote has been read. */
  readonly ended: Promise<Ended>;
  /** TERM to its group; KILL after the grace. Once is enough. */
  stop(): void;
}

export type Launch =
  | { readonly kind: "started"; readonly child: Guarded }
  | { readonly kind: "not_started"; readonly end: Ended };

export interface Streams {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** Resolves when the command runs, about 10 ms later, or when it can't. Never throws. */
export async function launch(command: GuardedCommand, streams: Streams): Promise<Launch> {
  const started = Promise.withResolvers<Launch>();
  let last: Ended | undefined;
  let guardian: Guardian;
  try {
    guardian = startGuardian(command.name, (message) => {
      if (message.type === "started")
        return started.resolve({ kind: "started", child: { pid: message.pid, ended, stop } });
      last = message.type === "exited" ? endOf(message) : notStarted(message.reason);
      signalGroup(guardian, "SIGKILL");
    });
  } catch (error) {
    return { kind: "not_started", end: notStarted(`no guardian: ${String(error)}`) };
  }
  const stop = () => {
    send(guardian, { type: "stop" });
    const timer = setTimeout(
      () => signalGroup(guardian, "SIGKILL"),
      command.graceMs + GUARDIAN_GRACE_MS,
    );
    void guardian.exited.finally(() => clearTimeout(timer));
  };
  const ended = waitForEnd(guardian, streams).then(
    () => last ?? endOf({ exitCode: guardian.exitCode, signal: guardian.signalCode }),
  );
  void ended.then((end) => started.resolve({ kind: "not_started", end }));
  send(guardian, { type: "start", command });
  return started.promise;
}

type Guardian = Bun.Subprocess<"ignore", "pipe", "pipe">;

function startGuardian(name: string, onMessage: (message: FromGuardian) => void): Guardian {
  // An executable has this file in it; from source, main.ts is where it is found.
  const self = Bun.isStandaloneExecutable ? [] : [join(import.meta.dir, "../main.ts")];
  return Bun.spawn([process.execPath, ...self, "guardian", name], {
    // Not the command's: Bun would take `.env` and `bunfig.toml` from that folder for its own,
    // and variables such as BUN_OPTIONS.
    cwd: "/",
    env: {},
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    // A session and a group of its own, which it leads.
    detached: true,
    serialization: "json",
    ipc: onMessage,
  });
}

/** Nothing of the group is left: a guardian that was killed leaves its command to us. */
async function waitForEnd(guardian: Guardian, { stdout, stderr }: Streams): Promise<void> {
  const readers = [new Drain(guardian.stdout, [stdout]), new Drain(guardian.stderr, [stderr])];
  await guardian.exited;
  signalGroup(guardian, "SIGKILL");
  const drained = Promise.all(readers.map(({ done }) => done));
  await Promise.race([drained, Bun.sleep(DRAIN_GRACE_MS)]);
  for (const reader of readers) reader.stop();
}

function send(guardian: Guardian, message: ToGuardian): void {
  try {
    guardian.send(message);
  } catch {
    // It has gone, which its exit tells.
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
