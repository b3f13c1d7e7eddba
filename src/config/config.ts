/** Settings: the only reader of the environment and of `.env`; files are read by config-file.ts. */

import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { defaultActions } from "../allowlist.ts";
import { readDotEnv } from "./dotenv.ts";
import { type Environment, type Read, reader, refuseMisspelt, VERSION } from "./environment.ts";
import { NO_FILE, readRuleFile, readSettingsFile, type SettingsFile } from "./file.ts";
import { SETTINGS } from "./keys.ts";
import { type PrometheusAccessSettings, prometheusAccess } from "./prometheus.ts";
import { type UnusedSetting, unusedSettings } from "./unused.ts";
import { splitCommand } from "../text/shell-words.ts";
import { SentinelError } from "../core/errors.ts";
import type { Autonomy, Service } from "../core/model.ts";
import { isPlaceholder } from "./placeholder.ts";
import { alertsOfGroups, type RuleGroupSource } from "../rules/files/rule-file.ts";
import type { RuleSource, Thresholds } from "../rules/rules.ts";

export interface ObserverSettings {
  /** The Prometheus to ask; `undefined` if Sentinel scrapes by itself. */
  readonly prometheusUrl: string | undefined;
  /** How that server is asked. */
  readonly prometheusAccess: PrometheusAccessSettings;
  /** What Sentinel then scrapes. */
  readonly scrapeTargets: readonly ScrapeTargetSettings[];
  /** Where Docker's engine is, as the variables of the `docker` command say. */
  readonly docker: DockerVariables;
  /** The label of containers that are to be healed without metrics: `name=value`. */
  readonly healLabel: string;
  /** The command that Sentinel itself runs as the service; program first. */
  readonly supervise:
    | {
        readonly service: string;
        readonly argv: readonly string[];
        /** Whether what it writes goes to standard error as well. */
        readonly showsOutput: boolean;
      }
    | undefined;
  /** Where page, API and metrics are served, on 127.0.0.1. */
  readonly observerPort: number;
  readonly gemini:
    { readonly apiKey: string; readonly model: string; readonly baseUrl?: string } | undefined;
  readonly localModels: {
    readonly url: string;
    readonly models: readonly string[];
    readonly apiKey?: string;
  };
  /** Settings that hold a template's placeholder where a key should be: as good as empty. */
  readonly placeholderKeys: readonly string[];
  /** What each model may be asked. */
  readonly modelBudget: { readonly callsPerHour: number; readonly tokensPerHour: number };
  /** Whether e-mail addresses are kept from models, as credentials are. */
  readonly maskEmails: boolean;
  readonly thresholds: Thresholds;
  readonly pollIntervalMs: number;
  /** The range of rates; `undefined` stands for `auto`. */
  readonly rateWindowMs: number | undefined;
  readonly stabilizeMs: number;
  readonly cooldownMs: number;
  /** The token to approve, deny, pause and resume over HTTP; without one nobody may. */
  readonly operatorToken: string | undefined;
  /** Actions within an hour, for one service and for all of them. */
  readonly actionsPerService: number;
  readonly actionsInAll: number;
  readonly autonomy: Autonomy;
  readonly services: readonly Service[];
  /** The groups of the user's own rule files. */
  readonly ruleGroups: readonly RuleGroupSource[];
  /** Their alerting rules with the labels of their groups, which replace built-in ones of the same name. */
  readonly ownRules: readonly (RuleSource & { readonly file: string })[];
  readonly composeFile: string;
  /** The file in which what happened is kept, as an absolute path. */
  readonly journalPath: string;
  readonly logFormat: "text" | "json";
  /** Settings that somebody has made and that have no effect. */
  readonly unused: readonly UnusedSetting[];
  /** For tests alone, which set it in the environment; `observer/kill-hook.ts` reads it. */
  readonly testKillAfter: string | undefined;
  readonly version: string;
}

interface DockerVariables {
  readonly host: string | undefined;
  readonly context: string | undefined;
  readonly isTls: boolean;
  readonly certFolder: string | undefined;
  readonly configFolder: string;
  readonly runtimeFolder: string | undefined;
}

