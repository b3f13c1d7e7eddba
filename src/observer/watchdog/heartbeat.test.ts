import { expect, test } from "bun:test";
import { allowlist, evidence, NEVER, simulatedClock } from "../../../test/support/fixtures.ts";
import type { Diagnoser } from "../../core/ports.ts";
import { withHeartbeat, type Waits } from "./heartbeat.ts";

const ACTION = {
  id: "docker-restart",
  platform: "docker",
  argv: ["docker", "restart", "api"],
  spellings: [],
  effects: [],
  description: "restarts it",
  touchesOthers: false,
  stopsService: false,
} as const;

/** Notes when each wait began and ended, and what was said of it. */
function start() {
  const heard: (number | "work")[] = [];
  const work = () => heard.push("work");
  const clock = simulatedClock();
  const diagnoser: Diagnoser = {
    name: "a model",
    deadlineMs: 30_000,
    async diagnose() {
      work();
      throw new Error("no answer");
    },
  };
  const serviceContext: Waits & { readonly source: string } = {
    source: "left as it is",
    actionLock: {
      async acquire() {
        work();
        return { [Symbol.dispose]() {} };
      },
    },
    clock: {
      ...clock,
      async sleep() {
        work();
      },
    },
    platform: {
      name: "docker",
      async act({ argv }) {
        work();
        return { kind: "succeeded", argv, exitCode: 0, output: "", durationMs: 0 };
      },
      async inspect() {
        work();
        return undefined;
      },
      async logs() {
        work();
        return [];
      },
    },
    diagnosers: [diagnoser],
  };
  return {
    serviceContext: withHeartbeat(serviceContext, { beat: (forMs = 0) => heard.push(forMs) }),
    heard,
  };
}

test("a sleep takes what it takes, and ends", async () => {
  const { serviceContext, heard } = start();
  await serviceContext.clock.sleep(60_000, NEVER);
  expect(heard).toEqual([60_000, "work", 0]);
});

test("a diagnosis may take until its deadline, and has ended when it fails", async () => {
  const { serviceContext, heard } = start();
  const [diagnoser] = serviceContext.diagnosers;
  const asked = diagnoser?.diagnose({ evidence: evidence(), allowlist }, NEVER);
  await expect(asked).rejects.toThrow("no answer");
  expect(heard).toEqual([30_000, "work", 0]);
});

test("an action and the questions to Docker are waited for", async () => {
  const { serviceContext, heard } = start();
  expect(await serviceContext.platform.act(ACTION, NEVER)).toMatchObject({ kind: "succeeded" });
  expect(heard).toEqual([expect.any(Number), "work", 0]);
  expect(heard[0]).toBeGreaterThanOrEqual(120_000);
  heard.length = 0;
  await serviceContext.platform.inspect("api", NEVER);
  await serviceContext.platform.logs("api", 50, NEVER);
  expect(heard).toEqual([15_000, "work", 0, 15_000, "work", 0]);
});

test("all else of the context is what it was", () => {
  const { serviceContext } = start();
  expect(serviceContext.source).toBe("left as it is");
  expect(serviceContext.diagnosers[0]).toMatchObject({ name: "a model", deadlineMs: 30_000 });
});
