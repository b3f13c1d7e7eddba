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
import { keep } from "../../test/support/recorder.ts";
import { slowJournal } from "../../test/support/slow-journal.ts";
import { memoryJournal } from "../../test/support/story.ts";
import { openRecorder, type Recorder } from "./recorder.ts";
import { SentinelError } from "../core/errors.ts";
import type {
  IncidentEvent,
  IncidentFact,
  IntentEvent,
  SentinelEvent,
  ToldEvent,
  WatchEvent,
} from "../core/events.ts";
import type { Journal, NewJournalEntry } from "../core/ports.ts";

const LIMITS = { cooldownMs: 60_000, mostPerService: 1, mostInAll: 10 };
/** Without a failure for this long a journal counts as usable again. */
const BACK_AFTER_MS = 15_000;
const HOUR_MS = 3_600_000;
const ABOUT = { service: SERVICE_NAME, alert: "HighCpu" };
const ARGV = ["docker", "restart", SERVICE_NAME];
const INTENT: IntentEvent = { type: "action_started", action: "docker-restart", argv: ARGV };
const OPENED: IncidentFact = { type: "incident_opened", alert: alert(), onsetMs: undefined };

const CLOSED: IncidentFact = {
  type: "incident_closed",
  closing: {
    result: "held",
    verdict: undefined,
    detectedAfterMs: undefined,
    actedAfterMs: undefined,
    healedAfterMs: undefined,
  },
};

/** A journal that can be made to fail, and what was written to it. */
async function journalOf(entries: readonly NewJournalEntry[] = []) {
  const inner = memoryJournal();
  for (const entry of entries) await inner.commit(entry);
  const durabilities: string[] = [];
  const state = { isDown: false, tries: 0 };
  const orFail = async <T>(work: () => Promise<T>): Promise<T> => {
    state.tries += 1;
    if (state.isDown)
      throw new SentinelError("journal_unavailable", "the disk is full", { hint: "Free some." });
    return work();
  };
  const journal: Journal = {
    ...inner,
    record: (entry) =>
      orFail(async () => {
        durabilities.push("record");
        return await inner.record(entry);
      }),
    commit: (entry) =>
      orFail(async () => {
        durabilities.push("commit");
        return await inner.commit(entry);
      }),
    readAfter: (seq) => orFail(() => inner.readAfter(seq)),
  };
  const types = async () => (await inner.readAfter(0)).map(({ type }) => type);
  return { journal, inner, state, types, durabilities };
}

const inIncident = <Event extends IncidentEvent>(event: Event) => ({
  ...event,
  atMs: START_MS,
  service: SERVICE_NAME,
  incident: INCIDENT_ID,
});
const outside = (event: WatchEvent) => ({ ...event, atMs: START_MS, service: SERVICE_NAME });

const isSpent = (recorder: Recorder) =>
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
  ])("%s: %p", async (_, event, isKept) => {
    const { journal, types } = await journalOf();
    expect(await keep(await openRecorder(journal, LIMITS, simulatedClock()), outside(event))).toBe(
      true,
    );
    expect(await types()).toEqual(isKept ? [event.type] : []);
  });

  test("is on the disk at once only for an intent: what is done next depends on it", async () => {
    const { journal, durabilities } = await journalOf();
    const recorder = await openRecorder(journal, LIMITS, simulatedClock());
    for (const event of [OPENED, INTENT]) await keep(recorder, inIncident(event));
    expect(durabilities).toEqual(["record", "commit"]);
  });
});

describe("what counts", () => {
  test("is what was in the journal, what is kept, and what others have written", async () => {
    const { journal, inner } = await journalOf(entriesOf(healed()));
    const recorder = await openRecorder(journal, LIMITS, simulatedClock());
    expect(isSpent(recorder)).toBe(true);
    const paused = { atMs: START_MS, service: "", incident: undefined, type: "paused" };
    await inner.commit({ ...paused, fields: { by: "a test" } });
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).pausedUntilMs).toBe(0);
    await recorder.refresh();
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).pausedUntilMs).toBe(Infinity);
  });

  test("counts once, though it is read again", async () => {
    const { journal } = await journalOf();
    const recorder = await openRecorder(
      journal,
      { ...LIMITS, mostPerService: 2 },
      simulatedClock(),
    );
    await keep(recorder, inIncident(INTENT));
    await recorder.refresh();
    await recorder.refresh();
    expect(isSpent(recorder)).toBe(false);
  });

  test("counts in the order of the journal: a word given before is no word about it", async () => {
    const { journal, inner } = await journalOf();
    const recorder = await openRecorder(journal, LIMITS, simulatedClock());
    const resumed = { atMs: START_MS, service: SERVICE_NAME, incident: undefined, type: "resumed" };
    await inner.commit({ ...resumed, fields: { by: "a test" } });
    await keep(recorder, outside({ type: "automation_ended" }));
    await recorder.refresh();
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).automationEnded).toBe(true);
    // As it is after a restart.
    const { limitTracker } = await openRecorder(journal, LIMITS, simulatedClock());
    expect(limitTracker.limitState(ABOUT, START_MS).automationEnded).toBe(true);
  });
});

