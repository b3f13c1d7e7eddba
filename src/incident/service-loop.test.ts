import { describe, expect, test } from "bun:test";
import { rule, sample, SERVICE_NAME, START_MS } from "../../test/support/fixtures.ts";
import {
  ACTED,
  diagnoser,
  hotUntil,
  memoryJournal,
  type Story,
  type Told,
  tell,
} from "../../test/support/story.ts";
import { DiagnosisError, SentinelError } from "../core/errors.ts";
import type { ToldEvent } from "../core/events.ts";

/** Hot for ever: the restart does not help. */
const incurable = hotUntil(Infinity);

function ofType<T extends ToldEvent["type"]>({ events }: Told, type: T) {
  return events.filter((event): event is Extract<ToldEvent, { type: T }> => event.type === type);
}

describe("one incident, from the alert to the verdict", () => {
  test("what is cured is acted on once and proven healed", async () => {
    const told = await tell({ script: hotUntil(15_000), untilMs: 120_000 });
    // It fires at the poll at 10 s; the model takes 1 s.
    expect(told.runs).toEqual([{ elapsedMs: 11_000, id: "docker-restart" }]);
    expect(told.closings).toMatchObject([
      {
        result: "acted",
        verdict: { kind: "healed" },
        detectedAfterMs: 5000,
        actedAfterMs: 6000,
        healedAfterMs: 38_000,
      },
    ]);
    expect(told.events.map(({ type }) => type)).toEqual([
      "quiet",
      "alert_changed",
      ...ACTED,
      "alert_changed",
      "quiet",
    ]);
  });

  test("what is not cured is acted on once, however long it fires", async () => {
    const told = await tell({ script: incurable, untilMs: 3_600_000 });
    expect(told.runs).toHaveLength(1);
    expect(told.closings).toMatchObject([{ verdict: { kind: "not_healed" } }]);
  });

  test("what fires again after it resolved is a new incident, once the cooldown is over", async () => {
    const again = (elapsedMs: number) =>
      (elapsedMs >= 10_000 && elapsedMs < 15_000) || (elapsedMs >= 60_000 && elapsedMs < 115_000);
    const told = await tell({
      script: (_, elapsedMs) => (again(elapsedMs) ? 1.9 : 0.1),
      untilMs: 300_000,
    });
    // The first ended at 43 s.
    expect(told.runs.map(({ elapsedMs }) => elapsedMs)).toEqual([11_000, 104_000]);
    expect(ofType(told, "cooling_down")).toHaveLength(1);
  });

  test("each cooldown that holds an alert is told once", async () => {
    const hot = [
      [10, 15],
      [60, 70],
      [120, 125],
      [170, 180],
    ] as const;
    const told = await tell({
      script: (_, elapsedMs) =>
        hot.some(([from, to]) => elapsedMs >= from * 1000 && elapsedMs < to * 1000) ? 1.9 : 0.1,
      untilMs: 300_000,
    });
    expect(told.runs).toHaveLength(2);
    expect(ofType(told, "cooling_down")).toHaveLength(2);
  });

  test("several label sets that fire together are one incident", async () => {
    const told = await tell({
      script: (_, elapsedMs) => {
        const value = elapsedMs >= 10_000 && elapsedMs < 15_000 ? 1.9 : 0.1;
        return [sample(value, { instance: "a" }), sample(value, { instance: "b" })];
      },
      untilMs: 120_000,
    });
    expect(told.runs).toHaveLength(1);
    expect(told.closings).toMatchObject([{ verdict: { kind: "healed" } }]);
  });
});