interface ScrapeTargetSettings {
  readonly job: string;
  readonly url: string;
  /** Nobody has said that there are metrics. */
  readonly isAssumed?: true;
}

/** Where settings come from. */
interface Sources {
  readonly env: Environment;
  /** The working folder: `.env`, `sentinel.yaml` and relative paths belong to it. */
  readonly folder: string;
  /**
   * `--config`; it must exist. Without it `sentinel.yaml` is read if it is there; with `none`, no file
   * is: the demo has services of its own.
   */
  readonly configFile?: string | { readonly none: true };
  readonly isTerminal: boolean;
}

function dockerVariables(env: Environment, read: Read, folder: string): DockerVariables {
  const certFolder = read("DOCKER_CERT_PATH", SETTINGS.DOCKER_CERT_PATH);
  const configFolder = read("DOCKER_CONFIG", SETTINGS.DOCKER_CONFIG);
  return {
    host: read("DOCKER_HOST", SETTINGS.DOCKER_HOST) || undefined,
    context: read("DOCKER_CONTEXT", SETTINGS.DOCKER_CONTEXT) || undefined,
    isTls: read("DOCKER_TLS_VERIFY", SETTINGS.DOCKER_TLS_VERIFY) !== "",
    certFolder: certFolder === "" ? undefined : resolve(folder, certFolder),
    configFolder: resolve(folder, configFolder || join(env["HOME"] || homedir(), ".docker")),
    runtimeFolder: env["XDG_RUNTIME_DIR"] || undefined,
  };
}

/** @throws SentinelError `configuration`, naming the key or the file and what to write instead */
export function observerSettings(sources: Sources): ObserverSettings {
  const { folder } = sources;
  refuseMisspelt(sources.env);
  const dotEnv = readDotEnv(folder);
  const env = { ...dotEnv, ...withoutEmpty(sources.env) };
  const read = reader(env, "the environment or .env");
  const models = modelSettings(read);
  const { configFile } = sources;
  const file = typeof configFile === "object" ? NO_FILE : readSettingsFile(folder, configFile);
  refuseTwoPlaces(env, dotEnv, file);
  const ownFiles = env["RULES_FILE"] ? [read("RULES_FILE", SETTINGS.RULES_FILE)] : file.ruleFiles;
  const argv = env["SUPERVISE"] ? splitSupervise(env["SUPERVISE"]) : undefined;
  if (argv !== undefined && file.services !== undefined)
    throw new SentinelError(
      "configuration",
      "SUPERVISE is one command, and the settings file has services of its own",
      { hint: "Remove services from the file, and name the one service in TARGET_CONTAINER." },
    );
  const own = serviceOfEnvironment(env, read);
  const prometheusUrl = read("PROMETHEUS_URL", SETTINGS.PROMETHEUS_URL);
  const named = env["SCRAPE_TARGETS"]
    ? read("SCRAPE_TARGETS", SETTINGS.SCRAPE_TARGETS)
    : file.scrape;
  const scrapeTargets = targetsOf(named, file, file.services ?? [own]);
  const services =
    prometheusUrl === undefined
      ? withScrapedJobs(file.services ?? [own], scrapeTargets)
      : (file.services ?? [own]);
  if (services.length === 0 && prometheusUrl !== undefined)
    throw new SentinelError("configuration", "services is empty, so nothing would be watched", {
      hint: "Name a service; or set PROMETHEUS_URL=embedded to watch the labelled containers alone.",
    });
  const ruleGroups = ownFiles.flatMap((path) => readRuleFile(resolve(folder, path)));
  return {
    prometheusUrl,
    prometheusAccess: prometheusAccess(prometheusUrl, { env, folder, read }),
    scrapeTargets,
    supervise: argv && {
      service: own.name,
      argv,
      showsOutput: read("SUPERVISE_OUTPUT", SETTINGS.SUPERVISE_OUTPUT) === "on",
    },
    docker: dockerVariables(env, read, folder),
    healLabel: read("HEAL_LABEL", SETTINGS.HEAL_LABEL),
    observerPort: read("OBSERVER_PORT", SETTINGS.OBSERVER_PORT),
    ...models,
    ...limitSettings(read),
    operatorToken: read("OPERATOR_TOKEN", SETTINGS.OPERATOR_TOKEN) || undefined,
    services,
    ruleGroups,
    ownRules: alertsOfGroups(ruleGroups),
    composeFile: resolve(folder, read("COMPOSE_FILE", SETTINGS.COMPOSE_FILE)),
    journalPath: resolve(folder, read("JOURNAL", SETTINGS.JOURNAL)),
    logFormat: env["LOG_FORMAT"]
      ? read("LOG_FORMAT", SETTINGS.LOG_FORMAT)
      : sources.isTerminal
        ? "text"
        : "json",
    unused: unusedSettings({ env, dotEnv, file }),
    testKillAfter: sources.env["TEST_KILL_AFTER"] || undefined,
    version: VERSION,
  };
}

