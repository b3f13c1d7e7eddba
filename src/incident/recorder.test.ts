import { describe, expect, test } from "bun:test";
import {
  alert,
  containerState,
  SERVICE_NAME,
  settableClock,
  simulatedClock,
  START_MS,
} from "../../test/support/fixtures.ts";
import { entriesOf, healed, INCIDENT_ID } from "../../test/support/incident-entries.ts";
import { memoryJournal } from "../../test/support/story.ts";
import { openRecorder } from "./recorder.ts";
import { SentinelError } from "../core/errors.ts";
import type { IncidentEvent, SentinelEvent, WatchEvent } from "../core/events.ts";
import type { Journal, NewJournalEntry } from "../core/ports.ts";

const LIMITS = { cooldownMs: 60_000, mostPerService: 1, mostInAll: 10 };
/** Without a failure for this long a journal counts as usable again. */
const BACK_AFTER_MS = 15_000;
const HOUR_MS = 3_600_000;
const ABOUT = { service: SERVICE_NAME, alert: "HighCpu" };
const ARGV = ["docker", "restart", SERVICE_NAME];
const INTENT: IncidentEvent = { type: "action_started", action: "docker-restart", argv: ARGV };
const OPENED: IncidentEvent = { type: "incident_opened", alert: alert(), onsetMs: undefined };

/** A journal that can be made to fail, and what was written to it. */
function journalOf(entries: readonly NewJournalEntry[] = []) {
  const inner = memoryJournal();
  for (const entry of entries) inner.append(entry, "now");
  const durabilities: string[] = [];
  const state = { isDown: false, tries: 0 };
  const orFail = <T>(work: () => T): T => {
    state.tries += 1;
    if (state.isDown)
      throw new SentinelError("journal_unavailable", "the disk is full", { hint: "Free some." });
    return work();
  };
  const journal: Journal = {
    ...inner,
    append: (entry, durability) =>
      orFail(() => {
        durabilities.push(durability);
        return inner.append(entry, durability);
      }),
    readAfter: (seq) => orFail(() => inner.readAfter(seq)),
  };
  const types = () => inner.readAfter(0).map(({ type }) => type);
  return { journal, inner, state, types, durabilities };
}

const inIncident = (event: IncidentEvent) => ({
  ...event,
  atMs: START_MS,
  service: SERVICE_NAME,
  incident: INCIDENT_ID,
});
const outside = (event: WatchEvent) => ({ ...event, atMs: START_MS, service: SERVICE_NAME });

const isSpent = (recorder: ReturnType<typeof openRecorder>) =>
  recorder.limitTracker.limitState(ABOUT, START_MS).isServiceBudgetSpent;

describe("what is kept", () => {
  test.each<[string, WatchEvent, boolean]>([
    ["the end of automation", { type: "automation_ended" }, true],
    [
      "the end of an alert that fired",
      { type: "alert_changed", alert: alert({ state: "inactive" }), from: "firing" },
      true,
    ],
    [
      "the end of one that was pending",
      { type: "alert_changed", alert: alert({ state: "inactive" }), from: "pending" },
      false,
    ],
    ["an alert that fires", { type: "alert_changed", alert: alert(), from: "pending" }, false],
    ["that all is quiet", { type: "quiet", alerts: [] }, false],
    ["that the source is down", { type: "source_down", reason: "it refuses" }, false],
  ])("%s: %p", (_, event, isKept) => {
    const { journal, types } = journalOf();
    expect(openRecorder(journal, LIMITS, simulatedClock()).keep(outside(event))).toBe(true);
    expect(types()).toEqual(isKept ? [event.type] : []);
  });

  test("is on the disk at once only for an intent: what is done next depends on it", () => {
    const { journal, durabilities } = journalOf();
    const recorder = openRecorder(journal, LIMITS, simulatedClock());
    for (const event of [OPENED, INTENT]) recorder.keep(inIncident(event));
    expect(durabilities).toEqual(["soon", "now"]);
  });
});

