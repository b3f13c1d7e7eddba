/** What holds Sentinel back, through the loop. */

import { describe, expect, test } from "bun:test";
import { containerState, rule, START_MS } from "../../test/support/fixtures.ts";
import {
  diagnoser,
  hotUntil,
  type Story,
  type Told,
  tell,
  memoryJournal,
} from "../../test/support/story.ts";
import { SentinelError } from "../core/errors.ts";
import type { ToldEvent } from "../core/events.ts";
import type { Journal, JournalEntry } from "../core/ports.ts";

const SERVICE = "sentinel-target-api";
const MINUTE = 60_000;

function ofType<T extends ToldEvent["type"]>({ events }: Told, type: T) {
  return events.filter((event): event is Extract<ToldEvent, { type: T }> => event.type === type);
}

const endsOf = ({ closings }: Told) =>
  closings.map(({ result, reason, verdict }) => `${result} ${reason ?? verdict?.kind}`);

/** Hot for 10 s, every so often. */
function flapping(everyMs: number): Story["script"] {
  return (_, elapsedMs) => (elapsedMs % everyMs < 10_000 && elapsedMs >= everyMs ? 1.9 : 0.1);
}

/** A journal in which a person writes as the story goes on. */
function spokenIn(
  entries: readonly { readonly atMs: number; readonly type: string; readonly fields?: object }[],
) {
  const journal = memoryJournal();
  const say = (clock: { at(elapsedMs: number, work: () => void): void }) => {
    for (const { atMs, type, fields } of entries) {
      clock.at(atMs, async () => {
        const entry = { atMs: START_MS + atMs, service: SERVICE, incident: undefined, type };
        await journal.commit({ ...entry, fields: { ...fields } });
      });
    }
    return {};
  };
  return { journal, serviceContext: say };
}

describe("budgets", () => {
  test("a service gets no more than its actions of an hour; the rest waits for a person", async () => {
    // So far apart that none counts as a recurrence.
    const told = await tell({
      script: flapping(31 * MINUTE),
      limits: { mostPerService: 1, mostInAll: 10 },
      untilMs: 130 * MINUTE,
    });
    // At 31 and 93 minutes; at 62 the first is not an hour ago.
    expect(told.runs.map(({ elapsedMs }) => Math.floor(elapsedMs / MINUTE))).toEqual([31, 93]);
    expect(ofType(told, "decided").map(({ decision }) => decision.reason)).toContain(
      "service_budget",
    );
  });

  test("all services together have one, too", async () => {
    const journal = memoryJournal();
    const earlier = { atMs: START_MS - 59 * MINUTE, service: "another", incident: "1" };
    const fields = { action: "docker-restart", argv: [] };
    await journal.commit({ ...earlier, type: "action_started", fields });
    const told = await tell({
      script: hotUntil(15_000),
      limits: { mostPerService: 3, mostInAll: 1 },
      journal,
      untilMs: 10_000 + 5000,
    });
    expect(told.runs).toEqual([]);
    expect(ofType(told, "decided")[0]?.decision.reason).toBe("total_budget");
  });
});

describe("an alert that comes back", () => {
  const permits = ["docker-restart", "compose-service-restart"] as const;

  test("within half an hour of its healing, twice: the next action on the list, then a person", async () => {
    const told = await tell({
      script: flapping(10 * MINUTE),
      rules: [rule({ permits: [...permits] })],
      untilMs: 75 * MINUTE,
    });
    expect(told.runs.map(({ id }) => id)).toEqual([
      "docker-restart",
      "docker-restart",
      "compose-service-restart",
      "compose-service-restart",
    ]);
    const reasons = ofType(told, "decided").map(({ decision }) => decision.reason);
    expect(reasons.slice(0, 5)).toEqual([
      "two_keys_agree",
      "two_keys_agree",
      "next_on_the_list",
      "next_on_the_list",
      "recurrence",
    ]);
  });
});

