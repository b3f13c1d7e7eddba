/** PURE: what `docker events` and `docker logs` tell of the ends of a container's runs. */

import { z } from "zod";
import { parseJson } from "../../text/json.ts";
import type { Death } from "../../core/model.ts";
import { type LogStreams, type StampedLine, stampedLines } from "./logs.ts";

/** Podman writes other names for the same. */
const eventSchema = z.union([
  z.object({
    Action: z.string(),
    timeNano: z.number(),
    Actor: z.object({ Attributes: z.object({ exitCode: z.string().optional() }) }),
  }),
  z
    .object({
      Status: z.string(),
      timeNano: z.number(),
      ContainerExitCode: z.number().optional(),
    })
    .transform(({ Status, timeNano, ContainerExitCode: exitCode }) => ({
      Action: Status === "died" ? "die" : Status,
      timeNano,
      Actor: { Attributes: { exitCode: exitCode === undefined ? undefined : String(exitCode) } },
    })),
]);

const NANOSECONDS_PER_MS = 1e6;

/** The event of a `stop` follows right after the end that it led to. */
const STOP_WITHIN_MS = 5000;

/** Lines of all runs together: so many are asked for, and the last of each run are kept. */
export const DEATH_LOG_LINES = 500;

/** Bounds of what is kept of one run. */
const MAX_LINES = 5;
const MAX_LENGTH = 300;

/**
 * The deaths that the engine knows, oldest first, each with the last lines that were written before it.
 *
 * @param events as `docker events --format '{{json .}}'` prints them, of one container
 * @param logs as `docker logs --timestamps` prints them; the engine keeps them over restarts
 */
export function readDeaths(events: string, logs: LogStreams): readonly Death[] {
  const deaths: (Death & { readonly startedAtMs: number })[] = [];
  let startedAtMs: number | undefined;
  let oomKilled = false;
  for (const line of events.split("\n")) {
    const event = eventSchema.safeParse(parseJson(line)).data;
    if (event === undefined) continue;
    const atMs = event.timeNano / NANOSECONDS_PER_MS;
    const last = deaths.at(-1);
    if (event.Action === "start") startedAtMs = atMs;
    else if (event.Action === "oom") oomKilled = true;
    else if (event.Action === "stop" && last !== undefined && atMs - last.atMs < STOP_WITHIN_MS)
      deaths[deaths.length - 1] = { ...last, wasStopped: true };
    else if (event.Action === "die") {
      const exitCode = Number(event.Actor.Attributes.exitCode ?? 0);
      const ranMs = startedAtMs === undefined ? undefined : atMs - startedAtMs;
      const end = { atMs, exitCode, oomKilled, ranMs, wasStopped: false, lines: [] };
      deaths.push({ ...end, startedAtMs: last?.atMs ?? -Infinity });
      [startedAtMs, oomKilled] = [undefined, false];
    }
  }
  const lines = stampedLines(logs, DEATH_LOG_LINES);
  return deaths.map(({ startedAtMs: fromMs, ...death }) => ({
    ...death,
    lines: lines
      .filter((line) => isBetween(line, fromMs, death.atMs))
      .slice(-MAX_LINES)
      .map(({ text }) => text.slice(0, MAX_LENGTH)),
  }));
}

function isBetween({ epochMs, nanos }: StampedLine, fromMs: number, toMs: number): boolean {
  const atMs = epochMs + nanos / NANOSECONDS_PER_MS;
  return atMs > fromMs && atMs <= toMs;
}
