/** A supervised shell script, what happened to it, and what is left of it. */

import {
  createSupervisor,
  type Supervisor,
  type SupervisorEvent,
  type SupervisorOptions,
} from "../../src/platforms/process/supervisor.ts";
import { systemClock } from "../../src/observer/system-clock.ts";
import { type FakeCli, fakeCli, isRunning } from "./fake-cli.ts";

const PATIENCE_MS = 60_000;
const POLL_MS = 10;

export interface Supervised extends AsyncDisposable {
  readonly supervisor: Supervisor;
  readonly events: readonly SupervisorEvent[];
  readonly cli: FakeCli;
  /** Resolves when that many events of the type have come. */
  happened(type: SupervisorEvent["type"], times?: number): Promise<void>;
  /** Resolves when the command has written the line. */
  wrote(line: string): Promise<void>;
}

/**
 * @param script may call `record PID` for a process that must not be left
 * @param changes by default nothing waits: a grace of 0.3 s, and no delay before a restart
 */
export async function supervise(
  script: string,
  changes: Partial<SupervisorOptions> = {},
): Promise<Supervised> {
  const cli = await fakeCli({ svc: script });
  const events: SupervisorEvent[] = [];
  const supervisor = createSupervisor({
    name: "svc",
    argv: ["svc"],
    env: cli.env,
    graceMs: 300,
    settleMs: 100,
    policy: { minDelayMs: 0 },
    clock: systemClock,
    onEvent: (event) => events.push(event),
    ...changes,
  });
  return {
    supervisor,
    events,
    cli,
    happened: (type, times = 1) =>
      until(`${type}, ${times} times`, () => events.filter((e) => e.type === type).length >= times),
    wrote: (line) => until(`the line ${line}`, () => supervisor.lastLines(1000).includes(line)),
    async [Symbol.asyncDispose]() {
      await supervisor.stop();
      await cli[Symbol.asyncDispose]();
    },
  };
}

/** Waits for a condition, not for a time. Throws if it does not come within 15 s. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(POLL_MS);
  }
}

/** Resolves when none of the processes is left. */
export async function gone(pids: readonly number[]): Promise<void> {
  for (const pid of pids) await until(`the end of ${pid}`, async () => !(await isRunning(pid)));
}

/** One column of `ps` for a process, as a number. */
export async function psNumber(pid: number, column: "ppid" | "pgid" | "sid"): Promise<number> {
  const shown = Bun.spawn(["ps", "-o", `${column}=`, "-p", String(pid)]);
  return Number(await new Response(shown.stdout).text());
}

/** Process ids of the children of a process, and of theirs. */
export async function descendants(pid: number): Promise<readonly number[]> {
  const shown = Bun.spawn(["ps", "-eo", "pid=,ppid="]);
  const listed = await new Response(shown.stdout).text();
  const rows = [...listed.matchAll(/(\d+)\s+(\d+)/g)].map(([, own, parent]) => [own, parent]);
  const childrenOf = (parent: number): number[] =>
    rows
      .filter(([, of]) => Number(of) === parent)
      .flatMap(([own]) => [Number(own), ...childrenOf(Number(own))]);
  return childrenOf(pid);
}