describe("in a journal that answers late", () => {
  const RESUMED = { atMs: START_MS, service: SERVICE_NAME, incident: undefined, type: "resumed" };
  const ENDED = outside({ type: "automation_ended" });

  async function opened(limits = LIMITS) {
    const inner = memoryJournal();
    const journal = slowJournal(inner);
    const recorder = await openRecorder(journal, limits, simulatedClock());
    const types = async () => (await inner.readAfter(0)).map(({ type }) => type);
    return { inner, journal, recorder, types };
  }

  test("what is recorded counts at once, and is written a moment later", async () => {
    const { recorder, types } = await opened();
    recorder.record(ENDED);
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).automationEnded).toBe(true);
    expect(await types()).toEqual([]);
    await recorder.flush();
    expect(await types()).toEqual(["automation_ended"]);
  });

  test("an intent is kept after all that was recorded before it, and counts from then on", async () => {
    const { recorder, types } = await opened();
    recorder.record(inIncident(OPENED));
    recorder.record(ENDED);
    const kept = recorder.commit(inIncident(INTENT));
    expect(isSpent(recorder)).toBe(false);
    expect(await kept).toBe(true);
    expect(isSpent(recorder)).toBe(true);
    expect(await types()).toEqual(["incident_opened", "automation_ended", "action_started"]);
  });

  test("nothing counts twice, whoever reads it while it is written", async () => {
    const { recorder } = await opened({ ...LIMITS, mostPerService: 2 });
    const kept = recorder.commit(inIncident(INTENT));
    await Promise.all([recorder.refresh(), kept, recorder.refresh()]);
    await recorder.refresh();
    expect(isSpent(recorder)).toBe(false);
  });

  test("a word of before does not count against what was recorded before it was read", async () => {
    const { inner, recorder } = await opened();
    await inner.commit({ ...RESUMED, fields: { by: "a test" } });
    recorder.record(ENDED);
    await recorder.refresh();
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).automationEnded).toBe(true);
    await inner.commit({ ...RESUMED, fields: { by: "a test" } });
    await recorder.refresh();
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).automationEnded).toBe(false);
  });

  test("an answer to a question of before is none to one that is asked again", async () => {
    const { inner, recorder } = await opened();
    const asked = { request: "r-1", action: "docker-restart", argv: ARGV, expiresAtMs: START_MS };
    const given = { request: "r-1", answer: "approved", by: "a test" };
    const question = { service: SERVICE_NAME, request: "r-1" };
    recorder.record(inIncident(OPENED));
    await inner.commit({ ...RESUMED, type: "approval_given", fields: given });
    recorder.record(inIncident({ type: "approval_requested", ...asked }));
    await recorder.refresh();
    const record = () => recorder.told(inIncident(OPENED)).record;
    expect(recorder.limitTracker.answerTo(question)).toBeUndefined();
    expect(record()?.request).toMatchObject({ id: "r-1", given: undefined });
    await inner.commit({ ...RESUMED, type: "approval_given", fields: given });
    await recorder.refresh();
    expect(recorder.limitTracker.answerTo(question)).toBe("approved");
    expect(record()?.request).toMatchObject({ id: "r-1", given: { by: "a test" } });
  });

  test("what is recorded while others are heard counts beside them", async () => {
    const { inner, recorder } = await opened();
    const flapped = { type: "alert_flapped", alert: alert(), times: 3 } as const;
    recorder.record(inIncident(flapped));
    await inner.commit({ ...RESUMED, type: "paused", fields: { by: "a test" } });
    const heard = recorder.refresh();
    recorder.record(inIncident(OPENED));
    await heard;
    expect(recorder.told(inIncident(OPENED)).record?.phase).toBe("investigating");
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).isPaused).toBe(true);
    const about = { service: SERVICE_NAME, labels: alert().labels };
    expect(recorder.limitTracker.flapping(about, START_MS)?.times).toBe(3);
  });

  test("what is known of the alerts is written after what was recorded before it", async () => {
    const { inner, recorder } = await opened();
    const saved = { savedAtMs: START_MS, alerts: [], overflow: ["HighCpu"] };
    const one = { name: "HighCpu", labels: {}, state: "firing", isHandled: true } as const;
    recorder.record(inIncident(OPENED));
    recorder.saveAlerts(SERVICE_NAME, { ...saved, alerts: [one] });
    const seen: (readonly [number, number])[] = [];
    for (let look = 0; look < 20; look += 1) {
      seen.push([(await inner.readAfter(0)).length, (await inner.readStates()).size]);
      await Bun.sleep(0);
    }
    expect([...new Set(seen.map(String))]).toEqual(["0,0", "1,0", "1,1"]);
  });
});

