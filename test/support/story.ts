/** A service watched from its first poll to the end of the story, on simulated time. */

import type { SentinelEvent, ToldEvent } from "../../src/core/events.ts";
import { openRecorder } from "../../src/incident/recorder.ts";
import type { Limits } from "../../src/decision/limits.ts";
import { createLock } from "../../src/core/lock.ts";
import type { Closing, Outcome, Rule } from "../../src/core/model.ts";
import { createMonitor, type MonitorOptions } from "../../src/rules/monitor.ts";
import type { Diagnoser, Journal, ServiceRuntime, SignalSource } from "../../src/core/ports.ts";
import { createDirectory, type Identity, ownerOfAlert } from "../../src/rules/ownership.ts";
import { groupOf } from "./rule-file.ts";
import { createSharedRules } from "../../src/rules/shared-rules.ts";
import { createServiceLoop } from "../../src/incident/service-loop.ts";
import type { Policy, ServiceContext } from "../../src/incident/context.ts";
import type { ServiceContextChanges } from "./context.ts";
import { memoryJournal } from "../../src/journals/memory.ts";
import { mortalRecorder } from "./recorder.ts";
import {
  allowlist,
  containerState,
  diagnosis,
  rule,
  type Script,
  type SimulatedClock,
  scriptedSource,
  service,
  simulatedClock,
} from "./fixtures.ts";

export { memoryJournal };

export interface Story {
  readonly script: Script;
  readonly rules?: readonly Rule[];
  /** Rules of files, evaluated for all services. */
  readonly files?: readonly Rule[];
  /** Services that are watched beside the one that the story is about. */
  readonly others?: readonly Identity[];
  readonly policy?: Partial<Policy>;
  readonly diagnosers?: (clock: SimulatedClock) => readonly Diagnoser[];
  /** What the platform does while it acts; it answers after 2 s. */
  readonly act?: (clock: SimulatedClock) => Partial<Outcome>;
  readonly serviceContext?: (
    clock: SimulatedClock,
  ) => ServiceContextChanges | Promise<ServiceContextChanges>;
  /** What is asked for samples; by default the script itself. */
  readonly source?: (clock: SimulatedClock) => SignalSource;
  readonly windowMs?: number;
  readonly limits?: Partial<Limits>;
  /** What is left of an earlier story, and its time, which goes on. */
  readonly journal?: Journal;
  readonly clock?: SimulatedClock;
  /** Sentinel is killed right after this event: nothing of what it does from then on has any effect. */
  readonly killAt?: (event: SentinelEvent) => boolean;
  /** Killed while the command runs, which goes on and has its effect. */
  readonly killInAction?: boolean;
  readonly onPoll?: MonitorOptions["onPoll"];
  /** When Sentinel is told to stop, from the start of the story. */
  readonly untilMs: number;
  /** What tells it to stop, if a story has its own way. */
  readonly stop?: AbortController;
  /** Told to stop when this type of event has been told, if that comes earlier. */
  readonly stopAt?: SentinelEvent["type"];
}

/** The events of an incident in which one action was run, in their order. */
export const ACTED = [
  "incident_opened",
  "evidence_collected",
  "diagnosed",
  "decided",
  "action_started",
  "action_finished",
  "verification_started",
  "incident_closed",
] as const satisfies readonly SentinelEvent["type"][];

export interface Told {
  readonly events: readonly ToldEvent[];
  /** Each run of an executor: when, and the id. */
  readonly runs: readonly { readonly elapsedMs: number; readonly id: string }[];
  readonly closings: readonly Closing[];
  readonly journal: Journal;
  readonly clock: SimulatedClock;
}

/** A diagnoser that answers the same each time, after that long. */
export function diagnoser(
  clock: SimulatedClock,
  {
    name = "a model",
    takesMs = 1000,
    ...changes
  }: Partial<Parameters<typeof diagnosis>[0]> & {
    readonly name?: string;
    readonly takesMs?: number;
  } = {},
): Diagnoser {
  return {
    name,
    deadlineMs: 30_000,
    async diagnose() {
      clock.pass(takesMs);
      return diagnosis(changes);
    },
  };
}

