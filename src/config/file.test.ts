import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ObserverSettings, observerSettings } from "./config.ts";
import type { Environment } from "./environment.ts";
import { SentinelError } from "../core/errors.ts";

type Files = Readonly<Record<string, string | Uint8Array>>;

/** A working folder with these files, for one test. */
function folderWith(files: Files): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "sentinel-config-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

interface Given {
  readonly env?: Environment;
  readonly configFile?: string;
}

function read(files: Files, given: Given = {}): ObserverSettings {
  using folder = folderWith(files);
  return observerSettings({ env: {}, isTerminal: false, ...given, folder: folder.path });
}

/** The message and the hint, with `FOLDER` for the working folder. */
function refusal(files: Files, given: Given = {}): string {
  using folder = folderWith(files);
  try {
    observerSettings({ env: {}, isTerminal: false, ...given, folder: folder.path });
  } catch (error) {
    if (!(error instanceof SentinelError)) throw error;
    expect(error.code).toBe("configuration");
    const text = [error.message, error.hint].filter(Boolean).join(" | ");
    expect(text).not.toContain("\n");
    return text.replaceAll(folder.path, "FOLDER");
  }
  throw new Error("it was accepted");
}

const RULES = (alert: string) =>
  `groups: [{ name: g, rules: [{ alert: ${alert}, expr: up == 0, labels: { severity: low } }] }]`;

describe(".env", () => {
  test("sets what the environment does not; an empty variable is none", () => {
    const files = { ".env": "POLL_INTERVAL=1\nCPU_THRESHOLD=2\nCOOLDOWN_SECONDS=3\n" };
    const env = { CPU_THRESHOLD: "4", COOLDOWN_SECONDS: "" };
    const { pollIntervalMs, thresholds, cooldownMs } = read(files, { env });
    expect([pollIntervalMs, thresholds.cpu, cooldownMs]).toEqual([1000, 4, 3000]);
  });

  test("is read as it comes from any editor", () => {
    const text =
      "\uFEFFexport POLL_INTERVAL=1\r\n# x\r\nCPU_THRESHOLD=\"2\" # cores\r\nGEMINI_MODEL='m'";
    const { pollIntervalMs, thresholds } = read({ ".env": text });
    expect([pollIntervalMs, thresholds.cpu]).toEqual([1000, 2]);
  });

  test("keys that are not ours do nothing", () => {
    const text =
      "PATH=/evil\nLD_PRELOAD=/evil.so\nNODE_OPTIONS=--require=/evil\n__proto__=1\nPOLL=1\n";
    const { composeFile: _, journalPath: __, ...settings } = read({ ".env": text });
    expect(read({})).toMatchObject(settings);
    expect(process.env["LD_PRELOAD"]).toBeUndefined();
  });

  test("a malformed value says where it may stand", () => {
    expect(refusal({ ".env": "POLL_INTERVAL=soon" })).toBe(
      "POLL_INTERVAL in the environment or .env must be a number of seconds from 0.2 to 3600, such as 5",
    );
  });

  test("a folder of that name is an error", () => {
    expect(refusal({ ".env/pyvenv.cfg": "" })).toBe("FOLDER/.env cannot be read (EISDIR)");
  });
});