test("an entry that fails holds up those behind it, so that their order stays", async () => {
  const inner = memoryJournal();
  let failures = 1;
  const journal: Journal = {
    ...inner,
    async record(entry) {
      failures -= 1;
      if (failures >= 0) throw new SentinelError("journal_unavailable", "it is locked");
      return inner.record(entry);
    },
  };
  const clock = simulatedClock();
  const recorder = await openRecorder(journal, LIMITS, clock);
  for (const event of [OPENED, CLOSED]) recorder.record(inIncident(event));
  recorder.record(outside({ type: "automation_ended" }));
  await recorder.flush();
  expect(await inner.readAfter(0)).toEqual([]);
  clock.pass(5000);
  await recorder.refresh();
  const types = (await inner.readAfter(0)).map(({ type }) => type);
  expect(types).toEqual(["incident_opened", "incident_closed", "automation_ended"]);
});

describe("while the journal cannot be written", () => {
  test("an intent is refused, counts for nothing, and is not written later", async () => {
    const { journal, state, types } = await journalOf();
    const recorder = await openRecorder(journal, LIMITS, simulatedClock());
    state.isDown = true;
    expect(await keep(recorder, inIncident(INTENT))).toBe(false);
    expect(isSpent(recorder)).toBe(false);
    state.isDown = false;
    await recorder.refresh();
    expect(await types()).toEqual([]);
  });

  test("all else counts, is told as trouble, and is written later, in order and before the next", async () => {
    const { journal, state, types } = await journalOf();
    const clock = simulatedClock();
    const recorder = await openRecorder(journal, LIMITS, clock);
    await keep(recorder, inIncident(OPENED));
    state.isDown = true;
    const ended = outside({ type: "automation_ended" });
    const verifying = inIncident({ type: "verification_started", verdictInMs: 1 });
    expect([await keep(recorder, ended), await keep(recorder, verifying)]).toEqual([false, false]);
    expect(recorder.trouble).toBe("the disk is full. Free some.");
    expect(recorder.limitTracker.limitState(ABOUT, START_MS).automationEnded).toBe(true);
    await recorder.refresh();
    expect(recorder.trouble).toBe("the disk is full. Free some.");
    state.isDown = false;
    clock.pass(BACK_AFTER_MS);
    expect(await keep(recorder, inIncident(INTENT))).toBe(true);
    expect(recorder.trouble).toBeUndefined();
    expect(await types()).toEqual([
      "incident_opened",
      "automation_ended",
      "verification_started",
      "action_started",
    ]);
  });

  test("so much is remembered and no more: the oldest is given up", async () => {
    const { journal, inner, state } = await journalOf();
    const clock = simulatedClock();
    const recorder = await openRecorder(journal, LIMITS, clock);
    state.isDown = true;
    for (let verdictInMs = 0; verdictInMs <= 1000; verdictInMs += 1)
      await keep(recorder, inIncident({ type: "verification_started", verdictInMs }));
    state.isDown = false;
    clock.pass(5000);
    await recorder.refresh();
    const written = (await inner.readAfter(0)).map(({ fields }) => fields["verdictInMs"]);
    expect([written.length, written[0], written.at(-1)]).toEqual([1000, 1, 1000]);
  });

  test("what others write is not seen, and is seen afterwards", async () => {
    const { journal, inner, state } = await journalOf();
    const clock = simulatedClock();
    const recorder = await openRecorder(journal, LIMITS, clock);
    state.isDown = true;
    const paused = { atMs: START_MS, service: "", incident: undefined, type: "paused" };
    await inner.commit({ ...paused, fields: { by: "a test" } });
    await recorder.refresh();
    expect([
      recorder.trouble,
      recorder.limitTracker.limitState(ABOUT, START_MS).pausedUntilMs,
    ]).toEqual(["the disk is full. Free some.", 0]);
    state.isDown = false;
    clock.pass(BACK_AFTER_MS);
    await recorder.refresh();
    expect([
      recorder.trouble,
      recorder.limitTracker.limitState(ABOUT, START_MS).pausedUntilMs,
    ]).toEqual([undefined, Infinity]);
  });
});

