/** Makes each step of a loop a sign of life, and long waits known in advance. */

import type { Lock } from "../../core/lock.ts";
import type { Clock, Diagnoser, ServiceRuntime } from "../../core/ports.ts";
import type { ServiceContext } from "../../incident/context.ts";
import type { Loop } from "./stall-detector.ts";

/** Through these a loop waits. Each has a deadline of its own. */
export interface Waits {
  readonly clock: Clock;
  readonly platform: ServiceRuntime;
  readonly diagnosers: readonly Diagnoser[];
  readonly actionLock: Lock;
  readonly findComposeService?: ServiceContext["findComposeService"];
}

/** What an action may take beyond the service's stop, with the time to end what overran it. */
const MAX_ACTION_MS = 180_000;
/** The longest question to Docker. */
const MAX_QUESTION_MS = 15_000;

/** Above the deadline of looking up where Compose has a service. */
const MAX_LOOKUP_MS = 30_000;

/** For its turn to act, behind any number of others; whoever has it is watched as well. */
const MAX_TURN_MS = 3_600_000;

/** The same context, through which the loop beats whenever it begins or ends to wait. */
export function withHeartbeat<Given extends Waits>(
  serviceContext: Given,
  { beat }: Pick<Loop, "beat">,
): Given {
  const { clock, platform, actionLock, findComposeService: find } = serviceContext;
  const { deaths, surroundings } = platform;
  const during = async <T>(mostMs: number, work: () => Promise<T>): Promise<T> => {
    beat(mostMs);
    try {
      return await work();
    } finally {
      beat();
    }
  };
  return {
    ...serviceContext,
    clock: {
      ...clock,
      sleep: (durationMs, signal) => during(durationMs, () => clock.sleep(durationMs, signal)),
    },
    actionLock: {
      acquire: (signal) => during(MAX_TURN_MS, () => actionLock.acquire(signal)),
    },
    platform: {
      ...platform,
      act: (action, signal, stopTimeoutMs = 0) =>
        during(MAX_ACTION_MS + stopTimeoutMs, () => platform.act(action, signal, stopTimeoutMs)),
      inspect: (name, signal) => during(MAX_QUESTION_MS, () => platform.inspect(name, signal)),
      logs: (name, lines, signal) =>
        during(MAX_QUESTION_MS, () => platform.logs(name, lines, signal)),
      ...(deaths && {
        deaths: (containerId, signal) =>
          during(2 * MAX_QUESTION_MS, () => deaths(containerId, signal)),
      }),
      ...(surroundings && {
        surroundings: {
          setup: (name, signal) => during(MAX_QUESTION_MS, () => surroundings.setup(name, signal)),
          events: (names, sinceMs, signal) =>
            during(MAX_QUESTION_MS, () => surroundings.events(names, sinceMs, signal)),
          beside: (signal) => during(MAX_QUESTION_MS, () => surroundings.beside(signal)),
        },
      }),
    },
    findComposeService:
      find &&
      ((service: string, signal: AbortSignal) =>
        during(MAX_LOOKUP_MS, () => find(service, signal))),
    diagnosers: serviceContext.diagnosers.map((diagnoser) => ({
      ...diagnoser,
      diagnose: (request, signal) =>
        during(diagnoser.deadlineMs, () => diagnoser.diagnose(request, signal)),
    })),
  };
}
