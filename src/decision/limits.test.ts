import { describe, expect, test } from "bun:test";
import { START_MS } from "../../test/support/fixtures.ts";
import { ACTION_IDS } from "../allowlist.ts";
import {
  createLimitTracker,
  HOUR_MS,
  isReopened,
  type LimitTracker,
  RECURRENCE_MS,
} from "./limits.ts";
import { createIncidentFold } from "../core/incident-record.ts";
import { DECISION_REASONS } from "../core/model.ts";
import type { JournalEntry } from "../core/ports.ts";

const MINUTE = 60_000;
const API = "api";
const CPU = { service: API, alert: "HighCpu" };
const ALERT = { name: CPU.alert, severity: "high", labels: {} };

interface Place {
  readonly atMs?: number;
  readonly service?: string;
  readonly incident?: string;
}

type Written = (entry: Omit<JournalEntry, "seq">) => void;

/** A limit tracker, and what writes to it. */
function limitTrackerOf(limits = {}) {
  const limitTracker = createLimitTracker({
    cooldownMs: MINUTE,
    mostPerService: 3,
    mostInAll: 10,
    ...limits,
  });
  return writingTo(limitTracker, createIncidentFold());
}

type IncidentFold = ReturnType<typeof createIncidentFold>;

function writingTo(limitTracker: LimitTracker, incidents: IncidentFold) {
  let seq = 0;
  const write: Written = (entry) => {
    const step = incidents.apply({ ...entry, seq: (seq += 1) });
    if (step !== undefined) limitTracker.apply(step);
  };
  const at = (type: string, fields: object, { atMs = 0, service = API, incident }: Place = {}) =>
    write({ atMs, service, incident, type, fields: { ...fields } });
  const copy = () => writingTo(limitTracker.copy(), incidents.copy());
  return { limitTracker, at, copy };
}

type At = ReturnType<typeof limitTrackerOf>["at"];

function open(at: At, place: Place): void {
  at("incident_opened", { alert: ALERT }, place);
}

function act(at: At, place: Place, action: string = "docker-restart"): void {
  at("action_started", { action, argv: ["docker", "restart", "api"] }, place);
}

const HEALED = { result: "acted", verdict: { kind: "healed", reason: "it is silent" } };

/** One incident from its alert to its healing, within no time. */
function heal(at: At, place: Place, action?: string): void {
  open(at, place);
  act(at, place, action);
  at("incident_closed", { closing: HEALED }, place);
}

describe("a pause", () => {
  const paused = (at: At, service: string, until_ms?: number) =>
    at("paused", { by: "a test", ...(until_ms === undefined ? {} : { until_ms }) }, { service });
  const resumed = (at: At, service: string) => at("resumed", { by: "a test" }, { service });
  const NOT = 0;

  test.each<[string, (at: At) => void, number]>([
    ["nothing was said", () => {}, NOT],
    ["of the service", (at) => paused(at, API), Infinity],
    ["of it, with an end", (at) => paused(at, API, 500), 500],
    ["of all", (at) => paused(at, "", 500), 500],
    ["of another", (at) => paused(at, "db"), NOT],
    ["of both: the later end holds", (at) => (paused(at, "", 500), paused(at, API, 900)), 900],
    ["again: the last word holds", (at) => (paused(at, API), paused(at, API, 500)), 500],
    ["that was ended", (at) => (paused(at, API), resumed(at, API)), NOT],
    ["ended for all, of the service", (at) => (paused(at, API), resumed(at, "")), NOT],
    ["ended for another", (at) => (paused(at, API), resumed(at, "db")), Infinity],
    ["of all, ended for the service", (at) => (paused(at, ""), resumed(at, API)), NOT],
    ["of all, ended for another", (at) => (paused(at, ""), resumed(at, "db")), Infinity],
    [
      "of all, ended for the service, and said again",
      (at) => (paused(at, ""), resumed(at, API), paused(at, "", 500)),
      500,
    ],
    [
      "of all, ended for the service, which is paused again",
      (at) => (paused(at, ""), resumed(at, API), paused(at, API, 500)),
      500,
    ],
  ])("%s", (_, say, expected) => {
    const { limitTracker, at } = limitTrackerOf();
    say(at);
    expect(limitTracker.limitState(CPU, 100).pausedUntilMs).toBe(expected);
  });
});

