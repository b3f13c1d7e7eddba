/** Watches services with the drivers given: one loop for each, and the API over what is scraped. */

import { allowlistFor } from "../allowlist.ts";
import type { ObserverSettings } from "../config/config.ts";
import { type Recorder, openRecorder } from "../incident/recorder.ts";
import type { SentinelEvent, TellEvent } from "../core/events.ts";
import { createLock } from "../core/lock.ts";
import { SERVICE_LABEL } from "../core/given-series.ts";
import type { Service } from "../core/model.ts";
import { createMonitor, type MonitorOptions } from "../rules/monitor.ts";
import { ownerOfAlert } from "../rules/ownership.ts";
import type { Diagnoser, Journal } from "../core/ports.ts";
import { createSharedRules, type SharedRules } from "../rules/shared-rules.ts";
import { createSharedTeller } from "../rules/shared-teller.ts";
import { createServiceLoop } from "../incident/service-loop.ts";
import { keepRememberingSetup } from "../incident/surroundings.ts";
import type { ServiceContext } from "../incident/context.ts";
import { diagnosersOf, platformOf, type Signals } from "./drivers.ts";
import { checkHealth } from "./health.ts";
import type { RecordingRule } from "../rules/files/group.ts";
import {
  containerMonitorOptions,
  groupsOfFiles,
  monitorOptions,
  recordingBy,
} from "./effective-rules.ts";
import type { EmbeddedSource } from "../signals/embedded/embedded.ts";
import { withKillHook } from "./kill-hook.ts";
import { watchLabelled } from "./labelled-containers.ts";
import type { OpenPlatform } from "./platforms.ts";
import { SIGNAL_TABLE, startTable } from "./signal-table.ts";
import { createRoster } from "./roster.ts";
import { systemClock } from "./system-clock.ts";
import { createVitals, type Vitals, type Watched } from "./self-monitoring.ts";
import { withHeartbeat } from "./watchdog/heartbeat.ts";

interface ObserveOptions {
  readonly settings: ObserverSettings;
  /** What is kept over a restart; closed by whoever opened it. */
  readonly journal: Journal;
  readonly signals: Signals;
  /** The platforms that the services name. */
  readonly platforms: readonly Pick<
    OpenPlatform,
    "platform" | "startService" | "findComposeService" | "hasComposeFile"
  >[];
  /** Asked in this order. Default: those of the settings. */
  readonly diagnosers?: readonly Diagnoser[];
  readonly emit: TellEvent;
  /** What a person should know beside the events: what it is about, in a word, and one line of it. */
  readonly say: (topic: string, text: string) => void;
  /** Ends the process, since a loop stands still; without it nothing looks. */
  readonly onStall?: (why: string) => void;
}

/** Services begin one after the other, and so are polled: all at once, each would wait for the others. */
const MAX_APART_MS = 5;

/** Stands for no service: what concerns a rule of a file, or series of no service, is reported once. */
const OF_NO_SERVICE = "";

/**
 * Watches until the signal aborts; then it finishes or cancels what it is doing.
 *
 * @throws SentinelError `configuration` on a rule that cannot be read, `listen` if the API's port
 *   cannot be had
 */
export async function observe(given: ObserveOptions, signal: AbortSignal): Promise<void> {
  const { settings } = given;
  const options = withKillHook(given, settings.testKillAfter);
  const { cooldownMs, actionsPerService, actionsInAll, pollIntervalMs } = settings;
  const limits = { cooldownMs, mostPerService: actionsPerService, mostInAll: actionsInAll };
  const recorder = await openRecorder(options.journal, { ...limits, pollIntervalMs }, systemClock);
  try {
    await new Observer(options, recorder, signal).run();
  } finally {
    await recorder.flush();
  }
}