describe("missing data is never a reason to act", () => {
  const bad = (message: string) => new SentinelError("source_bad_answer", message);
  const unreachable = new SentinelError("source_unreachable", "cannot be reached");
  const cases: readonly (readonly [
    string,
    ReturnType<Story["script"]>,
    "source_down" | "quiet",
  ])[] = [
    ["the source is down", unreachable, "source_down"],
    ["it is too slow", new SentinelError("source_timeout", "no answer within 5 s"), "source_down"],
    ["it answers 500", bad("status 500"), "source_down"],
    ["it answers HTML", bad("status 200 and no answer in Prometheus' form"), "source_down"],
    ["it fails in a way of its own", new TypeError("fetch failed"), "source_down"],
    ["it has no samples", [], "quiet"],
    ["it answers NaN", NaN, "quiet"],
    ["it answers +Inf", Infinity, "quiet"],
    ["it answers -Inf", -Infinity, "quiet"],
    ["it rejects the expression", new SentinelError("source_rejected", "400 bad_data"), "quiet"],
  ];
  test.each(cases)("%s, always", async (_, answer, type) => {
    const told = await tell({ script: () => answer, untilMs: 600_000 });
    expect(told.runs).toEqual([]);
    expect(told.closings).toEqual([]);
    expect(ofType(told, type).length).toBeGreaterThan(0);
  });

  test.each(cases)("%s while a model thinks", async (_, answer) => {
    const told = await tell({
      script: (_, elapsedMs) => (elapsedMs < 10_000 ? 0.1 : elapsedMs < 10_500 ? 1.9 : answer),
      untilMs: 600_000,
    });
    expect(told.runs).toEqual([]);
    expect(told.closings).toMatchObject([{ result: "skipped", reason: "data_missing" }]);
  });

  test.each(cases)(
    "%s after the action: the verdict is unknown, and nothing more is run",
    async (_, answer) => {
      const told = await tell({
        script: (_, elapsedMs) => (elapsedMs < 10_000 ? 0.1 : elapsedMs < 12_000 ? 1.9 : answer),
        untilMs: 600_000,
      });
      expect(told.runs).toHaveLength(1);
      expect(told.closings).toMatchObject([{ verdict: { kind: "unknown" } }]);
    },
  );

  test("a firing that lost its data for a while is not acted on twice", async () => {
    const told = await tell({
      rules: [rule({ forMs: 10_000 })],
      script: (_, elapsedMs) => (elapsedMs >= 100_000 && elapsedMs < 120_000 ? [] : 1.9),
      untilMs: 600_000,
    });
    expect(told.runs).toHaveLength(1);
  });

  test("what was skipped for missing data is taken up when the data is back", async () => {
    const told = await tell({
      script: (_, elapsedMs) => {
        if (elapsedMs > 10_500 && elapsedMs < 30_000) return unreachable;
        return elapsedMs < 10_000 ? 0.1 : 1.9;
      },
      untilMs: 600_000,
    });
    expect(told.closings).toMatchObject([{ result: "skipped" }, { result: "acted" }]);
    expect(told.runs).toHaveLength(1);
  });

  test("one label set that vanished is not healed by the silence of another", async () => {
    const told = await tell({
      script: (_, elapsedMs) => [
        ...(elapsedMs < 12_000 ? [sample(elapsedMs < 10_000 ? 0.1 : 1.9, { instance: "a" })] : []),
        sample(0.1, { instance: "b" }),
      ],
      untilMs: 120_000,
    });
    expect(told.closings).toMatchObject([{ verdict: { kind: "unknown" } }]);
  });

  test("one rule that the source rejects does not blind the others", async () => {
    const other = rule({ alert: "HighMemory", expr: "memory > 5", signal: undefined });
    const told = await tell({
      rules: [other, rule()],
      script: (expr, elapsedMs) =>
        expr === "memory"
          ? new SentinelError("source_rejected", "400 bad_data: no such function")
          : hotUntil(15_000)(expr, elapsedMs),
      untilMs: 120_000,
    });
    expect(told.runs).toHaveLength(1);
    expect(ofType(told, "alert_changed")[0]).toMatchObject({
      alert: { rule: { alert: "HighMemory" }, noDataReason: "400 bad_data: no such function" },
    });
  });
});

