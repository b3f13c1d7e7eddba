/** The compiled executable, and how tests start it. */

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../../src/platforms/run-command.ts";

export const PROJECT = join(import.meta.dir, "..", "..");

/** What a process has written so far, and how it ended. */
export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  /** Its exit code; 128 + N where signal N has ended it. */
  readonly exited: Promise<number>;
  /** The signal that has ended it, if one has. */
  endedBy(): string | undefined;
  stdout(): string;
  stderr(): string;
  /** Each line of standard output that is a JSON object. */
  events(): readonly Event[];
  /** Resolves with the first event that passes, seen already or to come. */
  event(passes: (event: Event) => boolean, deadlineMs?: number): Promise<Event>;
  kill(signal: NodeJS.Signals): void;
}

/** A line of the log; `event` is its name. */
export type Event = Readonly<Record<string, unknown>>;

export interface StartOptions {
  readonly env?: Environment;
  readonly cwd?: string;
}

const DEFAULT_DEADLINE_MS = 60_000;
const KILL_AFTER_MS = 5000;

/** `./sentinel`, built by `bun run build` if it is missing or older than a source file. */
export function sentinelBinary(): string {
  const path = join(PROJECT, "sentinel");
  if (isFresh(path)) return path;
  const built = Bun.spawnSync([process.execPath, "run", "build"], { cwd: PROJECT });
  if (!built.success) throw new Error(`bun run build failed:\n${built.stderr}`);
  return path;
}

function isFresh(path: string): boolean {
  if (!existsSync(path)) return false;
  const builtMs = statSync(path).mtimeMs;
  const sources = [
    ...new Bun.Glob("src/**/*.{ts,html,css}").scanSync(PROJECT),
    "package.json",
    "bun.lock",
  ];
  return sources.every((file) => statSync(join(PROJECT, file)).mtimeMs <= builtMs);
}

/** Settings of this machine's user must not steer a test: a process starts with these alone. */
export function bareEnvironment(): Environment {
  const { PATH, HOME, DOCKER_HOST } = process.env;
  return { PATH, HOME, DOCKER_HOST };
}

/** Starts a process whose end belongs to the test: it is killed when the test is over. */
export function startProcess(argv: readonly string[], options: StartOptions = {}): RunningProcess {
  const child = Bun.spawn([...argv], {
    env: { ...bareEnvironment(), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const events = () => stdout.text().split("\n").slice(0, -1).flatMap(parseEvent);
  return {
    pid: child.pid,
    exited: Promise.all([child.exited, stdout.done, stderr.done]).then(([code]) => code),
    endedBy: () => child.signalCode?.toString(),
    stdout: stdout.text,
    stderr: stderr.text,
    events,
    async event(passes, deadlineMs = DEFAULT_DEADLINE_MS) {
      const untilMs = performance.now() + deadlineMs;
      for (;;) {
        const found = events().find(passes);
        if (found !== undefined) return found;
        const isOver = child.exitCode !== null || child.signalCode !== null;
        if (isOver || performance.now() > untilMs) {
          const why = isOver ? `the process ended (${child.exitCode ?? child.signalCode})` : "late";
          throw new Error(`no such event: ${why}\n${stdout.text().slice(-3000)}${stderr.text()}`);
        }
        await Bun.sleep(20);
      }
    },
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
      await child.exited;
      clearTimeout(timer);
    },
  };
}

/** Runs a command to its end. */
export async function runToEnd(argv: readonly string[], options: StartOptions = {}) {
  await using started = startProcess(argv, options);
  const exitCode = await started.exited;
  return { exitCode, stdout: started.stdout(), stderr: started.stderr() };
}

function collect(stream: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder();
  let text = "";
  const read = async () => {
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  };
  return { done: read(), text: () => text };
}

function parseEvent(line: string): Event[] {
  if (!line.startsWith("{")) return [];
  const value: unknown = JSON.parse(line);
  return typeof value === "object" && value !== null ? [{ ...value }] : [];
}
