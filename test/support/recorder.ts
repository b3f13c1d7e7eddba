/** Recorders with parts of a test's own. */

import type { SentinelEvent } from "../../src/core/events.ts";
import type { Recorder } from "../../src/incident/recorder.ts";

/** The same recorder, but for what a test has of its own; that may be a getter. */
export function recorderWith(recorder: Recorder, changes: Partial<Recorder>): Recorder {
  const same: Recorder = {
    get limitTracker() {
      return recorder.limitTracker;
    },
    get savedAlerts() {
      return recorder.savedAlerts;
    },
    get trouble() {
      return recorder.trouble;
    },
    saveAlerts: (service, saved) => recorder.saveAlerts(service, saved),
    former: (service) => recorder.former(service),
    takeUnfinished: (service) => recorder.takeUnfinished(service),
    record: (event) => recorder.record(event),
    commit: (intent) => recorder.commit(intent),
    told: (event) => recorder.told(event),
    refresh: () => recorder.refresh(),
    flush: () => recorder.flush(),
    takeNews: () => recorder.takeNews(),
  };
  return Object.defineProperties(same, Object.getOwnPropertyDescriptors(changes));
}

/** Of a Sentinel that may be killed: nothing of what it does from then on is kept. */
export function mortalRecorder(recorder: Recorder, isDead: () => boolean): Recorder {
  return recorderWith(recorder, {
    saveAlerts(service, saved) {
      if (!isDead()) recorder.saveAlerts(service, saved);
    },
    record(event) {
      if (!isDead()) recorder.record(event);
    },
    commit: async (intent) => isDead() || (await recorder.commit(intent)),
    async refresh() {
      if (!isDead()) await recorder.refresh();
    },
  });
}

/** Keeps an event, whichever way it is to be kept. @returns whether it is in the journal now */
export async function keep(recorder: Recorder, event: SentinelEvent): Promise<boolean> {
  if (event.type === "action_started") return recorder.commit(event);
  recorder.record(event);
  await recorder.flush();
  return recorder.trouble === undefined;
}
