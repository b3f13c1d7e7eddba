/**
 * The role `demo`: breaks a service five times and heals it, with nothing installed. The target runs
 * as a process under the supervisor, and the observer scrapes it by itself.
 */

import { whenAborted } from "./core/abort.ts";
import { defaultActions } from "./allowlist.ts";
import type { ObserverSettings } from "./config/config.ts";
import { SentinelError } from "./core/errors.ts";
import type { Service } from "./core/model.ts";
import { renderEvent } from "./report/terminal.ts";
import type { RuleSource } from "./rules/rules.ts";
import { type DemoFault, sendTraffic, type Victim } from "./demo/faults.ts";
import { createNarrator, type Narrator, type Terminal } from "./demo/narrator.ts";
import { isHealed, median, renderScores, type Score, seconds } from "./demo/scoreboard.ts";
import { playScene, type Stage } from "./demo/scene.ts";
import { createStage } from "./demo/stage.ts";
import { diagnosersOf, signalsOf } from "./observer/drivers.ts";
import { thisProgram } from "./platforms/process/guarded.ts";
import { childEnvironment } from "./platforms/run-command.ts";
import { processPlatform } from "./platforms/process/supervised.ts";
import { createSupervisor, type Supervisor } from "./platforms/process/supervisor.ts";
import { healthcheck } from "./observer/healthcheck.ts";
import { memoryJournal } from "./journals/memory.ts";
import { observe } from "./observer/observe.ts";
import { SIGNAL_TABLE } from "./observer/signal-table.ts";
import { systemClock } from "./observer/system-clock.ts";

interface DemoOptions {
  /** The observer's settings; the demo has its own service, thresholds and intervals. */
  readonly settings: ObserverSettings;
  readonly faults: readonly DemoFault[];
  /** Goes on watching after the last fault, until the signal aborts. */
  readonly keep: boolean;
  readonly terminal: Terminal;
}

const SERVICE_NAME = "demo-target";
const POLL_MS = 1000;
/** One rate window, and a second look. */
const STABILIZE_MS = 5000;
const MODEL_DEADLINE_MS = 500;
const START_DEADLINE_MS = 10_000;
/** How long all faults together may take. */
const MAX_MS = 115_000;

/** Low enough for a small machine to pass them, high enough for a quiet service not to. */
const THRESHOLDS = { cpu: 0.5, latencySeconds: 1, memoryBytes: 200_000_000, errorRatio: 0.05 };

/** Its own restarts would end the demo: five within minutes look like a crash loop. */
const PATIENT_CRASH_LOOP: RuleSource & { readonly file: string } = {
  file: "the demo",
  alert: "CrashLoop",
  expr: `changes(process_start_time_seconds{job="${SERVICE_NAME}"}[10m]) > 20`,
  labels: { severity: "critical" },
};

/**
 * @returns whether every fault was healed
 * @throws SentinelError `listen` if the service cannot be started
 */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<boolean> {
  const narrator = createNarrator(options.terminal);
  const url = `http://127.0.0.1:${freePort()}`;
  const settings = demoSettings(await withReachableModels(options.settings), url);
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  await using supervisor = createSupervisor({
    name: SERVICE_NAME,
    argv: [...thisProgram(), "--role=target"],
    env: { ...childEnvironment(), HOST: "127.0.0.1", PORT: new URL(url).port },
    // So late that it is the loop that heals: else a killed process would be back before it is missed.
    policy: { minDelayMs: MAX_MS, maxDelayMs: MAX_MS },
    clock: systemClock,
  });
  await startService(supervisor, url, ended);
  introduce(narrator, { settings, url });

  const stage = createStage();
  const platform = processPlatform(supervisor);
  const observing = observe(
    {
      settings,
      // Its own service need not be remembered after its end.
      journal: memoryJournal(),
      signals: signalsOf(settings, [platform]),
      platforms: [{ platform }],
      emit: stage.emit,
      say(topic, text) {
        // Of its own service there is nothing to find out.
        if (topic !== SIGNAL_TABLE) narrator.say(row(topic, text));
      },
    },
    ended,
  );
  const traffic = sendTraffic(url, ended);
  const work = async () => {
    const scores: Score[] = [];
    const deadline = AbortSignal.any([ended, AbortSignal.timeout(MAX_MS)]);
    for (const [index, fault] of options.faults.entries()) {
      if (signal.aborted) break;
      const number = `${index + 1}/${options.faults.length}`;
      const victim = victimOf(supervisor, url);
      scores.push(await playScene({ fault, number, narrator, victim, stage }, deadline));
    }
    if (signal.aborted) narrator.say("", "Interrupted; the service is being stopped.");
    else conclude(narrator, scores);
    if (options.keep && !signal.aborted) await keepWatching(narrator, stage, signal);
    return scores.length === options.faults.length && scores.every(isHealed);
  };
  try {
    // The observer goes on until it is stopped, unless it fails.
    return await Promise.race([work(), observing.then(() => false)]);
  } finally {
    narrator.settle();
    stop.abort();
    await Promise.all([observing, traffic]);
  }
}

