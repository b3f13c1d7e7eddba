/** What is read of a service, found in its series, and again as they change. */

import type { Service } from "../../core/model.ts";
import type { SignalSource } from "../../core/ports.ts";
import { SIGNALS, type ServiceSignals } from "./convention.ts";
import { readService, type ServiceReading, seriesQuery } from "./find.ts";

/** A service that has all has it for as long as nobody deploys another version. */
const COMPLETE_MS = 5 * 60_000;
/** Most counters have no series before the first request. Our own series are quickly looked through. */
const INCOMPLETE_MS = 10_000;

interface FollowedConventions {
  /** `undefined` until a series of the service has been seen. */
  readonly signals: ServiceSignals | undefined;
  /**
   * Looks again if it is time to. A source that does not answer leaves what is known; the poll says so.
   *
   * @returns whether it looked
   */
  refresh(nowMs: number, signal: AbortSignal): Promise<boolean>;
}

export function followConventions(
  service: Pick<Service, "job" | "convention">,
  source: Pick<SignalSource, "query">,
  { isEmbedded }: { readonly isEmbedded: boolean },
): FollowedConventions {
  let known: ServiceReading | undefined;
  let lookedAtMs = -Infinity;
  const waitMs = () => {
    if (known !== undefined && isComplete(known.signals)) return COMPLETE_MS;
    return isEmbedded ? 0 : INCOMPLETE_MS;
  };
  return {
    get signals() {
      return known?.signals;
    },
    async refresh(nowMs, signal) {
      if (service.job === undefined || nowMs - lookedAtMs < waitMs()) return false;
      lookedAtMs = nowMs;
      try {
        const now = await findSignals(service, source, signal);
        if (now === undefined) return false;
        known = keep(known, now);
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** @returns `undefined` while the service has no series that is known */
export async function findSignals(
  { job, convention }: Pick<Service, "job" | "convention">,
  source: Pick<SignalSource, "query">,
  signal: AbortSignal,
): Promise<ServiceReading | undefined> {
  const samples = await source.query(seriesQuery(`job=${JSON.stringify(job)}`), signal);
  // What answers is a stranger.
  const series = samples.map(({ labels }) => labels).filter((labels) => "__name__" in labels);
  return series.length === 0 ? undefined : readService(series, convention);
}

function isComplete({ requestRate, errorRatio, latency }: ServiceSignals): boolean {
  return [requestRate, errorRatio, latency].every(({ kind }) => kind === "readable");
}

/**
 * A service that has just started has no series of requests yet: what was read of it before is read again
 * as soon as it has.
 */
function keep(before: ServiceReading | undefined, now: ServiceReading): ServiceReading {
  if (before === undefined) return now;
  const signals = SIGNALS.map((signal) => {
    const reading = now.signals[signal];
    const isLost = reading.kind === "unreadable" && reading.isOfAnother !== true;
    return [signal, isLost ? before.signals[signal] : reading] as const;
  });
  return { ...now, signals: { ...now.signals, ...Object.fromEntries(signals) } };
}