describe("a person", () => {
  test("approves: it is run once, and proven", async () => {
    const { journal, serviceContext } = spokenIn([]);
    const told = await tell({
      script: hotUntil(60_000),
      policy: { autonomy: "approve" },
      journal,
      serviceContext: (clock) => {
        clock.at(40_000, async () => {
          const request = requestIn(await journal.readAfter(0));
          await journal.commit({
            atMs: START_MS + 40_000,
            service: SERVICE,
            incident: undefined,
            type: "approval_given",
            fields: { request, answer: "approved", by: "a test" },
          });
        });
        return serviceContext(clock);
      },
      untilMs: 200_000,
    });
    expect(told.runs).toHaveLength(1);
    expect(told.runs[0]?.elapsedMs).toBeWithin(40_000, 46_000);
    expect(endsOf(told)).toEqual(["acted healed"]);
  });

  test("says no: nothing is run", async () => {
    const { journal } = spokenIn([]);
    const told = await tell({
      script: hotUntil(Infinity),
      policy: { autonomy: "approve" },
      journal,
      serviceContext: (clock) => {
        clock.at(40_000, async () => {
          const fields = {
            request: requestIn(await journal.readAfter(0)),
            answer: "denied",
            by: "a",
          };
          const entry = { atMs: START_MS, service: SERVICE, incident: undefined };
          await journal.commit({ ...entry, type: "approval_given", fields });
        });
        return {};
      },
      untilMs: 200_000,
    });
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual(["held denied"]);
  });

  test("says nothing: after 15 minutes it is a no", async () => {
    const told = await tell({
      script: hotUntil(Infinity),
      policy: { autonomy: "approve" },
      untilMs: 20 * MINUTE,
    });
    expect(told.runs).toEqual([]);
    const [asked] = ofType(told, "approval_requested");
    const [answered] = ofType(told, "approval_answered");
    expect(answered).toMatchObject({ answer: "expired", request: asked?.request });
    expect((answered?.atMs ?? 0) - (asked?.atMs ?? 0)).toBeWithin(15 * MINUTE, 15 * MINUTE + 5001);
  });

  test("said yes, and others acted until it had expired: it is a no", async () => {
    const journal = memoryJournal();
    const told = await tell({
      script: hotUntil(Infinity),
      policy: { autonomy: "approve" },
      journal,
      serviceContext: (clock) => {
        clock.at(30 * MINUTE, async () => await approve(journal, clock.nowMs()));
        const acquire = async () => {
          clock.pass(16 * MINUTE);
          return { [Symbol.dispose]() {} };
        };
        return { actionLock: { acquire } };
      },
      untilMs: 60 * MINUTE,
    });
    expect(ofType(told, "approval_answered")[0]?.answer).toBe("approved");
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual(["held expired"]);
  });

  test("is not needed any more when the alert resolves", async () => {
    const told = await tell({
      script: hotUntil(60_000),
      policy: { autonomy: "approve" },
      untilMs: 200_000,
    });
    expect(endsOf(told)).toEqual(["skipped alert_resolved"]);
    expect(ofType(told, "approval_answered")[0]?.answer).toBe("withdrawn");
  });

  test("pauses the service: it is left alone until the pause is over", async () => {
    const { journal, serviceContext } = spokenIn([
      { atMs: 5000, type: "paused", fields: { until_ms: START_MS + 100_000, by: "a test" } },
    ]);
    const told = await tell({
      script: hotUntil(105_000),
      journal,
      serviceContext,
      untilMs: 300_000,
    });
    expect(told.runs[0]?.elapsedMs).toBeWithin(100_000, 107_000);
    expect(ofType(told, "left_alone")).toHaveLength(1);
  });

  test("pauses it while a model thinks: it is left alone, and taken up when the pause is over", async () => {
    const { journal, serviceContext } = spokenIn([
      { atMs: 10_500, type: "paused", fields: { until_ms: START_MS + 200_000, by: "a test" } },
    ]);
    const told = await tell({
      script: hotUntil(205_000),
      journal,
      serviceContext,
      untilMs: 400_000,
    });
    expect(endsOf(told)).toEqual(["skipped paused", "acted healed"]);
    expect(told.runs[0]?.elapsedMs).toBeWithin(200_000, 207_000);
  });

  test("pauses what another has approved: it is left alone", async () => {
    const { journal, serviceContext } = spokenIn([
      { atMs: 39_999, type: "paused", fields: { by: "a" } },
    ]);
    const told = await tell({
      script: hotUntil(Infinity),
      policy: { autonomy: "approve" },
      journal,
      serviceContext: (clock) => {
        clock.at(40_000, async () => await approve(journal, clock.nowMs()));
        return serviceContext(clock);
      },
      untilMs: 200_000,
    });
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual(["skipped paused"]);
  });

  test("resumes it: it is acted on again", async () => {
    const { journal, serviceContext } = spokenIn([
      { atMs: 5000, type: "paused", fields: { by: "a test" } },
      { atMs: 50_000, type: "resumed", fields: { by: "a test" } },
    ]);
    const told = await tell({
      script: hotUntil(55_000),
      journal,
      serviceContext,
      untilMs: 300_000,
    });
    expect(told.runs[0]?.elapsedMs).toBeWithin(50_000, 57_000);
  });

  async function approve(journal: Journal, atMs: number): Promise<void> {
    const fields = {
      request: requestIn(await journal.readAfter(0)),
      answer: "approved",
      by: "a test",
    };
    const said = { atMs, service: SERVICE, incident: undefined, type: "approval_given", fields };
    await journal.commit(said);
  }

  function requestIn(entries: readonly JournalEntry[]): unknown {
    return entries.find(({ type }) => type === "approval_requested")?.fields["request"];
  }
});

