/** PURE: what became of one cell, from what the observer told and what a client saw. */

import { BREAKING, type Fault } from "./faults.ts";
import type { Told } from "./observer.ts";

/** From the breaking to the alert that fires. */
const MAX_DETECTION_MS = 20_000;
/**
 * From the alert to the first answer of a run that began after it. An engine gives a process that does
 * not end by itself 10 s, and actions are done one after the other.
 */
const MAX_REVIVAL_MS = 40_000;

export interface Cell {
  /** Of the stranger. */
  readonly name: string;
  readonly fault: Fault;
}

/** All times by one clock. */
export interface Seen {
  readonly service: string;
  readonly brokenAtMs: number;
  /** A client was answered by a run of the container that began after the breaking; `undefined` so far. */
  readonly backAtMs: number | undefined;
}

export interface Verdict extends Cell {
  readonly alert: string | undefined;
  readonly detectedAfterMs: number | undefined;
  readonly action: string | undefined;
  readonly backAfterMs: number | undefined;
  readonly verdict: string | undefined;
  readonly verdictAfterMs: number | undefined;
  /** What is not as it has to be; empty if all is. */
  readonly misses: readonly string[];
}

export function judge(
  cell: Cell,
  { service, brokenAtMs, backAtMs }: Seen,
  told: readonly Told[],
): Verdict {
  const since = told.filter((line) => line.service === service && line.atMs >= brokenAtMs);
  const opened = since.find(({ event }) => event === "incident_opened");
  const ofIt = since.filter(({ incident }) => incident === opened?.incident);
  const acted = ofIt.find(({ event }) => event === "action_started");
  const closed = ofIt.find(({ event }) => event === "incident_closed");
  const after = (line: { readonly atMs: number } | undefined) =>
    line === undefined ? undefined : line.atMs - brokenAtMs;
  const found = {
    ...cell,
    alert: opened?.alert?.name,
    detectedAfterMs: after(opened),
    action: acted?.action,
    backAfterMs: backAtMs === undefined ? undefined : backAtMs - brokenAtMs,
    verdict: closed?.closing?.verdict?.kind ?? closed?.closing?.reason,
    verdictAfterMs: after(closed),
  };
  return { ...found, misses: missesOf(found) };
}

/** Of what was raised while it stood in order: each with its service. */
export function falseAlarms(
  told: readonly Told[],
  healthyUntilMs: (service: string) => number,
): readonly string[] {
  return told
    .filter(
      ({ event, alert, service, atMs }) =>
        (event === "incident_opened" || alert?.state === "firing") &&
        atMs < healthyUntilMs(service ?? ""),
    )
    .map(({ alert, service }) => `${alert?.name} of ${service || "nobody"}`);
}

/** Whether nothing more is to come of it. */
export function isOver({ backAfterMs, verdict }: Verdict): boolean {
  return backAfterMs !== undefined && verdict !== undefined;
}

function missesOf(found: Omit<Verdict, "misses">): readonly string[] {
  const { fault, alert, detectedAfterMs, action, backAfterMs, verdict } = found;
  if (alert === undefined || detectedAfterMs === undefined) return ["not detected"];
  const misses: string[] = [];
  if (detectedAfterMs > MAX_DETECTION_MS) misses.push("detected late");
  const alerts: readonly string[] = BREAKING[fault].alerts;
  if (!alerts.includes(alert)) misses.push(`called ${alert}`);
  if (action === undefined) return [...misses, "not acted upon"];
  if (backAfterMs === undefined) return [...misses, "does not answer again"];
  if (backAfterMs - detectedAfterMs > MAX_REVIVAL_MS) misses.push("back late");
  if (verdict !== undefined && verdict !== "healed") misses.push("not healed");
  return misses;
}
