/** The role `observer`: picks the drivers from the settings and starts the loop. */

import { allowlistFor } from "./allowlist.ts";
import type { ObserverSettings } from "./config.ts";
import { toEventLine } from "./core/event-log.ts";
import type { SentinelEvent } from "./core/events.ts";
import type { Rule, Service } from "./core/model.ts";
import { createMonitor, type MonitorOptions } from "./core/monitor.ts";
import type { Clock, Diagnoser, SignalSource } from "./core/ports.ts";
import { renderEvent } from "./core/report.ts";
import {
  builtInRules,
  formatDuration,
  mergeRules,
  type RuleSource,
  readRule,
} from "./core/rules.ts";
import { watch } from "./core/watch.ts";
import { geminiDiagnoser } from "./diagnosers/gemini.ts";
import { lmstudioDiagnoser } from "./diagnosers/lmstudio.ts";
import { openaiDiagnoser } from "./diagnosers/openai.ts";
import { composeExecutor } from "./executors/compose.ts";
import { dockerExecutor, dockerRuntime } from "./executors/docker.ts";
import { healthcheck } from "./healthcheck.ts";
import { createLog, print } from "./log.ts";
import { prometheusSource } from "./signals/prometheus.ts";

/** The path of LM Studio's own API; any other is taken for OpenAI's. */
const LM_STUDIO_PATH = "/api/v1/chat";

const SCRAPES_PER_WINDOW = 4;
const MIN_WINDOW_MS = 4000;
const UNKNOWN_WINDOW_MS = 60_000;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep(durationMs, signal) {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (signal.aborted) return Promise.resolve();
    const timer = setTimeout(resolve, durationMs);
    const wake = () => resolve();
    signal.addEventListener("abort", wake, { once: true });
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
    });
  },
};

/**
 * Watches until the signal aborts; then it finishes or cancels what it is doing, and says so.
 *
 * @throws SentinelError `configuration` on a rule that cannot be read
 */
export async function runObserver(settings: ObserverSettings, signal: AbortSignal): Promise<void> {
  const source = prometheusSource({ url: settings.prometheusUrl });
  const diagnosers = diagnosersOf(settings);
  const executors = [dockerExecutor(), composeExecutor({ composeFile: settings.composeFile })];
  const runtime = dockerRuntime();
  const { emit, say } = createOutput(settings);
  say(startLines(settings, diagnosers));
  await Promise.all(
    settings.services.map(async (service) => {
      const monitor = createMonitor(monitorOptions(settings, service, source), source, systemClock);
      const { autonomy, pollIntervalMs, stabilizeMs, cooldownMs } = settings;
      const allowlist = allowlistFor(service.name);
      await watch(
        {
          policy: { service, allowlist, autonomy, pollIntervalMs, stabilizeMs },
          world: {
            source,
            monitor,
            runtime,
            diagnosers,
            executors,
            clock: systemClock,
            checkHealth: (url) => healthcheck(url),
          },
          cooldownMs,
          emit,
        },
        signal,
      );
    }),
  );
  say(["Stopped."]);
}

/** Gemini, then each local model; the playbook needs no driver. */
export function diagnosersOf({ gemini, localModels }: ObserverSettings): Diagnoser[] {
  const { models, ...server } = localModels;
  const isLmStudio = new URL(server.url).pathname === LM_STUDIO_PATH;
  const create = isLmStudio ? lmstudioDiagnoser : openaiDiagnoser;
  return [
    ...(gemini ? [geminiDiagnoser(gemini)] : []),
    ...models.map((model) => create({ ...server, model })),
  ];
}

/** The rules in force for a service, built-in ones first, as they stand in a rule file. */
export function ruleSources(
  settings: ObserverSettings,
  service: Service,
  windowMs: number,
): (RuleSource & { readonly file?: string })[] {
  return mergeRules(builtInRules(service, settings.thresholds, windowMs), settings.ownRules);
}

/** @throws SentinelError `configuration` */
export function rulesFor(settings: ObserverSettings, service: Service, windowMs: number): Rule[] {
  return ruleSources(settings, service, windowMs).map(({ file, ...rule }) =>
    readRule(rule, file ?? "built-in rules"),
  );
}

/** `RATE_WINDOW=auto` is 4 scrape intervals, so that a missed scrape leaves enough for a rate. */
export function monitorOptions(
  settings: ObserverSettings,
  service: Service,
  source: SignalSource,
): MonitorOptions {
  return {
    rulesFor: (windowMs) => rulesFor(settings, service, windowMs),
    fallbackWindowMs: UNKNOWN_WINDOW_MS,
    async findWindowMs(signal) {
      if (settings.rateWindowMs !== undefined) return settings.rateWindowMs;
      try {
        const intervalMs = await source.scrapeIntervalMs(service.job, signal);
        return intervalMs && Math.max(SCRAPES_PER_WINDOW * intervalMs, MIN_WINDOW_MS);
      } catch {
        // The source is away, which the poll itself says.
        return undefined;
      }
    },
  };
}

function startLines(settings: ObserverSettings, diagnosers: readonly Diagnoser[]): string[] {
  const { version, services, prometheusUrl, pollIntervalMs, autonomy, gemini, localModels } =
    settings;
  const asked = [...diagnosers.map(({ name }) => name), "the built-in playbook"].join(", then ");
  const sent = [
    ...(gemini ? [gemini.baseUrl ? new URL(gemini.baseUrl).host : "Google"] : []),
    ...(localModels.models.length > 0 ? [new URL(localModels.url).host] : []),
  ];
  return [
    `Sentinel ${version} watches ${services.map(({ name }) => name).join(", ")}`,
    `  signals     ${new URL(prometheusUrl).origin}, every ${formatDuration(pollIntervalMs)}`,
    `  diagnosis   ${asked}`,
    `  sent out    ${sent.length > 0 ? `evidence of an incident, to ${sent.join(" and ")}` : "nothing"}`,
    `  autonomy    ${autonomy}`,
  ];
}

interface Output {
  emit(event: SentinelEvent): void;
  say(lines: readonly string[]): void;
}

function createOutput({ logFormat }: ObserverSettings): Output {
  if (logFormat === "text")
    return {
      emit: (event) => {
        const lines = renderEvent(event);
        if (lines.length > 0) print(lines.join("\n"));
      },
      say: (lines) => print(lines.join("\n")),
    };
  const log = createLog({ name: "sentinel.observer" });
  return {
    emit: (happened) => {
      const { level, event, fields } = toEventLine(happened);
      log.event(level, event, fields);
    },
    say: (lines) => {
      for (const line of lines) log.event("info", "notice", { text: line.trim() });
    },
  };
}
