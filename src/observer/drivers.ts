/** Which drivers the settings ask for. */

import type { ObserverSettings } from "../config/config.ts";
import { shownUrl } from "../text/url.ts";
import { SentinelError } from "../core/errors.ts";
import type { Service } from "../core/model.ts";
import type { Diagnoser, Platform, SignalSource } from "../core/ports.ts";
import { formatDuration } from "../core/duration.ts";
import { createDockerApi, type DockerApi } from "../platforms/docker/api.ts";
import { resolveConnection } from "../platforms/docker/connection.ts";
import { Budget } from "../diagnosers/budget.ts";
import { behindCircuits, Circuit } from "../diagnosers/circuit.ts";
import { geminiDiagnoser, geminiServer } from "../diagnosers/gemini.ts";
import { lmstudioDiagnoser, lmstudioServer } from "../diagnosers/lmstudio.ts";
import type { ListedServer } from "../diagnosers/model-list.ts";
import { openaiDiagnoser, openaiServer } from "../diagnosers/openai.ts";
import { childEnvironment, type Environment } from "../platforms/run-command.ts";
import {
  type EmbeddedOptions,
  type EmbeddedSource,
  embeddedSource,
} from "../signals/embedded/embedded.ts";
import { prometheusSource } from "../signals/prometheus/prometheus.ts";
import { systemClock } from "./system-clock.ts";

/** The path of LM Studio's own API; any other is taken for OpenAI's. */
const LM_STUDIO_PATH = "/api/v1/chat";

/** Where samples come from, and what to say of it. */
export interface Signals {
  readonly source: SignalSource;
  /** The same source, if Sentinel scrapes by itself: then it has to be run. */
  readonly embedded: EmbeddedSource | undefined;
  /** The engine that is asked for series of containers, if one is. */
  readonly docker: DockerApi | undefined;
  readonly description: string;
}

/**
 * A Prometheus, or Sentinel itself; in that case Docker is asked as well, unless the services are
 * processes under the supervisor.
 *
 * @throws SentinelError `configuration` on two targets that would have the same series, and on an
 *   engine that cannot be named
 */
export function signalsOf(settings: ObserverSettings): Signals {
  const { prometheusUrl, pollIntervalMs, scrapeTargets, services } = settings;
  const { healLabel } = settings;
  const every = `every ${formatDuration(pollIntervalMs)}`;
  if (prometheusUrl !== undefined) {
    const description = `${new URL(prometheusUrl).origin}, ${every}`;
    const source = prometheusSource({ url: prometheusUrl, access: settings.prometheusAccess });
    return { source, embedded: undefined, docker: undefined, description };
  }
  const contained = services.filter(({ platform }) => platform === "docker");
  const docker = watchesLabelled(settings) ? dockerApiOf(settings) : undefined;
  const wanted = { names: contained.map(({ name }) => name), label: healLabel };
  const embedded = createEmbedded({
    targets: scrapeTargets,
    intervalMs: pollIntervalMs,
    clock: systemClock,
    ...(docker && { docker: { api: docker, wanted } }),
  });
  const asked = [...scrapeTargets.map(({ url }) => shownUrl(url)), ...(docker ? ["Docker"] : [])];
  const description = `scraped from ${asked.join(", ")}, ${every}`;
  return { source: embedded, embedded, docker, description };
}

/** @throws RangeError if none of them is the service's */
export function platformOf(service: Service, platforms: readonly Platform[]): Platform {
  const platform = platforms.find(({ name }) => name === service.platform);
  if (platform !== undefined) return platform;
  throw new RangeError(`there is no platform ${service.platform} for ${service.name}`);
}

/** Whether containers are watched for their label alone, beside the services of the settings. */
export function watchesLabelled(settings: ObserverSettings): boolean {
  return settings.prometheusUrl === undefined && runsContainers(settings);
}

/** Whether there may be something to do for Docker. */
export function runsContainers({ services }: Pick<ObserverSettings, "services">): boolean {
  return services.length === 0 || services.some(({ platform }) => platform === "docker");
}

/**
 * For the `docker` command line. What is scraped from one engine must not be acted on in another, and
 * the command knows nothing of `.env`.
 *
 * @throws SentinelError `configuration` on an engine that cannot be named
 */
export function dockerOptionsOf({ docker }: ObserverSettings): { readonly env: Environment } {
  return { env: { ...childEnvironment(), ...resolveConnection(docker).env } };
}

/** Asks the engine that the `docker` command line acts on. */
export function dockerApiOf(settings: ObserverSettings): DockerApi {
  return createDockerApi(resolveConnection(settings.docker), dockerOptionsOf(settings).env);
}

function createEmbedded(options: EmbeddedOptions): EmbeddedSource {
  try {
    return embeddedSource(options);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new SentinelError("configuration", cause.message, {
      hint: "Correct SCRAPE_TARGETS, or scrape in the settings file; without either, the services' jobs.",
      cause,
    });
  }
}

/** What a person reads of a key that a template left. */
export function describePlaceholder(key: string): string {
  return `${key} is still a template's placeholder, which is no key; put yours there, or leave it empty`;
}

/** Every model that is asked, with the server that has it, in the order in which they are asked. */
export function modelServersOf({ gemini, localModels }: ObserverSettings): ListedServer[] {
  const { models, ...server } = localModels;
  const local = isLmStudio(server.url) ? lmstudioServer : openaiServer;
  return [
    ...(gemini ? [geminiServer(gemini)] : []),
    ...models.map((model) => local({ ...server, model })),
  ];
}

function isLmStudio(url: string): boolean {
  return new URL(url).pathname === LM_STUDIO_PATH;
}

/** Whose servers are sent evidence: host and port, in the order in which they are asked. */
export function recipientsOf({ gemini, localModels }: ObserverSettings): string[] {
  return [
    ...(gemini ? [gemini.baseUrl ? new URL(gemini.baseUrl).host : "Google"] : []),
    ...(localModels.models.length > 0 ? [new URL(localModels.url).host] : []),
  ];
}

/**
 * Gemini, then each local model; the playbook needs no driver. Each has a budget and a circuit of its
 * own, and the local ones share that of their server.
 */
export function diagnosersOf(
  { gemini, localModels, modelBudget, maskEmails }: ObserverSettings,
  clock = systemClock,
): Diagnoser[] {
  const { models, ...server } = localModels;
  const create = isLmStudio(server.url) ? lmstudioDiagnoser : openaiDiagnoser;
  const care = () => ({
    retry: { clock, random: Math.random },
    budget: new Budget(modelBudget, clock),
  });
  const guarded = (diagnosers: readonly Diagnoser[]) => {
    const host = new Circuit("server_fails", clock, diagnosers[0]?.server);
    return diagnosers.map((diagnoser) =>
      behindCircuits(diagnoser, { server: host, model: new Circuit("model_fails", clock) }),
    );
  };
  const diagnosers = [
    ...guarded(gemini ? [geminiDiagnoser({ ...gemini, ...care() })] : []),
    ...guarded(models.map((model) => create({ ...server, model, ...care() }))),
  ];
  return diagnosers.map((diagnoser) => ({
    ...diagnoser,
    diagnose: (request, signal) => diagnoser.diagnose({ ...request, maskEmails }, signal),
  }));
}
