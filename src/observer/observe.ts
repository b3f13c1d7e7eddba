/** Watches services with the drivers given: one loop for each, and the API over what is scraped. */

import { allowlistFor, defaultActions } from "../allowlist.ts";
import type { ObserverSettings } from "../config/config.ts";
import { type Book, openBook } from "../incident/recorder.ts";
import type { EmitEvent, TellEvent } from "../core/events.ts";
import { createLock, type Lock } from "../core/lock.ts";
import type { Alert, Service } from "../core/model.ts";
import { createMonitor, type Monitor, type MonitorOptions } from "../rules/monitor.ts";
import { createDirectory, ownerOfAlert, type ServiceDirectory } from "../rules/ownership.ts";
import type { Diagnoser, Journal, Platform } from "../core/ports.ts";
import { createSharedRules, type SharedRules } from "../rules/shared-rules.ts";
import { createSharedTeller } from "../rules/shared-teller.ts";
import { createServiceLoop, GONE } from "../incident/service-loop.ts";
import type { World } from "../incident/context.ts";
import { dockerNotices } from "./docker-notices.ts";
import { diagnosersOf, platformOf, type Signals } from "./drivers.ts";
import { checkHealth } from "./health.ts";
import { containerMonitorOptions, monitorOptions, rulesOfFiles } from "./effective-rules.ts";
import type { EmbeddedSource } from "../signals/embedded/embedded.ts";
import { withKillHook } from "./kill-hook.ts";
import { systemClock } from "./system-clock.ts";
import { createVitals, type Vitals, type Watched } from "./self-monitoring.ts";
import { living } from "./watchdog/living.ts";

export interface ObserveOptions extends Pick<World, "findComposeService"> {
  readonly settings: ObserverSettings;
  /** What is kept over a restart; closed by whoever opened it. */
  readonly journal: Journal;
  readonly signals: Signals;
  /** One for each that a service names. */
  readonly platforms: readonly Platform[];
  /** Starts the service, if it is Sentinel's to start; called once nothing can be refused any more. */
  readonly startService?: (signal: AbortSignal) => Promise<unknown>;
  readonly emit: TellEvent;
  /** What a person should know beside the events: what it is about, in a word, and one line of it. */
  readonly say: (topic: string, text: string) => void;
  /** Ends the process, since a loop stands still; without it nothing looks. */
  readonly onStall?: (why: string) => void;
}

/** Services begin one after the other, and so are polled: all at once, each would wait for the others. */
const MOST_APART_MS = 5;

/**
 * Watches until the signal aborts; then it finishes or cancels what it is doing.
 *
 * @throws SentinelError `configuration` on a rule that cannot be read, `listen` if the API's port
 *   cannot be had
 */
export async function observe(given: ObserveOptions, signal: AbortSignal): Promise<void> {
  const options = withKillHook(given, given.settings.testKillAfter);
  const { settings, signals, startService, say, onStall, journal } = options;
  const { source, embedded } = signals;
  const roster = createRoster();
  const { watched } = roster;
  const { cooldownMs, actionsPerService, actionsInAll, pollIntervalMs } = settings;
  const limits = { cooldownMs, mostPerService: actionsPerService, mostInAll: actionsInAll };
  const book = openBook(journal, { ...limits, pollIntervalMs }, systemClock);
  const sharedRules = sharedRulesOf({ options, roster, book }, signal);
  const vitals = createVitals({ settings, signals, watched, sharedRules, onStall, journal, say });
  const configured: readonly Watched[] = settings.services.map((service) => {
    const given = monitorOptions(settings, service, source);
    const monitor = monitorOf(given, service, { signals, vitals, sharedRules, book });
    return { service, monitor };
  });
  for (const one of configured) roster.add(one);
  const watching: Watching = {
    roster,
    sharedRules,
    options,
    vitals,
    book,
    actionLock: createLock(),
    diagnosers: diagnosersOf(settings),
  };
  const watchAll = async () => {
    if (startService !== undefined) await untilUp(options, signal);
    const apartMs = Math.min(MOST_APART_MS, settings.pollIntervalMs / configured.length);
    await Promise.all([
      evaluateSharedRules(watching, signal),
      ...configured.map(async (one, index) => {
        await systemClock.sleep(index * apartMs, signal);
        await watchOne(one, watching, signal);
      }),
    ]);
  };
  await using own = vitals.start();
  say("health", `${own.url}/ready and ${own.url}/metrics`);
  if (embedded === undefined) {
    await startService?.(signal);
    await watchAll();
    return;
  }
  say("series", `${own.url}/api/v1, as a Prometheus has them`);
  await startService?.(signal);
  const judge = async () => {
    // Before it is first scraped a service would look as if nobody scraped it.
    await embedded.firstScrape(signal);
    await Promise.all([watchAll(), watchLabelled(embedded, watching, signal)]);
  };
  await Promise.all([embedded.run(signal), judge()]);
}

