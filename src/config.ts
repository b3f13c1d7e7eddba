/** Settings: the only reader of the environment and of `.env`; files are read by config-file.ts. */

import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import packageJson from "../package.json" with { type: "json" };
import { isServiceName } from "./allowlist.ts";
import {
  DEFAULT_ACTIONS,
  isHttpUrl,
  readRules,
  readSettingsFile,
  readText,
} from "./config-file.ts";
import { AUTONOMY_LEVELS } from "./core/decision.ts";
import { SentinelError } from "./core/errors.ts";
import type { Service } from "./core/model.ts";
import { parseDuration, type RuleSource, type Thresholds } from "./core/rules.ts";

export const VERSION = packageJson.version;

export type Environment = Readonly<Record<string, string | undefined>>;

export interface TargetSettings {
  readonly host: string;
  readonly port: number;
  /** How many faults may run at once. */
  readonly maxActiveFaults: number;
  readonly version: string;
}

export interface ObserverSettings {
  readonly prometheusUrl: string;
  readonly gemini:
    { readonly apiKey: string; readonly model: string; readonly baseUrl?: string } | undefined;
  readonly localModels: {
    readonly url: string;
    readonly models: readonly string[];
    readonly apiKey?: string;
  };
  readonly thresholds: Thresholds;
  readonly pollIntervalMs: number;
  /** `undefined` is `auto`. */
  readonly rateWindowMs: number | undefined;
  readonly stabilizeMs: number;
  readonly cooldownMs: number;
  readonly autonomy: (typeof AUTONOMY_LEVELS)[number];
  readonly services: readonly Service[];
  /** Alerting rules of the user's own files, which replace built-in ones of the same name. */
  readonly ownRules: readonly (RuleSource & { readonly file: string })[];
  readonly composeFile: string;
  readonly logFormat: "text" | "json";
  readonly version: string;
}

/** Where settings come from. */
export interface Sources {
  readonly env: Environment;
  /** The working folder: `.env`, `sentinel.yaml` and relative paths belong to it. */
  readonly folder: string;
  /** `--config`; it must exist. Without it `sentinel.yaml` is read if it is there. */
  readonly configFile?: string;
  readonly isTerminal: boolean;
}

/** One setting: how its text is read, and what it must be, with an example. */
interface Setting<T> {
  readonly schema: z.ZodType<T, string>;
  readonly fallback: string;
  readonly form: string;
}

const MIN_WINDOW_MS = 1000;
const MAX_WINDOW_MS = 86_400_000;

const decimal = /^\d{1,15}(\.\d{1,9})?$/;
const number = (min: number, max: number) =>
  z.string().regex(decimal).transform(Number).pipe(z.number().min(min).max(max));
const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));
const milliseconds = (minSeconds: number, maxSeconds: number) =>
  number(minSeconds, maxSeconds).transform((seconds) => seconds * 1000);
const httpUrl = z.string().refine(isHttpUrl);
const modelNames = z
  .string()
  .transform((text) => (text.trim() === "none" ? [] : text.split(",").map((name) => name.trim())))
  .refine((names) => names.every((name) => /^[^\s\p{Cc}]+$/u.test(name)));
const printableText = z.string().regex(/^[\x21-\x7e]*$/);