describe("an alert that is kept firing while its condition is quiet is no reason to act", () => {
  const rules = [rule({ keepFiringForMs: 60_000 })];
  /** Two polls, and then one that is quiet; again soon, which is a flap, and when it has fired for a minute. */
  const hot = (elapsedMs: number) =>
    [10_000, 40_000, 80_000].some((fromMs) => elapsedMs >= fromMs && elapsedMs < fromMs + 4000) &&
    (elapsedMs >= 40_000 || elapsedMs < 10_500);

  test("while a model thinks; and it is acted on when it holds again", async () => {
    const told = await tell({
      rules,
      script: (_, elapsedMs) => (hot(elapsedMs) ? 1.9 : 0.1),
      untilMs: 300_000,
    });
    expect(told.closings.map(({ result, reason }) => [result, reason])).toEqual([
      ["skipped", "alert_resolved"],
      ["acted", undefined],
    ]);
    expect(ofType(told, "alert_flapped")).toMatchObject([{ times: 1 }, { times: 1, isOver: true }]);
    expect(told.runs[0]?.elapsedMs).toBeWithin(80_000, 84_000);
  });

  test("after a cooldown", async () => {
    // It holds during the cooldown alone, which ends at 103 s.
    const told = await tell({
      rules,
      script: (_, elapsedMs) =>
        (elapsedMs >= 10_000 && elapsedMs < 12_000) || (elapsedMs >= 80_000 && elapsedMs < 90_000)
          ? 1.9
          : 0.1,
      untilMs: 300_000,
    });
    expect(told.runs).toHaveLength(1);
    expect(told.closings).toHaveLength(1);
  });

  test("after a person's yes", async () => {
    const journal = memoryJournal();
    const told = await tell({
      rules,
      script: hotUntil(22_000),
      policy: { autonomy: "approve" },
      journal,
      serviceContext: (clock) => {
        clock.at(40_000, async () => {
          const asked = (await journal.readAfter(0)).find(
            ({ type }) => type === "approval_requested",
          );
          const fields = { request: asked?.fields["request"], answer: "approved", by: "a test" };
          const entry = { atMs: START_MS, service: "sentinel-target-api", incident: undefined };
          await journal.commit({ ...entry, type: "approval_given", fields });
        });
        return {};
      },
      untilMs: 300_000,
    });
    expect(told.runs).toEqual([]);
    expect(told.closings).toMatchObject([{ result: "skipped", reason: "alert_resolved" }]);
  });
});

describe("quiet is told", () => {
  test("at once, and then once a minute", async () => {
    const told = await tell({ script: () => 0.1, untilMs: 180_000 });
    expect(ofType(told, "quiet").map(({ atMs }) => (atMs - START_MS) / 1000)).toEqual([0, 60, 120]);
  });

  test("but not while a firing alert has no data", async () => {
    const told = await tell({
      script: (_, elapsedMs) => (elapsedMs < 12_000 ? 1.9 : []),
      policy: { autonomy: "observe" },
      untilMs: 300_000,
    });
    expect(ofType(told, "quiet")).toEqual([]);
  });

  test("a source that goes and comes back is told once each", async () => {
    const told = await tell({
      script: (_, elapsedMs) =>
        elapsedMs >= 20_000 && elapsedMs < 50_000 ? new Error("cannot be reached") : 0.1,
      untilMs: 100_000,
    });
    expect(told.events.map(({ type }) => type)).toEqual([
      "quiet",
      "source_down",
      "source_back",
      "quiet",
    ]);
  });

  test("a source that comes and goes with each poll is told once", async () => {
    const told = await tell({
      script: (_, elapsedMs) =>
        elapsedMs >= 20_000 && elapsedMs < 100_000 && (elapsedMs / 5000) % 2 === 0
          ? new Error("cannot be reached")
          : 0.1,
      untilMs: 130_000,
    });
    const troubles = told.events.filter(({ type }) => type !== "quiet");
    expect(troubles.map(({ type, atMs }) => [type, atMs - START_MS])).toEqual([
      ["source_down", 20_000],
      ["source_back", 105_000],
    ]);
  });
});

describe("who acts", () => {
  const cases: readonly (readonly [string, Partial<Story>, string])[] = [
    ["AUTONOMY=observe", { policy: { autonomy: "observe" } }, "skipped autonomy_observe"],
    ["AUTONOMY=approve", { policy: { autonomy: "approve" } }, "held expired"],
    [
      "a model that wants a stop",
      {
        rules: [rule({ permits: ["docker-stop"] })],
        diagnosers: (clock) => [diagnoser(clock, { action: "docker-stop" })],
      },
      "held expired",
    ],
    [
      "a model that calls it critical, on a rule of low severity",
      {
        rules: [rule({ severity: "low" })],
        diagnosers: (clock) => [diagnoser(clock, { severity: "critical", confidence: 1 })],
      },
      "held expired",
    ],
    [
      "it resolves while a slow model thinks",
      { script: hotUntil(30_000), diagnosers: (clock) => [diagnoser(clock, { takesMs: 29_000 })] },
      "skipped alert_resolved",
    ],
  ];
  test.each(cases)("%s: nobody but a person", async (_, story, expected) => {
    const told = await tell({ script: incurable, untilMs: 1_200_000, ...story });
    expect(told.runs).toEqual([]);
    expect(told.closings.map(({ result, reason }) => `${result} ${reason}`)).toEqual([expected]);
  });
});