/**
 * Until every service has been scraped once, or has had as long as it is given after a restart: one
 * that is still starting looks like one that is down.
 */
async function untilUp({ settings, signals }: ObserveOptions, signal: AbortSignal): Promise<void> {
  const { services, pollIntervalMs, stabilizeMs } = settings;
  const untilMs = systemClock.nowMs() + stabilizeMs;
  const isUp = async ({ job }: Service) => {
    if (job === undefined) return true;
    const up = await signals.source.query(`up{job=${JSON.stringify(job)}} == 1`, signal);
    return up.length > 0;
  };
  while (!signal.aborted && systemClock.nowMs() < untilMs) {
    // A source that does not answer is told of by the watch that follows.
    const up = await Promise.all(services.map((service) => isUp(service).catch(() => true)));
    if (up.every(Boolean)) return;
    await systemClock.sleep(pollIntervalMs, signal);
  }
}

/** Who is watched now, and so to whom an alert may belong: containers with the label come and go. */
interface Roster {
  readonly watched: readonly Watched[];
  add(one: Watched): void;
  remove(service: string): void;
  directory(): ServiceDirectory;
}

function createRoster(): Roster {
  const watched: Watched[] = [];
  let directory = createDirectory([]);
  const refresh = () => (directory = createDirectory(watched.map(({ service }) => service)));
  return {
    watched,
    add(one) {
      watched.push(one);
      refresh();
    },
    remove(name) {
      const index = watched.findIndex(({ service }) => service.name === name);
      if (index >= 0) watched.splice(index, 1);
      refresh();
    },
    directory: () => directory,
  };
}

/** What a rule of a file says of itself, or of nobody's series, is told once and not by each service. */
const OF_NO_SERVICE = "";

interface SharedRulesParts {
  readonly options: ObserveOptions;
  readonly roster: Roster;
  readonly book: Book;
}

function sharedRulesOf(
  { options: { settings, signals, emit }, roster: { directory }, book }: SharedRulesParts,
  signal: AbortSignal,
): SharedRules {
  const { pollIntervalMs } = settings;
  const tell = createSharedTeller((event) =>
    emit(book.told({ ...event, atMs: systemClock.nowMs(), service: OF_NO_SERVICE })),
  );
  const options = { rules: rulesOfFiles(settings), directory, pollIntervalMs, signal };
  const restored = [...book.savedAlerts.values()].flatMap(({ alerts }) => alerts);
  return createSharedRules({ ...options, onPoll: tell, restored }, signals.source, systemClock);
}

/** Also where no service polls, or each is busy with an incident. */
async function evaluateSharedRules(
  { sharedRules, options }: Watching,
  signal: AbortSignal,
): Promise<void> {
  if (sharedRules.rules.length === 0) return;
  while (!signal.aborted) {
    await sharedRules.poll();
    await systemClock.sleep(options.settings.pollIntervalMs, signal);
  }
}

