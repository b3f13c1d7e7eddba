/**
 * The process between Sentinel and a supervised command. Nothing of the command outlives Sentinel,
 * whatever Sentinel dies of: the kernel then closes the channel to here, and the guardian stops the
 * whole group that it leads, as it does when it is told to. So the way that matters most is walked
 * at each ordinary stop.
 *
 *     Sentinel ──channel── guardian (own session and group) ── command ── its children
 *
 * What was measured on Linux, with a command that leaves a child behind, when Sentinel got SIGKILL:
 *
 * | way                               | starts in | own memory | left behind             |
 * | --------------------------------- | --------- | ---------- | ----------------------- |
 * | nothing                           |   1 ms    |            | command and child       |
 * | `setpriv --pdeathsig`             |   2 ms    |            | child; not on macOS     |
 * | prctl through FFI, then exec      |   6 ms    |            | child; not on macOS     |
 * | `sh` that waits on a pipe         |   2 ms    |   0.1 MB   | nothing, but needs `sh` |
 * | this, compiled (`bun` on source)  | 6 (13) ms | 2.5 (3.3)  | nothing                 |
 *
 * A parent-death signal reaches one process, never its children, and is lost on a set-uid program. A
 * distroless image has no shell. The guardian is this same executable, so it is wherever Sentinel is;
 * of its 32 MB of resident memory all but the 2.5 are pages of the file that Sentinel has mapped too.
 *
 * Its own session keeps a terminal's Ctrl-C from the command. If the guardian itself is killed, it
 * was the group's leader, and Sentinel kills the group. Two things are not covered: a process that
 * leaves the group on purpose (`setsid`), and a SIGKILL of both Sentinel and the guardian.
 *
 * Loaded by main.ts, when Sentinel starts itself with the argument `guardian`.
 */

import { whyNotStarted } from "../run-command.ts";

/** What to run, and how long it has between TERM and KILL. The environment is the whole one. */
export interface GuardedCommand {
  /** The service's, so that a list of processes tells whose guardian it is. */
  readonly name: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly graceMs: number;
}

export type ToGuardian =
  { readonly type: "start"; readonly command: GuardedCommand } | { readonly type: "stop" };

export type FromGuardian =
  | { readonly type: "started"; readonly pid: number }
  | { readonly type: "not_started"; readonly reason: string }
  | {
      readonly type: "exited";
      readonly exitCode: number | null;
      /** Its name; a number for one that has none. */
      readonly signal: string | number | null;
    };

/**
 * The grace when Sentinel is gone. It may be back at once, and must not find its service's port taken
 * for so long that it gives it up.
 */
const ORPHAN_GRACE_MS = 2000;

let child: Bun.Subprocess | undefined;
let graceMs = 0;
let isStopping = false;

// The channel is private to the two: no child inherits it, and this program is at both its ends.
process.on("message", (message: ToGuardian) => {
  if (message.type === "stop") void stop();
  else start(message.command);
});
process.on("disconnect", () => {
  void stop();
  setTimeout(endGroup, ORPHAN_GRACE_MS);
});
// Also the group's own TERM, which must not end the guardian before its child.
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => void stop());
process.on("uncaughtException", endGroup);
if (!process.connected) endGroup();

function start(command: GuardedCommand): void {
  const { argv, cwd, env } = command;
  graceMs = command.graceMs;
  try {
    child = Bun.spawn([...argv], {
      cwd,
      env,
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      onExit: (_, exitCode, signal) => report({ type: "exited", exitCode, signal }),
    });
  } catch (error) {
    report({ type: "not_started", reason: whyNotStarted(argv, cwd, error) });
    return;
  }
  report({ type: "started", pid: child.pid });
}

async function stop(): Promise<void> {
  if (child === undefined || hasEnded(child)) return endGroup();
  if (isStopping) return;
  isStopping = true;
  process.kill(-process.pid, "SIGTERM");
  await Promise.race([child.exited, Bun.sleep(graceMs)]);
  if (!process.connected) endGroup();
  child.kill("SIGKILL");
}

/** After the last report Sentinel ends the group; if Sentinel is gone, the guardian does. */
function report(message: FromGuardian): void {
  if (!process.connected) endGroup();
  process.send?.(message);
}

/** Kills all of the group, the guardian included. */
function endGroup(): void {
  process.kill(-process.pid, "SIGKILL");
}

function hasEnded({ exitCode, signalCode }: Bun.Subprocess): boolean {
  return exitCode !== null || signalCode !== null;
}
