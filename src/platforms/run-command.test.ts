import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRunning } from "../../test/support/fake-cli.ts";
import { childEnvironment, runCommand } from "./run-command.ts";

const never = new AbortController().signal;
const LONG = { deadlineMs: 60_000 };
/** Long enough for a command to have begun, also on a machine that has much else to do. */
const BEGUN_MS = 1500;

function shell(script: string): string[] {
  return ["sh", "-c", script];
}

test("the streams are kept apart, and together in order of arrival", async () => {
  const result = await runCommand(
    shell("echo one; sleep 0.05; echo two >&2; sleep 0.05; echo three"),
    LONG,
    never,
  );
  expect(result).toMatchObject({
    kind: "succeeded",
    exitCode: 0,
    stdout: "one\nthree\n",
    stderr: "two\n",
    output: "one\ntwo\nthree\n",
  });
});

test.each([1, 2, 125, 126, 127, 137, 255])("exit code %d is reported as it is", async (code) => {
  const result = await runCommand(shell(`echo why >&2; exit ${code}`), LONG, never);
  expect(result).toMatchObject({ kind: "failed", exitCode: code, output: "why\n" });
});

test("a command that a signal ended has no exit code", async () => {
  const result = await runCommand(shell("kill -KILL $$"), LONG, never);
  expect(result).toMatchObject({
    kind: "failed",
    exitCode: undefined,
    output: "(ended by SIGKILL)",
  });
});

test("nothing in an argument is interpreted", async () => {
  const hostile = "$(touch /tmp/pwned); `id` && echo * | cat\n--help";
  const result = await runCommand(["printf", "%s", hostile], LONG, never);
  expect(result.stdout).toBe(hostile);
});

test("standard input is at its end, so that nothing waits for a person", async () => {
  expect(await runCommand(["cat"], LONG, never)).toMatchObject({ kind: "succeeded", stdout: "" });
});

test("a program that is not there does not start", async () => {
  const result = await runCommand(["no-such-program", "x"], LONG, never);
  expect(result).toMatchObject({
    kind: "not_started",
    exitCode: undefined,
    argv: ["no-such-program", "x"],
    output: "no-such-program is not on the PATH",
  });
});

test("a folder that is not there is named, not the program", async () => {
  const result = await runCommand(["true"], { ...LONG, cwd: "/no/such/folder" }, never);
  expect(result).toMatchObject({
    kind: "not_started",
    output: "the folder /no/such/folder does not exist",
  });
});

test("a file that cannot be executed does not start", async () => {
  const result = await runCommand(["/etc/passwd"], LONG, never);
  expect(result.kind).toBe("not_started");
  expect(result.output).toContain("/etc/passwd");
});

test("past the deadline the command and its children are stopped", async () => {
  const result = await runCommand(
    shell("sleep 60 & echo $! ; echo $$; sleep 60"),
    { deadlineMs: BEGUN_MS },
    never,
  );
  expect(result).toMatchObject({ kind: "timed_out", exitCode: undefined });
  // Before anybody would be killed.
  expect(result.durationMs).toBeWithin(BEGUN_MS, BEGUN_MS + 2000);
  const pids = result.stdout.trim().split("\n").map(Number);
  expect(pids).toHaveLength(2);
  for (const pid of pids) expect(await isRunning(pid)).toBe(false);
});

test("who ignores TERM is killed after the grace, children too", async () => {
  const result = await runCommand(
    shell("trap '' TERM; (trap '' TERM; sleep 60 >/dev/null 2>&1) & echo $!; sleep 60; sleep 60"),
    { deadlineMs: BEGUN_MS },
    never,
  );
  expect(result.kind).toBe("timed_out");
  expect(result.durationMs).toBeWithin(BEGUN_MS + 1900, BEGUN_MS + 3900);
  expect(await isRunning(Number(result.stdout))).toBe(false);
});

test("an abort stops it like the deadline", async () => {
  const abort = new AbortController();
  const pending = runCommand(shell("echo $$; exec sleep 60"), LONG, abort.signal);
  setTimeout(() => abort.abort(), BEGUN_MS);
  const result = await pending;
  expect(result).toMatchObject({ kind: "cancelled", exitCode: undefined });
  expect(await isRunning(Number(result.stdout))).toBe(false);
});

test("an abort before the start starts nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-spawn-"));
  try {
    const result = await runCommand(["touch", join(folder, "ran")], LONG, AbortSignal.abort());
    expect(result.kind).toBe("cancelled");
    expect(await Bun.file(join(folder, "ran")).exists()).toBe(false);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a grandchild that keeps the pipe open does not hold the result back", async () => {
  const result = await runCommand(shell("sleep 5 & echo done"), LONG, never);
  expect(result).toMatchObject({ kind: "succeeded", output: "done\n" });
  expect(result.durationMs).toBeLessThan(2000);
});

test("200 MB of output are read to the end, and the last 64 KiB kept", async () => {
  // In a process of its own: the memory of this one also moves with the tests before.
  const script = `import { runCommand } from ${JSON.stringify(join(import.meta.dir, "run-command.ts"))};
    const argv = ["sh", "-c", "head -c 200000000 /dev/zero | tr '\\\\0' x; echo end"];
    const before = process.memoryUsage().rss;
    const { kind, stdout } = await runCommand(argv, { deadlineMs: 60_000 }, new AbortController().signal);
    const grownBytes = process.memoryUsage().rss - before;
    console.log(JSON.stringify({ kind, length: stdout.length, end: stdout.slice(-5), grownBytes }));`;
  const child = Bun.spawn([process.execPath, "-e", script], { stderr: "inherit" });
  const result = await new Response(child.stdout).json();
  expect(result).toMatchObject({ kind: "succeeded", length: 64 * 1024, end: "xend\n" });
  expect(result.grownBytes).toBeLessThan(120e6);
}, 60_000);

test.each([
  { bytes: 8, kept: "abcdefgh" },
  { bytes: 7, kept: "bcdefgh" },
  { bytes: 9, kept: "abcdefgh" },
])("of eight bytes, a bound of $bytes keeps $kept", async ({ bytes, kept }) => {
  const options = { ...LONG, maxOutputBytes: bytes };
  expect((await runCommand(["printf", "abcdefgh"], options, never)).stdout).toBe(kept);
});

test("a character that the bound cuts is left out; one that is broken is marked", async () => {
  const options = { ...LONG, maxOutputBytes: 4 };
  expect((await runCommand(["printf", "aéüö"], options, never)).stdout).toBe("üö");
  expect((await runCommand(["printf", "€uro"], options, never)).stdout).toBe("uro");
  expect((await runCommand(["printf", "a\\377b"], options, never)).stdout).toBe("a\uFFFDb");
});

test("a command does not see Sentinel's own credentials", async () => {
  const env = childEnvironment({
    PATH: process.env["PATH"],
    GEMINI_API_KEY: "secret-a",
    LM_STUDIO_API_KEY: "secret-b",
    PROMETHEUS_TOKEN: "secret-c",
    PROMETHEUS_HEADERS: "x-api-key: secret-d",
    DOCKER_HOST: "unix:///x",
  });
  expect(Object.keys(env)).toEqual(["PATH", "DOCKER_HOST"]);
  const result = await runCommand(
    ["env"],
    { ...LONG, env: { PATH: process.env["PATH"], GEMINI_API_KEY: "secret-a", KEPT: "1" } },
    never,
  );
  expect(result.stdout).toContain("KEPT=1");
  expect(result.stdout).not.toContain("secret-a");
});
