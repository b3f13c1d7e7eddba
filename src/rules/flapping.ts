/**
 * An alert that resolves and comes back again and again is one incident that says how often, and costs one
 * diagnosis: it is taken up again only when it has held for a while. No I/O.
 */

import { alertKey, fingerprint } from "./alert-state.ts";
import type { IncidentEvent } from "../core/events.ts";
import type { Alert } from "../core/model.ts";
import type { JournalEntry } from "../core/ports.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import type { Recorded } from "../core/journal-entry.ts";

/** An alert that comes back within this time after its incident ended, or after it came back last, flaps. */
const FLAP_WINDOW_MS = 5 * 60_000;
/** An alert that has fired for this long without a break does not flap, whatever it did before. */
export const FLAP_HOLD_MS = 60_000;

/** The incident to which the flaps of an alert belong. */
interface Flapping {
  readonly incident: string;
  /** How often it has come back since that ended. */
  readonly times: number;
}

interface Ended extends Flapping {
  readonly atMs: number;
}

/** One rule on one label set. */
interface About {
  readonly service: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A fold of the journal's entries: which alerts have had an incident that no action has healed. */
export interface Flaps {
  /**
   * An incident has ended.
   *
   * @param isOver nothing of it is left to come back to: it was healed, or not judged at all
   */
  close(record: IncidentRecord, isOver: boolean): void;
  count(entry: JournalEntry, event: Recorded<"alert_flapped">): void;
  /** `undefined` if it would be a firing of its own. */
  of(about: About, nowMs: number): Flapping | undefined;
  /** The same until now, which goes on by itself. */
  copy(): Flaps;
}

export function createFlaps(before: ReadonlyMap<string, Ended> = new Map()): Flaps {
  const ended = new Map(before);
  const keyOf = ({ service, labels }: About) => `${service}\n${fingerprint(labels)}`;

  return {
    close({ id: incident, service, alert, joined, closedAtMs: atMs = 0 }, isOver) {
      for (const labels of [alert.labels, ...joined]) {
        const key = keyOf({ service, labels });
        if (isOver) ended.delete(key);
        else ended.set(key, { incident, times: 0, atMs });
      }
      for (const [key, one] of ended)
        if (Math.abs(atMs - one.atMs) > FLAP_WINDOW_MS) ended.delete(key);
    },
    count({ service, incident = "", atMs }, { alert, times, isOver }) {
      if (!isOver) ended.set(keyOf({ service, labels: alert.labels }), { incident, times, atMs });
    },
    of(about, nowMs) {
      const found = ended.get(keyOf(about));
      return found && Math.abs(nowMs - found.atMs) <= FLAP_WINDOW_MS ? found : undefined;
    },
    copy: () => createFlaps(ended),
  };
}

/** The first flaps are told one by one; the more there are, the fewer are. */
export function isToldFlap(times: number): boolean {
  return Number.isInteger(Math.log2(times));
}

type FlapEvent = Extract<IncidentEvent, { type: "alert_flapped" }>;

/**
 * Counts how often the alerts of one service come back.
 *
 * @param find the incident to which an alert comes back, with what was counted until now
 * @param tell of that incident
 */
export function createFlapCounter(
  find: (alert: Alert, nowMs: number) => Flapping | undefined,
  tell: (incident: string, event: FlapEvent) => void,
) {
  const counted = new Map<string, Flapping & { readonly alert: Alert }>();
  return {
    /** Whether it is a flicker so far. Counted once for each time that it fires. */
    isFlap(alert: Alert, nowMs: number): boolean {
      const { firingAtMs = nowMs } = alert;
      if (nowMs - firingAtMs >= FLAP_HOLD_MS) return false;
      if (counted.get(alertKey(alert))?.alert.firingAtMs === firingAtMs) return true;
      const found = find(alert, nowMs);
      if (found === undefined) return false;
      const { incident } = found;
      const times = found.times + 1;
      counted.set(alertKey(alert), { alert, incident, times });
      tell(incident, { type: "alert_flapped", alert, times });
      return true;
    },
    /** Tells how often it was, of those that have not come back for long enough. */
    endQuiet(nowMs: number): void {
      for (const [key, { alert, incident, times }] of counted) {
        const now = find(alert, nowMs);
        if (now?.incident === incident) continue;
        counted.delete(key);
        if (now === undefined)
          tell(incident, { type: "alert_flapped", alert, times, isOver: true });
      }
    },
  };
}
