/** The command `check`: what the observer would work with. */

import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import { checkModels } from "./check-models.ts";
import { describeSignals } from "../observer/signal-table.ts";
import { composedNames } from "../observer/compose-notices.ts";
import { missingContainers } from "../observer/missing-containers.ts";
import type { ObserverSettings } from "../config/config.ts";
import { printable } from "../text/printable.ts";
import { maskText } from "../text/redact.ts";
import { messageOf, SentinelError } from "../core/errors.ts";
import type { HealthAnswer, Service } from "../core/model.ts";
import { foldIncidents } from "../core/incident-record.ts";
import { type ComposeLookup, composeLookup } from "../platforms/docker/compose-lookup.ts";
import type { DockerOptions } from "../platforms/docker/docker.ts";
import { checkHealth } from "../observer/health.ts";
import { platformOf, type Signals, signalsOf } from "../observer/drivers.ts";
import { askPlatforms, dockerOptionsOf } from "../observer/platforms.ts";
import { journalError } from "../journals/journal-error.ts";
import { sqliteJournal } from "../journals/sqlite.ts";
import type { EmbeddedSource } from "../signals/embedded/embedded.ts";
import type { TargetState } from "../signals/embedded/scrape-target.ts";
import { checksOfFiles } from "./rule-groups.ts";
import { builtInSources, rulesOfFiles } from "../observer/effective-rules.ts";

const DEADLINE_MS = 10_000;
const MAX_LENGTH = 1000;

/** `missing` is a help that the observer can do without; `unused` what somebody set to no effect. */
interface Finding {
  readonly state: "ok" | "failed" | "missing" | "unused";
  readonly what: string;
  readonly text: string;
}

interface CheckResult {
  /** For people: one for each dependency, with what to do where it fails, and the conclusion. */
  readonly lines: readonly string[];
  /** It needs signals and Docker; the rest is a help. */
  readonly canWork: boolean;
}

/**
 * Reaches every dependency once.
 *
 * @param given the `docker` command, where it is not that of the settings
 */
export async function check(
  settings: ObserverSettings,
  given?: DockerOptions,
): Promise<CheckResult> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const platforms = askPlatforms(settings, given);
  // A process that the observer has yet to start gives no series.
  const running = platforms.filter(({ reach }) => reach !== undefined);
  const signals = signalsOf(
    settings,
    running.map(({ platform }) => platform),
  );
  const models = checkModels(settings, signal);
  const docker = given ?? dockerOptionsOf(settings);
  const lookup = composeLookup({ ...docker, composeFile: settings.composeFile });
  const found = lookup.find(composedNames(settings.services), signal);
  const missing = await missingContainers(settings.services, await found, { docker, signal });
  // Begun just before the wait for it, so that its failure is never unhandled.
  const answers = reachSignals(signals, signal);
  const told = await Promise.all([
    attempt("settings", "failed", async () => describeSettings(settings)),
    attempt("signals", "failed", () => answers),
    ...platforms.flatMap(({ platform, reach }) =>
      reach === undefined ? [] : [attempt(platform.name, "failed", () => reach(signal))],
    ),
    ...(settings.supervise
      ? [attempt("command", "failed", async () => findProgram(settings.supervise?.argv ?? []))]
      : []),
    ...checkFiles(settings, signals, signal),
    attempt("journal", "failed", () => readJournal(settings)),
    ...[...missing].map(([name, why]) =>
      attempt(`container of ${name}`, "missing", () => Promise.reject(new Error(why))),
    ),
    ...settings.services.flatMap((service) => [
      ...(service.usesCompose && !missing.has(service.name)
        ? [attempt(`compose of ${service.name}`, "missing", () => describeCompose(service, found))]
        : []),
      attempt(
        `${service.job === undefined ? "metrics" : "job"} of ${service.name}`,
        "missing",
        async () => {
          await answers.catch(() => {
            throw new Error("not known without signals");
          });
          return await findJob(service, signals, signal);
        },
      ),
      attempt(`health of ${service.name}`, "missing", async () => {
        const { platform } = platformOf(service, platforms);
        return describeHealth(service, await checkHealth(service, platform));
      }),
    ]),
  ]);
  const tables = await answers.then(
    () => describeAll(settings.services, signals, signal),
    () => [],
  );
  for (const { close } of platforms) await close?.();
  const [ofSettings, ...rest] = told;
  const findings: readonly Finding[] = [
    ...(ofSettings === undefined ? [] : [ofSettings]),
    ...settings.unused.map(({ name, why }) => ({
      state: "unused" as const,
      what: "settings",
      text: shown(`${name} ${why}`),
    })),
    ...rest,
    ...(await models).map((finding) => ({ ...finding, text: shown(finding.text) })),
    { state: "ok", what: "playbook", text: "built in, always answers" },
  ];
  return conclude(findings, tables);
}

/** What was found as lines, the tables below them and the conclusion at the end. */
function conclude(findings: readonly Finding[], tables: readonly string[]): CheckResult {
  const failed = findings.filter(({ state }) => state === "failed").map(({ what }) => what);
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.map(
    ({ state, what, text }) => `${state.padEnd(8)} ${what.padEnd(width)}  ${text}`,
  );
  const conclusion =
    failed.length === 0
      ? "The observer can work."
      : `The observer cannot work without: ${failed.join(", ")}.`;
  return { lines: [...lines, ...tables, conclusion], canWork: failed.length === 0 };
}