describe("what counts", () => {
  test("is what was in the journal, what is kept, and what others have written", () => {
    const { journal, inner } = journalOf(entriesOf(healed()));
    const recorder = openRecorder(journal, LIMITS, simulatedClock());
    expect(isSpent(recorder)).toBe(true);
    const paused = { atMs: START_MS, service: "", incident: undefined, type: "paused" };
    inner.append({ ...paused, fields: { by: "a test" } }, "now");
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).pausedUntilMs).toBe(0);
    recorder.refresh();
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).pausedUntilMs).toBe(Infinity);
  });

  test("counts once, though it is read again", () => {
    const { journal } = journalOf();
    const recorder = openRecorder(journal, { ...LIMITS, mostPerService: 2 }, simulatedClock());
    recorder.keep(inIncident(INTENT));
    recorder.refresh();
    recorder.refresh();
    expect(isSpent(recorder)).toBe(false);
  });

  test("counts in the order of the journal: a word given before is no word about it", () => {
    const { journal, inner } = journalOf();
    const recorder = openRecorder(journal, LIMITS, simulatedClock());
    const resumed = { atMs: START_MS, service: SERVICE_NAME, incident: undefined, type: "resumed" };
    inner.append({ ...resumed, fields: { by: "a test" } }, "now");
    recorder.keep(outside({ type: "automation_ended" }));
    recorder.refresh();
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).automationEnded).toBe(true);
    // As it is after a restart.
    const { limitTracker } = openRecorder(journal, LIMITS, simulatedClock());
    expect(limitTracker.limitState(ABOUT, START_MS).automationEnded).toBe(true);
  });
});

describe("while the journal cannot be written", () => {
  test("an intent is refused, counts for nothing, and is not written later", () => {
    const { journal, state, types } = journalOf();
    const recorder = openRecorder(journal, LIMITS, simulatedClock());
    state.isDown = true;
    expect(recorder.keep(inIncident(INTENT))).toBe(false);
    expect(isSpent(recorder)).toBe(false);
    state.isDown = false;
    recorder.refresh();
    expect(types()).toEqual([]);
  });

  test("all else counts, is told as trouble, and is written later, in order and before the next", () => {
    const { journal, state, types } = journalOf();
    const clock = simulatedClock();
    const recorder = openRecorder(journal, LIMITS, clock);
    recorder.keep(inIncident(OPENED));
    state.isDown = true;
    const ended = outside({ type: "automation_ended" });
    const verifying = inIncident({ type: "verification_started", verdictInMs: 1 });
    expect([recorder.keep(ended), recorder.keep(verifying)]).toEqual([false, false]);
    expect(recorder.trouble).toBe("the disk is full. Free some.");
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).automationEnded).toBe(true);
    recorder.refresh();
    expect(recorder.trouble).toBe("the disk is full. Free some.");
    state.isDown = false;
    clock.pass(BACK_AFTER_MS);
    expect(recorder.keep(inIncident(INTENT))).toBe(true);
    expect(recorder.trouble).toBeUndefined();
    expect(types()).toEqual([
      "incident_opened",
      "automation_ended",
      "verification_started",
      "action_started",
    ]);
  });

  test("so much is remembered and no more: the oldest is given up", () => {
    const { journal, inner, state } = journalOf();
    const clock = simulatedClock();
    const recorder = openRecorder(journal, LIMITS, clock);
    state.isDown = true;
    for (let verdictInMs = 0; verdictInMs <= 1000; verdictInMs += 1)
      recorder.keep(inIncident({ type: "verification_started", verdictInMs }));
    state.isDown = false;
    clock.pass(5000);
    recorder.refresh();
    const written = inner.readAfter(0).map(({ fields }) => fields["verdictInMs"]);
    expect([written.length, written[0], written.at(-1)]).toEqual([1000, 1, 1000]);
  });

  test("what others write is not seen, and is seen afterwards", () => {
    const { journal, inner, state } = journalOf();
    const clock = simulatedClock();
    const recorder = openRecorder(journal, LIMITS, clock);
    state.isDown = true;
    const paused = { atMs: START_MS, service: "", incident: undefined, type: "paused" };
    inner.append({ ...paused, fields: { by: "a test" } }, "now");
    recorder.refresh();
    expect([
      recorder.trouble,
      recorder.limitTracker.limitState(ABOUT, START_MS).pausedUntilMs,
    ]).toEqual(["the disk is full. Free some.", 0]);
    state.isDown = false;
    clock.pass(BACK_AFTER_MS);
    recorder.refresh();
    expect([
      recorder.trouble,
      recorder.limitTracker.limitState(ABOUT, START_MS).pausedUntilMs,
    ]).toEqual([undefined, Infinity]);
  });
});

