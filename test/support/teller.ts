/** Events as their readers get them: kept in a journal first, and told with what it knows. */

import type { SentinelEvent, ToldEvent } from "../../src/core/events.ts";
import type { Journal } from "../../src/core/ports.ts";
import { openRecorder } from "../../src/incident/recorder.ts";
import { memoryJournal } from "../../src/journals/memory.ts";
import { keep } from "./recorder.ts";
import { simulatedClock } from "./fixtures.ts";

/** @param journal may hold what another process has left */
export async function createTeller(
  journal: Journal = memoryJournal(),
): Promise<(event: SentinelEvent) => Promise<ToldEvent>> {
  const limits = { cooldownMs: 60_000, mostPerService: 1000, mostInAll: 1000 };
  const recorder = await openRecorder(journal, limits, simulatedClock());
  return async (event) => {
    await keep(recorder, event);
    return recorder.told(event);
  };
}
