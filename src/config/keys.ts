/** Every setting of the environment: how its text is read, its default, and what it must be. */

import { z } from "zod";
import { isServiceName } from "../allowlist.ts";
import { isHttpUrl } from "../text/url.ts";
import { AUTONOMY_LEVELS } from "../core/model.ts";
import { PROMETHEUS_ACCESS_SETTINGS } from "./prometheus-keys.ts";
import { parseDuration } from "../core/duration.ts";

/** One setting: how its text is read, and what it must be, with an example. */
export interface Setting<T> {
  /** Built when it is read: a schema is dear, and a target reads three of them. */
  readonly schema: () => z.ZodType<T, string>;
  readonly fallback: string;
  readonly form: string;
}

const MIN_TOKEN_CHARACTERS = 16;
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
const httpUrl = () => z.string().refine(isHttpUrl);
const modelNames = () =>
  z
    .string()
    .transform((text) => (text.trim() === "none" ? [] : text.split(",").map((name) => name.trim())))
    .refine((names) => names.every((name) => /^[^\s\p{Cc}]+$/u.test(name)));
const path = () =>
  z
    .string()
    .min(1)
    .refine((text) => !text.includes("\0"));
const printableText = () => z.string().regex(/^[\x21-\x7e]*$/);

const scrapeTarget = () =>
  z
    .string()
    .regex(/^[^=]{1,200}=https?:/)
    .transform((text) => {
      const at = text.indexOf("=");
      return { job: text.slice(0, at).trim(), url: text.slice(at + 1).trim() };
    })
    .pipe(z.object({ job: z.string().min(1), url: httpUrl() }));