describe("news of the journal", () => {
  test("are given once, whoever asks, and it is back when it has not failed for a while", () => {
    const { journal, state } = journalOf();
    const clock = simulatedClock();
    const recorder = openRecorder(journal, LIMITS, clock);
    const look = (passMs: number) => {
      clock.pass(passMs);
      recorder.refresh();
      return [recorder.takeNews(), recorder.takeNews()];
    };
    expect(look(0)).toEqual([undefined, undefined]);
    state.isDown = true;
    const down = { type: "journal_down", reason: "the disk is full. Free some." } as const;
    expect(look(0)).toEqual([down, undefined]);
    state.isDown = false;
    expect(look(BACK_AFTER_MS - 1)).toEqual([undefined, undefined]);
    expect(look(5000)).toEqual([{ type: "journal_back" }, undefined]);
    // A relapse takes twice as long to be over.
    state.isDown = true;
    expect(look(60_000)).toEqual([down, undefined]);
    state.isDown = false;
    expect(look(2 * BACK_AFTER_MS - 1)).toEqual([undefined, undefined]);
    expect(look(5000)).toEqual([{ type: "journal_back" }, undefined]);
  });

  test("come at no cost: what fails is tried every 5 s, however many ask", () => {
    const { journal, state } = journalOf();
    const clock = simulatedClock();
    const recorder = openRecorder(journal, LIMITS, clock);
    state.isDown = true;
    state.tries = 0;
    for (let asked = 0; asked < 1000; asked += 1) {
      recorder.refresh();
      recorder.keep(inIncident(OPENED));
      clock.pass(9.99);
    }
    expect(state.tries).toBe(2);
  });
});

test("what had not ended is given to its service, once", () => {
  const open = healed().slice(0, 3);
  const { journal } = journalOf([
    ...entriesOf(healed(), { id: "closed" }),
    ...entriesOf(open, { id: "open" }),
    ...entriesOf(open, { id: "another", service: "db" }),
  ]);
  const recorder = openRecorder(journal, LIMITS, simulatedClock());
  expect(recorder.takeUnfinished(SERVICE_NAME).map(({ id }) => id)).toEqual(["open"]);
  expect(recorder.takeUnfinished(SERVICE_NAME)).toEqual([]);
  expect(recorder.takeUnfinished("db").map(({ id }) => id)).toEqual(["another"]);
});

describe("the wall clock is set", () => {
  const spoken = { incident: undefined, service: SERVICE_NAME };

  test.each([HOUR_MS, -HOUR_MS])("by %p ms: what was done counts for as long as before", (byMs) => {
    const { clock, set } = settableClock();
    const { journal, inner } = journalOf();
    const recorder = openRecorder(journal, LIMITS, clock);
    recorder.keep(inIncident(OPENED));
    recorder.keep(inIncident(INTENT));
    set(byMs);
    clock.pass(HOUR_MS - 1);
    const spentAt = (nowMs: number) =>
      recorder.limitTracker.limitState(ABOUT, nowMs).isServiceBudgetSpent;
    expect(spentAt(clock.nowMs())).toBe(true);
    expect(spentAt(clock.nowMs() + 1)).toBe(false);
    recorder.keep({ ...outside({ type: "automation_ended" }), atMs: clock.nowMs() });
    const { atMs } = inner.readAfter(0).at(-1) ?? { atMs: 0 };
    expect(atMs).toBe(START_MS + HOUR_MS - 1 + byMs);
  });

  test.each([HOUR_MS, -HOUR_MS])("by %p ms: a pause lasts as long as a person meant", (byMs) => {
    const { clock, set, wallMs } = settableClock();
    const { journal, inner } = journalOf();
    const recorder = openRecorder(journal, LIMITS, clock);
    set(byMs);
    clock.pass(60_000);
    const until = { until_ms: wallMs() + HOUR_MS, by: "a test" };
    inner.append({ ...spoken, atMs: wallMs(), type: "paused", fields: until }, "now");
    clock.pass(5000);
    recorder.refresh();
    const { pausedUntilMs } = recorder.limitTracker.limitState(ABOUT, clock.nowMs());
    expect(pausedUntilMs).toBe(START_MS + 60_000 + HOUR_MS);
  });

  test("back while nobody ran: a budget and a pause last no longer than they are long", () => {
    const { clock } = settableClock();
    const aheadMs = START_MS + 24 * HOUR_MS;
    const paused = { until_ms: aheadMs + 2 * HOUR_MS, by: "a test" };
    const { journal } = journalOf([
      ...entriesOf([OPENED, INTENT], { atMs: aheadMs }),
      { ...spoken, atMs: aheadMs, type: "paused", fields: paused },
    ]);
    const { limitTracker } = openRecorder(journal, LIMITS, clock);
    expect(limitTracker.limitState(ABOUT, START_MS + HOUR_MS - 1).isServiceBudgetSpent).toBe(true);
    expect(limitTracker.limitState(ABOUT, START_MS + HOUR_MS).isServiceBudgetSpent).toBe(false);
    expect(limitTracker.limitState(ABOUT, START_MS).pausedUntilMs).toBe(START_MS + 2 * HOUR_MS);
  });
});