/** Polls every 5 s, with a window of 20 s, a verdict after 30 s and a cooldown of 60 s. */
export async function tell(story: Story): Promise<Told> {
  const clock = story.clock ?? simulatedClock();
  let isDead = false;
  const source = story.source?.(clock) ?? scriptedSource(clock, story.script);
  const windowMs = story.windowMs ?? 20_000;
  const rules = story.rules ?? [rule()];
  const options = {
    rulesFor: () => rules,
    findWindowMs: async () => windowMs,
    fallbackWindowMs: windowMs,
    ...(story.onPoll === undefined ? {} : { onPoll: story.onPoll }),
  };
  const stop = story.stop ?? new AbortController();
  const own = story.policy?.service ?? service();
  const directory = createDirectory([own, ...(story.others ?? [])]);
  const die = () => {
    isDead = true;
    stop.abort();
  };
  const events: ToldEvent[] = [];
  const runs: { elapsedMs: number; id: string }[] = [];
  const platform: ServiceRuntime = {
    name: "docker",
    inspect: async () => containerState(),
    logs: async () => [],
    async act({ id, argv }) {
      const nothing = {
        kind: "cancelled",
        argv,
        exitCode: undefined,
        output: "",
        durationMs: 0,
      } as const;
      if (isDead) return nothing;
      runs.push({ elapsedMs: clock.elapsedMs, id });
      clock.pass(2000);
      const done = { kind: "succeeded", argv, exitCode: 0, output: "", durationMs: 2000 } as const;
      const outcome = { ...done, ...story.act?.(clock) };
      if (story.killInAction === true) die();
      return outcome;
    },
  };
  clock.at(story.untilMs, () => stop.abort());
  const journal = story.journal ?? memoryJournal();
  const limits = {
    cooldownMs: 60_000,
    // So many that a story meets the limits only where it is about them.
    mostPerService: 1000,
    mostInAll: 1000,
    ...story.limits,
  };
  const recorder = mortalRecorder(await openRecorder(journal, limits, clock), () => isDead);
  const restored = recorder.savedAlerts.get(own.name)?.alerts ?? [];
  const sharedRules = createSharedRules(
    {
      groups: [groupOf(story.files ?? [])],
      directory: () => directory,
      pollIntervalMs: 5000,
      signal: stop.signal,
      restored,
    },
    source,
    clock,
  );
  const changes: ServiceContextChanges = (await story.serviceContext?.(clock)) ?? {};
  const serviceContext: ServiceContext = {
    source,
    own: source,
    monitor: createMonitor(
      { ...options, restored, shared: { rules: sharedRules, service: own.name } },
      source,
      clock,
    ),
    ownerOf: (alert) => ownerOfAlert(alert, directory),
    diagnosers: story.diagnosers?.(clock) ?? [diagnoser(clock)],
    clock,
    checkHealth: async () => ({ ok: true, message: "healthy (status 200)" }),
    recorder,
    actionLock: createLock(),
    seen: { history: { looks: [], sinceMs: clock.nowMs() } },
    ...changes,
    platform: { ...platform, ...changes.platform },
  };
  const loop = createServiceLoop({
    policy: {
      service: service(),
      allowlist,
      autonomy: "auto",
      pollIntervalMs: 5000,
      stabilizeMs: 30_000,
      ...story.policy,
    },
    serviceContext,
    emit: (event) => {
      if (isDead) return;
      events.push(serviceContext.recorder.told(event));
      if (event.type === story.stopAt) stop.abort();
      if (story.killAt?.(event) !== true) return;
      die();
    },
  });
  await loop.run(stop.signal);
  // What was recorded before it was killed is kept.
  await serviceContext.recorder.flush();
  const closings = events.flatMap((event) =>
    event.type === "incident_closed" ? event.closing : [],
  );
  return { events, runs, closings, journal, clock };
}

/** Hot from 10 s on, until an action has run for a moment. */
export function hotUntil(endMs: number, fromMs = 10_000): Script {
  return (_, elapsedMs) => (elapsedMs >= fromMs && elapsedMs < endMs ? 1.9 : 0.1);
}
