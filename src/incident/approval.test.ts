/** What a person's word does, and what it does not, through the loop. */

import { describe, expect, test } from "bun:test";
import {
  allowlist,
  COMPOSE,
  containerState,
  rule,
  sample,
  SERVICE_NAME,
  type SimulatedClock,
  START_MS,
} from "../../test/support/fixtures.ts";
import {
  diagnoser,
  hotUntil,
  memoryJournal,
  type Story,
  tell,
  type Told,
} from "../../test/support/story.ts";
import { recorderWith } from "../../test/support/recorder.ts";
import type { ComposeService } from "../allowlist.ts";
import { openRecorder } from "./recorder.ts";
import type { ContainerState, Observation } from "../core/model.ts";
import type { Journal } from "../core/ports.ts";
import { GONE } from "./service-loop.ts";

const MINUTE = 60_000;

const endsOf = ({ closings }: Told) =>
  closings.map(({ result, reason, verdict }) => `${result} ${reason ?? verdict?.kind}`);

/** A person writes into the journal at that time of the story. */
async function say(journal: Journal, type: string, fields: object = {}, service = SERVICE_NAME) {
  const entry = { atMs: START_MS, service, incident: undefined, type };
  await journal.commit({ ...entry, fields: { by: "a test", ...fields } });
}

/** Answers the newest request. */
async function answer(
  journal: Journal,
  given: "approved" | "denied",
  service = SERVICE_NAME,
): Promise<void> {
  const asked = (await journal.readAfter(0)).findLast(({ type }) => type === "approval_requested");
  await say(
    journal,
    "approval_given",
    { request: asked?.fields["request"], answer: given },
    service,
  );
}

/** Hot from 10 s on, and it asks; a person does something at those times. */
async function asking(
  words: (journal: Journal) => Readonly<Record<number, () => void>>,
  story: Partial<Story> = {},
): Promise<Told> {
  const journal = story.journal ?? memoryJournal();
  return tell({
    script: hotUntil(Infinity),
    policy: { autonomy: "approve" },
    untilMs: 200_000,
    ...story,
    journal,
    serviceContext: (clock) => {
      for (const [atMs, work] of Object.entries(words(journal))) clock.at(Number(atMs), work);
      return story.serviceContext?.(clock) ?? {};
    },
  });
}

describe("an approval", () => {
  test("is of one service: the same word about another's request changes nothing", async () => {
    const told = await asking((journal) => ({
      40_000: async () => await answer(journal, "approved", "db"),
    }));
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual([]);
  });

  test("after a no is none", async () => {
    const told = await asking((journal) => ({
      40_000: async () => await answer(journal, "denied"),
      40_001: async () => await answer(journal, "approved"),
    }));
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual(["held denied"]);
  });

  test("is used up: the next incident asks anew", async () => {
    const told = await asking(
      (journal) => ({ 40_000: async () => await answer(journal, "approved") }),
      // Healed at first, and hot again 5 minutes later.
      {
        script: (_, elapsedMs) =>
          (elapsedMs >= 10_000 && elapsedMs < 45_000) || elapsedMs >= 5 * MINUTE ? 1.9 : 0.1,
        untilMs: 8 * MINUTE,
      },
    );
    expect(told.runs).toHaveLength(1);
    const requests = told.events.flatMap((event) =>
      event.type === "approval_requested" ? event.request : [],
    );
    expect(requests).toHaveLength(2);
    expect(new Set(requests).size).toBe(2);
  });

  test("that comes too late is none", async () => {
    const told = await asking(
      (journal) => ({ [16 * MINUTE]: async () => await answer(journal, "approved") }),
      {
        untilMs: 20 * MINUTE,
      },
    );
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual(["held expired"]);
  });

  test("while there are no signals is carried out when they are back", async () => {
    const told = await asking(
      (journal) => ({ 40_000: async () => await answer(journal, "approved") }),
      {
        script: (_, elapsedMs) => {
          if (elapsedMs >= 30_000 && elapsedMs < 60_000) return new Error("it refuses");
          return elapsedMs >= 10_000 && elapsedMs < 65_000 ? 1.9 : 0.1;
        },
        untilMs: 150_000,
      },
    );
    expect(told.runs[0]?.elapsedMs).toBeWithin(60_000, 66_000);
    expect(endsOf(told)).toEqual(["acted healed"]);
  });

  test.each<[string, Partial<ContainerState>, string]>([
    ["was replaced", { containerId: "another" }, "skipped container_replaced"],
    ["has become an orchestrator's", { orchestrator: "swarm" }, "held managed_by_orchestrator"],
  ])("of a container that %s meanwhile runs nothing", async (_, changes, ended) => {
    const told = await asking(
      (journal) => ({ 40_000: async () => await answer(journal, "approved") }),
      {
        untilMs: 60_000,
        serviceContext: (clock) => ({
          platform: {
            inspect: async () => containerState(clock.elapsedMs < 30_000 ? {} : changes),
            logs: async () => [],
          },
        }),
      },
    );
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual([ended]);
  });

  test("is not held back by the budget, and counts in it", async () => {
    const told = await asking(
      (journal) => ({ 40_000: async () => await answer(journal, "approved") }),
      {
        limits: { mostPerService: 1 },
        script: (_, elapsedMs) =>
          (elapsedMs >= 10_000 && elapsedMs < 45_000) || elapsedMs >= 31 * MINUTE ? 1.9 : 0.1,
        policy: { autonomy: "auto" },
        // One action before, so that the first incident has to ask.
        journal: await spent(),
        untilMs: 32 * MINUTE,
      },
    );
    expect(told.runs).toHaveLength(1);
    const reasons = told.events.flatMap((event) =>
      event.type === "decided" ? event.decision.reason : [],
    );
    expect(reasons).toEqual(["service_budget", "service_budget"]);
  });

  async function spent(): Promise<Journal> {
    const journal = memoryJournal();
    const fields = { action: "docker-restart", argv: [] };
    const earlier = { atMs: START_MS - 50 * MINUTE, service: SERVICE_NAME, incident: "earlier" };
    await journal.commit({ ...earlier, type: "action_started", fields });
    return journal;
  }
});