describe("who diagnoses", () => {
  const failing = (thrown: Error) => () => [
    { name: "first", deadlineMs: 1, diagnose: () => Promise.reject(thrown) },
    { name: "second", deadlineMs: 1, diagnose: () => Promise.reject(new TypeError("a bug")) },
  ];

  test("the next after one that fails, and at last the playbook", async () => {
    const thrown = new DiagnosisError("rate_limited", "status 429");
    const told = await tell({
      script: hotUntil(15_000),
      diagnosers: failing(thrown),
      untilMs: 120_000,
    });
    expect(ofType(told, "diagnosis_failed")).toMatchObject([
      { diagnoser: "first", reason: "rate_limited", message: "status 429" },
      { diagnoser: "second", reason: "unavailable", message: "a bug" },
    ]);
    expect(ofType(told, "diagnosed")).toMatchObject([{ diagnoser: "built-in playbook" }]);
    expect(told.runs).toMatchObject([{ id: "docker-restart" }]);
  });

  test("the first that answers, and nobody after it", async () => {
    const told = await tell({
      script: hotUntil(15_000),
      diagnosers: (clock) => [diagnoser(clock), ...failing(new Error("asked"))()],
      untilMs: 120_000,
    });
    expect(ofType(told, "diagnosis_failed")).toEqual([]);
    expect(ofType(told, "diagnosed")).toMatchObject([{ diagnoser: "a model" }]);
  });
});

describe("told to stop", () => {
  const stages = [
    "incident_opened",
    "evidence_collected",
    "diagnosed",
    "action_started",
    "action_finished",
    "verification_started",
  ] as const;
  test.each(stages)("after %s it is cancelled, and says so", async (stopAt) => {
    const told = await tell({ script: incurable, stopAt, untilMs: 600_000 });
    expect(told.closings).toMatchObject([{ result: "cancelled" }]);
    expect(told.events.at(-1)?.type).toBe("incident_closed");
    expect(told.runs).toHaveLength(stopAt.startsWith("act") || stopAt.startsWith("ver") ? 1 : 0);
  });

  test("between polls it ends without an incident", async () => {
    const told = await tell({ script: () => 0.1, untilMs: 7000 });
    expect(told.events.map(({ type }) => type)).toEqual(["quiet"]);
  });
});