describe("sentinel.yaml", () => {
  test("may watch the labelled containers alone, but never nothing", () => {
    const files = { "sentinel.yaml": "services: []" };
    expect(read(files, { env: { PROMETHEUS_URL: "embedded" } })).toMatchObject({
      services: [],
      scrapeTargets: [],
    });
    expect(() => read(files)).toThrow("services is empty, so nothing would be watched");
  });

  test("gives the services, with their defaults", () => {
    const text = `
services:
  - { name: shop, health: "http://localhost:1/health" }
  - { name: pay, job: payments, health: "https://pay/h", actions: [docker-restart] }
  - { name: db, health: "http://db/", actions: [] }`;
    const placed = { platform: "docker", usesCompose: true } as const;
    expect(read({ "sentinel.yaml": text }).services).toEqual([
      {
        name: "shop",
        job: "shop",
        isJobAssumed: true,
        health: { http: "http://localhost:1/health" },
        ...placed,
        actions: ["docker-restart", "compose-service-restart", "compose-service-up"],
      },
      {
        name: "pay",
        job: "payments",
        health: { http: "https://pay/h" },
        ...placed,
        actions: ["docker-restart"],
      },
      {
        ...{ name: "db", job: "db", isJobAssumed: true },
        health: { http: "http://db/" },
        ...placed,
        actions: [],
      },
    ]);
  });

  test.each([
    ["none", "none"],
    ["container", "container"],
    ["tcp://db:5432", { tcp: "tcp://db:5432" }],
    ["http://db:5432/", { http: "http://db:5432/" }],
  ])("a health may be %s", (text, health) => {
    const file = { "sentinel.yaml": `services: [{ name: db, health: "${text}" }]` };
    expect(read(file).services).toMatchObject([{ name: "db", health }]);
  });

  test("a name is enough", () => {
    const [redis] = read({ "sentinel.yaml": "services: [{ name: redis }]" }).services;
    expect(redis).toMatchObject({ name: "redis", job: "redis", isJobAssumed: true });
    expect(redis?.health).toBe("container");
    const embedded = { env: { PROMETHEUS_URL: "embedded" } };
    const alone = read({ "sentinel.yaml": "services: [{ name: redis }]" }, embedded);
    expect(alone.services).toMatchObject([{ name: "redis", job: undefined }]);
    expect(alone.scrapeTargets).toEqual([]);
  });

  describe("says where metrics are", () => {
    const embedded = { env: { PROMETHEUS_URL: "embedded" } };
    const of = (service: string, more = "") =>
      read({ "sentinel.yaml": `services: [{ name: shop, ${service} }]\n${more}` }, embedded);
    const job = "shop";

    test("by its http health, where they may be", () => {
      const { services, scrapeTargets } = of("health: 'http://s:1/health'");
      expect(scrapeTargets).toEqual([{ job, url: "http://s:1/metrics", isAssumed: true }]);
      expect(services).toMatchObject([{ job, isJobAssumed: true }]);
    });

    test("by an address, or by a word that there are none", () => {
      const { services, scrapeTargets } = of("metrics: 'http://s:2/m'");
      expect(scrapeTargets).toEqual([{ job, url: "http://s:2/m" }]);
      expect(services[0]?.isJobAssumed).toBeUndefined();
      const without = of("health: 'http://s:1/health', metrics: none");
      expect(without.scrapeTargets).toEqual([]);
      expect(without.services).toMatchObject([{ job: undefined }]);
    });

    test("by a list, beside the addresses of services", () => {
      const scrape = "scrape: [{ job: other, url: 'http://o:1/' }]";
      const { services, scrapeTargets } = of("metrics: 'http://s:2/m'", scrape);
      expect(scrapeTargets).toEqual([
        { job: "other", url: "http://o:1/" },
        { job, url: "http://s:2/m" },
      ]);
      expect(services).toMatchObject([{ job }]);
      expect(of("health: 'http://s:1/health'", scrape).services).toMatchObject([
        { job: undefined },
      ]);
      expect(of("job: shop", scrape).services).toMatchObject([{ job }]);
    });

    test("SCRAPE_TARGETS wins for its jobs", () => {
      const env = { ...embedded.env, SCRAPE_TARGETS: "shop=http://env:1/" };
      const file = { "sentinel.yaml": "services: [{ name: shop, metrics: 'http://s:2/m' }]" };
      expect(read(file, { env }).scrapeTargets).toEqual([{ job, url: "http://env:1/" }]);
    });

    test("an address has no effect with a Prometheus, and that is said", () => {
      const file = { "sentinel.yaml": "services: [{ name: shop, metrics: 'http://s:2/m' }]" };
      expect(read(file).unused).toEqual([
        {
          name: expect.stringMatching(/^an address as metrics of a service in .*sentinel\.yaml$/),
          why: "is only used with PROMETHEUS_URL=embedded",
        },
      ]);
    });
  });

  test.each(["", "# services:\n", "{}", "rule_files: []", "---\n..."])(
    "%j leaves the one service of the environment",
    (text) => {
      expect(read({ "sentinel.yaml": text }).services).toEqual(read({}).services);
    },
  );

  const SERVICE = "name: a, health: http://a/";
  test.each([
    ["service: []", "unknown key service | Did you mean services?"],
    ["rules: [a.yml]", "unknown key rules | Known keys: services, scrape, rule_files."],
    ["name: a", "unknown key name | Known keys: services, scrape, rule_files."],
    [
      "__proto__: { services: [] }",
      "unknown key __proto__ | Known keys: services, scrape, rule_files.",
    ],
    [`services: [{ ${SERVICE}, helth: x }]`, "service a: unknown key helth | Did you mean health?"],
    [
      `services: [{ ${SERVICE}, services: x }]`,
      "service a: unknown key services | Known keys: name, job, instance, convention, slo, health, metrics, platform, actions.",
    ],
    ["services: all", "services must be a list, not a text"],
    ["services: [a]", "item 1 of services must be a map of keys and values, not a text"],
    ["services:", "services must be a list, not empty"],
    ["[1, 2]", "the file must be a map of keys and values, not a list"],
    ["just text", "the file must be a map of keys and values, not a text"],
    [
      "services: [{ name: a, health: localhost }]",
      "service a: health must be container, none, or an address such as http://localhost:8000/health, tcp://localhost:5672, redis://localhost:6379, postgres://localhost:5432, grpc://localhost:50051",
    ],
    [
      "services: [{ name: a, slo: { availability: 0.999 } }]",
      "service a: availability must be the percentage of requests that are to be answered without an error, such as 99.9",
    ],
    [
      "services: [{ name: a, slo: { availability: 100 } }]",
      "service a: availability must be the percentage of requests that are to be answered without an error, such as 99.9",
    ],
    [
      "services: [{ name: a, metrics: none, slo: { availability: 99.9 } }]",
      "service a: slo is told by the metrics of the service, and metrics is none: remove one of the two",
    ],
    [
      "services: [{ name: -rf, health: http://a/ }]",
      "service -rf: name must be the name of a container, such as my-api",
    ],
    [
      "services: [{ name: 12, health: http://a/ }]",
      'service 1: name must be a text, not a number: write "12"',
    ],
    [
      `services: [{ ${SERVICE}, actions: [rm] }]`,
      "service a: item 1 of actions must be one of docker-restart, docker-stop, compose-service-restart, compose-service-up, compose-restart, compose-stop, compose-up",
    ],
    [
      `services: [{ ${SERVICE} }, { ${SERVICE} }]`,
      "the service a is there twice | Give each service a name of its own.",
    ],
    [
      "services: [{ name: a, metrics: 9187 }]",
      'service a: metrics must be a text, not a number: write "9187"',
    ],
    [
      "services: [{ name: a, metrics: localhost:9187 }]",
      "service a: metrics must be none, or an http URL, such as http://localhost:8080/metrics",
    ],
    [
      "services: [{ name: a, metrics: none, job: b }]",
      "service a: job names whose metrics it has, and metrics is none: remove one of the two",
    ],
    ["services: [{ name: a, platform: process }]", "service a: platform must be one of docker"],
    ["rule_files: a.yml", "rule_files must be a list, not a text"],
    ["rule_files: ['']", "item 1 of rule_files must not be empty"],
  ])("%j is refused", (text, expected) => {
    expect(refusal({ "sentinel.yaml": text })).toBe(`FOLDER/sentinel.yaml:1: ${expected}`);
  });

  test.each([
    ["services: [", ":1: Flow sequence in block collection"],
    ["services: []\nservices: []", ":2: Map keys must be unique"],
    ["a:\n\t- b", ":2: Tabs are not allowed as indentation"],
    ["a: 1\n---\nb: 2", ":2: a second document begins here; only one is read"],
    ["services: *nobody", "Unresolved alias"],
    ["[".repeat(100_000), ":1: it is nested 100 deep and more"],
    [bomb(), "Excessive alias count indicates a resource exhaustion attack"],
  ])("%.30j is no YAML", (text, expected) => {
    const said = refusal({ "sentinel.yaml": text });
    expect(said).toStartWith("FOLDER/sentinel.yaml");
    expect(said).toContain(expected);
    expect(said).toEndWith(" | It must be YAML.");
  });

  test("keys that are no text print no warning of the YAML library", () => {
    expect(refusal({ "sentinel.yaml": "? [a]\n: 1" })).toContain("unknown key [ a ]");
  });

  test.each([
    [new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1]), "is not text: it has a byte of value 0"],
    [`# ${"x".repeat(1024 * 1024 - 1)}`, "has more than 1048576 bytes"],
  ])("what is not a settings file is not read", (content, expected) => {
    expect(refusal({ "sentinel.yaml": content })).toBe(`FOLDER/sentinel.yaml ${expected}`);
  });

  test("a file just as long as allowed is read", () => {
    const text = `# ${"x".repeat(1024 * 1024 - 2)}`;
    expect(read({ "sentinel.yaml": text }).services).toHaveLength(1);
  });
});

