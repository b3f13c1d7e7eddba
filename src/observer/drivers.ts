/** Which drivers the settings ask for. */

import type { PlatformName } from "../allowlist.ts";
import type { ObserverSettings } from "../config/config.ts";
import { shownUrl } from "../text/url.ts";
import { SentinelError } from "../core/errors.ts";
import type { Service } from "../core/model.ts";
import type { Diagnoser, Platform, SignalSource } from "../core/ports.ts";
import { formatDuration } from "../core/duration.ts";
import { Budget } from "../diagnosers/budget.ts";
import { behindCircuits, Circuit } from "../diagnosers/circuit.ts";
import { geminiDiagnoser, geminiServer } from "../diagnosers/gemini.ts";
import { lmstudioDiagnoser, lmstudioServer } from "../diagnosers/lmstudio.ts";
import type { ListedServer } from "../diagnosers/model-list.ts";
import { openaiDiagnoser, openaiServer } from "../diagnosers/openai.ts";
import {
  type EmbeddedOptions,
  type EmbeddedSource,
  embeddedSource,
} from "../signals/embedded/embedded.ts";
import { planHistory } from "../signals/embedded/history.ts";
import { historyRules } from "./effective-rules.ts";
import { prometheusSource } from "../signals/prometheus/prometheus.ts";
import { PLATFORM_DRIVERS, platformNamesOf } from "./platforms.ts";
import { systemClock } from "./system-clock.ts";

/** The path of LM Studio's own API; any other is taken for OpenAI's. */
const LM_STUDIO_PATH = "/api/v1/chat";

/** Where samples come from, and what to say of it. */
export interface Signals {
  readonly source: SignalSource;
  /** What Sentinel itself knows of services, whatever the source is: it has to be run. */
  readonly own: EmbeddedSource;
  /** The same, if Sentinel scrapes by itself: then it is the source as well. */
  readonly embedded: EmbeddedSource | undefined;
  readonly description: string;
  /** How long samples are kept, and what that takes, if rules look back for longer than usual. */
  readonly history: string | undefined;
}

/**
 * A Prometheus, or Sentinel itself; the platforms are asked for series either way.
 *
 * @throws SentinelError `configuration` on two targets that would have the same series, and on a rule that
 *   looks back for longer than memory holds
 */
export function signalsOf(
  settings: ObserverSettings,
  platforms: readonly Pick<Platform, "name" | "series">[],
): Signals {
  const { prometheusUrl, pollIntervalMs, scrapeTargets, services } = settings;
  const every = `every ${formatDuration(pollIntervalMs)}`;
  const servicesOn = (name: PlatformName) =>
    services.filter(({ platform }) => platform === name).map((service) => service.name);
  const isEmbedded = prometheusUrl === undefined;
  const rules = isEmbedded ? historyRules(settings) : [];
  const own = createEmbedded({
    rules,
    targets: isEmbedded ? scrapeTargets : [],
    intervalMs: pollIntervalMs,
    clock: systemClock,
    platforms: platforms.map((platform) => ({ platform, services: servicesOn(platform.name) })),
    services,
  });
  const ofPlatforms = platforms.map(({ name }) => PLATFORM_DRIVERS[name].title);
  if (prometheusUrl !== undefined) {
    const asked = [new URL(prometheusUrl).origin, ...ofPlatforms];
    const source = prometheusSource({ url: prometheusUrl, access: settings.prometheusAccess });
    const description = `${asked.join(", ")}, ${every}`;
    return { source, own, embedded: undefined, description, history: undefined };
  }
  const asked = [...scrapeTargets.map(({ url }) => shownUrl(url)), ...ofPlatforms];
  const description = `scraped from ${asked.join(", ")}, ${every}`;
  const history = planHistory(rules, pollIntervalMs).description;
  return { source: own, own, embedded: own, description, history };
}

/** @throws RangeError if none of them is the service's */
export function platformOf<T extends { readonly platform: Platform }>(
  service: Service,
  platforms: readonly T[],
): T {
  const found = platforms.find(({ platform }) => platform.name === service.platform);
  if (found !== undefined) return found;
  throw new RangeError(`there is no platform ${service.platform} for ${service.name}`);
}

/** Whether services are watched that a platform finds by itself, beside those of the settings. */
export function watchesLabelled(settings: ObserverSettings): boolean {
  return settings.prometheusUrl === undefined && platformNamesOf(settings).includes("docker");
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
