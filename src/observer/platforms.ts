/** The platforms that there are, and how each is opened by the settings. */

import { existsSync } from "node:fs";
import type { PlatformName } from "../allowlist.ts";
import type { ObserverSettings } from "../config/config.ts";
import { messageOf } from "../core/errors.ts";
import type { TellEvent } from "../core/events.ts";
import type { Journal, Platform } from "../core/ports.ts";
import { seconds, exactSeconds } from "../text/time.ts";
import type { ServiceContext } from "../incident/context.ts";
import { createPassThrough, type LogLevel } from "../log.ts";
import { createDockerApi, describeEngine, type DockerApi } from "../platforms/docker/api.ts";
import { composeLookup } from "../platforms/docker/compose-lookup.ts";
import { resolveConnection } from "../platforms/docker/connection.ts";
import type { ContainerEngine } from "../platforms/docker/containers.ts";
import { type DockerOptions, notStarted, reachDocker } from "../platforms/docker/docker.ts";
import { dockerPlatform } from "../platforms/docker/platform.ts";
import { processPlatform } from "../platforms/process/supervised.ts";
import { createSupervisor, type SupervisorEvent } from "../platforms/process/supervisor.ts";
import { childEnvironment, type Environment } from "../platforms/run-command.ts";
import { composedNames, findOne, tellingLookup } from "./compose-notices.ts";
import { keepCuredDeath } from "./cured-deaths.ts";
import { missingContainers } from "./missing-containers.ts";
import { systemClock } from "./system-clock.ts";

/** A platform that is in use, with what an observer does for it. */
export interface OpenPlatform {
  readonly platform: Platform;
  /** What it is, as one line for people. */
  describe?(signal: AbortSignal): Promise<string>;
  /** Reaches whatever it needs, and says what that is. @throws Error with what to do, on one line */
  reach?(signal: AbortSignal): Promise<string>;
  /** Starts the service, if it is Sentinel's to start. */
  startService?(signal: AbortSignal): Promise<unknown>;
  /** Where Compose has a service, and whether the Compose file of the settings is there. */
  readonly findComposeService?: ServiceContext["findComposeService"];
  readonly hasComposeFile?: ServiceContext["hasComposeFile"];
  /** Learns, beside the watching, what can only be learnt while all is well. */
  prepare?(signal: AbortSignal): Promise<unknown>;
  close?(): void | Promise<void>;
}

/** What an observer has for its platforms. */
interface PlatformNeeds {
  readonly settings: ObserverSettings;
  readonly journal: Journal;
  readonly emit: TellEvent;
  say(topic: string, text: string, level?: LogLevel): void;
}

interface PlatformDriver {
  /** What its series are read from, for people. */
  readonly title: string;
  /**
   * Opens it for a command that reads services and runs nothing.
   *
   * @param docker the `docker` command, where it is not that of the settings
   */
  ask(settings: ObserverSettings, docker?: DockerOptions): OpenPlatform;
  /** Opens it for an observer, which acts as well; by default as `ask` does. */
  begin?(needs: PlatformNeeds): OpenPlatform;
}

/** Every platform: its rows are in `allowlist.ts`, its driver is in a folder of `platforms/`. */
export const PLATFORM_DRIVERS: Readonly<Record<PlatformName, PlatformDriver>> = {
  docker: { title: "Docker", ask: askDocker, begin: beginDocker },
  process: { title: "/proc", ask: askProcess, begin: beginProcess },
};

/** The platforms of the services; without any, containers are watched for their label. */
export function platformNamesOf({
  services,
}: Pick<ObserverSettings, "services">): readonly PlatformName[] {
  const names = new Set(services.map(({ platform }) => platform));
  return names.size === 0 ? ["docker"] : [...names];
}

/** The platforms of the services, for a command that asks of them; what acts is refused. */
export function askPlatforms(
  settings: ObserverSettings,
  docker?: DockerOptions,
): readonly OpenPlatform[] {
  return platformNamesOf(settings).map((name) => {
    const open = PLATFORM_DRIVERS[name].ask(settings, docker);
    const act: Platform["act"] = ({ argv }) =>
      Promise.resolve(notStarted(argv, "nothing is run here"));
    return { ...open, platform: { ...open.platform, act } };
  });
}

/** The platforms of the services, for an observer. */
export function beginPlatforms(needs: PlatformNeeds): readonly OpenPlatform[] {
  return platformNamesOf(needs.settings).map((name) => {
    const { begin, ask } = PLATFORM_DRIVERS[name];
    return begin?.(needs) ?? ask(needs.settings);
  });
}

/**
 * For the `docker` command line. What is scraped from one engine must not be acted on in another, and
 * the command knows nothing of `.env`.
 *
 * @throws SentinelError `configuration` on an engine that cannot be named
 */
export function dockerOptionsOf({ docker }: Pick<ObserverSettings, "docker">): {
  readonly env: Environment;
} {
  return { env: { ...childEnvironment(), ...resolveConnection(docker).env } };
}

/** Asks the engine that the `docker` command line acts on. */
export function dockerApiOf(settings: Pick<ObserverSettings, "docker">): DockerApi {
  return createDockerApi(resolveConnection(settings.docker), dockerOptionsOf(settings).env);
}

