/**
 * What is known of a service's alerts, as it is kept over a restart of Sentinel: since when each has been
 * pending or firing, and which have been taken up. No I/O.
 */

import { z } from "zod";
import { fingerprint, isFiringOrUnknown, mostGapMs } from "./alert-state.ts";
import { parseJson } from "../text/json.ts";
import type { Alert, Rule } from "../core/model.ts";

const time = z.number();

const savedAlertSchema = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()).readonly(),
  state: z.enum(["pending", "firing", "no_data"]),
  value: z.number().optional(),
  activeAtMs: time.optional(),
  firingAtMs: time.optional(),
  quietSinceMs: time.optional(),
  /** An incident has taken it up. */
  isHandled: z.boolean(),
});

const savedAlertsSchema = z.object({
  savedAtMs: time,
  alerts: z.array(savedAlertSchema).readonly(),
  /** Alerts of which more label sets were taken up than are kept. */
  overflow: z.array(z.string()).readonly(),
});

/** One alert that was pending or firing. It is known by its name and labels, as in Prometheus. */
export type SavedAlert = z.output<typeof savedAlertSchema>;
export type SavedAlerts = z.output<typeof savedAlertsSchema>;

/** Alerts that are saved of one service; those that were taken up come first. */
const MAX_SAVED = 200;
const MAX_SAVED_CHARACTERS = 256 * 1024;

/**
 * An alert that fired is the same one after this long without anybody looking: Prometheus tolerates an
 * outage of an hour as well (`rules.alert.for-outage-tolerance`).
 */
const MAX_OUTAGE_MS = 3_600_000;

/** @param isHandled whether an incident has taken it up */
export function saveAlerts(
  alerts: readonly Alert[],
  isHandled: (alert: Alert) => boolean,
  nowMs: number,
): SavedAlerts {
  const inEffect = alerts.filter(
    ({ activeAtMs, firingAtMs }) => activeAtMs !== undefined || firingAtMs !== undefined,
  );
  const [handled, others] = [inEffect.filter(isHandled), inEffect.filter((one) => !isHandled(one))];
  const kept: SavedAlert[] = [];
  let characters = 0;
  for (const alert of [...handled, ...others]) {
    characters += fingerprint(alert.labels).length;
    if (kept.length === MAX_SAVED || characters > MAX_SAVED_CHARACTERS) break;
    kept.push(savedAlert(alert, kept.length < handled.length));
  }
  const lost = handled.slice(kept.length).map(({ rule }) => rule.alert);
  return { savedAtMs: nowMs, alerts: kept, overflow: [...new Set(lost)] };
}

function savedAlert(alert: Alert, isHandled: boolean): SavedAlert {
  const { rule, labels, state, value, activeAtMs, firingAtMs, quietSinceMs } = alert;
  return {
    name: rule.alert,
    labels,
    state: state === "inactive" ? "no_data" : state,
    value,
    activeAtMs,
    firingAtMs,
    quietSinceMs,
    isHandled,
  };
}

/**
 * What was saved, as far as it still holds: after a long time in which nobody looked nothing does, and
 * what was pending has not been seen to hold all along after a shorter one. Times that are still to come
 * are of a wall clock that was put back since: all move with it.
 *
 * @returns `undefined` if nothing holds, or if it is not what was saved
 */
export function readSavedAlerts(
  text: string,
  { nowMs, pollIntervalMs }: { readonly nowMs: number; readonly pollIntervalMs: number },
): SavedAlerts | undefined {
  const saved = savedAlertsSchema.safeParse(parseJson(text)).data;
  if (saved === undefined) return undefined;
  const gapMs = nowMs - saved.savedAtMs;
  if (gapMs > MAX_OUTAGE_MS) return undefined;
  if (gapMs < 0) return { ...saved, ...moveSaved(saved, gapMs) };
  if (gapMs <= mostGapMs(pollIntervalMs)) return saved;
  return { ...saved, alerts: saved.alerts.filter(({ firingAtMs }) => firingAtMs !== undefined) };
}

/** With all times moved by so much. */
export function moveSaved(saved: SavedAlerts, byMs: number): SavedAlerts {
  const move = (atMs: number | undefined) => (atMs === undefined ? undefined : atMs + byMs);
  return {
    ...saved,
    savedAtMs: saved.savedAtMs + byMs,
    alerts: saved.alerts.map((alert) => ({
      ...alert,
      activeAtMs: move(alert.activeAtMs),
      firingAtMs: move(alert.firingAtMs),
      quietSinceMs: move(alert.quietSinceMs),
    })),
  };
}

/** A state that is to go on, known by its alert's name and its labels. */
type NamedState = Pick<SavedAlert, "name" | "labels" | "value"> &
  Pick<SavedAlert, "activeAtMs" | "firingAtMs" | "quietSinceMs"> &
  Pick<Alert, "state">;

/** The same states, of the rules in force; those of a rule that is no more are left out. */
export function restoreAlerts(saved: readonly NamedState[], rules: readonly Rule[]): Alert[] {
  const byName = Map.groupBy(rules, ({ alert }) => alert);
  return saved.flatMap(({ name, labels, state, ...of }) => {
    const rule = byName.get(name)?.find((one) => isWithin(one.labels, labels));
    if (rule === undefined) return [];
    const { value, activeAtMs, firingAtMs, quietSinceMs } = of;
    return [{ rule, labels, state, value, activeAtMs, firingAtMs, quietSinceMs }];
  });
}

function isWithin(some: Rule["labels"], all: Rule["labels"]): boolean {
  return Object.entries(some).every(([name, value]) => all[name] === value);
}

/** Why an alert that was taken up before a restart is left alone. */
export const TAKEN_UP_BEFORE =
  "an incident took it up before Sentinel was restarted; it is a person's until it has resolved";

/** Alerts are saved at this interval even without a change: their age says how long nothing was evaluated. */
const SAVE_EVERY_MS = 30_000;

/** What was saved of the alerts, before this start and since. */
export function createAlertMemory(before: SavedAlerts | undefined) {
  let last: SavedAlerts | undefined = before;
  /** Of before, and not seen since. */
  const handled = new Set(
    before?.alerts.filter(({ isHandled }) => isHandled).map(({ labels }) => fingerprint(labels)),
  );
  const overflow = new Set(before?.overflow);
  return {
    /** The alerts that were taken up before, of those that go on. */
    handledOf(alerts: readonly Alert[]): readonly Alert[] {
      if (handled.size === 0 && overflow.size === 0) return [];
      const goOn = alerts.filter(isFiringOrUnknown);
      const found = goOn.filter(
        ({ rule, labels }) => handled.has(fingerprint(labels)) || overflow.has(rule.alert),
      );
      // Those that are not among them have resolved meanwhile.
      handled.clear();
      for (const name of overflow)
        if (!goOn.some(({ rule }) => rule.alert === name)) overflow.delete(name);
      return found;
    },
    isDue(saved: SavedAlerts): boolean {
      if (!areSameAlerts(last, saved)) return last !== undefined || saved.alerts.length > 0;
      return saved.alerts.length > 0 && saved.savedAtMs - (last?.savedAtMs ?? 0) >= SAVE_EVERY_MS;
    },
    saved(saved: SavedAlerts): void {
      last = saved;
    },
  };
}

/** Whether two of them say the same, whenever they were saved and whatever was measured. */
function areSameAlerts(a: SavedAlerts | undefined, b: SavedAlerts): boolean {
  return a !== undefined && text(a) === text(b);
}

function text({ alerts, overflow }: SavedAlerts): string {
  return JSON.stringify([alerts.map(({ value: _, ...alert }) => alert), overflow]);
}