describe("news of the journal", () => {
  test("are given once, whoever asks, and it is back when it has not failed for a while", async () => {
    const { journal, state } = await journalOf();
    const clock = simulatedClock();
    const recorder = await openRecorder(journal, LIMITS, clock);
    const look = async (passMs: number) => {
      clock.pass(passMs);
      await recorder.refresh();
      return [recorder.takeNews(), recorder.takeNews()];
    };
    expect(await look(0)).toEqual([undefined, undefined]);
    state.isDown = true;
    const down = { type: "journal_down", reason: "the disk is full. Free some." } as const;
    expect(await look(0)).toEqual([down, undefined]);
    state.isDown = false;
    expect(await look(BACK_AFTER_MS - 1)).toEqual([undefined, undefined]);
    expect(await look(5000)).toEqual([{ type: "journal_back" }, undefined]);
    // A relapse takes twice as long to be over.
    state.isDown = true;
    expect(await look(60_000)).toEqual([down, undefined]);
    state.isDown = false;
    expect(await look(2 * BACK_AFTER_MS - 1)).toEqual([undefined, undefined]);
    expect(await look(5000)).toEqual([{ type: "journal_back" }, undefined]);
  });

  test("come at no cost: what fails is tried every 5 s, however many ask", async () => {
    const { journal, state } = await journalOf();
    const clock = simulatedClock();
    const recorder = await openRecorder(journal, LIMITS, clock);
    state.isDown = true;
    state.tries = 0;
    for (let asked = 0; asked < 1000; asked += 1) {
      await recorder.refresh();
      await keep(recorder, inIncident(OPENED));
      clock.pass(9.99);
    }
    expect(state.tries).toBe(2);
  });
});

test("what had not ended is given to its service, once", async () => {
  const open = healed().slice(0, 3);
  const { journal } = await journalOf([
    ...entriesOf(healed(), { id: "closed" }),
    ...entriesOf(open, { id: "open" }),
    ...entriesOf(open, { id: "another", service: "db" }),
  ]);
  const recorder = await openRecorder(journal, LIMITS, simulatedClock());
  expect(recorder.takeUnfinished(SERVICE_NAME).map(({ id }) => id)).toEqual(["open"]);
  expect(recorder.takeUnfinished(SERVICE_NAME)).toEqual([]);
  expect(recorder.takeUnfinished("db").map(({ id }) => id)).toEqual(["another"]);
});

