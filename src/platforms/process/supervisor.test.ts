import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NEVER, simulatedClock } from "../../../test/support/fixtures.ts";
import {
  gone,
  psNumber,
  supervise,
  type Supervised,
  until,
} from "../../../test/support/supervise.ts";
import type { Clock } from "../../core/ports.ts";
import { DEFAULT_RESTART_POLICY } from "./restart-policy.ts";
import type { SupervisorOptions } from "./supervisor.ts";

// A machine that is busy with other tests takes its time.
setDefaultTimeout(30_000);

function whenAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

/** Runs until it is stopped, and says so before it ends. */
const SERVE = `trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done`;
const DEAF = `trap '' TERM; echo up; while :; do sleep 0.05; done`;

describe("start", () => {
  test("it runs as the process that it tells", async () => {
    await using svc = await supervise(`echo $$; ${SERVE}`);
    expect(svc.supervisor.status()).toMatchObject({ state: "stopped", pid: undefined });
    const result = await svc.supervisor.start();
    const { state, pid, restarts } = svc.supervisor.status();
    expect(result).toEqual({ kind: "succeeded", exitCode: 0, output: `it runs as process ${pid}` });
    expect({ state, restarts }).toEqual({ state: "running", restarts: 0 });
    await svc.wrote(String(pid));
    expect(svc.events).toEqual([{ type: "child_started", pid: pid ?? 0 }]);
  });

  test("one that runs is left alone", async () => {
    await using svc = await supervise(SERVE);
    await svc.supervisor.start();
    const { pid } = svc.supervisor.status();
    expect((await svc.supervisor.start()).output).toBe(`it runs as process ${pid}`);
    expect(svc.supervisor.status().pid).toBe(pid);
  });

  test.each<{
    readonly name: string;
    readonly options: Partial<SupervisorOptions>;
    readonly exitCode: number;
    readonly output: string;
  }>([
    {
      name: "a command that is not there",
      options: { argv: ["no-such-program"] },
      exitCode: 127,
      output: "no-such-program is not on the PATH",
    },
    {
      name: "a path that is not there",
      options: { argv: ["/no/such/program"] },
      exitCode: 127,
      output: "/no/such/program",
    },
    {
      name: "a folder in place of a program",
      options: { argv: ["/tmp"] },
      exitCode: 127,
      output: "/tmp could not be started: EACCES",
    },
    {
      name: "a working folder that is not there",
      options: { cwd: "/no/such/folder" },
      exitCode: 127,
      output: "the folder /no/such/folder does not exist",
    },
  ])("$name has failed, and says why", async ({ options, exitCode, output }) => {
    await using svc = await supervise(SERVE, { ...options, policy: { minDelayMs: 60_000 } });
    const result = await svc.supervisor.start();
    expect(result).toMatchObject({ kind: "failed", exitCode });
    expect(result.output).toContain(output);
    expect(svc.supervisor.status().state).toBe("backing_off");
  });

  test("one that dies at once has failed, with its last words", async () => {
    await using svc = await supervise("echo 'no port' >&2; exit 3", {
      policy: { minDelayMs: 60_000 },
      settleMs: 20_000,
    });
    expect(await svc.supervisor.start()).toEqual({
      kind: "failed",
      exitCode: 3,
      output: "no port\n(it died at once: exit code 3)",
    });
  });

  test("its words arrive as they are: no shell reads them", async () => {
    await using svc = await supervise('printf "<%s>" "$@"; echo; sleep 60', {
      argv: ["svc", "a b", "$HOME", "; id", "", "*"],
    });
    await svc.supervisor.start();
    await svc.wrote("<a b><$HOME><; id><><*>");
  });

  test("it has its own folder and session, and nothing of the guardian's", async () => {
    await using svc = await supervise('pwd; echo "[$NODE_CHANNEL_FD]"; exec sleep 60', {
      cwd: "/usr",
    });
    await svc.supervisor.start();
    await svc.wrote("/usr");
    await svc.wrote("[]");
    const pid = svc.supervisor.status().pid ?? 0;
    const guardian = await psNumber(pid, "ppid");
    expect(await psNumber(pid, "pgid")).toBe(guardian);
    expect(await psNumber(pid, "sid")).toBe(guardian);
    expect(await psNumber(process.pid, "sid")).not.toBe(guardian);
  });

  test.skipIf(process.platform !== "linux")("it has no file but the three", async () => {
    await using svc = await supervise("", { argv: ["sleep", "60"], env: process.env });
    await svc.supervisor.start();
    const files = await readdir(`/proc/${svc.supervisor.status().pid}/fd`);
    expect(files.toSorted()).toEqual(["0", "1", "2"]);
  });

  test("variables that Bun itself would obey reach the command alone", async () => {
    await using svc = await supervise("", {
      env: {
        PATH: "/usr/bin:/bin",
        BUN_BE_BUN: "1",
        BUN_OPTIONS: "--no-such-option",
        GEMINI_API_KEY: "secret",
      },
      argv: ["sh", "-c", 'echo "[$BUN_BE_BUN] [$BUN_OPTIONS] [$GEMINI_API_KEY]"; sleep 60'],
    });
    await svc.supervisor.start();
    await svc.wrote("[1] [--no-such-option] []");
  });
});

