/** What stories of a service's loop have in common. */

import { rule, type Script, SERVICE_NAME, sample, START_MS } from "./fixtures.ts";
import { hotUntil, type Told } from "./story.ts";
import type { ToldEvent } from "../../src/core/events.ts";
import type { Rule } from "../../src/core/model.ts";
import type { Journal, JournalEntry } from "../../src/core/ports.ts";

export function ofType<T extends ToldEvent["type"]>({ events }: Told, type: T) {
  return events.filter((event): event is Extract<ToldEvent, { type: T }> => event.type === type);
}

export const types = ({ events }: Told) => events.map(({ type }) => type);
export const hot = hotUntil(Infinity);

/** Label sets of the rule, all hot from 10 s on. */
export const hotSets =
  (...indexes: readonly number[]): Script =>
  (_, elapsedMs) =>
    elapsedMs < 10_000 ? 0.1 : indexes.map((index) => sample(1.9, { instance: `i${index}` }));

/** What a person writes into the journal. */
export async function say(
  journal: Journal,
  type: JournalEntry["type"],
  fields: object = {},
): Promise<void> {
  const entry = { atMs: START_MS, service: SERVICE_NAME, incident: undefined, type };
  await journal.commit({ ...entry, fields: { by: "a test", ...fields } });
}

/** A rule of the same service on another signal. */
export const other = (changes: Partial<Rule> = {}) =>
  rule({
    alert: "Other",
    expr: "other > 0.5",
    signal: { expr: "other", operator: ">", threshold: 0.5 },
    ...changes,
  });

/** The same time and journal again, as after a restart of Sentinel. */
export const again = ({ clock, journal }: Told, forMs = 120_000) => ({
  clock,
  journal,
  untilMs: clock.elapsedMs + forMs,
});
