/** Runs one command: argv without a shell, with a deadline and bounded output. Never throws. */

import { existsSync } from "node:fs";
import { createSemaphore } from "../core/lock.ts";
import type { Outcome } from "../core/model.ts";
import { withoutSecrets } from "./secret-settings.ts";

const DEFAULT_MAX_OUTPUT_BYTES = 64 * 1024;

/** Between TERM, which lets a command clean up, and KILL. */
const TERM_GRACE_MS = 2000;

/** What is still in a pipe when the command ends is read at once; who holds it longer is not ours. */
export const DRAIN_GRACE_MS = 500;

export type Environment = Readonly<Record<string, string | undefined>>;

interface CommandOptions {
  readonly cwd?: string;
  /** Default: this process's environment, without the models' credentials. */
  readonly env?: Environment;
  readonly deadlineMs: number;
  /** How much of the end of each stream is kept; default 64 KiB. */
  readonly maxOutputBytes?: number;
}

/** An `Outcome`, with the two streams apart as well. */
export interface CommandResult extends Outcome {
  /** The end of standard output; bytes that are not UTF-8 become U+FFFD. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command to its end, its deadline or the abort, whichever is first. Whoever it started is
 * stopped with it (TERM, then KILL after 2 s): `docker compose` is a child process of `docker`.
 *
 * @param argv program first, looked up on the PATH of `env`
 * @returns `output` has both streams in the order in which they arrived
 */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions,
  signal: AbortSignal,
): Promise<CommandResult> {
  const startedAt = performance.now();
  const end = (part: Partial<CommandResult> & Pick<Outcome, "kind" | "output">): CommandResult => ({
    argv,
    exitCode: undefined,
    stdout: "",
    stderr: "",
    durationMs: performance.now() - startedAt,
    ...part,
  });
  if (signal.aborted) return end({ kind: "cancelled", output: "" });

  const maxBytes = options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
  const stdout = new Tail(maxBytes);
  const stderr = new Tail(maxBytes);
  const both = new Tail(maxBytes);

  let child: Child;
  try {
    child = start(argv, options);
  } catch (error) {
    return end({ kind: "not_started", output: whyNotStarted(argv, options.cwd, error) });
  }
  const readers = [
    new Drain(child.stdout, [stdout, both]),
    new Drain(child.stderr, [stderr, both]),
  ];
  const drained = Promise.all(readers.map((reader) => reader.done));

  const stopped = await waitOrStop(child, { deadlineMs: options.deadlineMs, drained }, signal);
  await Promise.race([drained, Bun.sleep(DRAIN_GRACE_MS)]);
  for (const reader of readers) reader.stop();

  const streams = { output: both.text(), stdout: stdout.text(), stderr: stderr.text() };
  if (stopped) return end({ kind: stopped, ...streams });
  if (child.signalCode) {
    const output = `${streams.output}\n(ended by ${child.signalCode})`.trimStart();
    return end({ kind: "failed", ...streams, output });
  }
  const exitCode = child.exitCode ?? undefined;
  return end({ kind: exitCode === 0 ? "succeeded" : "failed", exitCode, ...streams });
}

/** More at once cost the machine more than they gain: starting a process holds up all that Sentinel does. */
const MAX_QUESTIONS = 8;
const questions = createSemaphore(MAX_QUESTIONS);

/**
 * Runs a command that changes nothing and is asked for what it says. However many services are looked into
 * at the same time, few such commands run; the deadline of one begins when it is started.
 */
export async function askCommand(
  argv: readonly string[],
  options: CommandOptions,
  signal: AbortSignal,
): Promise<CommandResult> {
  using _ = await questions.acquire(signal);
  return await runCommand(argv, options, signal);
}

/** This process's environment for a child, without the secrets among Sentinel's own settings. */
export function childEnvironment(from: Environment = process.env): Environment {
  return withoutSecrets(from);
}

/** The part of a result that leaves the platforms. */
export function outcomeOf({
  stdout: _stdout,
  stderr: _stderr,
  ...outcome
}: CommandResult): Outcome {
  return outcome;
}

/** The last line with text, for a message of one line. */
export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

function start(argv: readonly string[], { cwd, env }: CommandOptions): Child {
  return Bun.spawn([...argv], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...childEnvironment(env) },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    // Leader of its own process group, so that its children can be stopped with it.
    detached: true,
  });
}