describe("a death", () => {
  test.each([
    { name: "by an exit code", script: "exit 7", how: "exit code 7", exitCode: 7 },
    { name: "by success", script: "exit 0", how: "exit code 0", exitCode: 0 },
    { name: "by SIGKILL", script: "kill -KILL $$", how: "SIGKILL", exitCode: 137 },
    { name: "by SIGSEGV", script: "kill -SEGV $$", how: "SIGSEGV", exitCode: 139 },
    { name: "by SIGTERM from elsewhere", script: "kill -TERM $$", how: "SIGTERM", exitCode: 143 },
  ])("$name: it is told, and started again", async ({ script, how, exitCode }) => {
    // The first one dies, the second runs.
    await using svc = await supervise(
      `f="$(dirname "$0")/died"; [ -e "$f" ] && { ${SERVE}; }; : > "$f"; ${script}`,
    );
    await svc.supervisor.start();
    await svc.happened("child_started", 2);
    const types = svc.events.map(({ type }) => type);
    expect(types).toEqual(["child_started", "child_died", "child_restarting", "child_started"]);
    expect(svc.events[1]).toMatchObject({ how, ranMs: expect.any(Number) });
    const { state, restarts, lastEnd } = svc.supervisor.status();
    expect({ state, restarts, lastEnd }).toEqual({
      state: "running",
      restarts: 1,
      lastEnd: { exitCode, how },
    });
  });

  test("children that it leaves are ended before the next one starts", async () => {
    await using svc = await supervise(
      `f="$(dirname "$0")/died"; [ -e "$f" ] && { echo "$(cat "$f")"; ${SERVE}; }
      (trap '' TERM HUP; sleep 60) & record $!; echo $! > "$f"; exit 1`,
    );
    await svc.supervisor.start();
    await svc.happened("child_started", 2);
    expect(await svc.cli.running()).toEqual([]);
  });

  test("of the guardian: its command is ended, and started again", async () => {
    await using svc = await supervise(`(trap '' TERM; sleep 60) & record $!; record $$; ${DEAF}`);
    await svc.supervisor.start();
    await svc.wrote("up");
    const first = svc.supervisor.status().pid ?? 0;
    const guardian = await psNumber(first, "ppid");
    expect(guardian).not.toBe(process.pid);
    process.kill(guardian, "SIGKILL");
    await svc.happened("child_started", 2);
    expect(svc.events[1]).toMatchObject({ type: "child_died", how: "SIGKILL" });
    await gone([first]);
    await svc.supervisor.stop();
    expect(await svc.cli.running()).toEqual([]);
  });

  test("again and again: each waits longer, and the fifth gives up", async () => {
    const simulated = simulatedClock();
    const { stableMs } = DEFAULT_RESTART_POLICY;
    const clock: Clock = {
      ...simulated,
      // It never runs for so long, in any time.
      sleep: (durationMs, signal) =>
        durationMs === stableMs ? whenAborted(signal) : simulated.sleep(durationMs, signal),
    };
    await using svc = await supervise("echo again; exit 1", { clock, policy: {} });
    await svc.supervisor.start();
    await svc.happened("child_given_up");
    const waits = svc.events.flatMap((event) =>
      event.type === "child_restarting" ? [event.inMs] : [],
    );
    expect(waits).toEqual([500, 1000, 2000, 4000]);
    expect(svc.events.at(-1)).toEqual({ type: "child_given_up", deaths: 5, withinMs: 60_000 });
    expect(svc.supervisor.status()).toMatchObject({ state: "given_up", restarts: 4 });
    expect(svc.supervisor.lastLines(100)).toEqual(Array.from({ length: 5 }, () => "again"));
    const ends = svc.supervisor.deaths().map(({ exitCode, lines }) => ({ exitCode, lines }));
    expect(ends).toEqual(Array.from({ length: 5 }, () => ({ exitCode: 1, lines: ["again"] })));
    expect(svc.events.some(({ type }) => type === "child_cured")).toBe(false);
  });

  test("that a restart has cured is told once it has run for long, with all deaths before it", async () => {
    const state = join(tmpdir(), `sentinel-runs-${crypto.randomUUID()}`);
    await using cleanUp = new AsyncDisposableStack();
    cleanUp.defer(() => rm(state, { force: true }));
    const count = `n=$(cat ${state} 2>/dev/null); echo "x$n" >${state}`;
    await using svc = await supervise(`echo run; ${count}; [ "$n" = xx ] || exit 4; sleep 60`, {
      policy: { minDelayMs: 0, stableMs: 2000 },
    });
    await svc.supervisor.start();
    await svc.happened("child_cured");
    const cured = svc.events.find((event) => event.type === "child_cured");
    expect(cured).toMatchObject({
      deaths: [
        { exitCode: 4, lines: ["run"] },
        { exitCode: 4, lines: ["run"] },
      ],
      ranMs: 2000,
    });
    await Bun.sleep(2200);
    expect(svc.events.filter(({ type }) => type === "child_cured")).toHaveLength(1);
  });

  test("a command that is never there is given up too", async () => {
    const clock = simulatedClock();
    await using svc = await supervise("", { clock, argv: ["no-such-program"] });
    await svc.supervisor.start();
    await svc.happened("child_given_up");
    expect(svc.supervisor.lastLines(1)).toEqual([
      "(could not be started: no-such-program is not on the PATH)",
    ]);
  });

  test("one that was given up and dies again is given up at once: a start is no cure", async () => {
    await using svc = await supervise("exit 3", {
      policy: { minDelayMs: 1, maxDelayMs: 1, maxDeaths: 3 },
      settleMs: 20_000,
    });
    await svc.supervisor.start();
    await svc.happened("child_given_up");
    expect((await svc.supervisor.start()).kind).toBe("failed");
    await svc.happened("child_given_up", 2);
    const starts = svc.events.filter(({ type }) => type === "child_started");
    expect(starts).toHaveLength(4);
  });

  test("one that was given up starts when it is told to, with a count of its own", async () => {
    await using svc = await supervise(`[ -e "$(dirname "$0")/mended" ] || exit 1; ${SERVE}`, {
      policy: { minDelayMs: 0, maxDeaths: 2 },
    });
    await svc.supervisor.start();
    await svc.happened("child_given_up");
    await Bun.write(`${svc.cli.folder}/mended`, "");
    expect((await svc.supervisor.start()).kind).toBe("succeeded");
    expect(svc.supervisor.status()).toMatchObject({ state: "running", restarts: 0 });
  });
});