describe("a copy knows what was written before, and goes on by itself:", () => {
  const place = { incident: "i" };
  const by = { by: "a test" };
  const closed = (at: At, closing: object) =>
    at("incident_closed", { closing: { result: "acted", ...closing } }, place);
  const viewOf = (limitTracker: LimitTracker) => ({
    ...limitTracker.limitState(CPU, 100),
    answer: limitTracker.answerTo({ service: API, request: "r" }),
    flapping: limitTracker.flapping({ service: API, labels: {} }, 100),
  });

  test.each<[string, (at: At) => void, (at: At) => void]>([
    ["actions", (at) => act(at, place), (at) => (act(at, place), act(at, place))],
    [
      "recurrences",
      (at) => (heal(at, place), heal(at, { incident: "j" })),
      (at) => (heal(at, { incident: "k" }), open(at, { incident: "l" })),
    ],
    [
      "what was healed",
      (at) => heal(at, place),
      (at) => ["j", "k", "l"].forEach((incident) => heal(at, { incident })),
    ],
    ["a cooldown", (at) => heal(at, place), (at) => heal(at, { incident: "j", atMs: 50 })],
    ["a pause", (at) => at("paused", by), (at) => at("resumed", by)],
    [
      "a pause of all with an exception",
      (at) => (at("paused", by, { service: "" }), at("resumed", by)),
      (at) => at("paused", by, { service: "" }),
    ],
    ["the end of automation", (at) => at("automation_ended", {}), (at) => at("resumed", by)],
    [
      "an answer",
      (at) => at("approval_given", { request: "r", answer: "denied", ...by }),
      (at) => at("approval_requested", { request: "r", action: "a", argv: [], expiresAtMs: 1 }),
    ],
    [
      "flaps",
      (at) => (open(at, place), closed(at, {})),
      (at) => at("alert_flapped", { alert: ALERT, times: 3 }, place),
    ],
  ])("%s", (_, before, after) => {
    const limits = { mostPerService: 1, mostInAll: 2 };
    const [half, whole] = [limitTrackerOf(limits), limitTrackerOf(limits)];
    before(half.at);
    before(whole.at);
    after(whole.at);
    const [had, has] = [viewOf(half.limitTracker), viewOf(whole.limitTracker)];
    expect(has).not.toEqual(had);
    const copy = half.copy();
    expect(viewOf(copy.limitTracker)).toEqual(had);
    after(copy.at);
    expect(viewOf(copy.limitTracker)).toEqual(has);
    expect(viewOf(half.limitTracker)).toEqual(had);
    // The other way round as well.
    const kept = half.copy();
    after(half.at);
    expect(viewOf(half.limitTracker)).toEqual(has);
    expect(viewOf(kept.limitTracker)).toEqual(had);
  });
});

describe("an answer", () => {
  const give = (at: At, answer: string, service = API) =>
    at("approval_given", { request: "r", answer, by: "a test" }, { service });

  test("is a person's first word, of that service's request alone", () => {
    const { limitTracker, at } = limitTrackerOf();
    expect(limitTracker.answerTo({ service: API, request: "r" })).toBeUndefined();
    give(at, "denied");
    give(at, "approved");
    expect(limitTracker.answerTo({ service: API, request: "r" })).toBe("denied");
    expect(limitTracker.answerTo({ service: API, request: "r2" })).toBeUndefined();
    // Two services may have had the same alert at the same moment, and ids are short.
    expect(limitTracker.answerTo({ service: "db", request: "r" })).toBeUndefined();
  });

  test("is none to the same request when it is asked again", () => {
    const { limitTracker, at } = limitTrackerOf();
    give(at, "approved");
    give(at, "approved", "db");
    at("approval_requested", { request: "r", action: "docker-restart", argv: [], expiresAtMs: 1 });
    expect(limitTracker.answerTo({ service: API, request: "r" })).toBeUndefined();
    expect(limitTracker.answerTo({ service: "db", request: "r" })).toBe("approved");
    give(at, "denied");
    expect(limitTracker.answerTo({ service: API, request: "r" })).toBe("denied");
  });

  test("that is no word we know is none", () => {
    const { limitTracker, at } = limitTrackerOf();
    give(at, "yes");
    expect(limitTracker.answerTo({ service: API, request: "r" })).toBeUndefined();
  });
});

