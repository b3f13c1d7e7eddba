import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { describeUnless } from "../../test/support/docker.ts";
import { fakeCli } from "../../test/support/fake-cli.ts";
import { type FakeEngine, fakeEngine } from "../../test/support/fake-engine.ts";
import { readRuleFile } from "../../test/support/rule-file.ts";
import { startPrometheus } from "../../test/support/servers/prometheus.ts";
import { check } from "./check.ts";
import { renderRules } from "./rules.ts";
import { type ObserverSettings, observerSettings } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { builtInRules } from "../rules/built-in-rules.ts";
import { probeRules } from "../rules/probe-rules.ts";
import { runtimeRules } from "../rules/runtime-rules.ts";

const folder = mkdtempSync(join(tmpdir(), "sentinel-check-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Nobody listens there. */
const NOWHERE = "http://127.0.0.1:1";

function settings(env: Environment = {}): ObserverSettings {
  const defaults = {
    PROMETHEUS_URL: NOWHERE,
    TARGET_URL: NOWHERE,
    LM_STUDIO_URL: NOWHERE,
    DOCKER_HOST: "unix:///nowhere/docker.sock",
  };
  return observerSettings({ env: { ...defaults, ...env }, folder, isTerminal: false });
}

const ENGINE_UP = { docker: "echo 29.1.2" };
const ENGINE_DOWN = {
  docker: "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1",
};

async function lines(env: Environment, scripts: Readonly<Record<string, string>> = ENGINE_UP) {
  await using cli = await fakeCli(scripts);
  return await check(settings(env), { env: cli.env });
}

/** What the one line on this dependency says, behind its name. */
function about(what: string, all: readonly string[]): string | undefined {
  const found = all.filter((line) => line.slice(9).startsWith(`${what}  `));
  expect(found).toHaveLength(1);
  return found[0]?.replace(what, "").replaceAll(/ {2,}/g, " ");
}

function upIs(...values: readonly string[]) {
  const result = values.map((value) => ({ metric: {}, value: [1, value] }));
  return { query: { resultType: "vector", result } };
}

describe("check", () => {
  test("with nothing there: a line and a remedy for each, and that the observer cannot work", async () => {
    const { lines: said, canWork } = await lines({}, ENGINE_DOWN);
    expect(canWork).toBe(false);
    expect(said).toEqual([
      "ok       settings                        1 service, 17 rules, autonomy auto",
      `failed   signals                         ${NOWHERE} cannot be reached (ECONNREFUSED). Start Prometheus, or set PROMETHEUS_URL to where it listens.`,
      "failed   docker                          Cannot connect to the Docker daemon at unix:///var/run/docker.sock.; start the Docker engine (`sudo systemctl start docker`, or Docker Desktop), or correct DOCKER_HOST",
      `ok       journal                         ${join(folder, "sentinel.db")} will be created by the observer`,
      "missing  compose of sentinel-target-api  compose-service-restart and compose-service-up are not offered: the engine's containers cannot be listed: Cannot connect to the Docker daemon at unix:///var/run/docker.sock.; start the Docker engine (`sudo systemctl start docker`, or Docker Desktop), or correct DOCKER_HOST",
      "missing  job of sentinel-target-api      not known without signals",
      `missing  health of sentinel-target-api   ${NOWHERE}/health: connect ECONNREFUSED 127.0.0.1:1; start the service, or correct its health address`,
      "missing  gemini                          not asked; set GEMINI_API_KEY to ask it first",
      "missing  local models                    can't reach 127.0.0.1:1 (ECONNREFUSED); start LM Studio's server, or set LM_STUDIO_URL",
      "ok       playbook                        built in, always answers",
      "The observer cannot work without: signals, docker.",
    ]);
  });

  test.each([
    ["none", /^ok +health of db +none: only its signals show whether it is well$/],
    [
      "tcp://127.0.0.1:1",
      /^missing +health of db +tcp:\/\/127\.0\.0\.1:1: connect ECONNREFUSED .*; start the service, or correct its health address$/,
    ],
    [
      "container",
      /^missing +health of db +its container does not exist; start the service, or correct its health$/,
    ],
  ])("a service's health of %s", async (health, expected) => {
    writeFileSync(join(folder, "db.yaml"), `services: [{ name: db, health: "${health}" }]`);
    const given = observerSettings({
      env: { PROMETHEUS_URL: NOWHERE, LM_STUDIO_URL: NOWHERE },
      folder,
      configFile: "db.yaml",
      isTerminal: false,
    });
    const docker = "echo 'Error: No such container: db' >&2; exit 1";
    await using cli = await fakeCli({ docker });
    const { lines: said } = await check(given, { env: cli.env });
    expect(said.find((line) => line.includes("health of db"))).toMatch(expected);
  });

  test("signals and Docker are enough", async () => {
    await using server = startPrometheus(upIs("1"));
    const result = await lines({ PROMETHEUS_URL: server.url });
    expect(result.canWork).toBe(true);
    expect(result.lines.at(-1)).toBe("The observer can work.");
    expect(about("signals", result.lines)).toBe(`ok ${server.url} answers`);
    expect(about("docker", result.lines)).toBe(
      "ok engine 29.1.2, by the docker command; nothing is known of what containers use: no answer from the Docker engine at unix:///nowhere/docker.sock (ENOENT); start the engine, or set DOCKER_HOST to where it listens",
    );
    expect(about("job of sentinel-target-api", result.lines)).toBe(
      "ok sentinel-target-api is scraped",
    );
  });

  test.each([
    [
      ["0"],
      "missing 1 of 1 cannot be scraped; start the service, or correct the job sentinel-target-api in the scrape_configs of Prometheus",
    ],
    [
      ["1", "0", "1"],
      "missing 1 of 3 cannot be scraped; start the service, or correct the job sentinel-target-api in the scrape_configs of Prometheus",
    ],
    [
      [],
      "missing no job sentinel-target-api is scraped; add it to the scrape_configs of Prometheus",
    ],
    [["1", "1"], "ok sentinel-target-api is scraped"],
  ])("up is %j: %s", async (values, expected) => {
    await using server = startPrometheus(upIs(...values));
    const { lines: said, canWork } = await lines({ PROMETHEUS_URL: server.url });
    expect(about("job of sentinel-target-api", said)).toBe(expected);
    expect(canWork).toBe(true);
  });

  test("a Docker CLI that is missing is named", async () => {
    const { lines: said, canWork } = await lines({}, {});
    expect(about("docker", said)).toMatch(
      /^failed docker is not on the PATH; install the Docker CLI/,
    );
    expect(canWork).toBe(false);
  });

  describe("where containers are asked for, the command and the API reach the same engine", () => {
    const embedded = async (engine: FakeEngine, cliVersion: string) => {
      const env = { PROMETHEUS_URL: "embedded", DOCKER_HOST: engine.connection.shown };
      const result = await lines(env, { docker: `echo ${cliVersion}` });
      return { said: about("docker", result.lines), canWork: result.canWork };
    };

    test("both are well", async () => {
      await using engine = await fakeEngine({ json: [] });
      expect(await embedded(engine, "20.10.24")).toEqual({
        said: `ok Docker 20.10.24, API 1.41, at ${engine.connection.shown}`,
        canWork: true,
      });
    });

    test("the command acts on another", async () => {
      await using engine = await fakeEngine({ json: [] });
      const { said, canWork } = await embedded(engine, "4.3.1");
      expect(said).toStartWith(
        "failed the docker command acts on an engine 4.3.1, and series come from Docker 20.10.24 at unix://",
      );
      expect(said).toEndWith("; set DOCKER_HOST to the one that is meant");
      expect(canWork).toBe(false);
    });

    test("the API is not there: Sentinel would be blind, however well the command works", async () => {
      const env = { PROMETHEUS_URL: "embedded" };
      const { lines: said, canWork } = await lines(env);
      expect(about("docker", said)).toBe(
        "failed no answer from the Docker engine at unix:///nowhere/docker.sock (ENOENT); start the engine, or set DOCKER_HOST to where it listens",
      );
      expect(canWork).toBe(false);
    });
  });

  test("models: what is asked, and nothing of a key", async () => {
    await using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response(null, { status: 404 }),
    });
    const { host, origin } = server.url;
    const { lines: said } = await lines({
      GEMINI_API_KEY: "s3cret-key",
      GEMINI_BASE_URL: `http://me:s3cret@${host}/gemini`,
      LM_STUDIO_URL: `http://me:s3cret@${host}/v1`,
      LM_STUDIO_API_KEY: "s3cret-local",
      LOCAL_MODELS: "a,b",
      PROMETHEUS_URL: `http://me:s3cret@${host}`,
      TARGET_URL: `http://me:s3cret@${host}`,
    });
    const unknown = (model: string) =>
      `missing whether ${model} is there is not known: ${host} gave no list of its models (status 404)`;
    expect(about("gemini", said)).toBe(unknown("gemini-3.8-flash"));
    expect(about("model a", said)).toBe(unknown("a"));
    expect(about("model b", said)).toBe(unknown("b"));
    expect(about("signals", said)).toStartWith(`failed ${origin} answered with status 404`);
    expect(said.join("\n")).not.toContain("s3cret");
    const none = await lines({ LOCAL_MODELS: "none" });
    expect(about("local models", none.lines)).toBe("missing not asked: LOCAL_MODELS is none");
  });

  test("a rule that cannot be read is a failure of the settings", async () => {
    writeFileSync(
      join(folder, "bad.yml"),
      "groups: [{ name: g, rules: [{ alert: A, expr: 'up >' }] }]",
    );
    const { lines: said, canWork } = await lines({ RULES_FILE: "bad.yml" });
    expect(about("settings", said)).toBe(
      `failed ${join(folder, "bad.yml")}:1: alert A: expr up >: 1:5: parse error: unexpected end of input`,
    );
    expect(canWork).toBe(false);
    await expect(renderRules(settings({ RULES_FILE: "bad.yml" }))).rejects.toThrow("parse error");
  });
});