describe("an action that made things worse", () => {
  const sick = (elapsedMs: number) => ({ ok: elapsedMs < 11_000, message: "" });
  const worse = (journal = memoryJournal()): Story => ({
    script: (_, elapsedMs) =>
      elapsedMs % (40 * MINUTE) < 20 * MINUTE && elapsedMs >= 10_000 ? 1.9 : 0.1,
    serviceContext: (clock) => ({ checkHealth: async () => sick(clock.elapsedMs) }),
    journal,
    untilMs: 60 * MINUTE,
  });

  test("is the last one without a person", async () => {
    const told = await tell(worse());
    expect(told.runs).toHaveLength(1);
    expect(told.closings[0]).toMatchObject({ madeWorse: true, verdict: { kind: "not_healed" } });
    expect(ofType(told, "decided")[1]?.decision.reason).toBe("automation_ended");
  });

  test("until a person says otherwise", async () => {
    const { journal, serviceContext } = spokenIn([
      { atMs: 30 * MINUTE, type: "resumed", fields: { by: "a test" } },
    ]);
    const story = worse(journal);
    const told = await tell({
      ...story,
      serviceContext: (clock) => ({ ...serviceContext(clock), ...story.serviceContext?.(clock) }),
    });
    expect(told.runs).toHaveLength(2);
  });
});

describe("a container", () => {
  test("that is still starting is not judged", async () => {
    const told = await tell({
      script: hotUntil(35_000),
      serviceContext: (clock) => ({
        platform: {
          inspect: async () =>
            containerState({ health: clock.elapsedMs < 30_000 ? "starting" : "healthy" }),
          logs: async () => [],
        },
      }),
      untilMs: 120_000,
    });
    expect(told.runs[0]?.elapsedMs).toBeWithin(30_000, 36_000);
    expect(ofType(told, "left_alone")).toHaveLength(1);
  });

  test("that is younger than its start period and its retries is not judged", async () => {
    const young = {
      health: "starting",
      startedAtMs: START_MS,
      startPeriodMs: 20_000,
      retriesMs: 10_000,
    };
    const told = await tell({
      script: hotUntil(35_000),
      serviceContext: () => ({
        platform: { inspect: async () => containerState(young), logs: async () => [] },
      }),
      untilMs: 120_000,
    });
    expect(told.runs[0]?.elapsedMs).toBeWithin(30_000, 36_000);
  });

  test.each([
    // Rates look back on the run before for 20 s.
    ["that was restarted since the alert began", { startedAtMs: START_MS + 12_000 }, [36_000]],
    ["that was started when it began", { startedAtMs: START_MS + 10_000 }, [16_000]],
    ["that is paused by somebody", { status: "paused" }, []],
    ["that its engine is about to restart by itself", { status: "restarting" }, []],
    ["that has exited", { status: "exited" }, [16_000]],
  ])("%s", async (_, state, expected) => {
    const told = await tell({
      rules: [rule({ forMs: 5000 })],
      script: hotUntil(40_000),
      serviceContext: () => ({
        platform: { inspect: async () => containerState(state), logs: async () => [] },
      }),
      untilMs: 70_000,
    });
    expect(told.runs.map(({ elapsedMs }) => elapsedMs)).toEqual(expected);
    expect(ofType(told, "left_alone")).toHaveLength(expected[0] === 16_000 ? 0 : 1);
  });

  test.each([
    ["paused by somebody else", { status: "paused" }],
    ["replaced by another", { containerId: "another" }],
    ["restarted by somebody else", { startedAtMs: START_MS + 10_500 }],
  ])("that was %s while a model thought is left alone", async (_, changes) => {
    const told = await tell({
      script: hotUntil(15_000),
      serviceContext: (clock) => ({
        platform: {
          inspect: async () => containerState(clock.elapsedMs > 10_500 ? changes : {}),
          logs: async () => [],
        },
      }),
      untilMs: 60_000,
    });
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual(["skipped container_replaced"]);
  });
});

