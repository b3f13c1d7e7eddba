/** The role `observer`: reads the settings into drivers, and tells what happens. */

import type { ObserverSettings } from "./config/config.ts";
import { printable } from "./text/printable.ts";
import { maskText } from "./text/redact.ts";
import { toLogLine } from "./incident/event-line.ts";
import { messageOf } from "./core/errors.ts";
import type { ToldEvent } from "./core/events.ts";
import type { Journal } from "./core/ports.ts";
import { reportEvent } from "./report/terminal.ts";
import { describePlaceholder, diagnosersOf, recipientsOf, signalsOf } from "./observer/drivers.ts";
import { sqliteJournal } from "./journals/sqlite.ts";
import { createLog, type LogLevel, print } from "./log.ts";
import { recordingsLeft } from "./observer/effective-rules.ts";
import { observe } from "./observer/observe.ts";
import { beginPlatforms } from "./observer/platforms.ts";
import { systemClock } from "./observer/system-clock.ts";

/** The longest notice; a list of targets may well be long. */
const MAX_LENGTH = 4000;

/** What a platform calls itself is not worth a longer wait. */
const PLATFORM_DEADLINE_MS = 5000;

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
  const output = createOutput(settings);
  // First of all: who cannot keep a journal watches nothing, and does not say so.
  await using journal = await openJournal(settings, output.say);
  await watch({ settings, journal, output, onStall }, signal);
  output.announce("Stopped.");
}

interface Watching {
  readonly settings: ObserverSettings;
  readonly journal: Journal;
  readonly output: Output;
  readonly onStall: (why: string) => void;
}

async function watch(
  { settings, journal, output, onStall }: Watching,
  signal: AbortSignal,
): Promise<void> {
  const { emit, announce, say } = output;
  const { version, services, autonomy, healLabel } = settings;
  await using resources = new AsyncDisposableStack();
  const open = beginPlatforms({ settings, journal, emit, say });
  for (const { close } of open) resources.defer(async () => await close?.());
  const platforms = open.map(({ platform }) => platform);
  const signals = signalsOf(settings, platforms);
  const names = services.map(({ name }) => name).join(", ");
  announce(`Sentinel ${version} watches ${names || `containers with the label ${healLabel}`}`);
  for (const { name, why } of settings.unused) say("settings", `${name} ${why}`, "warning");
  say("signals", signals.description);
  if (signals.history !== undefined) say("history", signals.history);
  const left = recordingsLeft(settings);
  if (left !== undefined) say("rules", left);
  say(
    "diagnosis",
    [...diagnosersOf(settings).map(({ name }) => name), "the built-in playbook"].join(", then "),
  );
  for (const key of settings.placeholderKeys) say("key", describePlaceholder(key), "warning");
  say("sent out", describeSent(settings));
  say("autonomy", autonomy);
  say("journal", settings.journalPath);
  for (const { platform, describe } of open)
    if (describe) say(platform.name, await describe(AbortSignal.timeout(PLATFORM_DEADLINE_MS)));
  await Promise.all([
    observe({ settings, signals, journal, platforms: open, emit, say, onStall }, signal),
    ...open.map(({ prepare }) => prepare?.(signal)),
  ]);
}

/** Forgets now and then what is too old; an incident that has not ended is never forgotten. */
async function openJournal(
  { journalPath }: ObserverSettings,
  say: Output["say"],
): Promise<Journal & AsyncDisposable> {
  const journal = sqliteJournal(journalPath, { mode: "observer" });
  const prune = async () => {
    try {
      await journal.prune({ beforeMs: systemClock.nowMs() - KEPT_MS, maxBytes: MAX_JOURNAL_BYTES });
    } catch (error) {
      // What is too much today is forgotten tomorrow; that it cannot be written is told by the loops.
      say("journal", messageOf(error), "warning");
    }
  };
  await prune();
  const timer = setInterval(prune, PRUNE_EVERY_MS);
  return {
    ...journal,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await journal.close();
    },
  };
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