/** After the targets have been asked, whose series they are. */
async function describeAll(
  services: readonly Service[],
  { source }: Signals,
  signal: AbortSignal,
): Promise<string[]> {
  const tables = services.map((service) =>
    describeSignals(service, source, signal).catch((error: unknown) => [
      `Signals of ${service.name}: not known, since ${messageOf(error)}`,
    ]),
  );
  return (await Promise.all(tables)).flat().map(shown);
}

async function attempt(
  what: string,
  otherwise: "failed" | "missing",
  work: () => Promise<string>,
): Promise<Finding> {
  try {
    return { state: "ok", what, text: shown(await work()) };
  } catch (error) {
    const hint = error instanceof SentinelError && error.hint ? `. ${error.hint}` : "";
    return { state: otherwise, what, text: shown(messageOf(error) + hint) };
  }
}

/** What answers is not trusted, and may repeat an address with its password. */
function shown(text: string): string {
  return printable(maskText(text), MAX_LENGTH);
}

function describeSettings(settings: ObserverSettings): string {
  const { services, autonomy } = settings;
  const builtIn = services.flatMap((service) =>
    builtInSources(settings, { service, windowMs: DEADLINE_MS }),
  );
  const count = builtIn.length + rulesOfFiles(settings).length;
  const noun = services.length === 1 ? "service" : "services";
  return `${services.length} ${noun}, ${count} rules, autonomy ${autonomy}`;
}

async function reachSignals(
  { source, embedded, description }: Signals,
  signal: AbortSignal,
): Promise<string> {
  if (embedded !== undefined) {
    await embedded.scrapeOnce(signal);
    return describeTargets(embedded.targets());
  }
  await source.query("time()", signal);
  return `${description.split(",", 1)} answers`;
}

function checkFiles(settings: ObserverSettings, signals: Signals, signal: AbortSignal) {
  return checksOfFiles(settings, signals).map(({ what, find }) =>
    attempt(what, "missing", () => find(signal)),
  );
}

/** Sentinel works without any of them, so a target that does not answer is no failure; each is named. */
function describeTargets(targets: readonly TargetState[]): string {
  const down = targets.filter(({ health }) => health !== "up");
  const told = down.map(({ labels, lastError }) => `; ${labels["job"]}: ${lastError}`);
  return `${targets.length - down.length} of ${targets.length} targets answer${told.join("")}`;
}

/** Reads the journal and changes nothing: the observer creates one that is missing. */
async function readJournal({ journalPath }: ObserverSettings): Promise<string> {
  if (!existsSync(journalPath)) {
    try {
      accessSync(dirname(journalPath), constants.W_OK);
    } catch (error) {
      throw journalError(error, journalPath, "journal");
    }
    return `${journalPath} will be created by the observer`;
  }
  const journal = sqliteJournal(journalPath, { mode: "reader" });
  try {
    const incidents = foldIncidents(await journal.readAfter(0));
    return `${journalPath}, ${incidents.length} incidents`;
  } finally {
    await journal.close();
  }
}

async function describeCompose(
  { name }: Service,
  services: ReturnType<ComposeLookup["find"]>,
): Promise<string> {
  const found = (await services).get(name);
  if (found?.kind !== "found")
    throw new Error(
      `compose-service-restart and compose-service-up are not offered: ${found?.reason ?? "it was not looked for"}`,
    );
  const { project, service, files } = found.value;
  return `service ${service} of project ${project}, ${files.join(", ")}`;
}

function describeHealth(service: Service, answer: HealthAnswer | undefined): string {
  if (answer === undefined) return "none: only its signals show whether it is well";
  const { ok, message } = answer;
  if (ok) return message;
  const what = typeof service.health === "object" ? " address" : "";
  throw new Error(`${message}; ${startIt(service)}, or correct its health${what}`);
}

function findProgram([program = ""]: readonly string[]): string {
  const path = Bun.which(program);
  if (path === null) throw new Error(`${program} is not on the PATH; correct SUPERVISE`);
  return path;
}

/** A second one, beside the one that the observer starts, would find its port taken. */
function startIt({ platform }: Service): string {
  return platform === "process" ? "the observer starts it" : "start the service";
}

async function findJob(
  service: Service,
  { source, embedded }: Signals,
  signal: AbortSignal,
): Promise<string> {
  const { job } = service;
  if (job === undefined) return "none: it is judged by its health and its container alone";
  const up = await source.query(`up{job=${JSON.stringify(job)}}`, signal);
  if (embedded !== undefined) return findTarget(service, embedded);
  if (up.length === 0)
    throw new Error(
      `no job ${job} is scraped; add it to the scrape_configs of Prometheus${service.isJobAssumed ? ", or write its job, or metrics: none" : ""}`,
    );
  const down = up.filter(({ value }) => value !== 1).length;
  if (down > 0)
    throw new Error(
      `${down} of ${up.length} cannot be scraped; ${startIt(service)}, or correct the job ${job} in the scrape_configs of Prometheus`,
    );
  return `${job} is scraped`;
}

function findTarget(service: Service, embedded: EmbeddedSource): string {
  const { job } = service;
  const targets = embedded.targets().filter(({ labels }) => labels["job"] === job);
  if (targets.length === 0)
    throw new Error(`no job ${job} is scraped; add ${job}=URL to SCRAPE_TARGETS`);
  const down = targets.find(({ health }) => health !== "up");
  if (down !== undefined)
    throw new Error(
      service.isJobAssumed
        ? `${down.url} ${down.lastError}; ${startIt(service)}, or write its metrics: an address, or none`
        : `${down.url} ${down.lastError}; ${startIt(service)}, or correct SCRAPE_TARGETS`,
    );
  return `${job} is scraped`;
}