/** Values that YAML could take for something else. */
const ODD_RULES = `
groups:
  - name: odd
    labels: { team: "yes" }
    rules:
      - record: job:up:sum
        expr: sum(up)
      - alert: Odd
        expr: "up{job=\\"a: b # c\\"} == 0\\n  and up"
        for: 1m30s
        keep_firing_for: 1d
        labels: { severity: low, number: "0123", nothing: "null", date: "2020-01-01", empty: "" }
        annotations: { summary: "- [x] {{ $value }}: 'quoted' \\"twice\\" ~ \\t ü" }
      - alert: Number
        expr: 1
`;

describe("rules", () => {
  writeFileSync(join(folder, "odd.yml"), ODD_RULES);
  writeFileSync(
    join(folder, "two.yaml"),
    'rule_files: [odd.yml]\nservices: [{ name: a, job: "j\\"\\\\", health: "http://a/" }, { name: b, health: "http://b/" }]',
  );
  const cases = {
    "the built-in ones": settings(),
    "own ones, with another window": settings({ RULES_FILE: "odd.yml", RATE_WINDOW: "90s" }),
    "two services": observerSettings({
      env: { PROMETHEUS_URL: NOWHERE, CPU_THRESHOLD: "0.000000001" },
      folder,
      configFile: "two.yaml",
      isTerminal: false,
    }),
  };

  test.each(Object.entries(cases))("%s are read back as they were", async (_, given) => {
    const text = await renderRules(given);
    expect(text).not.toMatch(/: [&*]a\d/);
    const windowMs = given.rateWindowMs ?? 60_000;
    const own = given.ownRules.map(({ file: _, ...rule }) => rule);
    const builtIn = given.services.flatMap((service) => [
      ...builtInRules({ service, thresholds: given.thresholds, windowMs }),
      ...[...probeRules(service, given.pollIntervalMs), ...runtimeRules(service, given)].map(
        ({ on: _, whenMissing: __, ...rule }) => rule,
      ),
    ]);
    expect(readRuleFile(parse(text), "printed")).toEqual([...builtIn, ...own]);
  });

  test("groups of files are printed as they are, and named apart", async () => {
    const group = `groups:
- name: slo
  interval: 30s
  limit: 5
  query_offset: 1m
  labels: { team: 7 }
  rules:
  - { record: "job:up:sum", expr: "sum by (job) (up)" }
  - { alert: Few, expr: "job:up:sum < 1", for: 0, labels: { team.name: yes } }
`;
    writeFileSync(join(folder, "first.yml"), group);
    writeFileSync(join(folder, "second.yml"), group);
    writeFileSync(join(folder, "twice.yaml"), "services: []\nrule_files: [first.yml, second.yml]");
    const given = observerSettings({
      env: { PROMETHEUS_URL: "embedded" },
      folder,
      configFile: "twice.yaml",
      isTerminal: false,
    });
    const printed = {
      name: "slo",
      interval: "30s",
      limit: 5,
      query_offset: "1m",
      labels: { team: "7" },
      rules: [
        { record: "job:up:sum", expr: "sum by (job) (up)" },
        { alert: "Few", expr: "job:up:sum < 1", for: "0", labels: { "team.name": "yes" } },
      ],
    };
    expect(parse(await renderRules(given), { schema: "core" })).toEqual({
      groups: [printed, { ...printed, name: "slo (2)" }],
    });
  });

  test("an own rule takes the place of the built-in ones of its name", async () => {
    writeFileSync(
      join(folder, "own.yml"),
      "groups: [{ name: g, rules: [{ alert: TargetDown, expr: up == 0 }] }]",
    );
    const text = await renderRules(settings({ RULES_FILE: "own.yml" }));
    const rules = readRuleFile(parse(text), "printed");
    expect(rules.filter(({ alert }) => alert === "TargetDown").map(({ expr }) => expr)).toEqual([
      "up == 0",
    ]);
    expect(rules.map(({ alert }) => alert)).toContain("HighCpu");
  });

  test("the window is four scrape intervals where Prometheus tells them", async () => {
    const labels = { job: "sentinel-target-api" };
    await using server = startPrometheus({
      targets: { activeTargets: [{ labels, scrapeInterval: "5s" }] },
    });
    const text = await renderRules(settings({ PROMETHEUS_URL: server.url }));
    expect(text).toContain("[20s]");
    expect(text).not.toContain("[60s]");
  });

  const missing = Bun.which("promtool") === null ? "`promtool` is not on the PATH" : undefined;
  describeUnless(missing, "promtool", () => {
    test.each(Object.entries(cases))("takes %s", async (_, given) => {
      const path = join(folder, "printed.yml");
      writeFileSync(path, await renderRules(given));
      const child = Bun.spawn(["promtool", "check", "rules", path], { stderr: "pipe" });
      const [said, exitCode] = [await new Response(child.stderr).text(), await child.exited];
      expect({ said, exitCode }).toEqual({ said: "", exitCode: 0 });
    });
  });
});
