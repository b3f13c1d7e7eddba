/** A process that stalls ends with 1 and one line, however it stalls; one that does not goes on. */

import { expect, test } from "bun:test";
import { closeSync, openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToEnd, startProcess } from "../support/binary.ts";

const STALLING = join(import.meta.dir, "..", "support", "stalling.ts");
/** Longer than the limit, and than any tick. */
const ASLEEP_MS = 2000;
/** What a pipe of Linux holds. */
const PIPE_BYTES = 64 * 1024;

test.each([
  ["blocks", "the main thread has been blocked for 0.5 s"],
  ["spins", "the main thread has been blocked for 0.5 s"],
  ["waits", "the loop has stood still for 0.5 s"],
  ["never beats", "the loop has stood still for 0.5 s"],
])("one that %s is ended, and says why", async (how, why) => {
  const { exitCode, stdout, stderr } = await runToEnd([process.execPath, STALLING, how]);
  expect(stderr).toBe(`sentinel: ${why}: Sentinel ends, to be started again.\n`);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "running\n" });
});

test.each(["beats", "leaves"])("one that %s goes on", async (how) => {
  const ended = await runToEnd([process.execPath, STALLING, how]);
  expect(ended).toEqual({ exitCode: 0, stdout: "running\ndone\n", stderr: "" });
});

test("one that was stopped with its machine, and woken, goes on", async () => {
  await using child = startProcess([process.execPath, STALLING, "beats"]);
  while (!child.stdout().includes("running")) await Bun.sleep(10);
  child.kill("SIGSTOP");
  await Bun.sleep(ASLEEP_MS);
  child.kill("SIGCONT");
  expect(await child.exited).toBe(0);
  expect(child.stderr()).toBe("");
});

test("one whose standard error is full, and read by nobody, is ended all the same", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-watchdog-"));
  const pipe = join(folder, "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  // Open both ways, else opening waits for the other end.
  const full = openSync(pipe, "r+");
  try {
    writeSync(full, Buffer.alloc(PIPE_BYTES));
    const child = Bun.spawn([process.execPath, STALLING, "blocks"], {
      stdio: ["ignore", "ignore", full],
    });
    await child.exited;
    expect(child.signalCode).toBe("SIGALRM");
  } finally {
    closeSync(full);
    await rm(folder, { recursive: true });
  }
});
