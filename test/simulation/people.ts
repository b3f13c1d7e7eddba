/** What people do in a month: answer late, twice or not at all, pause, and forget that they did. */

import type { JournalEntry, NewJournalEntry } from "../../src/core/ports.ts";
import { pause, resumeAutomation } from "../../src/decision/operator-commands.ts";
import type { Chance } from "./chance.ts";
import { HOUR_MS, MINUTE_MS } from "./fleet.ts";
import type { Timeline } from "./timeline.ts";
import type { Wall } from "./wall.ts";

export interface People {
  /** They read along. */
  read(entry: JournalEntry): void;
  /** They go home: nothing is paused any more, and nobody says anything. */
  leave(): void;
}

export interface PeopleOptions {
  readonly timeline: Timeline;
  readonly wall: Pick<Wall, "nowMs">;
  readonly chance: Chance;
  readonly services: readonly string[];
  /** Writes into the journal, as a process of its own. */
  say(entry: NewJournalEntry): Promise<void>;
}

export function createPeople({ timeline, wall, chance, services, say }: PeopleOptions): People {
  let hasLeft = false;
  const known = { names: services, isComplete: true };
  const saying = () => ({ by: "somebody", atMs: wall.nowMs() });
  const later = (durationMs: number, work: () => void) =>
    timeline.after(durationMs, () => {
      if (!hasLeft) work();
    });
  const resume = (service: string | undefined) =>
    void say(resumeAutomation(service, known, saying()).entry);
  const answer = (request: string, service: string) => {
    const given = chance.happens(0.65) ? "approved" : "denied";
    const fields = { request, answer: given, by: "somebody" };
    void say({ atMs: wall.nowMs(), service, incident: request, type: "approval_given", fields });
  };
  const pauseNow = () => {
    const service = chance.happens(0.3)
      ? undefined
      : services[chance.between(0, services.length - 1)];
    const isEndless = chance.happens(0.3);
    const length = isEndless ? undefined : `${chance.between(1, 90)}m`;
    void say(pause({ service, length }, known, saying()).entry);
    if (isEndless || chance.happens(0.2))
      later(chance.between(MINUTE_MS, 2 * HOUR_MS), () => resume(service));
  };
  const pauseNowAndThen = () =>
    later(chance.until(6 * HOUR_MS), () => {
      pauseNow();
      pauseNowAndThen();
    });
  pauseNowAndThen();

  return {
    read({ type, service, incident }) {
      // Often at a bad moment: while a model thinks, or while the last look is taken.
      if (type === "incident_opened" && chance.happens(0.05))
        later(chance.between(0, 30_000), pauseNow);
      if (type === "automation_ended")
        later(chance.between(10 * MINUTE_MS, 5 * HOUR_MS), () => resume(service));
      if (type !== "approval_requested" || incident === undefined) return;
      // Up to 5 minutes after it has expired.
      const times = chance.oneOf([0, 1, 1, 1, 2]);
      for (let time = 0; time < times; time += 1)
        later(chance.between(1000, 20 * MINUTE_MS), () => answer(incident, service));
    },
    leave() {
      hasLeft = true;
      resume(undefined);
    },
  };
}
