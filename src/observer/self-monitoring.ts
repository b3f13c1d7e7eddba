/** Signs of life of the observer itself: what it serves, what it counts, and what ends it if it stalls. */

import { collectGarbageNowAndThen } from "./collect-garbage.ts";
import type { ObserverSettings } from "../config/config.ts";
import type { ToldEvent } from "../core/events.ts";
import type { Journal } from "../core/ports.ts";
import { foldIncidents } from "../core/incident-record.ts";
import { isAlerting } from "../rules/files/group.ts";
import type { SharedRules } from "../rules/shared-rules.ts";
import type { Alert, Service } from "../core/model.ts";
import type { Monitor, Poll } from "../rules/monitor.ts";
import { moveAlert } from "../incident/wall-time.ts";
import { PLAYBOOK_NAME } from "../diagnosis/playbook/consult.ts";
import { createObserverMetrics } from "../http/metrics.ts";
import { API_BOUNDS } from "../http/prometheus-api/api.ts";
import type { ApiSources } from "../http/prometheus-api/endpoint.ts";
import { MAX_SILENT_INTERVALS, whyNotReady } from "../http/readiness.ts";
import { serveDashboard } from "../http/server.ts";
import { diagnosersOf, type Signals, watchesLabelled } from "./drivers.ts";
import { ownProcess } from "./own-process.ts";
import { createQueryThread } from "../http/query-thread/host.ts";
import { readScrapeAges } from "./scrape-ages.ts";
import type { EmbeddedSource } from "../signals/embedded/embedded.ts";
import { systemClock } from "./system-clock.ts";
import type { Loop } from "./watchdog/stall-detector.ts";
import { startWatchdog, type Watchdog } from "./watchdog/watchdog.ts";

/** A service, and what reads it. */
export interface Watched {
  readonly service: Service;
  readonly monitor: Monitor;
}

interface VitalsOptions {
  readonly settings: ObserverSettings;
  readonly signals: Signals;
  /** Through it a person's word that comes over HTTP reaches the loops. */
  readonly journal: Journal;
  /** Read again each time: containers with the label come and go. */
  readonly watched: readonly Watched[];
  /** The rules of files, which belong to no service. */
  readonly sharedRules: SharedRules;
  /** Says to a person what is not an event. */
  readonly say: (topic: string, text: string) => void;
  /** Ends the process when a loop is stalled; without it no loop is watched. */
  readonly onStall?: ((why: string) => void) | undefined;
}

export interface Vitals {
  observe(event: ToldEvent): void;
  onPoll(poll: Poll, durationMs: number): void;
  /** A service's loop, which has to beat from now on. */
  join(service: string): Loop;
  /** Serves, and watches over the loops, until it is disposed of. @throws SentinelError `listen` */
  start(): AsyncDisposable & { readonly url: string };
}

/** Shorter intervals than 3 s are no reason to be impatient: a busy machine may be slow. */
const MIN_STALL_MS = 15_000;

const UNWATCHED: Loop = { beat() {}, leave() {} };

export function createVitals(options: VitalsOptions): Vitals {
  const { settings, signals, watched, sharedRules, onStall, journal, say } = options;
  const { version, pollIntervalMs, observerPort, operatorToken } = settings;
  let watchdog: Watchdog | undefined;
  const metrics = createObserverMetrics({
    version,
    diagnosers: [...diagnosersOf(settings).map(({ name }) => name), PLAYBOOK_NAME],
    watched: () => watched,
    sharedRules,
    process: ownProcess,
  });
  const { embedded } = signals;
  const queries = embedded && createQueryThread({ store: embedded.store, bounds: API_BOUNDS });
  const sources = {
    version,
    metrics,
    async whyNotReady() {
      const ages = await readScrapeAges(signals);
      const nowMs = systemClock.nowMs();
      return whyNotReady(watched, { nowMs, intervalMs: pollIntervalMs, ages });
    },
    watched: () => watched,
    operator: {
      token: operatorToken,
      nowMs: () => systemClock.toWall(systemClock.nowMs()),
      records: async () => foldIncidents(await journal.readAfter(0)),
      services: () => ({
        names: watched.map(({ service }) => service.name),
        isComplete: !watchesLabelled(settings),
      }),
      commit: journal.commit,
      onRefused: metrics.refused,
      tell: (text: string) => say("operator", text),
    },
    ...(queries === undefined || embedded === undefined
      ? {}
      : { api: { ...apiOf(embedded, options), evaluate: queries.ask } }),
  };
  return {
    observe: metrics.observe,
    onPoll: metrics.polled,
    join: (service) => watchdog?.join(`the loop over ${service}`) ?? UNWATCHED,
    start() {
      const dashboard = serveDashboard(sources, observerPort);
      const limitMs = Math.max(MAX_SILENT_INTERVALS * pollIntervalMs, MIN_STALL_MS);
      if (onStall !== undefined) watchdog = startWatchdog({ limitMs, onStall });
      const collecting = collectGarbageNowAndThen();
      return {
        url: dashboard.url,
        async [Symbol.asyncDispose]() {
          collecting[Symbol.dispose]();
          await watchdog?.[Symbol.asyncDispose]();
          await dashboard.close();
          await queries?.[Symbol.asyncDispose]();
        },
      };
    },
  };
}

function apiOf(
  embedded: EmbeddedSource,
  { settings, watched, sharedRules }: VitalsOptions,
): ApiSources {
  const shown = (alert: Alert) => moveAlert(alert, systemClock.toWall(0));
  const toWall = (poll: { readonly atMs: number } | undefined) =>
    poll && systemClock.toWall(poll.atMs);
  return {
    version: settings.version,
    store: embedded.store,
    nowMs: embedded.presentMs,
    ruleGroups: () => [
      ...watched.map(({ service, monitor }) => ({
        name: `sentinel-${service.name}`,
        intervalMs: settings.pollIntervalMs,
        rules: monitor.rules,
        alerts: (monitor.lastPoll?.alerts ?? [])
          .filter(({ rule }) => rule.service !== undefined)
          .map(shown),
        lastEvaluationMs: toWall(monitor.lastPoll),
      })),
      ...groupsOf(sharedRules).map(({ alerts, ...group }) => ({
        ...group,
        intervalMs: group.intervalMs ?? settings.pollIntervalMs,
        alerts: alerts.map(shown),
        lastEvaluationMs: toWall(sharedRules.lastPoll),
      })),
    ],
    targets: () => embedded.targets(),
  };
}

/** The groups of files, each with its alerts as they stand. */
function groupsOf({ groups, lastPoll }: SharedRules) {
  const byRule = Map.groupBy(lastPoll?.alerts ?? [], ({ rule }) => rule);
  return groups.map(({ name, intervalMs, limit, rules: all }) => {
    const rules = all.filter(isAlerting);
    const recordings = all.filter((rule) => !isAlerting(rule));
    const alerts = rules.flatMap((rule) => byRule.get(rule) ?? []);
    return { name, intervalMs, limit, rules, recordings, alerts };
  });
}