class Observer {
  readonly #options: ObserveOptions;
  readonly #signal: AbortSignal;
  readonly #recorder: Recorder;
  readonly #roster = createRoster();
  readonly #sharedRules: SharedRules;
  readonly #vitals: Vitals;
  readonly #diagnosers: readonly Diagnoser[];
  readonly #actionLock = createLock();
  /** One set-up is read at a time, as each reading is a process of its own. */
  readonly #setupTurn = createLock();

  constructor(options: ObserveOptions, recorder: Recorder, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#recorder = recorder;
    this.#sharedRules = this.#createSharedRules();
    const { watched } = this.#roster;
    this.#vitals = createVitals({ ...options, watched, sharedRules: this.#sharedRules });
    this.#diagnosers = options.diagnosers ?? diagnosersOf(options.settings);
  }

  async run(): Promise<void> {
    const { settings, signals, platforms, say } = this.#options;
    const { source, own: series, embedded } = signals;
    const configured = settings.services.map((service) =>
      this.#add(service, monitorOptions(settings, service, source)),
    );
    await using own = this.#vitals.start();
    say("health", `${own.url}/ready and ${own.url}/metrics`);
    if (embedded !== undefined) say("series", `${own.url}/api/v1, as a Prometheus has them`);
    // From here on nothing can be refused any more.
    for (const { startService } of platforms) await startService?.(this.#signal);
    await Promise.all([series.run(this.#signal), this.#watchScraped(series, configured)]);
  }

  async #watchScraped(own: EmbeddedSource, configured: readonly Watched[]): Promise<void> {
    // Before it is first scraped a service would look as if nobody scraped it.
    await own.firstScrape(this.#signal);
    await Promise.all([this.#watchConfigured(configured), this.#watchLabelled(own)]);
  }

  async #watchConfigured(configured: readonly Watched[]): Promise<void> {
    const { settings, platforms } = this.#options;
    if (platforms.some(({ startService }) => startService !== undefined)) await this.#untilUp();
    const { signals, say } = this.#options;
    for (const line of await startTable(settings.services, signals.source, this.#signal))
      say(SIGNAL_TABLE, line);
    const apartMs = Math.min(MAX_APART_MS, settings.pollIntervalMs / configured.length);
    await Promise.all([
      this.#evaluateSharedRules(),
      ...configured.map(async (one, index) => {
        await systemClock.sleep(index * apartMs, this.#signal);
        await this.#watch(one, this.#signal);
      }),
    ]);
  }

  async #watchLabelled(own: EmbeddedSource): Promise<void> {
    const { settings, say } = this.#options;
    const { services: configured, pollIntervalMs } = settings;
    const options = { own, pollIntervalMs, apartMs: MAX_APART_MS, configured, say };
    const watch = (service: Service, signal: AbortSignal) =>
      this.#watch(this.#add(service, containerMonitorOptions(settings, service)), signal);
    const forget = (service: string) => this.#roster.remove(service);
    await watchLabelled({ ...options, watch, forget }, this.#signal);
  }

  /**
   * Until every service has been scraped once, and its health answers, or has had as long as it is given after a restart: one
   * that is still starting looks like one that is down.
   */
  async #untilUp(): Promise<void> {
    const { settings, signals } = this.#options;
    const { services, pollIntervalMs, stabilizeMs } = settings;
    const untilMs = systemClock.nowMs() + stabilizeMs;
    const isThere = async (expr: string) =>
      (await signals.source.query(expr, this.#signal)).length > 0;
    const isUp = async ({ name, job }: Service) => {
      const isFailing = await isThere(
        `probe_success{${SERVICE_LABEL}=${JSON.stringify(name)}} == 0`,
      );
      if (isFailing || job === undefined) return !isFailing;
      return await isThere(`up{job=${JSON.stringify(job)}} == 1`);
    };
    while (!this.#signal.aborted && systemClock.nowMs() < untilMs) {
      // A source that does not answer is reported by the service loop that follows.
      const up = await Promise.all(services.map((service) => isUp(service).catch(() => true)));
      if (up.every(Boolean)) return;
      await systemClock.sleep(pollIntervalMs, this.#signal);
    }
  }

  /** Also where no service polls, or each is busy with an incident. */
  async #evaluateSharedRules(): Promise<void> {
    if (this.#options.settings.ruleGroups.length === 0) return;
    while (!this.#signal.aborted) {
      await this.#sharedRules.poll();
      await systemClock.sleep(this.#options.settings.pollIntervalMs, this.#signal);
    }
  }

  /** From now on alerts may belong to the service. */
  #add(service: Service, options: MonitorOptions): Watched {
    const { source, own } = this.#options.signals;
    const { onPoll } = this.#vitals;
    const shared = { rules: this.#sharedRules, service: service.name };
    const restored = this.#recorder.savedAlerts.get(service.name)?.alerts ?? [];
    const given = { ...options, own, onPoll, shared, restored };
    const watched = { service, monitor: createMonitor(given, source, systemClock) };
    this.#roster.add(watched);
    return watched;
  }

  /** The loop over one service. */
  async #watch(watched: Watched, signal: AbortSignal): Promise<void> {
    const { service } = watched;
    const { settings, emit } = this.#options;
    const { autonomy, pollIntervalMs, stabilizeMs } = settings;
    const serviceContext = this.#contextOf(watched);
    const loop = this.#vitals.join(service.name);
    const allowlist = allowlistFor(service.name, service);
    const options = {
      policy: { service, allowlist, autonomy, pollIntervalMs, stabilizeMs },
      serviceContext: withHeartbeat(serviceContext, loop),
      emit: (event: SentinelEvent) => {
        loop.beat();
        const told = this.#recorder.told(event);
        this.#vitals.observe(told);
        emit(told);
      },
    };
    try {
      await Promise.all([
        createServiceLoop(options).run(signal),
        keepRememberingSetup(service.name, serviceContext, {
          turn: this.#setupTurn,
          abort: signal,
        }),
      ]);
    } finally {
      loop.leave();
    }
  }

  #contextOf({ service, monitor }: Watched): ServiceContext {
    const { signals, platforms } = this.#options;
    const { platform, findComposeService, hasComposeFile } = platformOf(service, platforms);
    return {
      source: signals.source,
      own: signals.own,
      monitor,
      platform,
      diagnosers: this.#diagnosers,
      clock: systemClock,
      recorder: this.#recorder,
      actionLock: this.#actionLock,
      seen: { history: { looks: [], sinceMs: systemClock.nowMs() } },
      findComposeService,
      hasComposeFile,
      checkHealth: (of) => checkHealth(of, platform),
      alertingServices: () => alertingOf(this.#roster.watched),
      ownerOf: (alert) => ownerOfAlert(alert, this.#roster.directory()),
    };
  }
  #createSharedRules(): SharedRules {
    const { settings, signals, emit, say } = this.#options;
    const onPoll = createSharedTeller((event) =>
      emit(this.#recorder.told({ ...event, atMs: systemClock.nowMs(), service: OF_NO_SERVICE })),
    );
    const options = {
      groups: groupsOfFiles(settings),
      ...recordingBy(signals.embedded),
      onRecordingFailed: ({ record }: RecordingRule, why: string) =>
        say("rules", `record ${record}: ${why}`),
      directory: this.#roster.directory,
      pollIntervalMs: settings.pollIntervalMs,
      signal: this.#signal,
      restored: [...this.#recorder.savedAlerts.values()].flatMap(({ alerts }) => alerts),
      onPoll,
    };
    return createSharedRules(options, signals.source, systemClock);
  }
}

/** Services with alerts that fire now, and those alerts. */
function alertingOf(watched: readonly Watched[]): ReadonlyMap<string, readonly string[]> {
  return new Map(
    watched.flatMap(({ service, monitor }) => {
      const firing = (monitor.lastPoll?.alerts ?? []).filter(({ state }) => state === "firing");
      const names = [...new Set(firing.map(({ rule }) => rule.alert))];
      return names.length > 0 ? [[service.name, names] as const] : [];
    }),
  );
}