function askDocker(settings: ObserverSettings, given = dockerOptionsOf(settings)): OpenPlatform {
  const { composeFile } = settings;
  const api = dockerApiOf(settings);
  const compose = { ...given, composeFile };
  return {
    platform: dockerPlatform(compose, engineOf(settings, api)),
    reach: (signal) => reachEngine(settings, { api, given }, signal),
    findComposeService: findOne(composeLookup(compose)),
    hasComposeFile: () => existsSync(composeFile),
    close: api.close,
  };
}

function beginDocker(needs: PlatformNeeds): OpenPlatform {
  const { settings, say } = needs;
  const api = dockerApiOf(settings);
  const { composeFile, services } = settings;
  const docker = dockerOptionsOf(settings);
  const compose = { ...docker, composeFile };
  const lookup = tellingLookup(composeLookup(compose), (text) => say("compose", text));
  return {
    platform: dockerPlatform(compose, engineOf(settings, api)),
    describe: (signal) => describeEngine(api, signal).catch(() => api.shown),
    findComposeService: findOne(lookup),
    hasComposeFile: () => existsSync(composeFile),
    async prepare(signal) {
      // What is seen of a container now is what is known of it once it is gone.
      const composed = await lookup.find(composedNames(services), signal);
      const missing = await missingContainers(services, composed, { docker, signal });
      if (signal.aborted) return;
      for (const why of missing.values()) say("container", why, "warning");
    },
    close: api.close,
  };
}

/** Beside a Prometheus, nothing is watched that the settings do not name. */
function engineOf({ prometheusUrl, healLabel }: ObserverSettings, api: DockerApi): ContainerEngine {
  return { api, ...(prometheusUrl === undefined ? { label: healLabel } : {}) };
}

interface EngineReach {
  readonly api: DockerApi;
  readonly given: DockerOptions;
}

/** By the command, which acts, and where series come from containers by the API, which tells of them. */
async function reachEngine(
  { prometheusUrl }: ObserverSettings,
  { api, given }: EngineReach,
  signal: AbortSignal,
): Promise<string> {
  const version = await reachDocker(signal, given);
  const engine = await api.engine(signal).catch((error: unknown) => {
    // With a Prometheus its rules can be judged and acted upon without.
    if (prometheusUrl === undefined) throw error;
    return messageOf(error);
  });
  if (typeof engine === "string")
    return `engine ${version}, by the docker command; nothing is known of what containers use: ${engine}`;
  if (version !== engine.version)
    throw new Error(
      `the docker command acts on an engine ${version}, and series come from ${engine.product} ${engine.version} at ${api.shown}; set DOCKER_HOST to the one that is meant`,
    );
  return await describeEngine(api, signal);
}

const NOT_RUNNING = "the observer starts it, and does not run";

/** A process is the observer's to start, so that there is nothing to be asked of. */
function askProcess(): OpenPlatform {
  const refuse = () => Promise.reject(new Error(NOT_RUNNING));
  return {
    platform: {
      name: "process",
      act: ({ argv }) => Promise.resolve(notStarted(argv, NOT_RUNNING)),
      inspect: refuse,
      logs: refuse,
      series: () => Promise.resolve({ services: [], found: [], problems: [] }),
    },
  };
}

/** Runs the command as the service. */
function beginProcess({ settings, journal, emit, say }: PlatformNeeds): OpenPlatform {
  const { supervise, services } = settings;
  if (supervise === undefined) throw new RangeError("no command is named that could be supervised");
  const { service, argv, showsOutput } = supervise;
  const { health = "none" } = services.find(({ name }) => name === service) ?? {};
  const output = createPassThrough();
  const supervisor = createSupervisor({
    name: service,
    argv,
    clock: systemClock,
    onEvent(event) {
      say("command", describeSupervisor(event), levelOf(event));
      if (event.type !== "child_cured") return;
      const cured = { service, deaths: event.deaths, ranMs: event.ranMs };
      keepCuredDeath(cured, { journal, platform, health, emit }).catch((error: unknown) =>
        say("journal", messageOf(error), "warning"),
      );
    },
    ...(showsOutput ? { onLine: (line) => output.line(`${service} | ${line}`) } : {}),
  });
  const platform = processPlatform(supervisor);
  return {
    platform,
    startService: supervisor.start,
    async close() {
      await supervisor[Symbol.asyncDispose]();
      // The output is closed last, so that the command's last lines are read.
      await output[Symbol.asyncDispose]();
    },
  };
}

function levelOf({ type }: SupervisorEvent): LogLevel {
  if (type === "child_given_up") return "error";
  return type === "child_died" ? "warning" : "info";
}

function describeSupervisor(event: SupervisorEvent): string {
  switch (event.type) {
    case "child_started":
      return `it runs as process ${event.pid}`;
    case "child_died":
      return `it ended by itself (${event.how}) after ${seconds(event.ranMs)}`;
    case "child_restarting":
      return `it is started again in ${exactSeconds(event.inMs)}`;
    case "child_given_up":
      return `it died ${event.deaths} times within ${exactSeconds(event.withinMs)}, and is not started again`;
    case "child_cured":
      return `it has run for ${seconds(event.ranMs)} since it was started again`;
    case "child_stopped":
      return `it is stopped (${event.how})`;
  }
}