interface MonitorParts {
  readonly signals: Signals;
  readonly vitals: Vitals;
  readonly sharedRules: SharedRules;
  readonly book: Book;
}

function monitorOf(
  options: MonitorOptions,
  { name }: Service,
  { signals, vitals: { onPoll }, sharedRules, book }: MonitorParts,
): Monitor {
  const shared = { rules: sharedRules, service: name };
  const restored = book.savedAlerts.get(name)?.alerts ?? [];
  return createMonitor({ ...options, onPoll, shared, restored }, signals.source, systemClock);
}

async function watchOne(
  { service, monitor }: Watched,
  { options, vitals, book, actionLock, diagnosers, roster }: Watching,
  signal: AbortSignal,
): Promise<void> {
  const { settings, signals } = options;
  const { autonomy, pollIntervalMs, stabilizeMs } = settings;
  const platform = platformOf(service, options.platforms);
  const loop = vitals.join(service.name);
  const emit: EmitEvent = (event) => {
    loop.beat();
    const told = book.told(event);
    vitals.observe(told);
    options.emit(told);
  };
  const allowlist = allowlistFor(service.name, service);
  const world = {
    source: signals.source,
    monitor,
    platform,
    diagnosers,
    clock: systemClock,
    book,
    actionLock,
    seen: { history: { looks: [], sinceMs: systemClock.nowMs() } },
    findComposeService: options.findComposeService,
    checkHealth: (of: Service) => checkHealth(of, platform),
    ownerOf: (alert: Alert) => ownerOfAlert(alert, roster.directory()),
  };
  const policy = { service, allowlist, autonomy, pollIntervalMs, stabilizeMs };
  try {
    await createServiceLoop({ policy, world: living(world, loop), emit }).run(signal);
  } finally {
    loop.leave();
  }
}

/** What all services have in common. */
interface Watching {
  readonly roster: Roster;
  readonly sharedRules: SharedRules;
  readonly options: ObserveOptions;
  readonly vitals: Vitals;
  readonly book: Book;
  readonly actionLock: Lock;
  readonly diagnosers: readonly Diagnoser[];
}

/** Takes up each container that wears the label, and lets go of it when it is removed. */
async function watchLabelled(
  embedded: EmbeddedSource,
  watching: Watching,
  signal: AbortSignal,
): Promise<void> {
  const { roster, options } = watching;
  const { settings, signals, say } = options;
  const running = new Map<string, { stop: AbortController; done: Promise<void> }>();
  const own = new Set(settings.services.map(({ name }) => name));
  const tellOfDocker = dockerNotices(embedded, (text) => say("docker", text));
  while (!signal.aborted) {
    tellOfDocker();
    const labelled = embedded.labelledContainers().filter((name) => !own.has(name));
    for (const name of labelled.filter((one) => !running.has(one))) {
      await systemClock.sleep(MOST_APART_MS, signal);
      const service = containerService(name);
      const given = containerMonitorOptions(settings, service);
      const one = { service, monitor: monitorOf(given, service, { ...watching, signals }) };
      roster.add(one);
      const stop = new AbortController();
      const done = watchOne(one, watching, AbortSignal.any([signal, stop.signal]));
      running.set(name, { stop, done });
      say("watching", `${name} as well, for its label`);
    }
    for (const [name, { stop, done }] of running) {
      if (labelled.includes(name)) continue;
      stop.abort(GONE);
      await done;
      running.delete(name);
      roster.remove(name);
      say("watching", `${name} no longer: it is gone`);
    }
    await systemClock.sleep(settings.pollIntervalMs, signal);
  }
  await Promise.all([...running.values()].map(({ done }) => done));
}

function containerService(name: string): Service {
  return {
    name,
    job: undefined,
    health: "container",
    platform: "docker",
    actions: defaultActions("docker"),
  };
}