describe("the wall clock is set", () => {
  const spoken = { incident: undefined, service: SERVICE_NAME };

  test.each([HOUR_MS, -HOUR_MS])(
    "by %p ms: what was done counts for as long as before",
    async (byMs) => {
      const { clock, set } = settableClock();
      const { journal, inner } = await journalOf();
      const recorder = await openRecorder(journal, LIMITS, clock);
      await keep(recorder, inIncident(OPENED));
      await keep(recorder, inIncident(INTENT));
      set(byMs);
      clock.pass(HOUR_MS - 1);
      const spentAt = (nowMs: number) =>
        recorder.limitTracker.limitState(ABOUT, nowMs).isServiceBudgetSpent;
      expect(spentAt(clock.nowMs())).toBe(true);
      expect(spentAt(clock.nowMs() + 1)).toBe(false);
      await keep(recorder, { ...outside({ type: "automation_ended" }), atMs: clock.nowMs() });
      const { atMs } = (await inner.readAfter(0)).at(-1) ?? { atMs: 0 };
      expect(atMs).toBe(START_MS + HOUR_MS - 1 + byMs);
    },
  );

  test.each([HOUR_MS, -HOUR_MS])(
    "by %p ms: a pause lasts as long as a person meant",
    async (byMs) => {
      const { clock, set, wallMs } = settableClock();
      const { journal, inner } = await journalOf();
      const recorder = await openRecorder(journal, LIMITS, clock);
      set(byMs);
      clock.pass(60_000);
      const until = { until_ms: wallMs() + HOUR_MS, by: "a test" };
      await inner.commit({ ...spoken, atMs: wallMs(), type: "paused", fields: until });
      clock.pass(5000);
      await recorder.refresh();
      const { pausedUntilMs } = recorder.limitTracker.limitState(ABOUT, clock.nowMs());
      expect(pausedUntilMs).toBe(START_MS + 60_000 + HOUR_MS);
    },
  );

  test("back while nobody ran: a budget and a pause last no longer than they are long", async () => {
    const { clock } = settableClock();
    const aheadMs = START_MS + 24 * HOUR_MS;
    const paused = { until_ms: aheadMs + 2 * HOUR_MS, by: "a test" };
    const { journal } = await journalOf([
      ...entriesOf([OPENED, INTENT], { atMs: aheadMs }),
      { ...spoken, atMs: aheadMs, type: "paused", fields: paused },
    ]);
    const { limitTracker } = await openRecorder(journal, LIMITS, clock);
    expect(limitTracker.limitState(ABOUT, START_MS + HOUR_MS - 1).isServiceBudgetSpent).toBe(true);
    expect(limitTracker.limitState(ABOUT, START_MS + HOUR_MS).isServiceBudgetSpent).toBe(false);
    expect(limitTracker.limitState(ABOUT, START_MS).pausedUntilMs).toBe(START_MS + 2 * HOUR_MS);
  });
});

