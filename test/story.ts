/** A service watched from its first poll to the end of the story, on simulated time. */

import type { Closing, SentinelEvent } from "../src/core/events.ts";
import type { Policy, World } from "../src/core/incident.ts";
import type { Outcome, Rule } from "../src/core/model.ts";
import { createMonitor, type MonitorOptions } from "../src/core/monitor.ts";
import type { Diagnoser } from "../src/core/ports.ts";
import { watch } from "../src/core/watch.ts";
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

export interface Story {
  readonly script: Script;
  readonly rules?: readonly Rule[];
  readonly policy?: Partial<Policy>;
  readonly diagnosers?: (clock: SimulatedClock) => readonly Diagnoser[];
  /** What the executor does while it runs; it answers after 2 s. */
  readonly act?: (clock: SimulatedClock) => Partial<Outcome>;
  readonly world?: (clock: SimulatedClock) => Partial<World>;
  readonly windowMs?: number;
  readonly onPoll?: MonitorOptions["onPoll"];
  /** When Sentinel is told to stop, from the start of the story. */
  readonly untilMs: number;
  /** Told to stop when this type of event has been told, if that comes earlier. */
  readonly stopAt?: SentinelEvent["type"];
}

export interface Told {
  readonly events: readonly SentinelEvent[];
  /** Each run of an executor: when, and the id. */
  readonly runs: readonly { readonly elapsedMs: number; readonly id: string }[];
  readonly closings: readonly Closing[];
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
  const clock = simulatedClock();
  const source = scriptedSource(clock, story.script);
  const windowMs = story.windowMs ?? 20_000;
  const rules = story.rules ?? [rule()];
  const options = {
    rulesFor: () => rules,
    findWindowMs: async () => windowMs,
    fallbackWindowMs: windowMs,
    ...(story.onPoll === undefined ? {} : { onPoll: story.onPoll }),
  };
  const stop = new AbortController();
  const events: SentinelEvent[] = [];
  const runs: { elapsedMs: number; id: string }[] = [];
  const executor = (name: "docker" | "compose"): World["executors"][number] => ({
    name,
    async run({ id, argv }) {
      runs.push({ elapsedMs: clock.elapsedMs, id });
      clock.pass(2000);
      const done = { kind: "succeeded", argv, exitCode: 0, output: "", durationMs: 2000 } as const;
      return { ...done, ...story.act?.(clock) };
    },
  });
  clock.at(story.untilMs, () => stop.abort());
  await watch(
    {
      policy: {
        service: service(),
        allowlist,
        autonomy: "auto",
        pollIntervalMs: 5000,
        stabilizeMs: 30_000,
        ...story.policy,
      },
      world: {
        source,
        monitor: createMonitor(options, source, clock),
        runtime: { inspect: async () => containerState(), logs: async () => [] },
        diagnosers: story.diagnosers?.(clock) ?? [diagnoser(clock)],
        executors: [executor("docker"), executor("compose")],
        clock,
        checkHealth: async () => ({ ok: true, message: "healthy (status 200)" }),
        ...story.world?.(clock),
      },
      cooldownMs: 60_000,
      emit: (event) => {
        events.push(event);
        if (event.type === story.stopAt) stop.abort();
      },
    },
    stop.signal,
  );
  const closings = events.flatMap((event) =>
    event.type === "incident_closed" ? event.closing : [],
  );
  return { events, runs, closings };
}

/** Hot from 10 s on, until an action has run for a moment. */
export function hotUntil(endMs: number, fromMs = 10_000): Script {
  return (_, elapsedMs) => (elapsedMs >= fromMs && elapsedMs < endMs ? 1.9 : 0.1);
}