describe("an alert of a rule file", () => {
  const OTHERS = [{ name: "other", job: "other", health: { http: "http://other/health" } }];
  const hot = rule({ labels: { severity: "high" } });
  const is = (job: string, value: number, instance = "1") => sample(value, { job, instance });
  /** Of the service that the story is about. */
  const own = (value: number, instance?: string) => is(SERVICE_NAME, value, instance);
  const tellFile = (script: Story["script"], changes: Partial<Story> = {}) =>
    tell({ rules: [], files: [hot], others: OTHERS, script, untilMs: 120_000, ...changes });

  test("that is the service's own is taken up as a built-in one's is", async () => {
    const told = await tellFile((_, elapsedMs) => {
      const value = elapsedMs >= 10_000 && elapsedMs < 15_000 ? 1.9 : 0.1;
      return [own(value), is("other", 0.1)];
    });
    expect(told.runs.map(({ id }) => id)).toEqual(["docker-restart"]);
    expect(told.closings).toMatchObject([{ verdict: { kind: "healed" } }]);
  });

  test("that is another's is never taken up, however long it fires", async () => {
    const told = await tellFile(() => [own(0.1), is("other", 1.9)], { untilMs: 3_600_000 });
    expect(told.runs).toEqual([]);
    expect(told.closings).toEqual([]);
    expect(ofType(told, "alert_changed")).toEqual([]);
  });

  test("that is nobody's is never taken up", async () => {
    const told = await tellFile(() => [sample(1.9)], { untilMs: 3_600_000 });
    expect(told.runs).toEqual([]);
    expect(told.closings).toEqual([]);
  });

  test("heals although another's goes on: only its own series are judged", async () => {
    const told = await tellFile((_, elapsedMs) => [
      own(elapsedMs >= 10_000 && elapsedMs < 15_000 ? 1.9 : 0.1),
      is("other", 1.9),
    ]);
    expect(told.runs).toHaveLength(1);
    expect(told.closings).toMatchObject([{ verdict: { kind: "healed" } }]);
  });

  test("that another's labels have meanwhile is refused with a reason of its own", async () => {
    // The same rule and series, as if its owner had become another while the model thought.
    let owner = SERVICE_NAME;
    const told = await tellFile(() => [own(1.9)], {
      diagnosers: (clock) => [
        {
          ...diagnoser(clock),
          async diagnose(request, signal) {
            owner = "other";
            return await diagnoser(clock).diagnose(request, signal);
          },
        },
      ],
      serviceContext: () => ({ ownerOf: () => ({ kind: "service", name: owner }) }),
    });
    expect(told.runs).toEqual([]);
    expect(ofType(told, "decided")).toMatchObject([
      { decision: { kind: "skip", reason: "alert_of_another" } },
    ]);
  });

  test("a further label set that fires while an incident is open joins it", async () => {
    const told = await tellFile((_, elapsedMs) => [
      own(elapsedMs >= 10_000 ? 1.9 : 0.1, "1"),
      own(elapsedMs >= 20_000 ? 1.9 : 0.1, "2"),
      own(elapsedMs >= 200_000 ? 1.9 : 0.1, "3"),
    ]);
    expect(told.runs).toHaveLength(1);
    expect(told.closings).toMatchObject([{ verdict: { kind: "not_healed" } }]);
    expect(ofType(told, "alerts_joined")).toMatchObject([
      { count: 1, alerts: [{ labels: { instance: "2" } }] },
    ]);
  });

  test("a further label set that fires after an incident gets its own", async () => {
    const told = await tellFile(
      (_, elapsedMs) => [
        own(elapsedMs >= 10_000 ? 1.9 : 0.1, "1"),
        own(elapsedMs >= 200_000 ? 1.9 : 0.1, "2"),
      ],
      { untilMs: 400_000 },
    );
    expect(told.runs.map(({ elapsedMs }) => elapsedMs)).toEqual([11_000, 204_000]);
    expect(ofType(told, "incident_opened")).toMatchObject([
      { alert: { labels: { instance: "1" } } },
      { alert: { labels: { instance: "2" } } },
    ]);
    expect(ofType(told, "alerts_joined")).toEqual([]);
  });

  test("a further label set joins an incident that waits for a person", async () => {
    const told = await tellFile(
      (_, elapsedMs) => [
        own(elapsedMs >= 10_000 ? 1.9 : 0.1, "1"),
        own(elapsedMs >= 60_000 ? 1.9 : 0.1, "2"),
      ],
      { policy: { autonomy: "approve" } },
    );
    expect(ofType(told, "approval_requested")).toHaveLength(1);
    expect(ofType(told, "alerts_joined")).toMatchObject([{ count: 1 }]);
  });

  test("thousands of label sets that fire at once are one incident, and few lines", async () => {
    const told = await tellFile((_, elapsedMs) =>
      Array.from({ length: 3000 }, (__, index) =>
        own(elapsedMs >= 10_000 && elapsedMs < 15_000 ? 1.9 : 0.1, String(index)),
      ),
    );
    expect(told.runs).toHaveLength(1);
    expect(told.closings).toMatchObject([{ verdict: { kind: "healed" } }]);
    expect(ofType(told, "alert_changed").length).toBeLessThanOrEqual(20);
    expect(ofType(told, "more_alerts_changed")).toMatchObject([
      { alertname: "HighCpu", state: "firing", count: 2990 },
      { alertname: "HighCpu", state: "inactive", count: 2990 },
    ]);
    expect(ofType(told, "alerts_joined")).toMatchObject([{ count: 2999 }]);
  });
});