describe("the cooldown", () => {
  const place = { incident: "1", atMs: 1000 };

  test.each<[string, (at: At) => void, boolean]>([
    ["an action and its verdict", (at) => heal(at, place), true],
    [
      "an action, and no verdict since Sentinel was stopped",
      (at) => {
        open(at, place);
        act(at, place);
        at("incident_closed", { closing: { result: "cancelled" } }, place);
      },
      true,
    ],
    [
      "a stop of Sentinel before anything was run",
      (at) => {
        open(at, place);
        at("incident_closed", { closing: { result: "cancelled" } }, place);
      },
      false,
    ],
    [
      "a person's no",
      (at) => {
        open(at, place);
        at("incident_closed", { closing: { result: "held", reason: "denied" } }, place);
      },
      false,
    ],
    [
      "an action whose own entry is not there any more",
      (at) => at("incident_closed", { closing: { result: "acted" } }, place),
      true,
    ],
    [
      "what was not judged",
      (at) => {
        open(at, place);
        const closing = { result: "skipped", reason: "container_replaced" };
        at("incident_closed", { closing }, place);
      },
      true,
    ],
  ])("follows %s: %p", (_, tell, cools) => {
    const { limitTracker, at } = limitTrackerOf();
    tell(at);
    const { coolsUntilMs } = limitTracker.limitState(CPU, 1000);
    expect(coolsUntilMs).toBe(cools ? 1000 + MINUTE : 0);
    expect(limitTracker.limitState({ ...CPU, service: "db" }, 1000).coolsUntilMs).toBe(0);
  });
});

test("the cooldown counts from the first end that is told of an incident", () => {
  const { limitTracker, at } = limitTrackerOf();
  heal(at, { incident: "1", atMs: 1000 });
  at("incident_closed", { closing: { result: "cancelled" } }, { incident: "1", atMs: 9000 });
  expect(limitTracker.limitState(CPU, 9000).coolsUntilMs).toBe(1000 + MINUTE);
});

describe("the budgets", () => {
  const spent = (
    limitTracker: ReturnType<typeof limitTrackerOf>["limitTracker"],
    nowMs: number,
    service = API,
  ) => {
    const found = limitTracker.limitState({ ...CPU, service }, nowMs);
    return [found.isServiceBudgetSpent, found.isTotalBudgetSpent];
  };

  test("count what was done within the hour, of the service and of all", () => {
    const { limitTracker, at } = limitTrackerOf({ mostPerService: 2, mostInAll: 3 });
    act(at, { incident: "1", atMs: 0 });
    expect(spent(limitTracker, 1)).toEqual([false, false]);
    act(at, { incident: "2", atMs: 10 });
    expect(spent(limitTracker, 11)).toEqual([true, false]);
    act(at, { incident: "3", atMs: 20, service: "db" });
    expect(spent(limitTracker, 21)).toEqual([true, true]);
    expect(spent(limitTracker, 21, "db")).toEqual([false, true]);
    expect(spent(limitTracker, HOUR_MS - 1)).toEqual([true, true]);
    expect(spent(limitTracker, HOUR_MS)).toEqual([false, false]);
  });

  test("do not count what could not be started, of that service's incident alone", () => {
    const { limitTracker, at } = limitTrackerOf({ mostPerService: 1, mostInAll: 2 });
    act(at, { incident: "1" });
    act(at, { incident: "1", service: "db" });
    const outcome = { kind: "not_started", output: "", durationMs: 0 };
    at("action_finished", { outcome }, { incident: "1" });
    expect(spent(limitTracker, 1)).toEqual([false, false]);
    expect(spent(limitTracker, 1, "db")).toEqual([true, false]);
  });

  test("count within the hour at any time of a clock", () => {
    const { limitTracker, at } = limitTrackerOf({ mostPerService: 3 });
    for (const minute of [0, 20, 40]) act(at, { atMs: START_MS + minute * MINUTE });
    expect(spent(limitTracker, START_MS + 41 * MINUTE)).toEqual([true, false]);
    act(at, { atMs: START_MS + 70 * MINUTE });
    expect(spent(limitTracker, START_MS + 71 * MINUTE)).toEqual([true, false]);
    expect(spent(limitTracker, START_MS + 80 * MINUTE)).toEqual([false, false]);
  });

  describe("leave out, of several actions, the one that could not be started", () => {
    const notStarted = (at: At, place: Place) =>
      at("action_finished", { outcome: { kind: "not_started", output: "", durationMs: 0 } }, place);

    test.each<[string, readonly string[], boolean]>([
      ["the last one of its incident", ["1", "1"], false],
      ["and none of another incident", ["1", "2"], true],
    ])("%s", (_, [first, second], isSpent) => {
      const { limitTracker, at } = limitTrackerOf({ mostPerService: 1 });
      act(at, { incident: first ?? "", atMs: 0 });
      act(at, { incident: second ?? "", atMs: 50 * MINUTE });
      notStarted(at, { incident: "1", atMs: 50 * MINUTE });
      // The action of minute 0 is an hour ago by now.
      expect(spent(limitTracker, 61 * MINUTE)).toEqual([isSpent, false]);
    });

    test("and each of two of them", () => {
      const { limitTracker, at } = limitTrackerOf({ mostPerService: 1 });
      for (const _ of [1, 2]) act(at, { incident: "1" });
      for (const _ of [1, 2]) notStarted(at, { incident: "1" });
      expect(spent(limitTracker, 1)).toEqual([false, false]);
    });

    test.each<[string, Place, boolean]>([
      ["but not one that nobody saw end", { incident: "1" }, true],
      ["also after a restart in the midst of another incident", { incident: "2" }, false],
      ["also after one of another service", { incident: "1", service: "db" }, false],
    ])("%s", (_, resumed, isSpent) => {
      const { limitTracker, at } = limitTrackerOf({ mostPerService: 1 });
      act(at, { incident: "1" });
      at("incident_resumed", { phase: "acting" }, resumed);
      notStarted(at, { incident: "1" });
      expect(spent(limitTracker, 1)).toEqual([isSpent, false]);
    });
  });

  test("count what failed", () => {
    const { limitTracker, at } = limitTrackerOf({ mostPerService: 1 });
    act(at, { incident: "1", atMs: HOUR_MS });
    at("action_finished", { outcome: { kind: "failed", output: "", durationMs: 0 } });
    expect(spent(limitTracker, HOUR_MS + 1)).toEqual([true, false]);
  });
});