/** An alert of the same service on another signal, about which a person would be asked. */
const OTHER = rule({
  alert: "Other",
  expr: "other > 0.5",
  signal: { expr: "other", operator: ">", threshold: 0.5 },
  severity: "low",
});

/** A context in which the journal takes no intent between these times. */
const inTrouble =
  (journal: Journal, fromMs: number, toMs: number) => async (clock: SimulatedClock) => {
    const limits = { cooldownMs: 60_000, mostPerService: 1000, mostInAll: 1000 };
    const recorder = await openRecorder(journal, limits, clock);
    const isDown = () => clock.elapsedMs >= fromMs && clock.elapsedMs < toMs;
    return {
      recorder: recorderWith(recorder, {
        commit: async (intent) => !isDown() && (await recorder.commit(intent)),
        get trouble() {
          return isDown() ? "the journal cannot be written" : undefined;
        },
      }),
    };
  };

describe("a request", () => {
  const typesOf = ({ events }: Told) => events.map(({ type }) => type);
  const openedOf = ({ events }: Told) =>
    events.flatMap((event) => (event.type === "incident_opened" ? event.alert.rule.alert : []));

  test("ends when its alert is over, although another one fires", async () => {
    const told = await asking(() => ({}), {
      rules: [rule(), OTHER],
      script: (expr, elapsedMs) =>
        elapsedMs >= 10_000 && (expr === "other" || elapsedMs < 50_000) ? 1.9 : 0.1,
    });
    expect(endsOf(told)).toEqual(["skipped alert_resolved"]);
  });

  test("goes on while one label set of its alert fires and another is only pending", async () => {
    const told = await asking(() => ({}), {
      rules: [rule({ forMs: 15_000 })],
      script: (_, elapsedMs) =>
        [1, 2].map((index) =>
          sample(elapsedMs >= 10_000 && (index === 1 || elapsedMs >= 50_000) ? 1.9 : 0.1, {
            instance: `i${index}`,
          }),
        ),
    });
    expect(typesOf(told)).toContain("alerts_joined");
    expect(endsOf(told)).toEqual([]);
  });

  test("that nobody answers ends when it says that it does, and not later", async () => {
    const told = await asking(() => ({}), { untilMs: 20 * MINUTE });
    const [asked] = told.events.filter((event) => event.type === "approval_requested");
    const closed = told.events.find(({ type }) => type === "incident_closed");
    expect(closed?.atMs).toBe(asked?.expiresAtMs ?? 0);
    expect(endsOf(told)).toEqual(["held expired"]);
  });

  test("that is approved is acted upon, and only what fires after it is taken up", async () => {
    const told = await asking(
      (journal) => ({ 40_000: async () => await answer(journal, "approved") }),
      {
        rules: [rule(), OTHER],
        script: (expr, elapsedMs) =>
          expr === "cpu"
            ? hotUntil(Infinity)(expr, elapsedMs)
            : hotUntil(42_000, 40_000)(expr, elapsedMs),
      },
    );
    expect(told.runs).toHaveLength(1);
    expect(openedOf(told)).toEqual(["HighCpu"]);
    // Which the other would have been told of, had it been looked at.
    expect(typesOf(told)).not.toContain("cooling_down");
  });

  test("that is approved while the journal cannot be written is answered once it can be", async () => {
    const journal = memoryJournal();
    const told = await asking(() => ({ 40_000: async () => await answer(journal, "approved") }), {
      journal,
      serviceContext: inTrouble(journal, 35_000, 60_000),
    });
    expect(typesOf(told).filter((type) => type === "approval_answered")).toHaveLength(1);
    expect(told.runs).toHaveLength(1);
    expect(told.runs[0]?.elapsedMs).toBeWithin(60_000, 67_000);
  });

  test("that is denied ends at once, whether there are signals or not", async () => {
    const told = await asking(
      (journal) => ({ 40_000: async () => await answer(journal, "denied") }),
      {
        script: (_, elapsedMs) => {
          if (elapsedMs >= 30_000 && elapsedMs < 90_000) return new Error("it refuses");
          return elapsedMs >= 10_000 ? 1.9 : 0.1;
        },
        untilMs: 60_000,
      },
    );
    expect(endsOf(told)).toEqual(["held denied"]);
  });

  test("that is denied ends at once, whether the journal takes an intent or not", async () => {
    const journal = memoryJournal();
    const told = await asking(() => ({ 40_000: async () => await answer(journal, "denied") }), {
      journal,
      serviceContext: inTrouble(journal, 30_000, 90_000),
      untilMs: 60_000,
    });
    expect(endsOf(told)).toEqual(["held denied"]);
  });
});

