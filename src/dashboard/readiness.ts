/** Whether the observer does its work: each service was read a short while ago. Pure. */

import type { Rule, Service } from "../core/model.ts";
import type { Poll } from "../core/monitor.ts";

/** A service that is watched, and how far its monitor is. */
export interface WatchedService {
  readonly service: Pick<Service, "name">;
  readonly monitor: {
    readonly rules: readonly Rule[];
    readonly lastPoll: Poll | undefined;
    readonly answeredAtMs: number | undefined;
  };
}

/** After so many intervals without a poll that was answered, nothing is known of a service any more. */
export const MOST_SILENT_INTERVALS = 5;

/** Why the observer cannot be relied on now, as one line; `undefined` if it can. */
export function whyNotReady(
  watched: readonly WatchedService[],
  { nowMs, intervalMs }: { readonly nowMs: number; readonly intervalMs: number },
): string | undefined {
  for (const { service, monitor } of watched) {
    const { lastPoll, answeredAtMs } = monitor;
    const missing = lastPoll?.sourceDown;
    const why = missing === undefined ? "" : `: ${missing}`;
    if (answeredAtMs === undefined) return `${service.name} has not been read yet${why}`;
    const silentMs = nowMs - answeredAtMs;
    if (silentMs > MOST_SILENT_INTERVALS * intervalMs)
      return `${service.name} was last read ${Math.round(silentMs / 1000)} s ago${why}`;
  }
  return undefined;
}
