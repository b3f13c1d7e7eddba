import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import fc from "fast-check";
import { messageOf, SentinelError } from "../core/errors.ts";
import { type ObserverSettings, observerSettings } from "./config.ts";
import { type Environment, type TargetSettings, targetSettings, VERSION } from "./environment.ts";
import { SETTING_KEYS } from "./keys.ts";

type Key = (typeof SETTING_KEYS)[number];

const EMPTY_FOLDER = mkdtempSync(join(tmpdir(), "sentinel-config-"));
afterAll(() => rmSync(EMPTY_FOLDER, { recursive: true }));

function read(env: Environment, folder = EMPTY_FOLDER): ObserverSettings {
  return observerSettings({ env, folder, isTerminal: false });
}

function refusal(run: () => unknown): SentinelError {
  try {
    run();
  } catch (error) {
    if (error instanceof SentinelError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

/** Every key: where its value ends up, texts that are taken with what they become, and near-misses. */
interface Case {
  readonly of: (env: Environment) => unknown;
  readonly fallback: unknown;
  readonly good: Readonly<Record<string, unknown>>;
  readonly bad: readonly string[];
}

const observer = (get: (settings: ObserverSettings) => unknown) => (env: Environment) =>
  get(read(env));
const target = (get: (settings: TargetSettings) => unknown) => (env: Environment) =>
  get(targetSettings(env));
const LOCAL = ["mistralai/ministral-3-3b", "liquid/lfm2.5-1.2b", "qwen/qwen3-vl-4b"];
const KEY = { GEMINI_API_KEY: "k" };
const NO_NUMBERS = [
  "-1",
  "+1",
  "1e3",
  "0x10",
  "1,5",
  "NaN",
  "Infinity",
  " 1",
  "1 ",
  "five",
  "1_000",
];

const CASES: Readonly<Record<Key, Case>> = {
  HOST: {
    of: (env) => targetSettings({ FAULT_TOKEN: "none", ...env }).host,
    fallback: "127.0.0.1",
    good: { "0.0.0.0": "0.0.0.0", "::1": "::1", localhost: "localhost" },
    bad: ["a b", "http://localhost", "127.0.0.1/8"],
  },
  PORT: {
    of: target(({ port }) => port),
    fallback: 8000,
    good: { "0": 0, "65535": 65_535 },
    bad: ["65536", "80.5", ...NO_NUMBERS],
  },
  MAX_ACTIVE_FAULTS: {
    of: target(({ maxActiveFaults }) => maxActiveFaults),
    fallback: 10,
    good: { "1": 1, "1000": 1000 },
    bad: ["0", "1001", "1.5", ...NO_NUMBERS],
  },
  TARGET_FAULTS: {
    of: target(({ faultsAllowed }) => faultsAllowed),
    fallback: true,
    good: { on: true, off: false },
    bad: ["On", "true", "0", "no", "of"],
  },
  FAULT_TOKEN: {
    of: target(({ faultToken }) => faultToken),
    fallback: undefined,
    good: { "0123456789abcdef": "0123456789abcdef", none: undefined },
    bad: ["None", "0123456789abcde", "a secret with spaces", "0123456789abcdé", "x".repeat(257)],
  },
  PROMETHEUS_URL: {
    of: observer(({ prometheusUrl }) => prometheusUrl),
    fallback: "http://localhost:9090",
    good: {
      "https://user:pass@host/path/": "https://user:pass@host/path/",
      embedded: undefined,
    },
    bad: [
      "localhost:9090",
      "ftp://host",
      "http://",
      "http://a b",
      "http://host:99999",
      "http://host/?a=b",
      "http://host/#a",
    ],
  },
  PROMETHEUS_TOKEN: {
    of: observer(({ prometheusAccess }) => prometheusAccess.headers),
    fallback: {},
    good: { "a.b-c_=": { authorization: "Bearer a.b-c_=" } },
    bad: ["two words", "schlüssel", "line\nbreak"],
  },
  PROMETHEUS_HEADERS: {
    of: observer(({ prometheusAccess }) => prometheusAccess.headers),
    fallback: {},
    good: {
      "X-Scope-OrgID: tenant1|tenant2": { "X-Scope-OrgID": "tenant1|tenant2" },
      "a: 1; b:x: y;": { a: "1", b: "x: y" },
    },
    bad: ["X-Scope-OrgID", "a: ", ": b", "a b: c", "a: 1; b", "a: ü", "a: b\nc: d", "Host: x"],
  },
  // What the files hold is tried in config-prometheus.test.ts.
  PROMETHEUS_CA_FILE: {
    of: observer(({ prometheusAccess }) => prometheusAccess.ca),
    fallback: undefined,
    good: {},
    bad: ["a\0b"],
  },
  PROMETHEUS_CERT_FILE: {
    of: observer(({ prometheusAccess }) => prometheusAccess.client),
    fallback: undefined,
    good: {},
    bad: ["a\0b"],
  },
  PROMETHEUS_KEY_FILE: {
    of: observer(({ prometheusAccess }) => prometheusAccess.client),
    fallback: undefined,
    good: {},
    bad: ["a\0b"],
  },
  GEMINI_API_KEY: {
    of: observer(({ gemini }) => gemini?.apiKey),
    fallback: undefined,
    good: { "AIza-_~!": "AIza-_~!" },
    bad: ["two words", "schlüssel", "line\nbreak", "tab\t"],
  },
  GEMINI_MODEL: {
    of: (env) => read({ ...KEY, ...env }).gemini?.model,
    fallback: "gemini-3.8-flash",
    good: { "a/b:c": "a/b:c" },
    bad: ["two words", "mödel"],
  },
  GEMINI_BASE_URL: {
    of: (env) => read({ ...KEY, ...env }).gemini?.baseUrl,
    fallback: undefined,
    good: { "https://gateway.example.com": "https://gateway.example.com" },
    bad: ["gateway.example.com", "file:///etc/passwd"],
  },
  LM_STUDIO_URL: {
    of: observer(({ localModels }) => localModels.url),
    fallback: "http://localhost:1234/api/v1/chat",
    good: { "http://localhost:11434/v1": "http://localhost:11434/v1" },
    bad: ["localhost:1234", "ws://localhost"],
  },
  LM_STUDIO_API_KEY: {
    of: observer(({ localModels }) => localModels.apiKey),
    fallback: undefined,
    good: { "lm-key": "lm-key" },
    bad: ["two words"],
  },
  LOCAL_MODELS: {
    of: observer(({ localModels }) => localModels.models),
    fallback: LOCAL,
    good: { a: ["a"], " a , b/c:d ": ["a", "b/c:d"], none: [] },
    bad: [",", "a,", "a,,b", " ", "a b"],
  },
  MODEL_CALLS_PER_HOUR: {
    of: observer(({ modelBudget }) => modelBudget.callsPerHour),
    fallback: 60,
    good: { "0": 0, "10000": 10_000 },
    bad: ["10001", "0.5", ...NO_NUMBERS],
  },
  MODEL_TOKENS_PER_HOUR: {
    of: observer(({ modelBudget }) => modelBudget.tokensPerHour),
    fallback: 200_000,
    good: { "0": 0, "1000000000": 1_000_000_000 },
    bad: ["1000000001", "0.5", "200k", ...NO_NUMBERS],
  },
  MASK_EMAILS: {
    of: observer(({ maskEmails }) => maskEmails),
    fallback: false,
    good: { on: true, off: false },
    bad: ["On", "true", "1", "yes", "of"],
  },
  CPU_THRESHOLD: {
    of: observer(({ thresholds }) => thresholds.cpu),
    fallback: 0.5,
    good: { "0": 0, "10000": 10_000, "0.25": 0.25 },
    bad: ["10000.1", ".5", "50%", ...NO_NUMBERS],
  },
  LATENCY_THRESHOLD: {
    of: observer(({ thresholds }) => thresholds.latencySeconds),
    fallback: 2,
    good: { "0": 0, "3600": 3600 },
    bad: ["3600.1", "2s", ...NO_NUMBERS],
  },
  MEMORY_THRESHOLD_BYTES: {
    of: observer(({ thresholds }) => thresholds.memoryBytes),
    fallback: 524_288_000,
    good: { "1": 1, "999999999999999": 999_999_999_999_999 },
    bad: ["0", "500MB", "0.5", "9999999999999999", ...NO_NUMBERS],
  },
  ERROR_RATIO_THRESHOLD: {
    of: observer(({ thresholds }) => thresholds.errorRatio),
    fallback: 0.05,
    good: { "0": 0, "1": 1 },
    bad: ["1.1", "5%", ...NO_NUMBERS],
  },
  POLL_INTERVAL: {
    of: observer(({ pollIntervalMs }) => pollIntervalMs),
    fallback: 5000,
    good: { "0.2": 200, "3600": 3_600_000 },
    bad: ["0", "0.19", "3601", "5s", ...NO_NUMBERS],
  },
  RATE_WINDOW: {
    of: observer(({ rateWindowMs }) => rateWindowMs),
    fallback: undefined,
    good: { auto: undefined, "1s": 1000, "1000ms": 1000, "24h": 86_400_000, "90m": 5_400_000 },
    bad: ["0s", "999ms", "25h", "30", "s", "1.5m", "-1m", "Auto", "99999999999h", "30s]"],
  },
  STABILIZE_SECONDS: {
    of: observer(({ stabilizeMs }) => stabilizeMs),
    fallback: 30_000,
    good: { "0": 0, "3600": 3_600_000 },
    bad: ["3600.5", ...NO_NUMBERS],
  },
  COOLDOWN_SECONDS: {
    of: observer(({ cooldownMs }) => cooldownMs),
    fallback: 60_000,
    good: { "0": 0, "86400": 86_400_000 },
    bad: ["86401", ...NO_NUMBERS],
  },
  OPERATOR_TOKEN: {
    of: observer(({ operatorToken }) => operatorToken),
    fallback: undefined,
    good: { "0123456789abcdef": "0123456789abcdef" },
    bad: ["0123456789abcde", "a secret with spaces", "x".repeat(257)],
  },
  ACTIONS_PER_SERVICE: {
    of: observer(({ actionsPerService }) => actionsPerService),
    fallback: 3,
    good: { "1": 1, "1000": 1000 },
    bad: ["0", "1001", "1.5", ...NO_NUMBERS],
  },
  ACTIONS_IN_ALL: {
    of: observer(({ actionsInAll }) => actionsInAll),
    fallback: 10,
    good: { "1": 1, "1000": 1000 },
    bad: ["0", "1001", "1.5", ...NO_NUMBERS],
  },
  AUTONOMY: {
    of: observer(({ autonomy }) => autonomy),
    fallback: "auto",
    good: { observe: "observe", approve: "approve" },
    bad: ["Auto", "full", "auto "],
  },
  TARGET_CONTAINER: {
    of: observer(({ services }) => services[0]?.name),
    fallback: "sentinel-target-api",
    good: { a: "a", "My_api.1-x": "My_api.1-x" },
    bad: ["-a", "a b", "a;b", "a/b", "ä", "a\n", "a".repeat(129)],
  },
  TARGET_JOB: {
    of: observer(({ services }) => services[0]?.job),
    fallback: "sentinel-target-api",
    good: { 'any "job"': 'any "job"', ["j".repeat(200)]: "j".repeat(200) },
    bad: ["j".repeat(201)],
  },
  TARGET_URL: {
    of: observer(({ services }) => services[0]?.health),
    fallback: { http: "http://localhost:8000/health" },
    good: {
      "https://host:1": { http: "https://host:1/health" },
      "http://host/": { http: "http://host/health" },
      "http://host/api/v1/": { http: "http://host/api/v1/health" },
    },
    bad: ["host:8000", "/health"],
  },
  COMPOSE_FILE: {
    of: observer(({ composeFile }) => composeFile),
    fallback: join(EMPTY_FOLDER, "compose.yaml"),
    good: { "a/b.yml": join(EMPTY_FOLDER, "a/b.yml"), "/a.yml": "/a.yml" },
    bad: ["a\0b"],
  },
  JOURNAL: {
    of: observer(({ journalPath }) => journalPath),
    fallback: join(EMPTY_FOLDER, "sentinel.db"),
    good: { "a/b.sqlite": join(EMPTY_FOLDER, "a/b.sqlite"), "/a.db": "/a.db" },
    bad: ["a\0b"],
  },
  RULES_FILE: {
    of: observer(({ ownRules }) => ownRules),
    fallback: [],
    good: {},
    bad: [],
  },
  SCRAPE_TARGETS: {
    of: observer(({ scrapeTargets }) => scrapeTargets),
    fallback: [{ job: "sentinel-target-api", url: "http://localhost:8000/metrics" }],
    good: {
      "a=http://x/m": [{ job: "a", url: "http://x/m" }],
      "a=http://x/m?b=c, b c=https://y": [
        { job: "a", url: "http://x/m?b=c" },
        { job: "b c", url: "https://y" },
      ],
    },
    bad: ["http://x/m", "=http://x/m", "a=", "a=x/m", "a=http://x/m,", "a=http://x b=http://y"],
  },
  SUPERVISE: {
    of: observer(({ supervise }) => supervise),
    fallback: undefined,
    good: {
      "node 'a b.js'": {
        service: "sentinel-target-api",
        argv: ["node", "a b.js"],
        showsOutput: true,
      },
    },
    bad: [],
  },
  SUPERVISE_OUTPUT: {
    of: (env) => read({ SUPERVISE: "a", ...env }).supervise?.showsOutput,
    fallback: true,
    good: { on: true, off: false },
    bad: ["On", "true", "stderr"],
  },
  DOCKER_HOST: {
    of: observer(({ docker }) => docker.host),
    fallback: undefined,
    good: { "tcp://127.0.0.1:2375": "tcp://127.0.0.1:2375" },
    bad: ["a b"],
  },
  DOCKER_CONTEXT: {
    of: observer(({ docker }) => docker.context),
    fallback: undefined,
    good: { rootless: "rootless", "a.b+c-d_e": "a.b+c-d_e" },
    bad: ["-x", "a b", "../x"],
  },
  DOCKER_TLS_VERIFY: {
    of: observer(({ docker }) => docker.isTls),
    fallback: false,
    // As the docker command has it: whatever is not empty.
    good: { "1": true, "0": true },
    bad: ["a word too long"],
  },
  DOCKER_CERT_PATH: {
    of: observer(({ docker }) => docker.certFolder),
    fallback: undefined,
    good: { "/certs": "/certs", certs: join(EMPTY_FOLDER, "certs") },
    bad: ["a\0b"],
  },
  DOCKER_CONFIG: {
    of: observer(({ docker }) => docker.configFolder),
    fallback: join(homedir(), ".docker"),
    good: { "/etc/docker": "/etc/docker" },
    bad: ["a\0b"],
  },
  HEAL_LABEL: {
    of: observer(({ healLabel }) => healLabel),
    fallback: "sentinel.heal=true",
    good: { "sentinel.heal=shop": "sentinel.heal=shop" },
    bad: ["sentinel.heal", "=true", "a=", "a=b=c", "a b=c"],
  },
  OBSERVER_PORT: {
    of: observer(({ observerPort }) => observerPort),
    fallback: 8090,
    good: { "0": 0, "65535": 65_535 },
    bad: ["65536", "-1", "http"],
  },
  LOG_FORMAT: {
    of: observer(({ logFormat }) => logFormat),
    fallback: "json",
    good: { text: "text", json: "json" },
    bad: ["JSON", "pretty"],
  },
};

describe.each(Object.entries(CASES))("%s", (key, { of, fallback, good, bad }) => {
  test.each([{}, { [key]: "" }, { [key]: undefined }])("is its default with %j", (env) => {
    expect(of(env)).toEqual(fallback);
  });

  for (const [text, value] of Object.entries(good))
    test(`takes ${JSON.stringify(text.slice(0, 40))}`, () => {
      expect(of({ [key]: text })).toEqual(value);
    });

  for (const text of bad)
    test(`refuses ${JSON.stringify(text.slice(0, 40))}, and says what to write`, () => {
      const error = refusal(() => of({ [key]: text }));
      expect(error.code).toBe("configuration");
      expect(error.message).toMatch(
        new RegExp(`^${key} in the environment( or \\.env)? must be .+`),
      );
      expect(error.message).not.toContain("\n");
    });
});

describe("the example that a refusal gives is taken", () => {
  const examples = Object.entries(CASES).flatMap(([key, { of, bad }]) =>
    bad.slice(0, 1).flatMap((text) => {
      const { message } = refusal(() => of({ [key]: text }));
      const example = /, such as (\S+)$/.exec(message)?.[1];
      return example === undefined ? [] : [{ key, example, of }];
    }),
  );

  test.each(examples)("$key=$example", ({ key, example, of }) => {
    expect(() => of({ [key]: example })).not.toThrow();
  });

  test("and there is one of each form that is not a closed list", () => {
    const keys = ["HOST", "PORT", "GEMINI_MODEL", "LM_STUDIO_URL", "MODEL_CALLS_PER_HOUR"];
    const more = ["CPU_THRESHOLD", "POLL_INTERVAL", "TARGET_CONTAINER", "TARGET_URL", "JOURNAL"];
    const last = ["COMPOSE_FILE", "SCRAPE_TARGETS", "DOCKER_HOST", "HEAL_LABEL"];
    const found = examples.map(({ key }) => key);
    expect(found).toEqual(expect.arrayContaining([...keys, ...more, ...last]));
  });
});

describe("TEST_KILL_AFTER, which only tests set,", () => {
  test("is nowhere by default", () => {
    expect(read({}).testKillAfter).toBeUndefined();
    expect(read({ TEST_KILL_AFTER: "" }).testKillAfter).toBeUndefined();
  });

  test("is what the environment says", () => {
    expect(read({ TEST_KILL_AFTER: "action_started" }).testKillAfter).toBe("action_started");
  });

  test("is not read from .env", () => {
    const path = join(EMPTY_FOLDER, ".env");
    writeFileSync(path, "TEST_KILL_AFTER=action_started\n");
    expect(read({}).testKillAfter).toBeUndefined();
    rmSync(path);
  });
});

test("a terminal gets text", () => {
  const settings = observerSettings({ env: {}, folder: EMPTY_FOLDER, isTerminal: true });
  expect(settings.logFormat).toBe("text");
});

test("GEMINI_MODEL counts with a key only", () => {
  expect(read({ GEMINI_MODEL: "m" }).gemini).toBeUndefined();
  expect(read({ ...KEY, GEMINI_MODEL: "m" }).gemini).toEqual({ apiKey: "k", model: "m" });
});

test("TARGET_JOB is the container's name by default", () => {
  expect(read({ TARGET_CONTAINER: "shop" }).services[0]?.job).toBe("shop");
});

test("the version is that of the package", () => {
  expect(read({}).version).toBe(VERSION);
  expect(VERSION).toMatch(/^\d+\.\d+\.\d+$/);
});

test("no error repeats a secret, whatever else is wrong", () => {
  const secret = fc.string({ minLength: 8, unit: "binary" }).filter((text) => text.trim() !== "");
  const keys = fc.constantFrom("GEMINI_API_KEY", "LM_STUDIO_API_KEY");
  fc.assert(
    fc.property(secret, keys, fc.constantFrom(...SETTING_KEYS), (value, key, wrong) => {
      for (const env of [{ [wrong]: "\u0001", [key]: value }, { [key]: `${value} ` }])
        try {
          read(env);
        } catch (error) {
          const said = messageOf(error) + (error instanceof SentinelError ? error.hint : "");
          expect(said).not.toContain(value);
        }
    }),
    { numRuns: 300 },
  );
});

test("the same holds for passwords in URLs", () => {
  for (const key of ["PROMETHEUS_URL", "LM_STUDIO_URL", "TARGET_URL", "GEMINI_BASE_URL"])
    expect(refusal(() => read({ [key]: "http://me:s3cret@a b" })).message).not.toContain("s3cret");
});

describe(".env.template", async () => {
  const text = await Bun.file(join(import.meta.dir, "../../.env.template")).text();
  const uncommented = text.replaceAll(/^# ([A-Z_]+=)/gm, "$1");

  test("has exactly the keys that are read", () => {
    expect(Object.keys(parseEnv(uncommented)).toSorted()).toEqual([...SETTING_KEYS].toSorted());
  });

  test("has their defaults, and starts as it is", () => {
    const template: Environment = parseEnv(uncommented);
    expect(read(template)).toEqual(read({}));
    expect(targetSettings(template)).toEqual(targetSettings({}));
    writeFileSync(join(EMPTY_FOLDER, ".env"), text);
    expect(read({})).toEqual(read(template));
    rmSync(join(EMPTY_FOLDER, ".env"));
  });
});