describe("where Compose has the service is looked up again", () => {
  /** @param later what the second look finds, at the time of the answer */
  async function approved(later: Observation<ComposeService>): Promise<Told> {
    let looks = 0;
    return asking((journal) => ({ 40_000: async () => await answer(journal, "approved") }), {
      diagnosers: (clock) => [diagnoser(clock, { action: "compose-service-restart" })],
      serviceContext: () => ({
        async findComposeService() {
          looks += 1;
          return looks === 1 ? { kind: "found", value: COMPOSE } : later;
        },
      }),
    });
  }

  test("the command that a person has seen runs", async () => {
    const told = await approved({ kind: "found", value: COMPOSE });
    expect(told.runs).toMatchObject([{ id: "compose-service-restart" }]);
  });

  test("another does not", async () => {
    const told = await approved({ kind: "found", value: { ...COMPOSE, project: "other" } });
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual(["held command_changed"]);
  });

  test("nor does one that is not offered any more", async () => {
    const told = await approved({ kind: "absent", reason: "Compose has not made its container" });
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual(["held not_allowed_for_service"]);
  });
});

describe("after a restart with other settings", () => {
  async function restarted(policy: Story["policy"]): Promise<Told> {
    const first = await asking(() => ({}), { untilMs: 30_000 });
    const { journal, clock } = first;
    await answer(journal, "approved");
    return asking(() => ({}), { journal, clock, untilMs: 90_000, policy: { ...policy } });
  }

  test("the approved command runs", async () => {
    expect((await restarted({ autonomy: "approve" })).runs).toHaveLength(1);
  });

  test("another command of the same id does not: nobody has seen it", async () => {
    const { "docker-restart": restart } = allowlist;
    if (restart === undefined) throw new Error("the fixture has it");
    const changed = { ...restart, argv: [...restart.argv, "another"] };
    const told = await restarted({
      autonomy: "approve",
      allowlist: { ...allowlist, "docker-restart": changed },
    });
    expect(told.runs).toEqual([]);
    expect(endsOf(told)[0]).toBe("held command_changed");
  });

  test("an id that is not there any more does not", async () => {
    const { "docker-restart": _, ...others } = allowlist;
    const told = await restarted({ autonomy: "approve", allowlist: others });
    expect(told.runs).toEqual([]);
    expect(endsOf(told)[0]).toBe("held not_allowed_for_service");
  });

  test("nothing runs with AUTONOMY=observe", async () => {
    const told = await restarted({ autonomy: "observe" });
    expect(told.runs).toEqual([]);
    expect(endsOf(told)[0]).toBe("held autonomy_observe");
  });
});

