/** The role `observer`: reads the settings into drivers, and tells what happens. */

import { existsSync } from "node:fs";
import { exactSeconds, seconds } from "./text/time.ts";
import { composedNames, findOne, tellingLookup } from "./observer/compose-notices.ts";
import type { ObserverSettings } from "./config/config.ts";
import { printable } from "./text/printable.ts";
import { maskText } from "./text/redact.ts";
import { toLogLine } from "./incident/event-line.ts";
import { messageOf } from "./core/errors.ts";
import type { ToldEvent } from "./core/events.ts";
import type { Journal } from "./core/ports.ts";
import { reportEvent } from "./report/terminal.ts";
import { describeEngine } from "./platforms/docker/api.ts";
import { resolveConnection } from "./platforms/docker/connection.ts";
import {
  describePlaceholder,
  diagnosersOf,
  dockerOptionsOf,
  recipientsOf,
  type Signals,
  signalsOf,
} from "./observer/drivers.ts";
import { missingContainers } from "./observer/missing-containers.ts";
import { keepCuredDeath } from "./observer/cured-deaths.ts";
import { composeLookup } from "./platforms/docker/compose-lookup.ts";
import { dockerPlatform } from "./platforms/docker/platform.ts";
import { processPlatform } from "./platforms/process/supervised.ts";
import { createSupervisor, type SupervisorEvent } from "./platforms/process/supervisor.ts";
import { sqliteJournal } from "./journals/sqlite.ts";
import { createLog, createPassThrough, type LogLevel, print } from "./log.ts";
import { observe, type ObserveOptions } from "./observer/observe.ts";
import { systemClock } from "./observer/system-clock.ts";

/** Of one notice; a list of targets may well be long. */
const MAX_LENGTH = 4000;

/** What the engine calls itself is not worth a longer wait. */
const ENGINE_DEADLINE_MS = 5000;

/** How long an incident is remembered, and how much of them: some thousands. */
const KEPT_MS = 90 * 86_400_000;
const MAX_JOURNAL_BYTES = 8 * 1024 * 1024;
const PRUNE_EVERY_MS = 3_600_000;

/**
 * Watches until the signal aborts; then it finishes or cancels what it is doing, and says so.
 *
 * @param onStall called when a loop stands still; it is to end the process
 * @throws SentinelError `configuration` on a rule that cannot be read, `listen` if the API's port
 *   cannot be had
 */
export async function runObserver(
  settings: ObserverSettings,
  onStall: (why: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const signals = signalsOf(settings);
  const { emit, announce, say } = createOutput(settings);
  const { version, services, autonomy, healLabel } = settings;
  // First of all: who cannot keep a journal watches nothing, and does not say so.
  using journal = openJournal(settings, say);
  const names = services.map(({ name }) => name).join(", ");
  announce(`Sentinel ${version} watches ${names || `containers with the label ${healLabel}`}`);
  for (const { name, why } of settings.unused) say("settings", `${name} ${why}`, "warning");
  say("signals", signals.description);
  say(
    "diagnosis",
    [...diagnosersOf(settings).map(({ name }) => name), "the built-in playbook"].join(", then "),
  );
  for (const key of settings.placeholderKeys) say("key", describePlaceholder(key), "warning");
  say("sent out", describeSent(settings));
  say("autonomy", autonomy);
  say("journal", settings.journalPath);
  if (settings.supervise === undefined) say("docker", await describeDocker(settings, signals));
  const shared = { settings, signals, emit, say, onStall, journal };
  if (settings.supervise === undefined) {
    const docker = dockerOptionsOf(settings);
    const compose = { ...docker, composeFile: settings.composeFile };
    const platforms = [dockerPlatform(compose)];
    const lookup = tellingLookup(composeLookup(compose), (text) => say("compose", text));
    const findComposeService = findOne(lookup);
    const hasComposeFile = () => existsSync(settings.composeFile);
    const tellMissing = async () => {
      // What is seen of a container now is what is known of it once it is gone.
      const composed = await lookup.find(composedNames(services), signal);
      const missing = await missingContainers(services, composed, { docker, signal });
      if (signal.aborted) return;
      for (const why of missing.values()) say("container", why, "warning");
    };
    await Promise.all([
      observe({ ...shared, platforms, findComposeService, hasComposeFile }, signal),
      tellMissing(),
    ]);
  } else {
    await superviseAndObserve(settings.supervise, shared, signal);
  }
  signals.docker?.close();
  announce("Stopped.");
}

type Shared = Omit<ObserveOptions, "platforms"> & { readonly say: Output["say"] };

/** Runs the command as the service, and watches it. */
async function superviseAndObserve(
  { service, argv, showsOutput }: NonNullable<ObserverSettings["supervise"]>,
  shared: Shared,
  signal: AbortSignal,
): Promise<void> {
  const { say, emit, journal, settings } = shared;
  const { health = "none" } = settings.services.find(({ name }) => name === service) ?? {};
  // Ends after the supervisor does, so that the command's last words are read.
  await using output = createPassThrough();
  await using supervisor = createSupervisor({
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
  await observe({ ...shared, platforms: [platform], startService: supervisor.start }, signal);
}

/** Which engine it is; what is wrong with it is told once it is asked. */
async function describeDocker(settings: ObserverSettings, { docker }: Signals): Promise<string> {
  const { shown: where, isAssumed } = resolveConnection(settings.docker);
  if (docker === undefined) return isAssumed ? "by the docker command" : where;
  try {
    return await describeEngine(docker, AbortSignal.timeout(ENGINE_DEADLINE_MS));
  } catch {
    return where;
  }
}

/** Forgets now and then what is too old; an incident that has not ended is never forgotten. */
function openJournal({ journalPath }: ObserverSettings, say: Output["say"]): Journal & Disposable {
  const journal = sqliteJournal(journalPath, { mode: "observer" });
  const prune = () => {
    try {
      journal.prune({ beforeMs: systemClock.nowMs() - KEPT_MS, maxBytes: MAX_JOURNAL_BYTES });
    } catch (error) {
      // What is too much today is forgotten tomorrow; that it cannot be written is told by the loops.
      say("journal", messageOf(error), "warning");
    }
  };
  prune();
  const timer = setInterval(prune, PRUNE_EVERY_MS);
  return {
    ...journal,
    [Symbol.dispose]() {
      clearInterval(timer);
      journal.close();
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

/** Evidence holds log lines: a person should know where they go. */
function describeSent(settings: ObserverSettings): string {
  const sent = recipientsOf(settings);
  return sent.length > 0 ? `evidence of an incident, to ${sent.join(" and ")}` : "nothing";
}

interface Output {
  emit(event: ToldEvent): void;
  announce(text: string): void;
  say(topic: string, text: string, level?: LogLevel): void;
}

/** Part of it comes from outside, such as Docker's reasons. */
function shown(text: string): string {
  return printable(maskText(text), MAX_LENGTH);
}

function createOutput({ logFormat }: ObserverSettings): Output {
  if (logFormat === "text") {
    return {
      emit: (event) => {
        const lines = reportEvent(event);
        if (lines.length > 0) print(lines.join("\n"));
      },
      announce: print,
      say: (topic, text) => print(`  ${topic.padEnd(12)}${shown(text)}`),
    };
  }
  const log = createLog({ name: "sentinel.observer" });
  return {
    emit: (happened) => {
      const { level, event, fields } = toLogLine(happened);
      log.event(level, event, fields);
    },
    announce: (text) => log.event("info", "notice", { text }),
    say: (topic, text, level = "info") => log.event(level, "notice", { topic, text: shown(text) }),
  };
}