describe("--config", () => {
  test("is read instead of sentinel.yaml", () => {
    const files = { "sentinel.yaml": "nonsense: 1", "other.yaml": "rule_files: []" };
    expect(read(files, { configFile: "other.yaml" }).ownRules).toEqual([]);
  });

  test.each([
    ["gone.yaml", "FOLDER/gone.yaml is not there"],
    ["", "FOLDER cannot be read (EISDIR)"],
    [".", "FOLDER cannot be read (EISDIR)"],
    ["/dev/zero", "/dev/zero has more than 1048576 bytes"],
    ["a\0b", "FOLDER/a\0b cannot be read (ERR_INVALID_ARG_VALUE)"],
  ])("%j is refused", (configFile, expected) => {
    expect(refusal({}, { configFile })).toBe(expected);
  });
});

describe("rule files", () => {
  test("paths count from the file that names them", () => {
    const files = {
      "etc/sentinel.yaml": "rule_files: [rules/a.yml, ../b.yml]",
      "etc/rules/a.yml": RULES("A"),
      "b.yml": RULES("B"),
    };
    const { ownRules } = read(files, { configFile: "etc/sentinel.yaml" });
    expect(ownRules.map(({ alert }) => alert)).toEqual(["A", "B"]);
  });

  test("RULES_FILE counts from the working folder, and wins over the file's list", () => {
    const files = { "sentinel.yaml": "rule_files: [gone.yml]", "c.yml": RULES("C") };
    const { ownRules } = read(files, { env: { RULES_FILE: "c.yml" } });
    expect(ownRules.map(({ alert, file }) => [alert, file.endsWith("/c.yml:1")])).toEqual([
      ["C", true],
    ]);
  });

  test("an empty one has no rules", () => {
    expect(read({ "a.yml": "# later\n" }, { env: { RULES_FILE: "a.yml" } }).ownRules).toEqual([]);
  });

  test.each([
    ["gone.yml", "", "FOLDER/gone.yml is not there"],
    ["a.yml", "groups: [{}]", "FOLDER/a.yml:1: group 1: name is missing"],
    ["a.yml", bomb(), "FOLDER/a.yml: Excessive alias count"],
  ])("%s with %.20j is refused", (file, content, expected) => {
    expect(refusal({ "a.yml": content }, { env: { RULES_FILE: file } })).toStartWith(expected);
  });
});

/** 9 to the power of 9 nodes in a few lines. */
function bomb(): string {
  const letters = [..."abcdefghi"];
  const lines = letters.map((letter, index) => {
    const items = index === 0 ? "x" : `*${letters[index - 1]}`;
    return `${letter}: &${letter} [${Array(9).fill(items).join(", ")}]`;
  });
  return lines.join("\n");
}