describe("stop", () => {
  test("it may clean up, and is not started again", async () => {
    await using svc = await supervise(`record $$; ${SERVE}`);
    await svc.supervisor.start();
    await svc.wrote("up");
    expect((await svc.supervisor.stop()).kind).toBe("succeeded");
    expect(svc.supervisor.lastLines(1)).toEqual(["bye"]);
    expect(svc.supervisor.status()).toMatchObject({
      state: "stopped",
      pid: undefined,
      lastEnd: { exitCode: 0, how: "exit code 0" },
    });
    expect(svc.events.map(({ type }) => type)).toEqual(["child_started", "child_stopped"]);
    expect(await svc.cli.running()).toEqual([]);
  });

  test("one that ignores TERM is killed after the grace, with its children", async () => {
    await using svc = await supervise(`(trap '' TERM; sleep 60) & record $!; record $$; ${DEAF}`);
    await svc.supervisor.start();
    await svc.wrote("up");
    const fromMs = performance.now();
    await svc.supervisor.stop();
    expect(performance.now() - fromMs).toBeGreaterThanOrEqual(290);
    expect(svc.supervisor.status().lastEnd).toEqual({ exitCode: 137, how: "SIGKILL" });
    expect(await svc.cli.running()).toEqual([]);
  });

  test("one that is frozen is killed too", async () => {
    await using svc = await supervise(`record $$; ${SERVE}`);
    await svc.supervisor.start();
    await svc.wrote("up");
    process.kill(svc.supervisor.status().pid ?? 0, "SIGSTOP");
    await svc.supervisor.stop();
    expect(await svc.cli.running()).toEqual([]);
  });

  test("children that outlive it are killed at once, not after the grace", async () => {
    await using svc = await supervise(`(trap '' TERM; sleep 60) & record $!; ${SERVE}`, {
      graceMs: 60_000,
    });
    await svc.supervisor.start();
    await svc.wrote("up");
    await svc.supervisor.stop();
    expect(await svc.cli.running()).toEqual([]);
  });

  test("while it waits for its restart: it stays stopped", async () => {
    await using svc = await supervise("exit 1", {
      policy: { minDelayMs: 60_000, maxDelayMs: 60_000 },
    });
    await svc.supervisor.start();
    expect(svc.supervisor.status().state).toBe("backing_off");
    expect((await svc.supervisor.stop()).kind).toBe("succeeded");
    expect(svc.supervisor.status().state).toBe("stopped");
    expect(svc.events.map(({ type }) => type)).not.toContain("child_stopped");
  });

  test("one that never ran, and one that was given up, are stopped", async () => {
    await using svc = await supervise("exit 1", { policy: { minDelayMs: 0, maxDeaths: 1 } });
    expect((await svc.supervisor.stop()).kind).toBe("succeeded");
    await svc.supervisor.start();
    expect(svc.supervisor.status().state).toBe("given_up");
    expect((await svc.supervisor.stop()).kind).toBe("succeeded");
    expect(svc.supervisor.status().state).toBe("stopped");
  });

  test("disposing of it stops it", async () => {
    const svc = await supervise(`record $$; ${SERVE}`);
    await svc.supervisor.start();
    await svc.wrote("up");
    await svc.supervisor[Symbol.asyncDispose]();
    expect(await svc.cli.running()).toEqual([]);
    await svc[Symbol.asyncDispose]();
  });
});