/** Why a spawn failed, as a text that a person can act on. */
export function whyNotStarted(
  argv: readonly string[],
  cwd: string | undefined,
  error: unknown,
): string {
  const [program = ""] = argv;
  if (cwd !== undefined && !existsSync(cwd)) return `the folder ${cwd} does not exist`;
  if (error instanceof Error && "code" in error && error.code === "ENOENT")
    return `${program} is not on the PATH`;
  return `${program} could not be started: ${error instanceof Error ? error.message : String(error)}`;
}

interface Limits {
  readonly deadlineMs: number;
  /** Both streams are at their end: nobody of the group is left that writes. */
  readonly drained: Promise<unknown>;
}

/** Resolves when the child has exited, or was killed; with the reason if it had to be stopped. */
async function waitOrStop(
  child: Child,
  { deadlineMs, drained }: Limits,
  signal: AbortSignal,
): Promise<"timed_out" | "cancelled" | undefined> {
  const overdue = Promise.withResolvers<"timed_out" | "cancelled">();
  const timer = setTimeout(() => overdue.resolve("timed_out"), deadlineMs);
  const onAbort = () => overdue.resolve("cancelled");
  signal.addEventListener("abort", onAbort);
  try {
    const reason = await Promise.race([child.exited.then(() => undefined), overdue.promise]);
    if (reason === undefined) return undefined;
    signalGroup(child, "SIGTERM");
    await Promise.race([Promise.all([child.exited, drained]), Bun.sleep(TERM_GRACE_MS)]);
    // Also when the leader is gone: a child of its own may have ignored TERM. One that the kernel holds, such
    // as on a disk that does not answer, ends only when it lets go, which nobody waits for.
    signalGroup(child, "SIGKILL");
    return reason;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Signals a process that leads its own group, and all of the group. */
export function signalGroup(child: Bun.Subprocess, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-child.pid, name);
  } catch {
    // The group is gone, or the system has none: then there is only the child itself.
    child.kill(name);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

export interface Sink {
  push(chunk: Uint8Array): void;
}

/** Reads a stream to its end, so that the writer never blocks, and passes it on. */
export class Drain {
  readonly done: Promise<void>;
  readonly #reader: Reader;

  constructor(stream: ReadableStream<Uint8Array>, sinks: readonly Sink[]) {
    const reader = stream.getReader();
    this.#reader = reader;
    this.done = this.#run(sinks).catch(ignoreClosed);
  }

  /** Lets go of the stream, even if somebody still holds its other end. */
  stop(): void {
    this.#reader.cancel().catch(ignoreClosed);
  }

  async #run(sinks: readonly Sink[]): Promise<void> {
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) return;
      for (const sink of sinks) sink.push(value);
    }
  }
}

/** A pipe that breaks has given all that it will give; the exit code tells the rest. */
function ignoreClosed(_error: unknown): void {}

/**
 * The last bytes of a stream, in a ring of that size: however long the stream is, nothing is left
 * behind for the garbage collector.
 */
class Tail implements Sink {
  readonly #maxBytes: number;
  #ring = new Uint8Array();
  /** Bytes of the stream so far; where the next one goes is its remainder. */
  #total = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#ring.byteLength === 0) this.#ring = new Uint8Array(this.#maxBytes);
    const last = chunk.subarray(Math.max(0, chunk.byteLength - this.#maxBytes));
    this.#total += chunk.byteLength - last.byteLength;
    const at = this.#total % this.#maxBytes;
    const first = last.subarray(0, this.#maxBytes - at);
    this.#ring.set(first, at);
    this.#ring.set(last.subarray(first.byteLength));
    this.#total += last.byteLength;
  }

  text(): string {
    if (this.#total <= this.#maxBytes)
      return new TextDecoder().decode(this.#ring.subarray(0, this.#total));
    const oldest = this.#total % this.#maxBytes;
    const bytes = Buffer.concat([this.#ring.subarray(oldest), this.#ring.subarray(0, oldest)]);
    return new TextDecoder().decode(bytes.subarray(continuationBytes(bytes)));
  }
}

/** How many bytes at the start belong to a character whose beginning was cut off. */
function continuationBytes(bytes: Uint8Array): number {
  let count = 0;
  while (count < 3 && ((bytes[count] ?? 0) & 0xc0) === 0x80) count += 1;
  return count;
}
