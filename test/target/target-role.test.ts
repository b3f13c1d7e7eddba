/** The role `target` as `main.ts` starts it: its address, its events, its end. */

import { describe, expect, test } from "bun:test";
import { SentinelError } from "../../src/core/errors.ts";
import type { Log } from "../../src/log.ts";
import { startTarget } from "../../src/target.ts";
import { aliveProcess, TARGET_SETTINGS } from "../support/target.ts";

const SETTINGS = { host: "127.0.0.1", port: 0, ...TARGET_SETTINGS };

function recordingLog() {
  const events: string[] = [];
  let flushedAfter = 0;
  const log: Log = {
    event: (_, event) => events.push(event),
    flush: () => {
      flushedAfter = events.length;
    },
  };
  return { log, events, flushedAfter: () => flushedAfter };
}

async function failureOf(settings: typeof SETTINGS): Promise<SentinelError> {
  try {
    await startTarget(settings, recordingLog().log, aliveProcess.exit);
  } catch (error) {
    if (error instanceof SentinelError) return error;
    throw error;
  }
  throw new Error("it started");
}

describe("the target's role", () => {
  test("answers as soon as it has started, and says where", async () => {
    const { log, events } = recordingLog();
    const target = await startTarget(SETTINGS, log, aliveProcess.exit);
    expect(target.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(`${target.url}/health`)).status).toBe(200);
    expect(events).toEqual(["target_started", "request_processed"]);
    await target.stop();
  });

  test("stops once, says so last, and leaves nothing in the log's buffer", async () => {
    const { log, events, flushedAfter } = recordingLog();
    const target = await startTarget(SETTINGS, log, aliveProcess.exit);
    const waiting = fetch(`${target.url}/stress/latency?min_delay=60&max_delay=60`);
    while (!events.includes("latency_stress_started")) await Bun.sleep(5);
    const fromMs = performance.now();
    await Promise.all([target.stop(), target.stop()]);
    expect(performance.now() - fromMs).toBeLessThan(2_000);
    expect((await waiting).status).toBe(503);
    expect(events.slice(-4)).toEqual([
      "latency_stress_cancelled",
      "fault_ended",
      "request_processed",
      "target_stopped",
    ]);
    expect(flushedAfter()).toBe(events.length);
  });

  test("a port that is taken is named, with what to do", async () => {
    const target = await startTarget(SETTINGS, recordingLog().log, aliveProcess.exit);
    const port = Number(new URL(target.url).port);
    const error = await failureOf({ ...SETTINGS, port });
    expect(error.code).toBe("listen");
    expect(error.message).toBe(`cannot listen on 127.0.0.1:${port}: the port is taken`);
    expect(error.hint).toContain("PORT");
    await target.stop();
  });

  test.each([
    ["a name that resolves to nothing", "no-such-host.invalid"],
    ["an address of another machine", "192.0.2.1"],
    ["no address at all", "999.1.1.1"],
  ])("%s is a bad host, not a taken port", async (_, host) => {
    const error = await failureOf({ ...SETTINGS, host, port: 8123 });
    expect(error.code).toBe("listen");
    expect(error.message).toContain("no address of this machine");
    expect(error.hint).toContain("HOST");
  });
});