/** What runs of the recorded processes, once this one has recorded itself. */
async function runningOnce(svc: Supervised, pid: number | undefined): Promise<readonly number[]> {
  await until("its record", async () => (await svc.cli.running()).includes(pid ?? 0));
  return svc.cli.running();
}

describe("restart", () => {
  test("another process runs, and the old one is gone", async () => {
    await using svc = await supervise(`record $$; ${SERVE}`);
    await svc.supervisor.start();
    await svc.wrote("up");
    const before = svc.supervisor.status();
    expect((await svc.supervisor.restart()).kind).toBe("succeeded");
    const after = svc.supervisor.status();
    expect(after.pid).not.toBe(before.pid);
    expect(after.startedAtMs).toBeGreaterThan(before.startedAtMs ?? Infinity);
    expect(await runningOnce(svc, after.pid)).toEqual([after.pid ?? 0]);
  });

  test("while it waits for its restart: it runs at once", async () => {
    await using svc = await supervise(
      `f="$(dirname "$0")/died"; [ -e "$f" ] && { ${SERVE}; }; : > "$f"; exit 1`,
      { policy: { minDelayMs: 60_000, maxDelayMs: 60_000 } },
    );
    await svc.supervisor.start();
    await svc.happened("child_restarting");
    expect(svc.supervisor.status().state).toBe("backing_off");
    expect((await svc.supervisor.restart()).kind).toBe("succeeded");
    expect(svc.supervisor.status().state).toBe("running");
  });

  test("three at once take turns, and leave one process", async () => {
    await using svc = await supervise(`record $$; ${SERVE}`);
    await svc.supervisor.start();
    const results = await Promise.all([1, 2, 3].map(() => svc.supervisor.restart()));
    expect(results.map(({ kind }) => kind)).toEqual(["succeeded", "succeeded", "succeeded"]);
    expect(new Set(results.map(({ output }) => output)).size).toBe(3);
    const { pid } = svc.supervisor.status();
    expect(await runningOnce(svc, pid)).toEqual([pid ?? 0]);
  });

  test("a stop behind a restart wins", async () => {
    await using svc = await supervise(`record $$; ${SERVE}`);
    const [restarted, stopped] = await Promise.all([
      svc.supervisor.restart(),
      svc.supervisor.stop(),
    ]);
    expect([restarted.kind, stopped.kind]).toEqual(["succeeded", "succeeded"]);
    expect(await svc.cli.running()).toEqual([]);
  });
});

