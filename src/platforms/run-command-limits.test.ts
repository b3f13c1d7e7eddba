/** What a command's result says, and what is left of it, case by case. */

import { describe, expect, spyOn, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "../../test/support/fake-cli.ts";
import {
  askCommand,
  childEnvironment,
  type CommandResult,
  Drain,
  lastLine,
  outcomeOf,
  runCommand,
  signalGroup,
  whyNotStarted,
} from "./run-command.ts";

const never = new AbortController().signal;
const LONG = { deadlineMs: 60_000 };
/** Long enough for a command to have begun, also on a machine that has much else to do. */
const BEGUN_MS = 1500;

const shell = (script: string) => ["sh", "-c", script];

async function newFolder() {
  const path = await mkdtemp(join(tmpdir(), "sentinel-run-command-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

describe("a result", () => {
  test("has the command, both streams and how long it took", async () => {
    const argv = shell("echo a; sleep 0.3; echo b >&2; exit 3");
    const { durationMs, ...result } = await runCommand(argv, LONG, never);
    expect(result).toEqual({
      kind: "failed",
      argv,
      exitCode: 3,
      output: "a\nb\n",
      stdout: "a\n",
      stderr: "b\n",
    });
    expect(durationMs).toBeGreaterThanOrEqual(300);
  });

  test("of one that was stopped has what it had said", async () => {
    const argv = shell("echo a; echo b >&2; exec sleep 60");
    const { durationMs, ...result } = await runCommand(argv, { deadlineMs: BEGUN_MS }, never);
    expect(result).toMatchObject({ kind: "timed_out", stdout: "a\n", stderr: "b\n" });
    expect(result.output.split("\n").toSorted()).toEqual(["", "a", "b"]);
    expect(result.exitCode).toBeUndefined();
    expect(durationMs).toBeGreaterThanOrEqual(BEGUN_MS);
  });

  test("of one that a signal ended says so after what it had said", async () => {
    const result = await runCommand(shell("echo a; kill -KILL $$"), LONG, never);
    expect(result).toMatchObject({ kind: "failed", output: "a\n\n(ended by SIGKILL)" });
    expect(result.stdout).toBe("a\n");
  });

  test("of one that was not started says nothing else", async () => {
    const { durationMs, ...result } = await runCommand(["true"], LONG, AbortSignal.abort());
    const nothing = { output: "", stdout: "", stderr: "", exitCode: undefined };
    expect(result).toEqual({ kind: "cancelled", argv: ["true"], ...nothing });
    expect(durationMs).toBeWithin(0, 60_000);
    expect(await runCommand(["no-such-program"], LONG, never)).toMatchObject({
      stdout: "",
      stderr: "",
    });
  });

  test("leaves the executors without the two streams", () => {
    const outcome = {
      kind: "failed",
      argv: ["a"],
      exitCode: 1,
      output: "o",
      durationMs: 2,
    } as const;
    const result: CommandResult = { ...outcome, stdout: "o", stderr: "" };
    expect(outcomeOf(result)).toEqual(outcome);
    expect(Object.keys(outcomeOf(result)).toSorted()).toEqual(Object.keys(outcome).toSorted());
  });

  test.each([
    ["one", "one"],
    ["one\ntwo\n", "two"],
    ["one\n  two  \n\n \n", "two"],
    ["", ""],
    ["\n \n", ""],
  ])("of %j has the last line %j", (text, line) => {
    expect(lastLine(text)).toBe(line);
  });
});

describe("a command", () => {
  test("runs in its folder, with its environment alone", async () => {
    await using folder = await newFolder();
    const options = { ...LONG, cwd: folder.path, env: { PATH: process.env["PATH"], A: "1" } };
    const result = await runCommand(shell("pwd; echo $A; echo [$HOME]"), options, never);
    expect(result.stdout).toBe(`${folder.path}\n1\n[]\n`);
  });

  test("has this process's environment otherwise, and its folder", async () => {
    const result = await runCommand(shell("pwd; echo $HOME"), LONG, never);
    expect(result.stdout).toBe(`${process.cwd()}\n${process.env["HOME"] ?? ""}\n`);
  });

  test.each([
    "GEMINI_API_KEY",
    "LM_STUDIO_API_KEY",
    "FAULT_TOKEN",
    "OPERATOR_TOKEN",
    "PROMETHEUS_TOKEN",
    "PROMETHEUS_HEADERS",
  ])("does not see %s", (name) => {
    expect(childEnvironment({ PATH: "/bin", [name]: "secret", KEPT: "1" })).toEqual({
      PATH: "/bin",
      KEPT: "1",
    });
  });

  test.each([
    [3, "uro"],
    [4, "uro"],
    [5, "uro"],
    [6, "uro"],
    [7, "😀uro"],
  ])(
    "of which the last %d bytes are kept loses what is left of a character",
    async (bytes, kept) => {
      const options = { ...LONG, maxOutputBytes: bytes };
      expect((await runCommand(["printf", "😀uro"], options, never)).stdout).toBe(kept);
    },
  );

  test.each([
    // As many as were said: nothing was cut off, so the first is broken and no part of another.
    ["\\200abc", 4, "\uFFFDabc"],
    // No character has more than three behind its first byte.
    ["a\\200\\200\\200\\200b", 5, "\uFFFDb"],
  ])("that says %j, of which %d bytes are kept, says what is broken", async (said, bytes, kept) => {
    const options = { ...LONG, maxOutputBytes: bytes };
    expect((await runCommand(["printf", said], options, never)).stdout).toBe(kept);
  });

  test("that says much in many pieces keeps the last of it, in order", async () => {
    const script = "i=0; while [ $i -lt 40 ]; do echo line$i; i=$((i+1)); sleep 0.005; done";
    const result = await runCommand(shell(script), { ...LONG, maxOutputBytes: 30 }, never);
    expect(result.stdout).toBe("5\nline36\nline37\nline38\nline39\n");
  });
});

describe("why a command did not start", () => {
  const missing = Object.assign(new Error("posix_spawn"), { code: "ENOENT" });
  test.each<[string, readonly string[], string | undefined, unknown, string]>([
    [
      "its folder",
      ["a", "b"],
      "/no/such/folder",
      missing,
      "the folder /no/such/folder does not exist",
    ],
    ["its program", ["a", "b"], undefined, missing, "a is not on the PATH"],
    ["its program, in a folder that is there", ["a"], "/", missing, "a is not on the PATH"],
    [
      "anything else",
      ["a"],
      undefined,
      Object.assign(new Error("permission denied"), { code: "EACCES" }),
      "a could not be started: permission denied",
    ],
    ["an error without a code", ["a"], "/", new Error("odd"), "a could not be started: odd"],
    ["what is no error", ["a"], undefined, "odd", "a could not be started: odd"],
    ["no command", [], undefined, missing, " is not on the PATH"],
  ])("is %s", (_, argv, cwd, error, expected) => {
    expect(whyNotStarted(argv, cwd, error)).toBe(expected);
  });
});

describe("the end of a command", () => {
  test("waits for what one of its children still says when it is told to end", async () => {
    const child =
      "trap 'sleep 0.7; echo cleaned; exit' TERM; echo begun; while :; do sleep 0.1; done";
    const argv = shell(`(${child}) & exec sleep 60`);
    const result = await runCommand(argv, { deadlineMs: BEGUN_MS }, never);
    expect(result).toMatchObject({ kind: "timed_out", stdout: "begun\ncleaned\n" });
  });

  test("waits for its own cleaning up, though nothing reads from it any more", async () => {
    await using folder = await newFolder();
    const cleaned = join(folder.path, "cleaned");
    const script = `exec >/dev/null 2>&1; trap 'sleep 0.7; : > "${cleaned}"; exit' TERM; while :; do sleep 0.1; done`;
    const result = await runCommand(shell(script), { deadlineMs: BEGUN_MS }, never);
    expect(result.kind).toBe("timed_out");
    expect(existsSync(cleaned)).toBe(true);
  });

  test("is not held up for long by who keeps its streams", async () => {
    const durations: number[] = [];
    for (let time = 0; time < 4; time += 1)
      durations.push((await runCommand(shell("sleep 5 & echo done"), LONG, never)).durationMs);
    expect(Math.min(...durations)).toBeWithin(450, 950);
  });

  test("is told at once, where nobody holds its streams", async () => {
    const durations: number[] = [];
    for (let time = 0; time < 10; time += 1)
      durations.push((await runCommand(["true"], LONG, never)).durationMs);
    expect(Math.min(...durations)).toBeLessThan(450);
  });

  test("waits a moment for what one stream still gives, though the other is at its end", async () => {
    const script = "exec 2>/dev/null; (sleep 0.1; echo late) &";
    expect((await runCommand(shell(script), LONG, never)).stdout).toBe("late\n");
  });
});

describe("nothing is left of a command", () => {
  test("no timer: whoever ran it may end at once", async () => {
    const script = `import { runCommand } from ${JSON.stringify(join(import.meta.dir, "run-command.ts"))};
      await runCommand(["true"], { deadlineMs: 3_600_000 }, new AbortController().signal);`;
    const child = Bun.spawn([process.execPath, "-e", script], { stderr: "inherit" });
    expect(await child.exited).toBe(0);
  });

  test("no listener on what may abort it", async () => {
    const { signal } = new AbortController();
    const added = spyOn(signal, "addEventListener");
    const removed = spyOn(signal, "removeEventListener");
    await runCommand(["true"], LONG, signal);
    const listeners = (calls: readonly (readonly unknown[])[]) =>
      calls.map(([type, listener]) => [type, listener]);
    expect(listeners(added.mock.calls)).toHaveLength(1);
    expect(listeners(removed.mock.calls)).toEqual(listeners(added.mock.calls));
  });

  test("no reader: who holds the pipe after its end meets a broken one", async () => {
    await using folder = await newFolder();
    const late = join(folder.path, "late");
    const child = `sleep 1.5; echo more; echo more; : > '${late}'`;
    const result = await runCommand(shell(`(${child}) & echo $!`), LONG, never);
    expect(result.kind).toBe("succeeded");
    // As long as what is in a pipe may take to be read.
    expect(result.durationMs).toBeGreaterThanOrEqual(450);
    const pid = Number(result.stdout);
    while (await isRunning(pid)) await Bun.sleep(50);
    expect(existsSync(late)).toBe(false);
  });

  test("no failure, if its stream breaks: what it had said is kept", async () => {
    const said: string[] = [];
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (said.length > 0) throw new Error("input/output error");
        controller.enqueue(new TextEncoder().encode("a"));
      },
    });
    await new Drain(stream, [{ push: (chunk) => said.push(new TextDecoder().decode(chunk)) }]).done;
    expect(said).toEqual(["a"]);
  });

  test("no failure, if it is signalled after its end", async () => {
    const child = Bun.spawn(["true"], { detached: true });
    await child.exited;
    expect(() => signalGroup(child, "SIGTERM")).not.toThrow();
    expect(child.exitCode).toBe(0);
  });

  test("and not itself, if it leads no group", async () => {
    const child = Bun.spawn(["sleep", "60"]);
    signalGroup(child, "SIGTERM");
    await child.exited;
    expect(child.signalCode).toBe("SIGTERM");
  });
});

test("of questions few run at the same time, however many are asked", async () => {
  const fromMs = performance.now();
  const ask = () =>
    askCommand(["sleep", "0.2"], { deadlineMs: 5000 }, new AbortController().signal);
  const results = await Promise.all(Array.from({ length: 20 }, ask));
  expect(results.map(({ kind }) => kind)).toEqual(results.map(() => "succeeded"));
  // Eight, eight and four.
  expect(performance.now() - fromMs).toBeGreaterThanOrEqual(590);
  const stop = new AbortController();
  const waiting = Array.from({ length: 20 }, () =>
    askCommand(["sleep", "60"], { deadlineMs: 60_000 }, stop.signal),
  );
  stop.abort();
  expect((await Promise.all(waiting)).every(({ kind }) => kind === "cancelled")).toBe(true);
});
