/** A crash as the parent of the process sees it: its exit code, its signal, and the last lines it wrote. */

import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sentinelBinary } from "../support/binary.ts";
import { BUN_IMAGE, describeUnless, docker, whyNoDocker } from "../support/docker.ts";
import { startContained } from "./container.ts";
import { type FaultBody, startTarget } from "./target.ts";

setDefaultTimeout(60_000);

beforeAll(() => void sentinelBinary());

const SIMULATED = /Simulated (ValueError|KeyError|ConnectionError|ZeroDivisionError): /;
const NOTHING = /^$/;

describe("the process", () => {
  // By a signal the shell's 128 + N is its code; an exit with that code is none.
  test.concurrent.each<readonly [Record<string, unknown>, number, string | undefined, RegExp]>([
    [{}, 1, undefined, SIMULATED],
    [{ mode: "exception" }, 1, undefined, SIMULATED],
    [{ mode: "unhandled_rejection" }, 1, undefined, SIMULATED],
    [{ mode: "exit" }, 1, undefined, NOTHING],
    [{ mode: "exit", code: 0 }, 0, undefined, NOTHING],
    [{ mode: "exit", code: 3 }, 3, undefined, NOTHING],
    [{ mode: "exit", code: 137 }, 137, undefined, NOTHING],
    [{ mode: "exit", code: 255 }, 255, undefined, NOTHING],
    [{ mode: "signal" }, 137, "SIGKILL", NOTHING],
    [{ mode: "signal", signal: "SIGABRT" }, 134, "SIGABRT", NOTHING],
    [{ mode: "signal", signal: "SIGQUIT" }, 131, "SIGQUIT", NOTHING],
    [{ mode: "signal", signal: "SIGHUP" }, 129, "SIGHUP", NOTHING],
    // These it takes for what they are: a request to stop.
    [{ mode: "signal", signal: "SIGTERM" }, 0, undefined, NOTHING],
    [{ mode: "signal", signal: "SIGINT" }, 0, undefined, NOTHING],
  ])("%o ends it with %i, signal %p", async (parameters, code, signal, stderr) => {
    await using target = await startTarget();
    const fault = await target.post({ kind: "crash", ...parameters });
    expect(await target.process.exited).toBe(code);
    expect(target.process.endedBy()).toBe(signal);
    expect(target.process.stderr()).toMatch(stderr);
    const told = target.process.events().filter(({ id }) => id === fault.id);
    expect(told).toMatchObject([
      { event: "fault_started", kind: "crash", plan: fault.plan },
      { event: "fault_ended", outcome: "completed", measured: 1, effect_ratio: 1 },
    ]);
  });

  test.concurrent(
    "its end comes after the delay, and requests until then are answered",
    async () => {
      await using target = await startTarget();
      const fromMs = performance.now();
      await target.post({ kind: "crash", mode: "exit", code: 9, delay: 2 });
      while (performance.now() - fromMs < 800) {
        expect((await target.get("/api/items")).status).toBe(200);
        await Bun.sleep(20);
      }
      expect(await target.process.exited).toBe(9);
      // Other processes start and end at the same time.
      expect(performance.now() - fromMs).toBeWithin(2000, 10_000);
    },
  );

  test.concurrent("one that is ended before its time does not come", async () => {
    await using target = await startTarget();
    const { id } = await target.post({ kind: "crash", mode: "signal", delay: 5 });
    expect(await target.end(id)).toMatchObject({ state: "cancelled", measured: null });
    await Bun.sleep(5500);
    expect((await target.get("/health")).status).toBe(200);
    expect(await target.metric('sentinel_fault_active{kind="crash"}')).toBe(0);
  });

  test.concurrent.each<readonly [FaultBody, string]>([
    [{ kind: "crash", mode: "oom" }, "allow_oom"],
    [{ kind: "crash", mode: "oom", allow_oom: false }, "allow_oom"],
    [{ kind: "crash", mode: "signal", signal: "SIGSTOP" }, "signal"],
    [{ kind: "crash", mode: "exit", code: 256 }, "code"],
    [{ kind: "crash", mode: "exception", code: 3 }, "code"],
    [{ kind: "crash", mode: "exit", signal: "SIGTERM" }, "signal"],
    [{ kind: "crash", mode: "exit", delay: 0 }, "delay"],
  ])("%o is refused, and it lives", async (body, field) => {
    await using target = await startTarget();
    const refused = await target.order(body);
    expect(await refused.json()).toMatchObject({ error: "invalid_parameter", field });
    expect(refused.status).toBe(422);
    await Bun.sleep(200);
    expect((await target.get("/health")).status).toBe(200);
  });
});