describe("a healing that did not last", () => {
  const ineffectiveActions = (
    limitTracker: ReturnType<typeof limitTrackerOf>["limitTracker"],
    about = CPU,
  ) => [...limitTracker.limitState(about, 0).ineffectiveActions];

  test.each([
    ["twice within half an hour each", RECURRENCE_MS, ["docker-restart"]],
    ["twice, a moment later than that", RECURRENCE_MS + 1, []],
  ])("%s", (_, apartMs, expected) => {
    const { limitTracker, at } = limitTrackerOf();
    heal(at, { incident: "1", atMs: 0 });
    heal(at, { incident: "2", atMs: apartMs });
    expect(ineffectiveActions(limitTracker)).toEqual([]);
    open(at, { incident: "3", atMs: 2 * apartMs });
    expect(ineffectiveActions(limitTracker)).toEqual(
      ACTION_IDS.filter((id) => expected.some((one) => one === id)),
    );
  });

  test("counts again from the start once a healing has lasted", () => {
    const { limitTracker, at } = limitTrackerOf();
    heal(at, { incident: "1", atMs: 0 });
    heal(at, { incident: "2", atMs: RECURRENCE_MS });
    heal(at, { incident: "3", atMs: 2 * RECURRENCE_MS + 1 });
    open(at, { incident: "4", atMs: 3 * RECURRENCE_MS + 1 });
    expect(ineffectiveActions(limitTracker)).toEqual([]);
  });

  test("is none where nothing was healed", () => {
    const { limitTracker, at } = limitTrackerOf();
    const closing = { result: "acted", verdict: { kind: "not_healed", reason: "it holds" } };
    for (const incident of ["1", "2", "3", "4"]) {
      open(at, { incident });
      act(at, { incident });
      at("incident_closed", { closing }, { incident });
    }
    expect(ineffectiveActions(limitTracker)).toEqual([]);
  });

  test("is measured from the last action that healed, not from an alert that went by itself", () => {
    const { limitTracker, at } = limitTrackerOf();
    heal(at, { incident: "1", atMs: 0 });
    open(at, { incident: "2", atMs: 20 * MINUTE });
    at("incident_closed", { closing: HEALED }, { incident: "2", atMs: 20 * MINUTE });
    heal(at, { incident: "3", atMs: 40 * MINUTE });
    open(at, { incident: "4", atMs: 41 * MINUTE });
    expect(ineffectiveActions(limitTracker)).toEqual([]);
  });

  test("within half an hour, as the documentation has it", () => {
    expect([RECURRENCE_MS, HOUR_MS]).toEqual([30 * MINUTE, 60 * MINUTE]);
  });

  test("is of that alert and that service alone", () => {
    const { limitTracker, at } = limitTrackerOf();
    for (const incident of ["1", "2", "3"]) heal(at, { incident });
    expect(ineffectiveActions(limitTracker)).toEqual(["docker-restart"]);
    expect(ineffectiveActions(limitTracker, { ...CPU, alert: "HighLatency" })).toEqual([]);
    expect(ineffectiveActions(limitTracker, { ...CPU, service: "db" })).toEqual([]);
  });

  test("is counted for the action that healed, once", () => {
    const { limitTracker, at } = limitTrackerOf();
    heal(at, { incident: "1" }, "docker-restart");
    heal(at, { incident: "2" }, "compose-restart");
    // It comes and goes by itself: nothing was done that could have failed to last.
    for (const incident of ["3", "4", "5"]) open(at, { incident });
    expect(ineffectiveActions(limitTracker)).toEqual([]);
  });

  test("of two services whose incidents have one id is not mixed up", () => {
    const { limitTracker, at } = limitTrackerOf();
    for (const incident of ["1", "2", "3"]) {
      open(at, { incident });
      open(at, { incident, service: "db" });
      act(at, { incident }, "docker-restart");
      act(at, { incident, service: "db" }, "compose-restart");
      at("incident_closed", { closing: HEALED }, { incident, service: "db" });
      at("incident_closed", { closing: HEALED }, { incident });
    }
    expect(ineffectiveActions(limitTracker)).toEqual(["docker-restart"]);
    expect(ineffectiveActions(limitTracker, { ...CPU, service: "db" })).toEqual([
      "compose-restart",
    ]);
  });
});