describe("an event is told with what its readers need:", () => {
  const CLOSED: IncidentEvent = {
    type: "incident_closed",
    closing: {
      result: "held",
      verdict: undefined,
      detectedAfterMs: undefined,
      actedAfterMs: undefined,
      healedAfterMs: undefined,
    },
  };
  /** Keeps and tells, as a service's loop does. */
  const tellerOf = (recorder: ReturnType<typeof openRecorder>) => (event: SentinelEvent) => {
    recorder.keep(event);
    return recorder.told(event);
  };
  const of = (service: string, event: IncidentEvent) => ({ ...inIncident(event), service });
  const CHANGED: SentinelEvent = {
    ...{ type: "alert_changed", alert: alert({ state: "inactive" }), from: "firing" },
    ...{ atMs: START_MS, service: SERVICE_NAME },
  };

  test("its incident as it stands with it, to the end and not beyond", () => {
    const tell = tellerOf(openRecorder(journalOf().journal, LIMITS, simulatedClock()));
    const told = [OPENED, INTENT, CLOSED].map((event) => tell(inIncident(event)));
    expect(told.map(({ record }) => record?.phase)).toEqual(["investigating", "acting", "closed"]);
    expect(told[2]?.record).toMatchObject({ id: INCIDENT_ID, action: { argv: ARGV } });
    const flapped = { type: "alert_flapped", alert: alert(), times: 1 } as const;
    expect(tell(inIncident(flapped)).record).toBeUndefined();
    expect(tell(CHANGED).record).toBeUndefined();
  });

  test("also where the journal cannot be written", () => {
    const { journal, state } = journalOf();
    const tell = tellerOf(openRecorder(journal, LIMITS, simulatedClock()));
    state.isDown = true;
    expect(tell(inIncident(OPENED)).record?.phase).toBe("investigating");
    expect(tell(inIncident(CLOSED)).record?.phase).toBe("closed");
  });

  test("how many other incidents are open, until it closes and while they are", () => {
    const tell = tellerOf(openRecorder(journalOf().journal, LIMITS, simulatedClock()));
    const told = [
      tell(of("api", OPENED)),
      tell(of("db", OPENED)),
      tell(of("api", INTENT)),
      tell(of("db", CLOSED)),
      tell(of("api", CLOSED)),
    ];
    expect(told.map(({ othersOpen }) => othersOpen)).toEqual([0, 1, 1, 1, 0]);
  });

  test("what a restart cut short is no other one until something happens in it", () => {
    const { journal } = journalOf([
      ...entriesOf([OPENED], { service: "db" }),
      ...entriesOf([OPENED], { service: "gone" }),
    ]);
    const recorder = openRecorder(journal, LIMITS, simulatedClock());
    const tell = tellerOf(recorder);
    expect(tell(of("api", OPENED)).othersOpen).toBe(0);
    const resumed = { type: "incident_resumed", alertname: "HighCpu", phase: "acting" } as const;
    expect(tell(of("db", resumed))).toMatchObject({
      record: { service: "db", resumptions: 1 },
      othersOpen: 1,
    });
    expect(tell(of("api", INTENT)).othersOpen).toBe(1);
  });

  test("a person's answer is in it, whichever process wrote it down", () => {
    const { journal } = journalOf();
    const recorder = openRecorder(journal, LIMITS, simulatedClock());
    const tell = tellerOf(recorder);
    const request = { request: "r-1", action: "docker-restart", argv: ARGV };
    tell(inIncident(OPENED));
    tell(inIncident({ type: "approval_requested", ...request, expiresAtMs: START_MS + 1000 }));
    const given = { request: "r-1", answer: "approved", by: "ann" };
    const place = { atMs: START_MS, service: SERVICE_NAME, incident: undefined };
    journal.append({ ...place, type: "approval_given", fields: given }, "now");
    const answered = { type: "approval_answered", request: "r-1", answer: "approved" } as const;
    expect(tell(inIncident(answered)).record?.request).toMatchObject({
      given: { by: "ann" },
      answer: "approved",
      expiresAtMs: START_MS + 1000,
    });
  });

  test("whether its alert flaps: from the first time that it came back until an incident is about it", () => {
    const tell = tellerOf(openRecorder(journalOf().journal, LIMITS, simulatedClock()));
    const isFlapping = () => tell(CHANGED).isFlapping;
    const seen = [isFlapping()];
    tell(inIncident(OPENED));
    seen.push(isFlapping());
    tell(inIncident(CLOSED));
    seen.push(isFlapping());
    tell(inIncident({ type: "alert_flapped", alert: alert(), times: 1 }));
    seen.push(isFlapping());
    expect(tell({ ...CHANGED, service: "other" }).isFlapping).toBe(false);
    const elsewhere = alert({ labels: { alertname: "HighCpu", instance: "b" } });
    expect(tell({ ...CHANGED, alert: elsewhere }).isFlapping).toBe(false);
    expect(tell(outside({ type: "left_alone", alert: alert(), reason: "" })).isFlapping).toBe(
      false,
    );
    const again = { ...inIncident(OPENED), incident: `${INCIDENT_ID}-2` };
    tell(again);
    seen.push(isFlapping());
    expect(seen).toEqual([false, false, false, true, false]);
  });

  test("its times are the wall clock's, but those that an engine tells are left as they are", () => {
    const { clock, set } = settableClock();
    const tell = tellerOf(openRecorder(journalOf().journal, LIMITS, clock));
    const onsetMs = START_MS - 90_000;
    const expiresAtMs = START_MS + 900_000;
    const container = { kind: "found", value: containerState() } as const;
    const seen = { container, health: { ok: true, message: "" }, logLines: 0, historyPoints: 0 };
    const asked = { request: "r-1", action: "docker-restart", argv: ARGV, expiresAtMs };
    tell(inIncident({ ...OPENED, onsetMs }));
    tell(inIncident({ type: "evidence_collected", ...seen }));
    set(-HOUR_MS);
    const event = tell(inIncident({ type: "approval_requested", ...asked }));
    const { request: id, ...rest } = asked;
    expect(event).toMatchObject({
      atMs: START_MS - HOUR_MS,
      expiresAtMs: expiresAtMs - HOUR_MS,
      record: {
        openedAtMs: START_MS - HOUR_MS,
        onsetMs: onsetMs - HOUR_MS,
        container,
        request: { ...rest, id, expiresAtMs: expiresAtMs - HOUR_MS },
      },
    });
    tell(inIncident(INTENT));
    tell(inIncident({ type: "verification_started", verdictInMs: 30_000 }));
    expect(tell(inIncident(CLOSED)).record).toMatchObject({
      intentAtMs: START_MS - HOUR_MS,
      verificationAtMs: START_MS - HOUR_MS,
      verdictInMs: 30_000,
      closedAtMs: START_MS - HOUR_MS,
    });
  });

  test("and nothing of it is in the journal", () => {
    const { journal } = journalOf();
    const tell = tellerOf(openRecorder(journal, LIMITS, simulatedClock()));
    tell(tell(inIncident(OPENED)));
    tell(tell(CHANGED));
    const names = journal.readAfter(0).map(({ fields }) => Object.keys(fields).toSorted());
    expect(names).toEqual([["alert"], ["alert"], ["alert", "from"], ["alert", "from"]]);
  });
});
