/** The role `observer`: reads the settings into drivers, and tells what happens. */

import type { ObserverSettings } from "./config.ts";
import { toEventLine } from "./core/event-log.ts";
import type { SentinelEvent } from "./core/events.ts";
import type { Diagnoser } from "./core/ports.ts";
import { renderEvent } from "./core/report.ts";
import { diagnosersOf, signalsOf, systemClock } from "./drivers.ts";
import { composeExecutor } from "./executors/compose.ts";
import { dockerExecutor, dockerRuntime } from "./executors/docker.ts";
import { supervisorExecutor, supervisorRuntime } from "./executors/supervised.ts";
import { createSupervisor, type SupervisorEvent } from "./executors/supervisor.ts";
import { createLog, print } from "./log.ts";
import { observe } from "./observe.ts";

/**
 * Watches until the signal aborts; then it finishes or cancels what it is doing, and says so.
 *
 * @throws SentinelError `configuration` on a rule that cannot be read, `listen` if the API's port
 *   cannot be had
 */
export async function runObserver(settings: ObserverSettings, signal: AbortSignal): Promise<void> {
  const signals = signalsOf(settings);
  const { emit, say } = createOutput(settings);
  say(startLines(settings, { signals: signals.description, diagnosers: diagnosersOf(settings) }));
  const shared = { settings, signals, emit, say: (line: string) => say([line]) };
  if (settings.supervise === undefined) {
    const executors = [dockerExecutor(), composeExecutor({ composeFile: settings.composeFile })];
    await observe({ ...shared, runtime: dockerRuntime(), executors }, signal);
  } else {
    const { service: name, argv } = settings.supervise;
    await using supervisor = createSupervisor({
      name,
      argv,
      clock: systemClock,
      onEvent: (event) => say([describeSupervisor(event)]),
    });
    await supervisor.start(signal);
    const executors = [supervisorExecutor(supervisor)];
    await observe({ ...shared, runtime: supervisorRuntime(supervisor), executors }, signal);
  }
  say(["Stopped."]);
}

function describeSupervisor(event: SupervisorEvent): string {
  switch (event.type) {
    case "child_started":
      return `the command runs as process ${event.pid}`;
    case "child_died":
      return `the command ended by itself (${event.how}) after ${Math.round(event.ranMs / 1000)} s`;
    case "child_restarting":
      return `it is started again in ${event.inMs / 1000} s`;
    case "child_given_up":
      return `it died ${event.deaths} times within ${event.withinMs / 1000} s, and is not started again`;
    case "child_stopped":
      return `the command is stopped (${event.how})`;
  }
}

interface Described {
  readonly signals: string;
  readonly diagnosers: readonly Diagnoser[];
}

function startLines(settings: ObserverSettings, { signals, diagnosers }: Described): string[] {
  const { version, services, autonomy, gemini, localModels } = settings;
  const asked = [...diagnosers.map(({ name }) => name), "the built-in playbook"].join(", then ");
  const sent = [
    ...(gemini ? [gemini.baseUrl ? new URL(gemini.baseUrl).host : "Google"] : []),
    ...(localModels.models.length > 0 ? [new URL(localModels.url).host] : []),
  ];
  return [
    `Sentinel ${version} watches ${services.map(({ name }) => name).join(", ")}`,
    `  signals     ${signals}`,
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
