import { describe, expect, test } from "bun:test";
import { contextOf } from "../../test/support/context.ts";
import { allowlist, containerState, NEVER, START_MS } from "../../test/support/fixtures.ts";
import { tell } from "../../test/support/story.ts";
import { awaitEffect, effectOf, seenToTheEnd } from "./effect.ts";
import type { ContainerState, Observation, Outcome } from "../core/model.ts";

const found = (changes: Partial<ContainerState> = {}): Observation<ContainerState> => ({
  kind: "found",
  value: containerState(changes),
});
const none: Observation<ContainerState> = { kind: "absent", reason: "there is no such container" };
const unknown: Observation<ContainerState> = {
  kind: "unreadable",
  reason: "Docker does not answer",
};
const later = { startedAtMs: START_MS + 5000 };

test.each([
  ["it was started again", found(), found(later), 1000, false, "came"],
  [
    "another container is in its place",
    found(),
    found({ containerId: "new" }),
    1000,
    false,
    "came",
  ],
  ["there was none, and there is one", none, found(), 1000, false, "came"],
  ["nothing has changed yet", found(), found(), 29_999, false, "open"],
  ["nothing has changed in as long as a restart takes", found(), found(), 30_000, false, "none"],
  ["it has more time to stop", found(), found({ stopTimeoutMs: 60_000 }), 79_000, false, "open"],
  ["that is over", found(), found({ stopTimeoutMs: 60_000 }), 80_000, false, "none"],
  ["Docker does not tell", found(), unknown, 300_000, false, "open"],
  ["there is no container", found(), none, 30_000, false, "none"],
  ["a stop has stopped it", found(), found({ status: "exited" }), 1000, true, "came"],
  ["a stop has not yet", found(), found(), 1000, true, "open"],
  ["it was started again, which is no effect of a stop", found(), found(later), 1000, true, "open"],
] as const)("%s", (_, before, now, passedMs, isStop, expected) => {
  const unseen = { before, sinceMs: START_MS, isStop };
  expect(effectOf(unseen, now, START_MS + passedMs)).toBe(expected);
});

test.each([
  [
    "less time to stop than is usual",
    found(),
    found({ stopTimeoutMs: 1000 }),
    29_999,
    false,
    "open",
  ],
  [
    "less time to stop, after as long as is usual",
    found(),
    found({ stopTimeoutMs: 1000 }),
    30_000,
    false,
    "none",
  ],
  [
    "a start that its engine does not tell",
    found(),
    found({ startedAtMs: undefined }),
    1000,
    false,
    "open",
  ],
  ["an end that its engine calls dead", found(), found({ status: "dead" }), 1000, true, "came"],
  ["none at the end of a stop", found(), none, 30_000, true, "none"],
] as const)("%s", (_, before, now, passedMs, isStop, expected) => {
  const unseen = { before, sinceMs: START_MS, isStop };
  expect(effectOf(unseen, now, START_MS + passedMs)).toBe(expected);
});

describe("waiting for an effect", () => {
  const unseen = { before: found(), sinceMs: START_MS, isStop: false };

  test("looks at each poll, until it has come", async () => {
    const looks: number[] = [];
    const { context } = await contextOf({
      serviceContext: (clock) => ({
        platform: {
          inspect: async () => {
            looks.push(clock.elapsedMs);
            return containerState(clock.elapsedMs >= 12_000 ? later : {});
          },
          logs: async () => [],
        },
      }),
    });
    expect(await awaitEffect(unseen, context, NEVER)).toBe("came");
    expect(looks).toEqual([0, 5000, 10_000, 15_000]);
  });

  test("ends after ten minutes where Docker does not tell", async () => {
    const { context, clock } = await contextOf({
      serviceContext: () => ({
        platform: {
          inspect: async () => {
            throw new Error("Docker does not answer");
          },
          logs: async () => [],
        },
      }),
    });
    expect(await awaitEffect(unseen, context, NEVER)).toBe("open");
    expect(clock.elapsedMs).toBe(600_000);
  });

  test("ends when Sentinel is told to stop", async () => {
    const stop = new AbortController();
    const { context, clock } = await contextOf();
    clock.at(7000, () => stop.abort());
    expect(await awaitEffect(unseen, context, stop.signal)).toBe("open");
    expect(clock.elapsedMs).toBe(7000);
  });

  test("waits between its looks, also in turns of its own", async () => {
    let looks = 0;
    const { context, clock } = await contextOf({
      serviceContext: (own) => ({
        platform: {
          inspect: async () => {
            looks += 1;
            return containerState();
          },
          logs: async () => [],
        },
        clock: {
          ...own,
          sleep: async (durationMs, signal) => {
            for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
            await own.sleep(durationMs, signal);
          },
        },
      }),
    });
    expect(await awaitEffect(unseen, context, NEVER)).toBe("none");
    expect(clock.elapsedMs).toBe(30_000);
    // At 0 and every 5 s.
    expect(looks).toBe(7);
  });
});