describe("a container that is not known", () => {
  const mute = async (): Promise<never> => {
    throw new Error("cannot connect to the Docker daemon");
  };
  const none = async () => undefined;
  test.each([
    ["and says so twice in the same words", mute, "docker-restart", "skipped container_unknown"],
    // Docker would take the name for the beginning of another's id.
    ["as there is none", none, "docker-restart", "skipped container_unknown"],
    ["neither to Compose", mute, "compose-service-restart", "skipped container_unknown"],
  ] as const)("%s: nothing is run", async (_, inspect, action, end) => {
    const told = await tell({
      script: hotUntil(15_000),
      diagnosers: (clock) => [diagnoser(clock, { action })],
      serviceContext: () => ({ platform: { inspect, logs: async () => [] } }),
      untilMs: 60_000,
    });
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual([end]);
  });

  test("to be there is what Compose can mend", async () => {
    const told = await tell({
      script: hotUntil(15_000),
      rules: [rule({ permits: ["compose-service-up"] })],
      diagnosers: (clock) => [diagnoser(clock, { action: "compose-service-up" })],
      serviceContext: () => ({ platform: { inspect: none, logs: async () => [] } }),
      untilMs: 60_000,
    });
    expect(told.runs).toMatchObject([{ id: "compose-service-up" }]);
  });
});

describe("a journal that cannot be written", () => {
  test("is tried every 5 s, however many ask, since a lock is waited for", async () => {
    const inner = memoryJournal();
    let tries = 0;
    const refuse = async () => {
      tries += 1;
      throw new SentinelError("journal_unavailable", "it is locked by another process");
    };
    const journal = { ...inner, record: refuse, commit: refuse };
    const told = await tell({ script: hotUntil(200_000), journal, untilMs: 60_000 });
    expect(endsOf(told)).toEqual([]);
    // From 10 s on.
    expect(tries).toBeWithin(5, 12);
  });

  test("stops every action and nothing else, is told once, and is done with when it can", async () => {
    const inner = memoryJournal();
    let isFull = true;
    const orFull =
      (write: Journal["record"]): Journal["record"] =>
      async (entry) => {
        if (isFull) throw new SentinelError("journal_unavailable", "the disk is full");
        return write(entry);
      };
    const journal = {
      ...inner,
      record: orFull(inner.record),
      commit: orFull(inner.commit),
    };
    const told = await tell({
      script: hotUntil(200_000),
      journal,
      serviceContext: (clock) => {
        clock.at(60_000, () => (isFull = false));
        return {};
      },
      untilMs: 400_000,
    });
    expect(ofType(told, "journal_down")).toHaveLength(1);
    expect(ofType(told, "journal_back")).toHaveLength(1);
    expect(told.runs).toHaveLength(1);
    expect(told.runs[0]?.elapsedMs).toBeGreaterThan(60_000);
    for (const type of ["incident_opened", "diagnosed", "left_alone"] as const)
      expect(ofType(told, type)).toHaveLength(1);
    expect(endsOf(told)).toEqual(["acted not_healed"]);
    // What could not be written then was written later, in order.
    expect((await inner.readAfter(0))[0]?.type).toBe("incident_opened");
  });
});
