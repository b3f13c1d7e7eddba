/** Records and reports the incidents of a supervised process that its supervisor has cured by itself. */

import { toEntry } from "../incident/recorder.ts";
import {
  type CuredDeath,
  isToldAlready,
  PROCESS_DIED_ALERT,
  tellCuredDeath,
} from "../incident/cured-death.ts";
import type { TellEvent } from "../core/events.ts";
import type { HealthCheck } from "../core/health.ts";
import { incidentId } from "../incident/id.ts";
import type { Journal, Platform } from "../core/ports.ts";
import { createIncidentFold } from "../core/incident-record.ts";
import { checkHealth } from "./health.ts";
import { systemClock } from "./system-clock.ts";

interface CureOptions {
  readonly journal: Pick<Journal, "record" | "readAfter">;
  readonly platform: Pick<Platform, "inspect">;
  readonly health: HealthCheck;
  readonly emit: TellEvent;
}

const DEADLINE_MS = 5000;

/** @throws SentinelError `journal_unavailable` */
export async function keepCuredDeath(cured: CuredDeath, options: CureOptions): Promise<void> {
  const { journal, platform, emit } = options;
  const { service } = cured;
  const health = await checkHealth({ name: service, health: options.health }, platform);
  const container = await platform.inspect(service, AbortSignal.timeout(DEADLINE_MS));
  const incidents = createIncidentFold();
  for (const entry of await journal.readAfter(0)) incidents.apply(entry);
  if (container === undefined || isToldAlready(cured, incidents.records())) return;
  const othersOpen = incidents.records().filter(({ phase }) => phase !== "closed").length;
  const nowMs = systemClock.toWall(systemClock.nowMs());
  const incident = incidentId(nowMs, PROCESS_DIED_ALERT, service);
  const story = tellCuredDeath(cured, { container, health, nowMs });
  const events = story.map((event) => ({ ...event, atMs: nowMs, service, incident }));
  // Asked for at once, so that nothing comes between them.
  const kept = await Promise.all(events.map((event) => journal.record(toEntry(event))));
  for (const [index, entry] of kept.entries()) {
    const stamped = events[index];
    const step = incidents.apply(entry);
    if (stamped !== undefined)
      emit({ ...stamped, record: step?.record, othersOpen, isFlapping: false });
  }
}
