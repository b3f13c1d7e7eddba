/** What is found out around an alert, beside the service itself: each part by itself, and none a condition. */

import type { LogDigest, Surroundings } from "../core/evidence.ts";
import type { Alert, ContainerState, Observation, Sample } from "../core/model.ts";
import { changesOf, withSetup } from "../diagnosis/evidence/changes.ts";
import { formerOf } from "../diagnosis/evidence/former.ts";
import { neighboursOf } from "../diagnosis/evidence/neighbours.ts";
import { axisOf, signalQueries, timelineOf } from "../diagnosis/evidence/timeline.ts";
import {
  counterOf,
  countersQuery,
  requestsQuery,
  trafficOf,
  trafficQuery,
} from "../diagnosis/evidence/traffic.ts";
import type { Lock } from "../core/lock.ts";
import type { IncidentContext, ServiceContext } from "./context.ts";

/** So far back changes are told. */
const CHANGES_MS = 24 * 60 * 60_000;

interface Around {
  readonly alert: Alert;
  readonly onsetMs: number | undefined;
  readonly container: Observation<ContainerState>;
  readonly log: LogDigest | undefined;
}

/** All parts that somebody tells of. They are a help, not a condition: a part that cannot be read is absent. */
export async function collectSurroundings(
  around: Around,
  { policy, serviceContext }: Pick<IncidentContext, "policy" | "serviceContext">,
  abort: AbortSignal,
): Promise<Surroundings> {
  const { service } = policy;
  const about = { service: service.name, job: service.job, instance: service.instance, ...around };
  const requests = await orUndefined(readRequests(about, serviceContext, abort));
  const { traffic, expr } = requests ?? {};
  const [timeline, changes, beside] = await Promise.all([
    orUndefined(readTimeline({ ...about, requests: expr }, serviceContext, abort)),
    orUndefined(readChanges(service.name, serviceContext, abort)),
    orUndefined(serviceContext.platform.surroundings?.beside(abort)),
  ]);
  const setup = serviceContext.seen.setups?.at(-1)?.setup;
  return {
    traffic,
    timeline,
    limits: setup?.limits,
    changes,
    neighbours:
      beside &&
      neighboursOf({
        service: service.name,
        setup,
        beside,
        alerting: serviceContext.alertingServices?.() ?? new Map(),
        log: around.log,
      }),
    former: formerOf(serviceContext.recorder.former(service.name)),
  };
}

async function orUndefined<T>(asked: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await asked;
  } catch {
    return undefined;
  }
}

/** How its container is set up, remembered so that a later change of it is seen. */
async function rememberSetup(
  service: string,
  { platform, clock, seen }: Pick<ServiceContext, "platform" | "clock" | "seen">,
  abort: AbortSignal,
): Promise<void> {
  const setup = await orUndefined(platform.surroundings?.setup(service, abort));
  if (setup !== undefined)
    seen.setups = withSetup(seen.setups ?? [], setup, clock.toWall(clock.nowMs()));
}

/** Only what was seen before a change tells what changed. */
const LOOK_EVERY_MS = 60 * 60_000;

/** Looks now and every hour, one service at a time, until the signal aborts. */
export async function keepRememberingSetup(
  service: string,
  serviceContext: Pick<ServiceContext, "platform" | "clock" | "seen">,
  { turn, abort }: { readonly turn: Lock; readonly abort: AbortSignal },
): Promise<void> {
  while (serviceContext.platform.surroundings !== undefined && !abort.aborted) {
    {
      using _ = await turn.acquire(abort);
      if (!abort.aborted) await rememberSetup(service, serviceContext, abort);
    }
    await serviceContext.clock.sleep(LOOK_EVERY_MS, abort);
  }
}

interface About extends Around {
  readonly service: string;
  readonly job: string | undefined;
  readonly instance: string | undefined;
}

interface Requests {
  readonly traffic: Surroundings["traffic"];
  /** All of them, as one series. */
  readonly expr: string;
}

/** By the best counter that the service has. */
async function readRequests(
  { job, instance, onsetMs }: About,
  { source, clock, monitor: { windowMs } }: ServiceContext,
  abort: AbortSignal,
): Promise<Requests | undefined> {
  if (job === undefined) return undefined;
  const selector = [
    `job=${JSON.stringify(job)}`,
    ...(instance === undefined ? [] : [`instance=${JSON.stringify(instance)}`]),
  ].join(",");
  const counter = counterOf(await source.query(countersQuery(selector), abort));
  if (counter === undefined) return undefined;
  const ask = (agoMs: number, rangeMs: number) =>
    source.query(trafficQuery({ counter, selector, windowMs: rangeMs, agoMs }), abort);
  const agoMs = onsetMs === undefined ? undefined : clock.nowMs() - onsetMs + windowMs;
  const [now, before] = await Promise.all([
    ask(0, windowMs),
    agoMs === undefined ? undefined : beforeOnset((rangeMs) => ask(agoMs, rangeMs), windowMs),
  ]);
  return {
    traffic: trafficOf(now, before),
    expr: requestsQuery({ counter, selector, windowMs }),
  };
}

/** Over a longer range, so that a few requests are a rate as well; over a short one where there is no more. */
async function beforeOnset(
  ask: (rangeMs: number) => Promise<readonly Sample[]>,
  windowMs: number,
): Promise<readonly Sample[] | undefined> {
  const long = await ask(4 * windowMs);
  const samples = long.length > 0 ? long : await ask(windowMs);
  return samples.length > 0 ? samples : undefined;
}

async function readTimeline(
  { service, onsetMs, container, requests }: About & { readonly requests: string | undefined },
  { source, clock, monitor: { rules, windowMs } }: ServiceContext,
  abort: AbortSignal,
): Promise<Surroundings["timeline"]> {
  const { queries, leftOut } = signalQueries({ rules, service, windowMs, requests });
  const axis = axisOf(windowMs);
  const answers = await Promise.all(
    queries.map(async (query) => ({
      query,
      // What the source does not know leaves the others on the axis.
      series: (await orUndefined(source.range(query.expr, axis, abort))) ?? [],
    })),
  );
  const startedAtMs = container.kind === "found" ? container.value.startedAtMs : undefined;
  return timelineOf(
    answers,
    {
      stepMs: axis.stepMs,
      toMs: clock.nowMs(),
      onsetMs,
      startedAtMs: startedAtMs === undefined ? undefined : clock.fromWall(startedAtMs),
    },
    leftOut,
  );
}

/** By the clock, as all of the evidence. */
async function readChanges(
  service: string,
  serviceContext: ServiceContext,
  abort: AbortSignal,
): Promise<Surroundings["changes"]> {
  const { platform, clock, seen, recorder } = serviceContext;
  if (platform.surroundings === undefined) return undefined;
  const sinceMs = clock.toWall(clock.nowMs()) - CHANGES_MS;
  await rememberSetup(service, serviceContext, abort);
  // Networks tell of a container by its id alone.
  const ids = new Set((seen.setups ?? []).map(({ setup }) => setup.containerId));
  const events = await platform.surroundings.events([service, ...ids], sinceMs, abort);
  const records = recorder.former(service).map((record) => ({
    ...record,
    intentAtMs: record.intentAtMs === undefined ? undefined : clock.toWall(record.intentAtMs),
  }));
  const { told, leftOut } = changesOf({ setups: seen.setups ?? [], events, records, sinceMs });
  return {
    told: told.map((change) => ({ ...change, atMs: clock.fromWall(change.atMs) })),
    leftOut,
  };
}
