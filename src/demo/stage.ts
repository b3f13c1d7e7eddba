/** Passes the observer's events on, and knows from them whether an alert is active. */

import type { TellEvent } from "../core/events.ts";
import type { Stage } from "./scene.ts";

/** After an incident the observer polls at once; until then its alerts are those of before. */
const POLLED_AFTER_MS = 300;
const LOOK_EVERY_MS = 100;

export function createStage(): Stage & { readonly emit: TellEvent } {
  const listeners = new Set<TellEvent>();
  const active = new Set<string>();
  let hasPolled = false;

  return {
    emit(event) {
      if (event.type === "quiet") hasPolled = true;
      if (event.type === "alert_changed") {
        const { state, rule } = event.alert;
        if (state === "pending" || state === "firing") active.add(rule.alert);
        else active.delete(rule.alert);
      }
      for (const listener of listeners) listener(event);
    },
    async calm(signal) {
      await Bun.sleep(POLLED_AFTER_MS);
      while ((!hasPolled || active.size > 0) && !signal.aborted) await Bun.sleep(LOOK_EVERY_MS);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
