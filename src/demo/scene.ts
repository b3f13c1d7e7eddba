/** One fault of the demo, from its beginning to the verdict. */

import { unlessAborted } from "../core/abort.ts";
import type { SentinelEvent, TellEvent } from "../core/events.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import { renderSummary } from "../rules/alert-summary.ts";
import { type DemoFault, SCENES, type Victim } from "./faults.ts";
import type { Narrator } from "./narrator.ts";
import { type Score, seconds } from "./scoreboard.ts";

/** What happens to the service, as the observer tells it. */
export interface Stage {
  /** Resolves once no alert is active any more; never if the signal aborts first. */
  calm(signal: AbortSignal): Promise<void>;
  /** Tells of each event until the returned function is called. */
  listen(listener: TellEvent): () => void;
}

interface Scene {
  readonly fault: DemoFault;
  /** Such as `1/5`. */
  readonly number: string;
  readonly narrator: Narrator;
  readonly victim: Victim;
  readonly stage: Stage;
}

/**
 * Plays one fault. The first incident after it began is taken for its own.
 *
 * @param signal aborted when there is no time left: then the score says how far it came
 */
export async function playScene(scene: Scene, signal: AbortSignal): Promise<Score> {
  const { fault, number, narrator, victim, stage } = scene;
  narrator.wait("waiting until all is quiet");
  await unlessAborted(stage.calm(signal), signal, () => undefined);

  const beganMs = Date.now();
  let score = scoreOf(fault, undefined, beganMs);
  if (signal.aborted) return score;
  narrator.say("", `${number}  ${fault}: the service ${SCENES[fault].what}`);
  narrator.wait("looking for it");

  const closed = Promise.withResolvers<void>();
  const stopListening = stage.listen((event) => {
    if (event.record !== undefined) score = scoreOf(fault, event.record, beganMs);
    tell(narrator, event, event.atMs - beganMs);
    if (event.type === "incident_closed") closed.resolve();
  });
  const stop = new AbortController();
  const lasting = SCENES[fault].begin(victim, AbortSignal.any([signal, stop.signal]));
  try {
    await unlessAborted(closed.promise, signal, () => undefined);
    return score;
  } finally {
    narrator.settle();
    stopListening();
    stop.abort();
    await lasting;
  }
}

/** How far it has come. */
function scoreOf(fault: DemoFault, record: IncidentRecord | undefined, beganMs: number): Score {
  const { openedAtMs, closedAtMs, diagnosis, action, closing } = record ?? {};
  const after = (atMs: number | undefined) => (atMs === undefined ? undefined : atMs - beganMs);
  const unfinished = record === undefined ? "not found in time" : "no verdict in time";
  const isHealed = closing?.verdict?.kind === "healed";
  return {
    fault,
    detectedAfterMs: after(openedAtMs),
    diagnosedBy: diagnosis?.diagnoser,
    action: action?.id,
    healedAfterMs: isHealed ? after(closedAtMs) : undefined,
    verdict: closing?.verdict?.kind ?? closing?.result ?? unfinished,
  };
}

/** Says in plain words what happened, and only what a person waits for. */
function tell(narrator: Narrator, event: SentinelEvent, afterMs: number): void {
  const say = (what: string, text: string) => narrator.say(`     ${what.padEnd(11)}${text}`);
  switch (event.type) {
    case "incident_opened": {
      const { rule } = event.alert;
      say("found", `after ${seconds(afterMs)}: ${rule.alert}, ${renderSummary(event.alert)}`);
      narrator.wait("asking for a diagnosis");
      return;
    }
    case "diagnosis_failed":
      say("no answer", `${event.diagnoser}: ${event.message}`);
      return;
    case "diagnosed":
      say("diagnosed", `by ${event.diagnoser}: ${event.diagnosis.rootCause}`);
      return;
    case "action_started":
      say("acts", `${event.action}, which the diagnosis chose and the alert's rule permits`);
      narrator.wait("acting");
      return;
    case "verification_started":
      narrator.wait("watching whether it healed");
      return;
    case "incident_closed": {
      const { verdict, result } = event.closing;
      const isHealed = verdict?.kind === "healed";
      const what = isHealed ? "healed" : (verdict?.kind ?? result).replace("_", " ");
      say(what, `after ${seconds(afterMs)}: ${verdict?.reason ?? "left to a person"}`);
      return;
    }
  }
}