describe("an abort", () => {
  test("during a stop it is no longer waited for; the stop comes to its end", async () => {
    await using svc = await supervise(`record $$; ${DEAF}`, { graceMs: 1000 });
    await svc.supervisor.start();
    await svc.wrote("up");
    const abort = new AbortController();
    const stopping = svc.supervisor.stop(abort.signal);
    abort.abort();
    expect(await stopping).toEqual({ kind: "cancelled", exitCode: undefined, output: "" });
  });

  test("during a restart: the service is not left down", async () => {
    await using svc = await supervise(`record $$; ${DEAF}`);
    await svc.supervisor.start();
    await svc.wrote("up");
    const first = svc.supervisor.status().pid ?? 0;
    const abort = new AbortController();
    const restarting = svc.supervisor.restart(abort.signal);
    await Promise.resolve();
    abort.abort();
    expect((await restarting).kind).toBe("cancelled");
    await svc.happened("child_started", 2);
    const second = svc.supervisor.status().pid ?? 0;
    expect(await runningOnce(svc, second)).toEqual([second]);
    await gone([first]);
  });

  test("before its turn: nothing is done", async () => {
    await using svc = await supervise(SERVE);
    await svc.supervisor.start();
    const { pid } = svc.supervisor.status();
    const abort = new AbortController();
    abort.abort();
    for (const change of [svc.supervisor.stop, svc.supervisor.restart, svc.supervisor.start])
      expect((await change(abort.signal)).kind).toBe("cancelled");
    // Taking its turn behind them, this one sees what they did.
    expect((await svc.supervisor.start(NEVER)).output).toBe(`it runs as process ${pid}`);
  });
});

describe("output", () => {
  test("of both streams, across deaths, the newest lines", async () => {
    await using svc = await supervise(
      `f="$(dirname "$0")/died"; [ -e "$f" ] && { ${SERVE}; }; : > "$f"; echo out; echo err >&2; exit 1`,
    );
    await svc.supervisor.start();
    await svc.wrote("up");
    expect(svc.supervisor.lastLines(100).toSorted()).toEqual(["err", "out", "up"]);
    expect(svc.supervisor.lastLines(1)).toEqual(["up"]);
  });

  test("a program may open it by its name", async () => {
    await using svc = await supervise("echo a >/dev/stdout; echo b >/dev/stderr; sleep 60");
    await svc.supervisor.start();
    await svc.wrote("a");
    await svc.wrote("b");
  });

  test.skipIf(process.platform !== "linux")(
    "of a hundred lives leaves no file open here",
    async () => {
      await using svc = await supervise("echo x", { policy: { minDelayMs: 0, maxDeaths: 100 } });
      const openFiles = async () => (await readdir("/proc/self/fd")).length;
      const before = await openFiles();
      await svc.supervisor.start();
      await svc.happened("child_given_up");
      expect(svc.supervisor.status().restarts).toBe(99);
      expect(await openFiles()).toBeLessThanOrEqual(before + 2);
    },
  );

  test("without a newline is seen while it runs", async () => {
    await using svc = await supervise("printf 'listening on'; sleep 60");
    await svc.supervisor.start();
    await svc.wrote("listening on");
  });

  test.each([
    { name: "in lines", script: "yes 'a line of a flood' | head -c 200000000" },
    { name: "without a newline", script: "head -c 200000000 /dev/zero | tr '\\0' x" },
  ])("200 MB $name are bounded, and do not block it", async ({ script }) => {
    // In a process of its own: the memory of this one also moves with the tests before.
    const flood = `import { supervise } from ${JSON.stringify(join(import.meta.dir, "../../../test/support/supervise.ts"))};
      const svc = await supervise(${JSON.stringify(`${script}; echo; echo done; sleep 60`)});
      const before = process.memoryUsage.rss();
      await svc.supervisor.start();
      await svc.wrote("done");
      const lines = svc.supervisor.lastLines(1000);
      const keptBytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
      const grownBytes = process.memoryUsage.rss() - before;
      await svc[Symbol.asyncDispose]();
      console.log(JSON.stringify({ keptBytes, grownBytes }));`;
    const child = Bun.spawn([process.execPath, "-e", flood], { stderr: "inherit" });
    const { keptBytes, grownBytes } = await new Response(child.stdout).json();
    expect(keptBytes).toBeGreaterThan(0);
    expect(keptBytes).toBeLessThanOrEqual(65_536);
    expect(grownBytes).toBeLessThan(120e6);
  });
});
