/** Days of an observer, its services and its people, one after the other, in a moment. */

import { statSync } from "node:fs";
import type { SentinelEvent } from "../../src/core/events.ts";
import type { Journal, JournalEntry } from "../../src/core/ports.ts";
import { sqliteJournal } from "../../src/journals/sqlite.ts";
import { chanceOf } from "./chance.ts";
import { createFleet, DAY_MS, type Fleet, HOUR_MS, MINUTE_MS } from "./fleet.ts";
import { type Life, live } from "./life.ts";
import { createPeople } from "./people.ts";
import { createTimeline } from "./timeline.ts";
import { createWall } from "./wall.ts";
import { createWitness, type Witness } from "./witness.ts";

export interface DaysOptions {
  readonly days: number;
  readonly seed: number;
  readonly services: number;
  /** Of the journal, which is a real file. */
  readonly path: string;
}

export interface Days {
  readonly witness: Pick<Witness, "broken" | "counts" | "open">;
  /** Of all services, and how often the observer was started. */
  readonly polls: number;
  readonly starts: number;
  /** How often the wall clock was set. */
  readonly jumps: { readonly forward: number; readonly back: number };
  /** At the end of each day. */
  readonly measured: readonly Measured[];
  /** What is left in the journal, and when that was, by the wall clock. */
  readonly kept: readonly JournalEntry[];
  readonly endedAtMs: number;
}

export interface Measured {
  readonly day: number;
  readonly residentBytes: number;
  readonly journalBytes: number;
  /** Of the log beside it. */
  readonly logBytes: number;
}

/** As in production, but for the last: four services would hardly ever come to 10 in all. */
const LIMITS = { cooldownMs: MINUTE_MS, mostPerService: 3, mostInAll: 5 };

/** As the observer forgets, hour by hour, but less is kept, so that a month reaches both bounds. */
export const KEPT_MS = 4 * DAY_MS;
export const MAX_JOURNAL_BYTES = 1024 * 1024;
const PRUNE_EVERY_MS = HOUR_MS;

/** After each event of an incident; a month has some ten thousand of them. */
const KILLED_AT_EVENT = 0.005;
/** After what has just been meant or answered: the moments that matter most. */
const KILLED_AT_TURNING_POINT = 0.06;

const TURNING_POINTS: readonly SentinelEvent["type"][] = [
  "action_started",
  "action_finished",
  "approval_answered",
];

export async function passDays({ days, seed, services, path }: DaysOptions): Promise<Days> {
  const timeline = createTimeline();
  const startMs = timeline.nowMs();
  const chance = chanceOf(seed);
  const wall = createWall(timeline, chance);
  const witness = createWitness(() => fleet.members, LIMITS, { nowMs: timeline.nowMs, wall });
  const fleet: Fleet = createFleet(services, { timeline, wall, chance, onLook: witness.looked });
  let lastSeq = 0;
  /** Nearly all polls find nothing new in it, and to ask the file each time would be a third of the work. */
  const quickToRead = (journal: Journal): Journal => ({
    ...journal,
    readAfter: async (seq) => (seq > 0 && seq >= lastSeq ? [] : journal.readAfter(seq)),
  });
  const onEntry = (entry: JournalEntry) => {
    lastSeq = entry.seq;
    witness.wrote(entry);
    people.read(entry);
  };
  const people = createPeople({
    timeline,
    wall,
    chance,
    services: fleet.members.map(({ service }) => service.name),
    async say(entry) {
      const theirs = sqliteJournal(path, { mode: "operator" });
      onEntry(await theirs.commit(entry));
      await theirs.close();
    },
  });
  let polls = 0;
  let starts = 0;
  let running: { readonly life: Life; readonly journal: Journal } | undefined;
  let isOver = false;

  const start = () => {
    starts += 1;
    const journal = sqliteJournal(path, { mode: "observer" });
    const onEvent = (event: SentinelEvent) => {
      if (!("incident" in event)) return;
      const isTurningPoint = TURNING_POINTS.includes(event.type);
      if (chance.happens(isTurningPoint ? KILLED_AT_TURNING_POINT : KILLED_AT_EVENT)) end("kill");
    };
    const onPoll = () => {
      polls += 1;
    };
    const whileActing = () => {
      if (chance.happens(KILLED_AT_TURNING_POINT)) end("kill");
    };
    const clock = wall.startClock();
    const parts = { clock, timeline, chance, fleet, witness, limits: LIMITS };
    const told = { onEntry, onEvent, onPoll, whileActing };
    running = { life: live({ ...parts, ...told, journal: quickToRead(journal) }), journal };
  };
  const end = (how: "kill" | "stop") => {
    if (running === undefined || isOver) return;
    const { life, journal } = running;
    running = undefined;
    life[how]();
    void life.ended.then(() => journal.close());
    timeline.after(chance.between(200, 2 * MINUTE_MS), start);
  };
  const endNowAndThen = () =>
    timeline.after(chance.until(DAY_MS), () => {
      end(chance.happens(0.5) ? "kill" : "stop");
      endNowAndThen();
    });
  const prune = () => {
    const beforeMs = timeline.nowMs() - KEPT_MS;
    void running?.journal.prune({ beforeMs, maxBytes: MAX_JOURNAL_BYTES });
    timeline.after(PRUNE_EVERY_MS, prune);
  };

  start();
  endNowAndThen();
  prune();
  const measured: Measured[] = [];
  for (let day = 1; day <= days; day += 1) {
    await timeline.run(startMs + day * DAY_MS);
    Bun.gc(true);
    const journalBytes = sizeOf(path);
    const logBytes = sizeOf(`${path}-wal`);
    measured.push({ day, residentBytes: process.memoryUsage.rss(), journalBytes, logBytes });
  }
  // All that is open has time to end: a request waits for 15 minutes.
  fleet.settle();
  people.leave();
  await timeline.run(timeline.nowMs() + HOUR_MS);
  isOver = true;
  running?.life.kill();
  await running?.life.ended;
  await running?.journal.close();
  const reader = sqliteJournal(path, { mode: "reader" });
  const kept = await reader.readAfter(0);
  await reader.close();
  return { witness, polls, starts, jumps: wall.counts, measured, kept, endedAtMs: wall.nowMs() };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