describe("an action that made things worse", () => {
  const ended = (limitTracker: ReturnType<typeof limitTrackerOf>["limitTracker"], service = API) =>
    limitTracker.limitState({ ...CPU, service }, 0).automationEnded;
  const closing = { result: "acted", madeWorse: true };

  test.each<[string, (at: At) => void]>([
    ["as it was told", (at) => at("automation_ended", {})],
    // Sentinel may be killed between the two.
    ["as its incident ended", (at) => at("incident_closed", { closing }, { incident: "1" })],
  ])("ends automation %s, until a person says otherwise", (_, tell) => {
    const { limitTracker, at } = limitTrackerOf();
    expect(ended(limitTracker)).toBe(false);
    tell(at);
    expect(ended(limitTracker)).toBe(true);
    expect(ended(limitTracker, "db")).toBe(false);
    at("resumed", { by: "a test" }, { service: "db" });
    expect(ended(limitTracker)).toBe(true);
    at("resumed", { by: "a test" });
    expect(ended(limitTracker)).toBe(false);
    tell(at);
    at("resumed", { by: "a test" }, { service: "" });
    expect(ended(limitTracker)).toBe(false);
  });
});

test("an entry that says too little, or of an unknown type, changes nothing", () => {
  const { limitTracker, at } = limitTrackerOf({ mostPerService: 1 });
  at("action_started", {}, { incident: "1" });
  at("paused", { until_ms: "soon", by: "a test" });
  at("of_a_newer_version", { by: "a test" });
  const { isServiceBudgetSpent, pausedUntilMs } = limitTracker.limitState(CPU, 0);
  expect([isServiceBudgetSpent, pausedUntilMs]).toEqual([false, 0]);
});

test("what was not judged is taken up again, and what people decided is not", () => {
  expect(DECISION_REASONS.filter(isReopened)).toEqual([
    "data_missing",
    "container_replaced",
    "container_unknown",
    "paused",
  ]);
});

test.each([
  [0, 30_000],
  [29_999, 30_000],
  [MINUTE, MINUTE],
])(
  "what was not judged is not taken up at each poll, with a cooldown of %d ms",
  (cooldownMs, waitMs) => {
    const { limitTracker, at } = limitTrackerOf({ cooldownMs });
    open(at, { incident: "1" });
    const closing = { result: "skipped", reason: "container_unknown" };
    at("incident_closed", { closing }, { incident: "1", atMs: 1000 });
    expect(limitTracker.limitState(CPU, 1000).coolsUntilMs).toBe(1000 + waitMs);
  },
);