/** Until the signal aborts. */
async function keepWatching(narrator: Narrator, stage: Stage, signal: AbortSignal): Promise<void> {
  narrator.say("", "It goes on watching; Ctrl-C ends it.");
  const stopListening = stage.listen((event) => {
    const lines = renderEvent(event);
    if (lines.length > 0) narrator.say(...lines);
  });
  await whenAborted(signal);
  stopListening();
}

function demoSettings(settings: ObserverSettings, url: string): ObserverSettings {
  const service: Service = {
    name: SERVICE_NAME,
    job: SERVICE_NAME,
    health: { http: `${url}/health` },
    platform: "process",
    actions: defaultActions("process"),
  };
  return {
    ...settings,
    prometheusUrl: undefined,
    scrapeTargets: [{ job: SERVICE_NAME, url: `${url}/metrics` }],
    services: [service],
    supervise: undefined,
    thresholds: THRESHOLDS,
    ruleGroups: [{ name: "the demo", rules: [PATIENT_CRASH_LOOP] }],
    ownRules: [PATIENT_CRASH_LOOP],
    // As many as there are faults, and again with --keep.
    actionsPerService: 1000,
    actionsInAll: 1000,
    pollIntervalMs: POLL_MS,
    rateWindowMs: undefined,
    stabilizeMs: STABILIZE_MS,
    cooldownMs: 0,
    autonomy: "auto",
    // Any free one: the usual port may be an observer's that watches something real.
    observerPort: 0,
  };
}

/** A local model is asked if a server is there; nobody has to have one for the demo. */
async function withReachableModels(settings: ObserverSettings): Promise<ObserverSettings> {
  const { url, models } = settings.localModels;
  if (models.length === 0 || (await isListening(new URL(url).origin))) return settings;
  return { ...settings, localModels: { ...settings.localModels, models: [] } };
}

async function isListening(origin: string): Promise<boolean> {
  try {
    await fetch(origin, { method: "HEAD", signal: AbortSignal.timeout(MODEL_DEADLINE_MS) });
    return true;
  } catch {
    // Whatever the reason, it is of no use to the demo.
    return false;
  }
}

async function startService(
  supervisor: Supervisor,
  url: string,
  signal: AbortSignal,
): Promise<void> {
  const started = await supervisor.start(signal);
  const untilMs = systemClock.nowMs() + START_DEADLINE_MS;
  while (started.kind === "succeeded" && systemClock.nowMs() < untilMs) {
    if ((await healthcheck(`${url}/health`)).ok) return;
    await systemClock.sleep(50, signal);
  }
  if (signal.aborted) return;
  const said = started.output.trim().split("\n").at(-1) ?? "";
  throw new SentinelError("listen", `the demo's service did not start: ${said}`);
}

function victimOf(supervisor: Supervisor, url: string): Victim {
  return {
    url,
    pid: () => supervisor.status().pid,
    kill() {
      const { pid } = supervisor.status();
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    },
  };
}

interface Introduced {
  readonly settings: ObserverSettings;
  readonly url: string;
}

function introduce(narrator: Narrator, { settings, url }: Introduced): void {
  const { version } = settings;
  const asked = diagnosersOf(settings).map(({ name }) => `${name}, else `);
  narrator.say(
    `Sentinel ${version} breaks a service of its own, finds what is wrong, and heals it.`,
    "",
    row("service", `${url}, a process of this executable`),
    row("signals", "scraped every second; nothing else is installed or asked"),
    row("diagnosis", `${asked.join("")}the built-in playbook`),
  );
}

function row(topic: string, text: string): string {
  return `  ${topic.padEnd(11)}${text}`;
}

function conclude(narrator: Narrator, scores: readonly Score[]): void {
  const healed = scores.filter(isHealed);
  const detected = median(scores.flatMap(({ detectedAfterMs }) => detectedAfterMs ?? []));
  narrator.settle();
  narrator.say(
    "",
    ...renderScores(scores, narrator.columns),
    "",
    `${healed.length} of ${scores.length} healed; median time to detection ${seconds(detected)}.`,
  );
}

function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = server;
  server.stop(true);
  return port;
}
