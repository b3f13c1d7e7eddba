/** The incident of a process that died and that its own supervisor has started again for good. Pure. */

import { seconds } from "../text/time.ts";
import type { IncidentEvent } from "../core/events.ts";
import { maskCredentials, withoutGroundTruth } from "../diagnosis/evidence.ts";
import type { Alert, ContainerState, Death, HealthAnswer, Rule } from "../core/model.ts";
import type { IncidentRecord } from "../core/incident-record.ts";

/** The name of its alert: no rule fires, for no poll may have met the process while it was gone. */
export const PROCESS_DIED_ALERT = "ProcessDied";

/** A process that was started again after its deaths, and has gone on since. */
export interface CuredDeath {
  readonly service: string;
  /** Since it last ran well, oldest first; at least one. Times are the wall clock's. */
  readonly deaths: readonly Death[];
  /** How long it has run now. */
  readonly ranMs: number;
}

interface Seen {
  readonly container: ContainerState;
  readonly health: HealthAnswer | undefined;
  /** The wall clock's time. */
  readonly nowMs: number;
}

/**
 * The whole story at once, when it is over: nobody had to decide anything.
 *
 * @returns in order; nothing is left open
 */
export function tellCuredDeath(
  { service, deaths, ranMs }: CuredDeath,
  { container, health, nowMs }: Seen,
): readonly IncidentEvent[] {
  const onsetMs = deaths[0]?.atMs ?? nowMs;
  const masked = deaths.map((death) => ({
    ...death,
    lines: maskCredentials(withoutGroundTruth(death.lines)),
  }));
  const since = `its supervisor started it again, and it has run for ${seconds(ranMs)}`;
  const unwell = health === undefined ? "it has no health check" : "its health check fails";
  const verdict = health?.ok
    ? ({ kind: "healed", reason: `${since}; its health check passes` } as const)
    : ({ kind: "unknown", reason: `${since}, but ${unwell}` } as const);
  const logLines = masked.reduce((sum, { lines }) => sum + lines.length, 0);
  return [
    { type: "incident_opened", alert: alertOf(service, deaths, nowMs), onsetMs },
    {
      type: "evidence_collected",
      container: { kind: "found", value: container },
      deaths: masked,
      health,
      logLines,
      historyPoints: 0,
    },
    {
      type: "incident_closed",
      closing: {
        result: "skipped",
        verdict,
        detectedAfterMs: undefined,
        actedAfterMs: undefined,
        healedAfterMs: health?.ok ? nowMs - onsetMs : undefined,
      },
    },
  ];
}

/** Whether an alert has led to an incident meanwhile: then that one has the deaths among its evidence. */
export function isToldAlready(
  { service, deaths }: Pick<CuredDeath, "service" | "deaths">,
  records: readonly IncidentRecord[],
): boolean {
  const sinceMs = deaths[0]?.atMs ?? 0;
  return records.some(
    (record) =>
      record.service === service && (record.phase !== "closed" || record.openedAtMs >= sinceMs),
  );
}

function alertOf(service: string, deaths: readonly Death[], nowMs: number): Alert {
  const last = deaths.at(-1);
  const ran = last?.ranMs === undefined ? "" : ` after ${seconds(last.ranMs)}`;
  const times = deaths.length > 1 ? `; ${deaths.length} times in a row` : "";
  const rule: Rule = {
    alert: PROCESS_DIED_ALERT,
    expr: "",
    signal: undefined,
    forMs: 0,
    keepFiringForMs: 0,
    severity: "medium",
    labels: {},
    annotations: { summary: `died with exit code ${last?.exitCode ?? 1}${ran}${times}` },
    permits: [],
    service,
  };
  return {
    rule,
    labels: {},
    state: "firing",
    value: undefined,
    activeAtMs: deaths[0]?.atMs,
    firingAtMs: nowMs,
    quietSinceMs: undefined,
  };
}