type ModelSettings = Pick<
  ObserverSettings,
  "gemini" | "localModels" | "placeholderKeys" | "modelBudget" | "maskEmails"
>;

/** Which models are asked, how much, and what they are not shown. */
function modelSettings(read: Read): ModelSettings {
  const placeholderKeys: string[] = [];
  const readKey = (name: "GEMINI_API_KEY" | "LM_STUDIO_API_KEY") => {
    const key = read(name, SETTINGS[name]);
    if (!isPlaceholder(key)) return key;
    placeholderKeys.push(name);
    return "";
  };
  const apiKey = readKey("GEMINI_API_KEY");
  const baseUrl = read("GEMINI_BASE_URL", SETTINGS.GEMINI_BASE_URL);
  const localKey = readKey("LM_STUDIO_API_KEY");
  const model = read("GEMINI_MODEL", SETTINGS.GEMINI_MODEL);
  return {
    gemini: apiKey === "" ? undefined : { apiKey, model, ...(baseUrl === "" ? {} : { baseUrl }) },
    localModels: {
      url: read("LM_STUDIO_URL", SETTINGS.LM_STUDIO_URL),
      models: read("LOCAL_MODELS", SETTINGS.LOCAL_MODELS),
      ...(localKey === "" ? {} : { apiKey: localKey }),
    },
    placeholderKeys,
    modelBudget: {
      callsPerHour: read("MODEL_CALLS_PER_HOUR", SETTINGS.MODEL_CALLS_PER_HOUR),
      tokensPerHour: read("MODEL_TOKENS_PER_HOUR", SETTINGS.MODEL_TOKENS_PER_HOUR),
    },
    maskEmails: read("MASK_EMAILS", SETTINGS.MASK_EMAILS) === "on",
  };
}

type LimitSettings = Pick<
  ObserverSettings,
  | "thresholds"
  | "pollIntervalMs"
  | "rateWindowMs"
  | "stabilizeMs"
  | "cooldownMs"
  | "actionsPerService"
  | "actionsInAll"
  | "autonomy"
>;

/** When an alert fires, and how often and by whom it is acted upon. */
function limitSettings(read: Read): LimitSettings {
  return {
    thresholds: {
      cpu: read("CPU_THRESHOLD", SETTINGS.CPU_THRESHOLD),
      latencySeconds: read("LATENCY_THRESHOLD", SETTINGS.LATENCY_THRESHOLD),
      memoryBytes: read("MEMORY_THRESHOLD_BYTES", SETTINGS.MEMORY_THRESHOLD_BYTES),
      errorRatio: read("ERROR_RATIO_THRESHOLD", SETTINGS.ERROR_RATIO_THRESHOLD),
    },
    pollIntervalMs: read("POLL_INTERVAL", SETTINGS.POLL_INTERVAL),
    rateWindowMs: read("RATE_WINDOW", SETTINGS.RATE_WINDOW),
    stabilizeMs: read("STABILIZE_SECONDS", SETTINGS.STABILIZE_SECONDS),
    cooldownMs: read("COOLDOWN_SECONDS", SETTINGS.COOLDOWN_SECONDS),
    actionsPerService: read("ACTIONS_PER_SERVICE", SETTINGS.ACTIONS_PER_SERVICE),
    actionsInAll: read("ACTIONS_IN_ALL", SETTINGS.ACTIONS_IN_ALL),
    autonomy: read("AUTONOMY", SETTINGS.AUTONOMY),
  };
}