test("AUTONOMY=observe asks for nothing that it would not run", async () => {
  const told = await tell({
    script: hotUntil(Infinity),
    policy: { autonomy: "observe" },
    // The rule permits another.
    diagnosers: (clock) => [diagnoser(clock, { action: "compose-service-up" })],
    untilMs: 60_000,
  });
  expect(told.events.map(({ type }) => type)).not.toContain("approval_requested");
  expect(endsOf(told)).toEqual(["held keys_disagree"]);
});

describe("a pause", () => {
  test("that comes while a model thinks holds the action back until it ends", async () => {
    const told = await asking(
      (journal) => ({
        15_000: async () => await say(journal, "paused"),
        200_000: async () => await say(journal, "resumed"),
      }),
      {
        policy: { autonomy: "auto" },
        diagnosers: (clock) => [diagnoser(clock, { takesMs: 20_000 })],
        untilMs: 260_000,
      },
    );
    expect(endsOf(told)[0]).toBe("skipped paused");
    expect(told.runs).toHaveLength(1);
    expect(told.runs[0]?.elapsedMs).toBeGreaterThan(200_000);
  });

  test("holds back what is approved, too: it is asked again afterwards", async () => {
    const told = await asking(
      (journal) => ({
        30_000: async () => await say(journal, "paused"),
        40_000: async () => await answer(journal, "approved"),
        150_000: async () => await say(journal, "resumed"),
      }),
      { untilMs: 190_000 },
    );
    expect(told.runs).toEqual([]);
    expect(endsOf(told)).toEqual(["skipped paused"]);
    const asked = told.events.filter(({ type }) => type === "approval_requested");
    expect(asked).toHaveLength(2);
  });
});

test("a container of which nothing can be learned, before and after, is not acted upon", async () => {
  const told = await tell({
    script: hotUntil(Infinity),
    serviceContext: () => ({
      platform: {
        inspect: async () => {
          throw new Error("Docker does not answer");
        },
        logs: async () => [],
      },
    }),
    untilMs: 60_000,
  });
  expect(told.runs).toEqual([]);
  expect(endsOf(told)[0]).toBe("skipped container_unknown");
});

describe("a container that is gone for good", () => {
  async function goneAt(why: unknown): Promise<Told> {
    const stop = new AbortController();
    return asking(() => ({}), {
      untilMs: 60_000,
      stop,
      serviceContext: (clock) => {
        clock.at(40_000, () => stop.abort(why));
        return {};
      },
    });
  }

  test("takes its request with it: nobody could ever carry it out", async () => {
    expect(endsOf(await goneAt(GONE))).toEqual(["skipped container_replaced"]);
  });

  test("after an action that nobody saw the end of leaves the verdict unknown", async () => {
    const journal = memoryJournal();
    const first = await tell({
      script: hotUntil(Infinity),
      journal,
      killAt: ({ type }) => type === "action_started",
      untilMs: 60_000,
    });
    const stop = new AbortController();
    const told = await asking(() => ({}), {
      journal,
      clock: first.clock,
      stop,
      untilMs: 90_000,
      serviceContext: (clock) => {
        clock.at(first.clock.elapsedMs + 1, () => stop.abort(GONE));
        return {};
      },
    });
    expect(endsOf(told)).toEqual(["acted unknown"]);
  });

  test("is not one that is watched no longer since Sentinel stops: its request stays", async () => {
    const told = await goneAt(undefined);
    expect(endsOf(told)).toEqual([]);
    const { journal, clock } = told;
    await answer(journal, "approved");
    expect((await asking(() => ({}), { journal, clock, untilMs: 90_000 })).runs).toHaveLength(1);
  });
});

test("a pause says until when it is, and on which day if that is not today", async () => {
  const reasonOf = async (until_ms?: number) => {
    const told = await asking((journal) => ({
      5000: async () => await say(journal, "paused", until_ms === undefined ? {} : { until_ms }),
    }));
    return told.events.flatMap((event) => (event.type === "left_alone" ? event.reason : []))[0];
  };
  expect(await reasonOf()).toBe("paused by a person; sentinel resume ends it");
  const later = new Date(START_MS + 5 * 60_000);
  expect(await reasonOf(later.getTime())).toBe(
    `paused by a person until ${later.toTimeString().slice(0, 5)}; sentinel resume ends it`,
  );
  const far = new Date(START_MS + 3 * 86_400_000);
  expect(await reasonOf(far.getTime())).toMatch(
    /^paused by a person until 2025-01-0[345] \d\d:\d\d; sentinel resume ends it$/,
  );
});
