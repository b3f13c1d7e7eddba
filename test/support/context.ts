/** One incident's context, for what is tried apart from the loop around it. */

import { openRecorder } from "../../src/incident/recorder.ts";
import type { IncidentEvent, IncidentFact, IntentEvent } from "../../src/core/events.ts";
import { createLock } from "../../src/core/lock.ts";
import type { Rule } from "../../src/core/model.ts";
import { createMonitor } from "../../src/rules/monitor.ts";
import type { IncidentContext, Policy, ServiceContext } from "../../src/incident/context.ts";
import type { ServiceRuntime } from "../../src/core/ports.ts";
import { memoryJournal } from "../../src/journals/memory.ts";
import {
  allowlist,
  containerState,
  OWN,
  rule,
  type Script,
  scriptedSource,
  service,
  type SimulatedClock,
  simulatedClock,
} from "./fixtures.ts";

export interface Given {
  /** What the expressions give; by default all is quiet. */
  readonly script?: Script;
  readonly rules?: readonly Rule[];
  readonly windowMs?: number;
  readonly policy?: Partial<Policy>;
  readonly serviceContext?: (
    clock: SimulatedClock,
  ) => ServiceContextChanges | Promise<ServiceContextChanges>;
}

export interface Tried {
  readonly context: IncidentContext;
  readonly clock: SimulatedClock;
  /** What was told, in order. */
  readonly events: readonly IncidentEvent[];
}

const LIMITS = { cooldownMs: 60_000, mostPerService: 1000, mostInAll: 1000 };

/** Parts of a service's context that a test has of its own; of the platform, single methods. */
export type ServiceContextChanges = Partial<Omit<ServiceContext, "platform">> & {
  readonly platform?: Partial<ServiceRuntime>;
};

/** A container that is well, and on which nothing can be started. */
const NOTHING_RUN: ServiceRuntime = {
  name: "docker",
  act: async ({ argv }) => {
    const output = "nothing can be started here";
    return { kind: "not_started", argv, exitCode: undefined, output, durationMs: 0 };
  },
  inspect: async () => containerState(),
  logs: async () => [],
};

/** Polls every 5 s, with a window of 20 s and a verdict after 30 s. */
export async function contextOf(given: Given = {}): Promise<Tried> {
  const clock = simulatedClock();
  const source = scriptedSource(clock, given.script ?? (() => 0.1));
  const windowMs = given.windowMs ?? 20_000;
  const rules = given.rules ?? [rule()];
  const events: IncidentEvent[] = [];
  const changes: ServiceContextChanges = (await given.serviceContext?.(clock)) ?? {};
  const serviceContext: ServiceContext = {
    source,
    own: source,
    monitor: createMonitor(
      {
        rulesFor: () => rules,
        findWindowMs: async () => windowMs,
        fallbackWindowMs: windowMs,
      },
      source,
      clock,
    ),
    ownerOf: () => OWN,
    diagnosers: [],
    clock,
    checkHealth: async () => ({ ok: true, message: "healthy (status 200)" }),
    recorder: await openRecorder(memoryJournal(), LIMITS, clock),
    actionLock: createLock(),
    seen: { history: { looks: [], sinceMs: clock.nowMs() } },
    ...changes,
    platform: { ...NOTHING_RUN, ...changes.platform },
  };
  const policy: Policy = {
    service: service(),
    allowlist,
    autonomy: "auto",
    pollIntervalMs: 5000,
    stabilizeMs: 30_000,
    ...given.policy,
  };
  const emit = (fact: IncidentFact): void => void events.push(fact);
  const commit = async (intent: IntentEvent): Promise<boolean> => {
    events.push(intent);
    return true;
  };
  return {
    context: { policy, serviceContext, incident: "an incident", emit, commit },
    clock,
    events,
  };
}