function serviceOfEnvironment(env: Environment, read: Read): Service {
  const name = read("TARGET_CONTAINER", SETTINGS.TARGET_CONTAINER);
  const url = read("TARGET_URL", SETTINGS.TARGET_URL).replace(/\/+$/, "");
  return {
    name,
    job: env["TARGET_JOB"] ? read("TARGET_JOB", SETTINGS.TARGET_JOB) : name,
    health: { http: `${url}/health` },
    ...(env["SUPERVISE"]
      ? { platform: "process", actions: defaultActions("process") }
      : { platform: "docker", usesCompose: true, actions: defaultActions("docker") }),
  };
}

/** @throws SentinelError `configuration`, naming the key */
function splitSupervise(text: string): readonly string[] {
  try {
    return splitCommand(text);
  } catch (error) {
    if (!(error instanceof SentinelError)) throw error;
    const { hint, message } = error;
    const details = { cause: error, ...(hint === undefined ? {} : { hint }) };
    throw new SentinelError("configuration", `SUPERVISE: ${message}`, details);
  }
}

/** What is scraped, if Sentinel scrapes; where nobody has said it, what may be beside the health of services. */
function targetsOf(
  named: readonly ScrapeTargetSettings[] | undefined,
  { pages }: SettingsFile,
  services: readonly Service[],
): readonly ScrapeTargetSettings[] {
  const isNamed = new Set(named?.map(({ job }) => job));
  const known = [...(named ?? []), ...pages.filter(({ job }) => !isNamed.has(job))];
  if (named !== undefined) return known;
  const isKnown = new Set(known.map(({ job }) => job));
  const assumed = services.flatMap(({ job, isJobAssumed, health }): ScrapeTargetSettings[] => {
    if (job === undefined || isKnown.has(job)) return [];
    if (typeof health !== "object" || !("http" in health)) return [];
    const url = new URL("metrics", health.http).href;
    return [{ job, url, ...(isJobAssumed ? { isAssumed: true } : {}) }];
  });
  return [...known, ...assumed];
}

/** Where Sentinel scrapes by itself, a job that is neither named nor scraped is left out. */
function withScrapedJobs(
  services: readonly Service[],
  targets: readonly ScrapeTargetSettings[],
): readonly Service[] {
  const isScraped = new Set(targets.map(({ job }) => job));
  return services.map((service) => {
    const { job, isJobAssumed, ...rest } = service;
    if (!isJobAssumed || job === undefined || isScraped.has(job)) return service;
    return { ...rest, job: undefined };
  });
}

/** An empty variable counts as unset, so that it does not hide one of `.env`. */
function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value));
}

/** What names the one service, where a settings file has services of its own. */
const NAMES_THE_SERVICE = ["TARGET_CONTAINER", "TARGET_JOB", "TARGET_URL"] as const;

/**
 * Only one of the two can be meant. A default, as in a copy of the template, names nothing.
 *
 * @throws SentinelError `configuration`, naming both places
 */
function refuseTwoPlaces(env: Environment, dotEnv: Environment, file: SettingsFile): void {
  if (file.services === undefined) return;
  for (const key of NAMES_THE_SERVICE) {
    const value = env[key];
    if (!value || value === SETTINGS[key].fallback) continue;
    const where = value === dotEnv[key] ? ".env" : "the environment";
    throw new SentinelError(
      "configuration",
      `${key} in ${where} is for one service, and ${file.path} has services of its own`,
      { hint: `Remove ${key}, or write it into the file; or remove services from the file.` },
    );
  }
}