describe("what a command says that was not seen to its end", () => {
  const seenWith = async (id: "docker-restart" | "docker-stop", changes: Partial<Outcome>) => {
    let looks = 0;
    const { context } = await contextOf({
      serviceContext: () => ({
        platform: {
          inspect: async () => {
            looks += 1;
            return containerState({ status: "exited" });
          },
          logs: async () => [],
        },
      }),
    });
    const action = allowlist[id];
    const { argv } = action;
    const ran: Outcome = {
      ...{ kind: "timed_out", argv, exitCode: undefined, output: "", durationMs: 60_000 },
      ...changes,
    };
    const { output } = await seenToTheEnd({ action, ran, before: found() }, context, NEVER);
    return { output, looks };
  };

  test.each([
    [
      "nothing else, if it said nothing",
      "",
      "its effect came later: the service has stopped since",
    ],
    [
      "in a line after its own",
      "api: stopping\n",
      "api: stopping\nits effect came later: the service has stopped since",
    ],
  ])("is what became of it: %s", async (_, output, expected) => {
    expect((await seenWith("docker-stop", { output })).output).toBe(expected);
  });

  test("is its own, if its end was seen: nothing is looked at", async () => {
    const ended = { kind: "failed", exitCode: 1, output: "no such container\n" } as const;
    expect(await seenWith("docker-restart", ended)).toEqual({ output: ended.output, looks: 0 });
  });
});

/** A command that runs out of time at 73 s, and a container that starts again so much later. */
async function outOfTime(laterMs: number) {
  let startedAtMs = START_MS - 3_600_000;
  let isCured = false;
  return await tell({
    script: (_, elapsedMs) => (elapsedMs >= 10_000 && !isCured ? 1.9 : 0.1),
    act(clock) {
      clock.pass(60_000);
      clock.at(clock.elapsedMs + laterMs, () => {
        startedAtMs = clock.nowMs();
        isCured = true;
      });
      return { kind: "timed_out", exitCode: undefined };
    },
    serviceContext: () => ({
      platform: {
        inspect: async () => containerState({ startedAtMs, stopTimeoutMs: 70_000 }),
        logs: async () => [],
      },
    }),
    untilMs: 600_000,
  });
}

test("a command that ran out of time is judged by its effect that came later", async () => {
  const told = await outOfTime(40_000);
  expect(told.runs).toHaveLength(1);
  const finished = told.events.find(({ type }) => type === "action_finished");
  expect(finished).toMatchObject({
    outcome: {
      kind: "timed_out",
      output: "its effect came later: the service has started since",
    },
  });
  // Not before it has come, at 113 s.
  expect((finished?.atMs ?? 0) - START_MS).toBeWithin(113_000, 120_000);
  expect(told.closings).toMatchObject([{ result: "acted", verdict: { kind: "healed" } }]);
});

test("an effect that does not come is waited for as long as it can", async () => {
  const told = await outOfTime(400_000);
  expect(told.runs).toHaveLength(1);
  const finished = told.events.find(({ type }) => type === "action_finished");
  expect(finished).toMatchObject({ outcome: { output: "its effect has not come since" } });
  expect((finished?.atMs ?? 0) - START_MS).toBeWithin(160_000, 170_000);
  expect(told.closings).toMatchObject([{ verdict: { kind: "not_healed" } }]);
});