const SETTINGS = {
  HOST: {
    schema: z.string().regex(/^[a-zA-Z0-9_.:-]+$/),
    fallback: "127.0.0.1",
    form: "an address of this machine, such as 127.0.0.1",
  },
  PORT: {
    schema: wholeNumber(0, 65_535),
    fallback: "8000",
    form: "a port from 0 to 65535, such as 8000",
  },
  MAX_ACTIVE_FAULTS: {
    schema: wholeNumber(1, 1000),
    fallback: "10",
    form: "a whole number from 1 to 1000, such as 10",
  },
  PROMETHEUS_URL: {
    // `/api/v1/...` is appended.
    schema: httpUrl.refine((text) => !/[?#]/.test(text)),
    fallback: "http://localhost:9090",
    form: "the URL of a Prometheus, such as http://localhost:9090",
  },
  GEMINI_API_KEY: {
    schema: printableText,
    fallback: "",
    form: "a key in plain ASCII, without spaces",
  },
  GEMINI_MODEL: {
    schema: printableText.min(1),
    fallback: "gemini-2.5-flash",
    form: "the name of a model, such as gemini-2.5-flash",
  },
  GEMINI_BASE_URL: {
    schema: z.union([z.literal(""), httpUrl]),
    fallback: "",
    form: "the URL of a server that speaks Gemini's API, such as https://gateway.example.com",
  },
  LM_STUDIO_URL: {
    schema: httpUrl,
    fallback: "http://localhost:1234/api/v1/chat",
    form: "the URL of a model server, such as http://localhost:1234/api/v1/chat",
  },
  LM_STUDIO_API_KEY: {
    schema: printableText,
    fallback: "",
    form: "a key in plain ASCII, without spaces",
  },
  LOCAL_MODELS: {
    schema: modelNames,
    fallback: "mistralai/ministral-3-3b,liquid/lfm2.5-1.2b,qwen/qwen3-vl-4b",
    form: "names of models separated by commas, or none",
  },
  CPU_THRESHOLD: {
    schema: number(0, 10_000),
    fallback: "0.5",
    form: "a number of cores, such as 0.5",
  },
  LATENCY_THRESHOLD: {
    schema: number(0, 3600),
    fallback: "2.0",
    form: "a number of seconds, such as 2.0",
  },
  MEMORY_THRESHOLD_BYTES: {
    schema: wholeNumber(1, Number.MAX_SAFE_INTEGER),
    fallback: "524288000",
    form: "a whole number of bytes, such as 524288000",
  },
  ERROR_RATIO_THRESHOLD: {
    schema: number(0, 1),
    fallback: "0.05",
    form: "a share from 0 to 1, such as 0.05",
  },
  POLL_INTERVAL: {
    schema: milliseconds(0.2, 3600),
    fallback: "5",
    form: "a number of seconds from 0.2 to 3600, such as 5",
  },
  RATE_WINDOW: {
    schema: z
      .string()
      .regex(/^(auto|\d{1,9}(ms|s|m|h))$/)
      .transform((text) => (text === "auto" ? undefined : parseDuration(text, "RATE_WINDOW")))
      .refine((ms) => ms === undefined || (ms >= MIN_WINDOW_MS && ms <= MAX_WINDOW_MS)),
    fallback: "auto",
    form: "auto, or a duration from 1s to 24h, such as 30s",
  },
  STABILIZE_SECONDS: {
    schema: milliseconds(0, 3600),
    fallback: "30",
    form: "a number of seconds up to 3600, such as 30",
  },
  COOLDOWN_SECONDS: {
    schema: milliseconds(0, 86_400),
    fallback: "60",
    form: "a number of seconds up to 86400, such as 60",
  },
  AUTONOMY: {
    schema: z.enum(AUTONOMY_LEVELS),
    fallback: "auto",
    form: `one of ${AUTONOMY_LEVELS.join(", ")}`,
  },
  TARGET_CONTAINER: {
    schema: z.string().refine(isServiceName),
    fallback: "sentinel-target-api",
    form: "the name of a container, such as sentinel-target-api",
  },
  TARGET_JOB: {
    schema: z.string().min(1).max(200),
    fallback: "",
    form: "the name of a Prometheus job, such as sentinel-target-api",
  },
  TARGET_URL: {
    schema: httpUrl,
    fallback: "http://localhost:8000",
    form: "the URL of the service, such as http://localhost:8000",
  },
  COMPOSE_FILE: {
    schema: z
      .string()
      .min(1)
      .refine((text) => !text.includes("\0")),
    fallback: "compose.yaml",
    form: "the path of a Compose file, such as compose.yaml",
  },
  RULES_FILE: {
    schema: z.string(),
    fallback: "",
    form: "the path of a Prometheus rule file, such as alerts.yml",
  },
  LOG_FORMAT: { schema: z.enum(["text", "json"]), fallback: "", form: "text or json" },
} satisfies Record<string, Setting<unknown>>;

type Key = keyof typeof SETTINGS;

/** Every key that is read, for the documentation's test. */
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly Key[];

/** @throws SentinelError `configuration`, naming the key, the form of its value and an example */
export function targetSettings(env: Environment): TargetSettings {
  const read = reader(env, "the environment");
  return {
    host: read("HOST", SETTINGS.HOST),
    port: read("PORT", SETTINGS.PORT),
    maxActiveFaults: read("MAX_ACTIVE_FAULTS", SETTINGS.MAX_ACTIVE_FAULTS),
    version: VERSION,
  };
}

/** @throws SentinelError `configuration`, naming the key or the file and what to write instead */
export function observerSettings(sources: Sources): ObserverSettings {
  const { folder } = sources;
  const env = withDotEnv(folder, sources.env);
  const read = reader(env, "the environment or .env");
  const apiKey = read("GEMINI_API_KEY", SETTINGS.GEMINI_API_KEY);
  const baseUrl = read("GEMINI_BASE_URL", SETTINGS.GEMINI_BASE_URL);
  const localKey = read("LM_STUDIO_API_KEY", SETTINGS.LM_STUDIO_API_KEY);
  const model = read("GEMINI_MODEL", SETTINGS.GEMINI_MODEL);
  const file = readSettingsFile(folder, sources.configFile);
  const ownFiles = env["RULES_FILE"] ? [read("RULES_FILE", SETTINGS.RULES_FILE)] : file.ruleFiles;
  return {
    prometheusUrl: read("PROMETHEUS_URL", SETTINGS.PROMETHEUS_URL),
    gemini: apiKey === "" ? undefined : { apiKey, model, ...(baseUrl === "" ? {} : { baseUrl }) },
    localModels: {
      url: read("LM_STUDIO_URL", SETTINGS.LM_STUDIO_URL),
      models: read("LOCAL_MODELS", SETTINGS.LOCAL_MODELS),
      ...(localKey === "" ? {} : { apiKey: localKey }),
    },
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
    autonomy: read("AUTONOMY", SETTINGS.AUTONOMY),
    services: file.services ?? [serviceOfEnvironment(env, read)],
    ownRules: ownFiles.flatMap((path) => readRules(resolve(folder, path))),
    composeFile: resolve(folder, read("COMPOSE_FILE", SETTINGS.COMPOSE_FILE)),
    logFormat: env["LOG_FORMAT"]
      ? read("LOG_FORMAT", SETTINGS.LOG_FORMAT)
      : sources.isTerminal
        ? "text"
        : "json",
    version: VERSION,
  };
}

type Read = <T>(key: Key, setting: Setting<T>) => T;

/** An empty value is an unset one, as Compose leaves it for a variable without a value. */
function reader(env: Environment, where: string): Read {
  return (key, setting) => {
    const parsed = setting.schema.safeParse(env[key] || setting.fallback);
    if (parsed.success) return parsed.data;
    throw new SentinelError("configuration", `${key} in ${where} must be ${setting.form}`);
  };
}

function serviceOfEnvironment(env: Environment, read: Read): Service {
  const name = read("TARGET_CONTAINER", SETTINGS.TARGET_CONTAINER);
  return {
    name,
    job: env["TARGET_JOB"] ? read("TARGET_JOB", SETTINGS.TARGET_JOB) : name,
    healthUrl: new URL("/health", read("TARGET_URL", SETTINGS.TARGET_URL)).href,
    actions: DEFAULT_ACTIONS,
  };
}

function withDotEnv(folder: string, env: Environment): Environment {
  const text = readText(resolve(folder, ".env"), { optional: true });
  if (text === undefined) return env;
  const file = parseEnv(text);
  const known = SETTING_KEYS.flatMap((key) => (file[key] === undefined ? [] : [[key, file[key]]]));
  const given = Object.entries(env).filter(([, value]) => value !== undefined && value !== "");
  return { ...Object.fromEntries(known), ...Object.fromEntries(given) };
}
