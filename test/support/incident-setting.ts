/** One incident of a service that is hot until its action has run, taken step by step. */

import { contextOf, type Given, type Tried } from "./context.ts";
import { alert, allowlist, containerState, diagnosis, NEVER, rule, START_MS } from "./fixtures.ts";
import type { ActionId } from "../../src/allowlist.ts";
import { type Findings, type Waiting, handleIncident } from "../../src/incident/incident.ts";
import type { Alert, ContainerState, Outcome } from "../../src/core/model.ts";
import type { IncidentContext, ServiceContext } from "../../src/incident/context.ts";

export const SECOND = 1000;
export const CPU = rule();
export const FIRED = alert({ rule: CPU });
export const ARGV = allowlist["docker-restart"].argv;

export const FINDINGS: Findings = {
  alert: FIRED,
  openedAtMs: START_MS - 3 * SECOND,
  onsetMs: START_MS - 10 * SECOND,
  container: { kind: "found", value: containerState() },
  wasHealthy: true,
};

/** A request to which a person has said yes. */
export const APPROVED: Waiting = {
  ...{ findings: FINDINGS, action: "docker-restart", argv: ARGV, request: "r" },
  expiresAtMs: Infinity,
};

export const same = async () => containerState();
export const found = (changes: Partial<ContainerState>) => async () => containerState(changes);
export const none = async () => undefined;
export const unknown = async (): Promise<undefined> => {
  throw new Error("Docker does not answer");
};
export type Inspect = ServiceContext["platform"]["inspect"];

export interface Setting extends Given {
  readonly inspect?: Inspect;
  readonly outcome?: Partial<Outcome>;
  readonly action?: ActionId | "none";
  /** The journal takes no intent. */
  readonly isUnwritable?: boolean;
}

/** A service that is hot until its action has run for 2 s, and what ran. */
export async function setting(
  given: Setting = {},
): Promise<Tried & { runs: string[]; timeouts: unknown[] }> {
  const runs: string[] = [];
  const timeouts: unknown[] = [];
  const tried = await contextOf({
    rules: [CPU],
    script: () => (runs.length === 0 ? 1.9 : 0.1),
    ...given,
    serviceContext: async (clock) => ({
      platform: {
        inspect: given.inspect ?? same,
        async act({ id, platform, argv }, _signal, stopTimeoutMs) {
          runs.push(`${platform} ${id}`);
          timeouts.push(stopTimeoutMs);
          clock.pass(2 * SECOND);
          const done = { argv, exitCode: 0, output: "", durationMs: 2000 };
          return { kind: "succeeded", ...done, ...given.outcome };
        },
      },
      diagnosers: [
        {
          name: "a model",
          deadlineMs: 30_000,
          async diagnose() {
            clock.pass(SECOND);
            return diagnosis({ action: given.action ?? "docker-restart" });
          },
        },
      ],
      ...(await given.serviceContext?.(clock)),
    }),
  });
  const { commit } = tried.context;
  const context: IncidentContext = {
    ...tried.context,
    commit: async (intent) => !given.isUnwritable && commit(intent),
  };
  return { ...tried, context, runs, timeouts };
}

export async function handled(given: Setting = {}, signal: AbortSignal = NEVER) {
  const tried = await setting(given);
  const poll = await tried.context.serviceContext.monitor.poll(NEVER);
  const end = await handleIncident({ alert: FIRED, poll }, tried.context, signal);
  return { ...tried, end, types: tried.events.map(({ type }) => type) };
}

/** A monitor whose polls give these alerts, and what each was asked to evaluate anew. */
export async function monitorOf(
  alerts: readonly Alert[],
  fresh: unknown[] = [],
): Promise<ServiceContext["monitor"]> {
  const { monitor } = (await contextOf({ rules: [CPU], script: () => 0.1 })).context.serviceContext;
  const poll: ServiceContext["monitor"]["poll"] = async (signal, options) => {
    fresh.push(options?.fresh);
    return { ...(await monitor.poll(signal)), alerts };
  };
  return { ...monitor, windowMs: monitor.windowMs, poll };
}
