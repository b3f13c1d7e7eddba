/** One action at a time, of all services. */

import { describe, expect, test } from "bun:test";
import { NEVER } from "../../test/support/fixtures.ts";
import {
  APPROVED,
  FIRED,
  ARGV,
  found,
  setting,
  handled,
} from "../../test/support/incident-setting.ts";
import { actOnApproval, handleIncident } from "./incident.ts";
import { createLock } from "../core/lock.ts";

/** What comes of a command that nothing here can start. */
const NOT_STARTED = {
  kind: "not_started",
  exitCode: undefined,
  output: "nothing can start it",
  durationMs: 0,
} as const;

describe("one action at a time, of all services", () => {
  test.each(["by itself", "on an approval"])(
    "the turn is held from the last look to the end of the action, and then given back: %s",
    async (how) => {
      const actionLock = createLock();
      const order: string[] = [];
      const isFree = async () => {
        const soon = new AbortController();
        const turn = actionLock.acquire(soon.signal);
        soon.abort();
        return await turn.then(
          (held) => (held[Symbol.dispose](), true),
          () => false,
        );
      };
      const { context } = await setting({
        serviceContext: () => ({
          actionLock: {
            acquire: async (signal) => {
              const held = await actionLock.acquire(signal);
              order.push("taken");
              return {
                [Symbol.dispose]() {
                  order.push("given back");
                  held[Symbol.dispose]();
                },
              };
            },
          },
          platform: {
            async act({ argv }) {
              order.push("run");
              return { kind: "succeeded", argv, exitCode: 0, output: "", durationMs: 1 };
            },
          },
        }),
      });
      const poll = await context.serviceContext.monitor.poll(NEVER);
      await (how === "by itself"
        ? handleIncident({ alert: FIRED, poll }, context, NEVER)
        : actOnApproval(APPROVED, context, NEVER));
      expect(order).toEqual(["taken", "run", "given back"]);
      expect(await isFree()).toBe(true);
    },
  );

  test("what runs it knows how long the container may take to stop", async () => {
    const { timeouts, runs } = await handled({ inspect: found({ stopTimeoutMs: 70_000 }) });
    expect([runs, timeouts]).toEqual([["docker docker-restart"], [70_000]]);
  });

  test("where nothing can start it, it was not started", async () => {
    const { end, events } = await handled({ outcome: NOT_STARTED });
    expect(events.find(({ type }) => type === "action_finished")).toEqual({
      type: "action_finished",
      outcome: {
        argv: ARGV,
        ...NOT_STARTED,
      },
    });
    expect(end).toMatchObject({
      closing: {
        result: "acted",
        actedAfterMs: expect.any(Number),
        verdict: {
          kind: "not_healed",
          reason: "the command could not be started, so nothing was done",
        },
      },
    });
  });
});