const missing = await whyNoDocker([BUN_IMAGE]);

describeUnless(missing, "in a container", () => {
  const MEMORY_MB = 256;
  const limit = ["--memory", `${MEMORY_MB}m`, "--memory-swap", `${MEMORY_MB}m`];

  test.concurrent("oom makes the kernel kill it at its own limit", async () => {
    await using target = await startContained(...limit);
    const unwilling = await target.order({ kind: "crash", mode: "oom" });
    expect(await unwilling.json()).toMatchObject({ field: "allow_oom" });
    await target.post({ kind: "crash", mode: "oom", allow_oom: true });
    expect(await target.stopped()).toEqual({ exitCode: 137, oomKilled: true });
  });

  test.concurrent(
    "oom is refused without a limit: the kernel might kill another process",
    async () => {
      await using target = await startContained();
      const refused = await target.order({ kind: "crash", mode: "oom", allow_oom: true });
      const answer = await refused.json();
      expect(answer).toMatchObject({ field: "mode" });
      expect(answer.message).toContain("docker run --memory");
      expect(refused.status).toBe(422);
      expect((await target.get("/health")).status).toBe(200);
    },
  );

  test.concurrent("what process 1 would ignore is refused, what it handles is not", async () => {
    await using target = await startContained();
    for (const signal of ["SIGKILL", "SIGABRT", "SIGHUP", "SIGQUIT"]) {
      const refused = await target.order({ kind: "crash", mode: "signal", signal });
      const answer = await refused.json();
      expect(answer).toMatchObject({ field: "signal" });
      expect(answer.message).toContain("docker run --init");
      expect(refused.status).toBe(422);
    }
    await target.post({ kind: "crash", mode: "signal", signal: "SIGTERM" });
    expect(await target.stopped()).toEqual({ exitCode: 0, oomKilled: false });
  });

  test.concurrent.each([
    ["SIGKILL", 137],
    ["SIGQUIT", 131],
  ])("below an init %s ends it", async (signal, exitCode) => {
    await using target = await startContained("--init");
    await target.post({ kind: "crash", mode: "signal", signal });
    expect(await target.stopped()).toEqual({ exitCode, oomKilled: false });
  });

  test.concurrent("an exit code and an exception are those of the container", async () => {
    await using exited = await startContained();
    await exited.post({ kind: "crash", mode: "exit", code: 42 });
    await using thrown = await startContained();
    await thrown.post({ kind: "crash", mode: "exception" });
    expect(await exited.stopped()).toEqual({ exitCode: 42, oomKilled: false });
    expect(await thrown.stopped()).toEqual({ exitCode: 1, oomKilled: false });
  });

  test.concurrent("more than the container's limit allows is refused, and it lives", async () => {
    await using target = await startContained(...limit);
    const refused = await target.order({ kind: "memory", megabytes: MEMORY_MB });
    expect(await refused.json()).toMatchObject({ field: "megabytes" });
    expect(refused.status).toBe(422);
    await target.post({ kind: "memory", megabytes: 100 });
    expect(await docker("inspect", "--format", "{{.State.OOMKilled}}", target.name)).toBe("false");
    expect((await target.get("/health")).status).toBe(200);
  });
});