describe("an event is told with what its readers need:", () => {
  /** Keeps and tells, as a service's loop does. */
  const tellerOf = (recorder: Recorder) => async (event: SentinelEvent) => {
    await keep(recorder, event);
    return recorder.told(event);
  };
  const of = (service: string, event: IncidentEvent) => ({ ...inIncident(event), service });
  const CHANGED: SentinelEvent = {
    ...{ type: "alert_changed", alert: alert({ state: "inactive" }), from: "firing" },
    ...{ atMs: START_MS, service: SERVICE_NAME },
  };

  test("its incident as it stands with it, to the end and not beyond", async () => {
    const tell = tellerOf(
      await openRecorder((await journalOf()).journal, LIMITS, simulatedClock()),
    );
    const told: ToldEvent[] = [];
    for (const event of [OPENED, INTENT, CLOSED]) told.push(await tell(inIncident(event)));
    expect(told.map(({ record }) => record?.phase)).toEqual(["investigating", "acting", "closed"]);
    expect(told[2]?.record).toMatchObject({ id: INCIDENT_ID, action: { argv: ARGV } });
    const flapped = { type: "alert_flapped", alert: alert(), times: 1 } as const;
    expect((await tell(inIncident(flapped))).record).toBeUndefined();
    expect((await tell(CHANGED)).record).toBeUndefined();
  });

  test("also where the journal cannot be written", async () => {
    const { journal, state } = await journalOf();
    const tell = tellerOf(await openRecorder(journal, LIMITS, simulatedClock()));
    state.isDown = true;
    expect((await tell(inIncident(OPENED))).record?.phase).toBe("investigating");
    expect((await tell(inIncident(CLOSED))).record?.phase).toBe("closed");
  });

  test("how many other incidents are open, until it closes and while they are", async () => {
    const tell = tellerOf(
      await openRecorder((await journalOf()).journal, LIMITS, simulatedClock()),
    );
    const told = [
      await tell(of("api", OPENED)),
      await tell(of("db", OPENED)),
      await tell(of("api", INTENT)),
      await tell(of("db", CLOSED)),
      await tell(of("api", CLOSED)),
    ];
    expect(told.map(({ othersOpen }) => othersOpen)).toEqual([0, 1, 1, 1, 0]);
  });

  test("what a restart cut short is no other one until something happens in it", async () => {
    const { journal } = await journalOf([
      ...entriesOf([OPENED], { service: "db" }),
      ...entriesOf([OPENED], { service: "gone" }),
    ]);
    const recorder = await openRecorder(journal, LIMITS, simulatedClock());
    const tell = tellerOf(recorder);
    expect((await tell(of("api", OPENED))).othersOpen).toBe(0);
    const resumed = { type: "incident_resumed", alertname: "HighCpu", phase: "acting" } as const;
    expect(await tell(of("db", resumed))).toMatchObject({
      record: { service: "db", resumptions: 1 },
      othersOpen: 1,
    });
    expect((await tell(of("api", INTENT))).othersOpen).toBe(1);
  });

  test("a person's answer is in it, whichever process wrote it down", async () => {
    const { journal } = await journalOf();
    const recorder = await openRecorder(journal, LIMITS, simulatedClock());
    const tell = tellerOf(recorder);
    const request = { request: "r-1", action: "docker-restart", argv: ARGV };
    await tell(inIncident(OPENED));
    await tell(
      inIncident({ type: "approval_requested", ...request, expiresAtMs: START_MS + 1000 }),
    );
    const given = { request: "r-1", answer: "approved", by: "ann" };
    const place = { atMs: START_MS, service: SERVICE_NAME, incident: undefined };
    await journal.commit({ ...place, type: "approval_given", fields: given });
    await recorder.refresh();
    const answered = { type: "approval_answered", request: "r-1", answer: "approved" } as const;
    expect((await tell(inIncident(answered))).record?.request).toMatchObject({
      given: { by: "ann" },
      answer: "approved",
      expiresAtMs: START_MS + 1000,
    });
  });

  test("whether its alert flaps: from the first time that it came back until an incident is about it", async () => {
    const tell = tellerOf(
      await openRecorder((await journalOf()).journal, LIMITS, simulatedClock()),
    );
    const isFlapping = async () => (await tell(CHANGED)).isFlapping;
    const seen = [await isFlapping()];
    await tell(inIncident(OPENED));
    seen.push(await isFlapping());
    await tell(inIncident(CLOSED));
    seen.push(await isFlapping());
    await tell(inIncident({ type: "alert_flapped", alert: alert(), times: 1 }));
    seen.push(await isFlapping());
    expect((await tell({ ...CHANGED, service: "other" })).isFlapping).toBe(false);
    const elsewhere = alert({ labels: { alertname: "HighCpu", instance: "b" } });
    expect((await tell({ ...CHANGED, alert: elsewhere })).isFlapping).toBe(false);
    expect(
      (await tell(outside({ type: "left_alone", alert: alert(), reason: "" }))).isFlapping,
    ).toBe(false);
    const again = { ...inIncident(OPENED), incident: `${INCIDENT_ID}-2` };
    await tell(again);
    seen.push(await isFlapping());
    expect(seen).toEqual([false, false, false, true, false]);
  });

  test("its times are the wall clock's, but those that an engine tells are left as they are", async () => {
    const { clock, set } = settableClock();
    const tell = tellerOf(await openRecorder((await journalOf()).journal, LIMITS, clock));
    const onsetMs = START_MS - 90_000;
    const expiresAtMs = START_MS + 900_000;
    const container = { kind: "found", value: containerState() } as const;
    const seen = { container, health: { ok: true, message: "" }, logLines: 0, historyPoints: 0 };
    const asked = { request: "r-1", action: "docker-restart", argv: ARGV, expiresAtMs };
    await tell(inIncident({ ...OPENED, onsetMs }));
    await tell(inIncident({ type: "evidence_collected", ...seen }));
    set(-HOUR_MS);
    const event = await tell(inIncident({ type: "approval_requested", ...asked }));
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
    await tell(inIncident(INTENT));
    await tell(inIncident({ type: "verification_started", verdictInMs: 30_000 }));
    expect((await tell(inIncident(CLOSED))).record).toMatchObject({
      intentAtMs: START_MS - HOUR_MS,
      verificationAtMs: START_MS - HOUR_MS,
      verdictInMs: 30_000,
      closedAtMs: START_MS - HOUR_MS,
    });
  });

  test("and nothing of it is in the journal", async () => {
    const { journal } = await journalOf();
    const tell = tellerOf(await openRecorder(journal, LIMITS, simulatedClock()));
    await tell(await tell(inIncident(OPENED)));
    await tell(await tell(CHANGED));
    const names = (await journal.readAfter(0)).map(({ fields }) => Object.keys(fields).toSorted());
    expect(names).toEqual([["alert"], ["alert"], ["alert", "from"], ["alert", "from"]]);
  });
});