export const SETTINGS = {
  HOST: {
    schema: () => z.string().regex(/^[a-zA-Z0-9_.:-]+$/),
    fallback: "127.0.0.1",
    form: "an address of this machine, such as 127.0.0.1",
  },
  PORT: {
    schema: () => wholeNumber(0, 65_535),
    fallback: "8000",
    form: "a port from 0 to 65535, such as 8000",
  },
  MAX_ACTIVE_FAULTS: {
    schema: () => wholeNumber(1, 1000),
    fallback: "10",
    form: "a whole number from 1 to 1000, such as 10",
  },
  TARGET_FAULTS: {
    schema: () => z.enum(["on", "off"]),
    fallback: "on",
    form: "on, or off for a service that cannot be broken",
  },
  FAULT_TOKEN: {
    schema: () =>
      z.union([z.enum(["", "none"]), printableText().min(MIN_TOKEN_CHARACTERS).max(256)]),
    fallback: "",
    form: `a secret of ${MIN_TOKEN_CHARACTERS} to 256 printable ASCII characters without spaces, or none to let everybody`,
  },
  PROMETHEUS_URL: {
    // `/api/v1/...` is appended.
    schema: () =>
      z.union([
        z.literal("embedded").transform(() => undefined),
        httpUrl().refine((text) => !/[?#]/.test(text)),
      ]),
    fallback: "http://localhost:9090",
    form: "the URL of a Prometheus, such as http://localhost:9090, or embedded",
  },
  ...PROMETHEUS_ACCESS_SETTINGS,
  SCRAPE_TARGETS: {
    schema: () =>
      z
        .string()
        .transform((text) => text.split(","))
        .pipe(z.array(scrapeTarget())),
    fallback: "",
    form: "jobs and their URLs, such as my-api=http://localhost:8080/metrics,db=http://localhost:9187/metrics",
  },
  SUPERVISE: {
    schema: () => z.string(),
    fallback: "",
    form: "a command, such as node server.js --port 8080",
  },
  SUPERVISE_OUTPUT: {
    schema: () => z.enum(["on", "off"]),
    fallback: "on",
    form: "on, or off to keep what the command writes from standard error",
  },
  // These five as the docker command reads them.
  DOCKER_HOST: {
    // Docker's own command line takes no password either, and it would be passed on to commands.
    schema: () => printableText().refine((text) => !/:\/\/[^/@]*:[^/@]*@/.test(text)),
    fallback: "",
    form: "where Docker's engine listens, without a password, such as unix:///var/run/docker.sock",
  },
  DOCKER_CONTEXT: {
    schema: () => z.union([z.literal(""), z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.+-]*$/)]),
    fallback: "",
    form: "the name of a Docker context, as `docker context ls` shows it",
  },
  DOCKER_TLS_VERIFY: {
    schema: () => z.string().max(10),
    fallback: "",
    form: "1 for TLS, or empty",
  },
  DOCKER_CERT_PATH: {
    schema: () => z.union([z.literal(""), path()]),
    fallback: "",
    form: "the folder with ca.pem, cert.pem and key.pem, such as /home/me/.docker",
  },
  DOCKER_CONFIG: {
    schema: () => z.union([z.literal(""), path()]),
    fallback: "",
    form: "the folder of the docker command's settings, such as /home/me/.docker",
  },
  HEAL_LABEL: {
    schema: () => z.string().regex(/^[a-zA-Z0-9._-]{1,200}=[a-zA-Z0-9._-]{1,200}$/),
    fallback: "sentinel.heal=true",
    form: "a container's label and its value, such as sentinel.heal=true",
  },
  OBSERVER_PORT: {
    schema: () => wholeNumber(0, 65_535),
    fallback: "8090",
    form: "a port from 0 to 65535, such as 8090",
  },
  GEMINI_API_KEY: {
    schema: () => printableText(),
    fallback: "",
    form: "a key in plain ASCII, without spaces",
  },
  GEMINI_MODEL: {
    schema: () => printableText().min(1),
    fallback: "gemini-3.8-flash",
    form: "the name of a model, such as gemini-3.8-flash",
  },
  GEMINI_BASE_URL: {
    schema: () => z.union([z.literal(""), httpUrl()]),
    fallback: "",
    form: "the URL of a server that speaks Gemini's API, such as https://gateway.example.com",
  },
  LM_STUDIO_URL: {
    schema: () => httpUrl(),
    fallback: "http://localhost:1234/api/v1/chat",
    form: "the URL of a model server, such as http://localhost:1234/api/v1/chat",
  },
  LM_STUDIO_API_KEY: {
    schema: () => printableText(),
    fallback: "",
    form: "a key in plain ASCII, without spaces",
  },
  LOCAL_MODELS: {
    schema: () => modelNames(),
    fallback: "mistralai/ministral-3-3b,liquid/lfm2.5-1.2b,qwen/qwen3-vl-4b",
    form: "names of models separated by commas, or none",
  },
  MODEL_CALLS_PER_HOUR: {
    schema: () => wholeNumber(0, 10_000),
    fallback: "60",
    form: "a whole number of calls up to 10000, such as 60",
  },
  MODEL_TOKENS_PER_HOUR: {
    schema: () => wholeNumber(0, 1_000_000_000),
    fallback: "200000",
    form: "a whole number of tokens up to 1000000000, such as 200000",
  },
  MASK_EMAILS: {
    schema: () => z.enum(["on", "off"]),
    fallback: "off",
    form: "off, or on to keep e-mail addresses from models",
  },
  CPU_THRESHOLD: {
    schema: () => number(0, 10_000),
    fallback: "0.5",
    form: "a number of cores, such as 0.5",
  },
  LATENCY_THRESHOLD: {
    schema: () => number(0, 3600),
    fallback: "2.0",
    form: "a number of seconds, such as 2.0",
  },
  MEMORY_THRESHOLD_BYTES: {
    schema: () => wholeNumber(1, Number.MAX_SAFE_INTEGER),
    fallback: "524288000",
    form: "a whole number of bytes, such as 524288000",
  },
  ERROR_RATIO_THRESHOLD: {
    schema: () => number(0, 1),
    fallback: "0.05",
    form: "a share from 0 to 1, such as 0.05",
  },
  POLL_INTERVAL: {
    schema: () => milliseconds(0.2, 3600),
    fallback: "5",
    form: "a number of seconds from 0.2 to 3600, such as 5",
  },
  RATE_WINDOW: {
    schema: () =>
      z
        .string()
        .regex(/^(auto|\d{1,9}(ms|s|m|h))$/)
        .transform((text) => (text === "auto" ? undefined : parseDuration(text, "RATE_WINDOW")))
        .refine((ms) => ms === undefined || (ms >= MIN_WINDOW_MS && ms <= MAX_WINDOW_MS)),
    fallback: "auto",
    form: "auto, or a duration from 1s to 24h, such as 30s",
  },
  STABILIZE_SECONDS: {
    schema: () => milliseconds(0, 3600),
    fallback: "30",
    form: "a number of seconds up to 3600, such as 30",
  },
  COOLDOWN_SECONDS: {
    schema: () => milliseconds(0, 86_400),
    fallback: "60",
    form: "a number of seconds up to 86400, such as 60",
  },
  OPERATOR_TOKEN: {
    schema: () => z.union([z.literal(""), printableText().min(MIN_TOKEN_CHARACTERS).max(256)]),
    fallback: "",
    form: `a secret of ${MIN_TOKEN_CHARACTERS} to 256 printable ASCII characters without spaces`,
  },
  ACTIONS_PER_SERVICE: {
    schema: () => wholeNumber(1, 1000),
    fallback: "3",
    form: "a whole number of actions an hour from 1 to 1000, such as 3",
  },
  ACTIONS_IN_ALL: {
    schema: () => wholeNumber(1, 1000),
    fallback: "10",
    form: "a whole number of actions an hour from 1 to 1000, such as 10",
  },
  AUTONOMY: {
    schema: () => z.enum(AUTONOMY_LEVELS),
    fallback: "auto",
    form: `one of ${AUTONOMY_LEVELS.join(", ")}`,
  },
  TARGET_CONTAINER: {
    schema: () => z.string().refine(isServiceName),
    fallback: "sentinel-target-api",
    form: "the name of a container, such as sentinel-target-api",
  },
  TARGET_JOB: {
    schema: () => z.string().min(1).max(200),
    fallback: "",
    form: "the name of a Prometheus job, such as sentinel-target-api",
  },
  TARGET_URL: {
    schema: () => httpUrl(),
    fallback: "http://localhost:8000",
    form: "the URL of the service, such as http://localhost:8000",
  },
  COMPOSE_FILE: {
    schema: () => path(),
    fallback: "compose.yaml",
    form: "the path of a Compose file, such as compose.yaml",
  },
  RULES_FILE: {
    schema: () => z.string(),
    fallback: "",
    form: "the path of a Prometheus rule file, such as alerts.yml",
  },
  JOURNAL: {
    schema: () => path(),
    fallback: "sentinel.db",
    form: "the path of a file that Sentinel makes, such as sentinel.db",
  },
  LOG_FORMAT: { schema: () => z.enum(["text", "json"]), fallback: "", form: "text or json" },
} satisfies Record<string, Setting<unknown>>;

/** Every key that is read and documented, which a test compares. */
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly (keyof typeof SETTINGS)[];

export type Key = keyof typeof SETTINGS;
