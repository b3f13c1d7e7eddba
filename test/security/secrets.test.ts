/**
 * Secrets wherever strangers write and wherever a setting holds one: none gets into a prompt, a
 * report, a log line, an error, the output of `check`, or an answer of the API.
 */

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "../../src/cli/check.ts";
import { showPrompt } from "../../src/cli/check-prompt.ts";
import { observerSettings } from "../../src/config/config.ts";
import { DiagnosisError, messageOf } from "../../src/core/errors.ts";
import { toLogLine } from "../../src/incident/event-line.ts";
import { reportEvent } from "../../src/report/terminal.ts";
import { geminiDiagnoser } from "../../src/diagnosers/gemini.ts";
import { openaiDiagnoser } from "../../src/diagnosers/openai.ts";
import { createTarget } from "../../src/target/server.ts";
import { PROJECT, startProcess } from "../support/binary.ts";
import { request } from "../contracts/diagnosis.ts";
import { until } from "../e2e/stack.ts";
import { fakeCli } from "../support/fake-cli.ts";
import { containerState, NEVER, rule, SERVICE_NAME, sample } from "../support/fixtures.ts";
import { embeddedSettings } from "../support/observing.ts";
import { startGeminiServer } from "../support/servers/gemini.ts";
import { startOpenAIServer } from "../support/servers/openai.ts";
import { startPrometheus } from "../support/servers/prometheus.ts";
import { tell } from "../support/story.ts";
import { aliveProcess, TARGET_SETTINGS } from "../support/target.ts";
import { leaked, random, type Secret, SECRET_KINDS } from "./secret-kinds.ts";
import { startEvilServer } from "./injecting-model.ts";

setDefaultTimeout(60_000);

const EACH = 10;
const kinds = Object.entries(SECRET_KINDS);
const NOBODY = "http://127.0.0.1:1";
const NOWHERE = { PROMETHEUS_URL: NOBODY, TARGET_URL: NOBODY, LM_STUDIO_URL: NOBODY };
const SENTINEL = [process.execPath, join(PROJECT, "src/main.ts")];

/** Where a setting may hold a secret, and how it is written there. */
const PLACES: Readonly<Record<string, (secret: string, host: string) => Record<string, string>>> = {
  GEMINI_API_KEY: (s) => ({ GEMINI_API_KEY: s }),
  GEMINI_BASE_URL: (s, host) => ({
    GEMINI_API_KEY: "k",
    GEMINI_BASE_URL: `http://u:${s}@${host}/g`,
  }),
  LM_STUDIO_API_KEY: (s) => ({ LM_STUDIO_API_KEY: s }),
  LM_STUDIO_URL: (s, host) => ({ LM_STUDIO_URL: `http://u:${s}@${host}/v1` }),
  "LM_STUDIO_URL, in its query": (s, host) => ({ LM_STUDIO_URL: `http://${host}/v1?key=${s}` }),
  PROMETHEUS_URL: (s, host) => ({ PROMETHEUS_URL: `http://u:${s}@${host}` }),
  "PROMETHEUS_URL, nobody there": (s) => ({ PROMETHEUS_URL: `http://u:${s}@127.0.0.1:1` }),
  SCRAPE_TARGETS: (s, host) => ({
    PROMETHEUS_URL: "embedded",
    SCRAPE_TARGETS: `a=http://u:${s}@${host}/m`,
  }),
  "SCRAPE_TARGETS, in its query": (s, host) => ({
    PROMETHEUS_URL: "embedded",
    SCRAPE_TARGETS: `${SERVICE_NAME}=http://${host}/m?token=${s}&a=1`,
  }),
  TARGET_URL: (s, host) => ({ TARGET_URL: `http://u:${s}@${host}` }),
  "TARGET_URL, nobody there": (s) => ({ TARGET_URL: `http://u:${s}@127.0.0.1:1` }),
  SUPERVISE: (s) => ({ SUPERVISE: `no-such-program --password ${s}` }),
};

/** Not in any form by which it could be known. */
const oneOfASetting = (): Secret => {
  const secret = random(24);
  return { parts: [secret], written: secret };
};

let tried = 0;
const many = (make: () => Secret) => {
  tried += EACH;
  return Array.from({ length: EACH }, make);
};

describe("in what strangers write", () => {
  /** All that comes out of one incident, with the secret in every place at once. */
  async function told({ parts, written }: Secret): Promise<Readonly<Record<string, string>>> {
    await using server = startEvilServer();
    // It repeats all that it was sent; and the other fails, and says so in the same words.
    server.answer = (prompt) =>
      JSON.stringify({
        root_cause: prompt,
        severity: "high",
        fault_class: "cpu",
        confidence: 1,
        action: "docker-restart",
        evidence: prompt.split("\n"),
      });
    const labels = { detail: written, token: parts[0] ?? "" };
    const { events } = await tell({
      script: (expr, elapsedMs) =>
        expr === "cpu" ? [{ ...sample(elapsedMs < 10_000 ? 0.1 : 1.9), labels }] : undefined,
      rules: [rule({ annotations: { summary: "of {{ $labels.detail }}" } })],
      diagnosers: () => [
        {
          name: written,
          deadlineMs: 1,
          diagnose: () => Promise.reject(new DiagnosisError("unavailable", written)),
        },
        geminiDiagnoser({ apiKey: "not-a-real-key", model: "m", baseUrl: server.url }),
      ],
      serviceContext: () => ({
        platform: {
          inspect: async () => containerState({ image: written, status: written }),
          logs: async () => ["before", ...written.split("\n"), "after"].map((text) => ({ text })),
        },
        checkHealth: async () => ({ ok: true, message: written }),
      }),
      act: () => ({ kind: "failed", exitCode: 1, output: written }),
      stopAt: "incident_closed",
      untilMs: 300_000,
    });
    return {
      prompt: server.prompts.join("\n"),
      report: events.flatMap(reportEvent).join("\n"),
      log: events.map((event) => JSON.stringify(toLogLine(event))).join("\n"),
    };
  }

  test.each(kinds)("%s", async (_, make) => {
    for (const secret of many(make)) {
      const outputs = await told(secret);
      for (const [output, text] of Object.entries(outputs)) {
        expect(text).toContain("[masked]");
        expect({ output, leaked: leaked(text, [secret]) }).toEqual({ output, leaked: [] });
      }
    }
  });

  test("a reason of Docker's is no way out either", async () => {
    const secrets = kinds.flatMap(([, make]) => make());
    for (const { written, parts } of secrets) {
      const { events } = await tell({
        script: () => 1.9,
        serviceContext: () => ({
          platform: {
            inspect: () => Promise.reject(new Error(written)),
            logs: () => Promise.reject(new Error(written)),
          },
        }),
        stopAt: "incident_closed",
        untilMs: 300_000,
      });
      const text = [...events.flatMap(reportEvent), JSON.stringify(events.map(toLogLine))];
      expect(leaked(text.join("\n"), [{ written, parts }])).toEqual([]);
    }
  });
});

describe("in settings", () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-secrets-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(Object.entries(PLACES))("%s: `check` and `check --prompt`", async (_, env) => {
    await using server = startPrometheus("unauthorized");
    // As Docker's command line does, which repeats the address that it cannot reach.
    await using cli = await fakeCli({
      docker: `echo "Cannot connect to the Docker daemon at $DOCKER_HOST." >&2; exit 1`,
    });
    const { host } = new URL(server.url);
    const shown = async (secret: Secret) => {
      const given = env(secret.parts[0] ?? "", host);
      const settings = observerSettings({
        env: { ...NOWHERE, ...given },
        folder,
        isTerminal: false,
      });
      const docker = { env: cli.env };
      const { lines } = await check(settings, docker);
      expect(lines.length).toBeGreaterThan(5);
      const prompt = await showPrompt(settings, docker);
      expect(leaked([...lines, ...prompt].join("\n"), [secret])).toEqual([]);
    };
    await Promise.all(many(oneOfASetting).map(shown));
  });

  test("a message on a setting that is wrong", () => {
    const secrets = many(oneOfASetting);
    for (const secret of secrets)
      for (const key of [
        "GEMINI_API_KEY",
        "LM_STUDIO_API_KEY",
        "PROMETHEUS_URL",
        "LM_STUDIO_URL",
        "SCRAPE_TARGETS",
      ]) {
        const value = `ä://u:${secret.parts[0]}@host`;
        const read = () => observerSettings({ env: { [key]: value }, folder, isTerminal: false });
        let message = "";
        try {
          read();
        } catch (error) {
          message = messageOf(error);
        }
        expect(message).toStartWith(`${key} in`);
        expect(leaked(message, [secret])).toEqual([]);
      }
  });

  test("a model server that repeats the key in its error", async () => {
    await using gemini = startGeminiServer({ behaviour: "rejected" });
    await using local = startOpenAIServer({ behaviour: "rejected" });
    for (const secret of many(oneOfASetting)) {
      const [apiKey = ""] = secret.parts;
      const diagnosers = [
        geminiDiagnoser({ apiKey, model: "m", baseUrl: gemini.url }),
        openaiDiagnoser({ apiKey, model: "m", url: local.url }),
      ];
      for (const diagnoser of diagnosers) {
        const failure = await diagnoser.diagnose(request, NEVER).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(DiagnosisError);
        expect(leaked(Bun.inspect(failure), [secret])).toEqual([]);
      }
    }
  });

  test.each(["json", "text"])(
    "an observer in an incident: its %s output, its prompts and its API",
    async (LOG_FORMAT) => {
      await using gemini = startGeminiServer({ behaviour: "rejected" });
      await using local = startOpenAIServer({ behaviour: "unauthorized" });
      await using down = startPrometheus("unauthorized");
      const { host } = new URL(down.url);
      const inUrl = many(oneOfASetting);
      const inQuery = many(oneOfASetting);
      const others = Array.from({ length: 5 }, oneOfASetting);
      const [target, key, gate, localKey, localUrl] = others.map(({ written }) => written);
      const targets = [
        `${SERVICE_NAME}=http://u:${inUrl[0]?.written}@${host}/m`,
        ...inUrl.slice(1).map(({ written }, at) => `a${at}=http://u:${written}@${host}/${at}`),
        ...inQuery.map(({ written }, at) => `b${at}=http://${host}/${at}?n=1&token=${written}`),
      ];
      await using observer = startProcess([...SENTINEL, "--role=observer"], {
        cwd: folder,
        env: embeddedSettings({
          LOG_FORMAT,
          AUTONOMY: "observe",
          SCRAPE_TARGETS: targets.join(","),
          TARGET_URL: `http://u:${target}@${host}`,
          DOCKER_HOST: "tcp://127.0.0.1:1",
          GEMINI_API_KEY: key,
          GEMINI_BASE_URL: gemini.url.replace("//", `//u:${gate}@`),
          LOCAL_MODELS: "m",
          LM_STUDIO_API_KEY: localKey,
          LM_STUDIO_URL: `${local.url.replace("//", `//u:${localUrl}@`)}/v1`,
        }),
      });
      await until(() => /Proposes|"event":"decided"/.test(observer.stdout()));
      const [, api = ""] = /(http:\/\/127\.0\.0\.1:\d+)\/api\/v1, as/.exec(observer.stdout()) ?? [];
      const answers = await Promise.all(
        PATHS.map(async (path) => {
          const response = await fetch(api + path);
          expect(response.status).toBe(200);
          return await response.text();
        }),
      );
      observer.kill("SIGTERM");
      await observer.exited;
      const prompts = [...gemini.requests, ...local.requests].map(({ body }) => body);
      expect(prompts.length).toBeGreaterThanOrEqual(2);
      const outputs = {
        stdout: observer.stdout(),
        stderr: observer.stderr(),
        prompts: JSON.stringify(prompts),
        api: answers.join("\n"),
      };
      expect(outputs.api).toContain("n=1&token=[masked]");
      for (const [output, text] of Object.entries(outputs))
        expect({ output, leaked: leaked(text, [...inUrl, ...inQuery, ...others]) }).toEqual({
          output,
          leaked: [],
        });
    },
  );

  test("a target's FAULT_TOKEN, guessed and given", async () => {
    for (const secret of many(oneOfASetting)) {
      const [token = ""] = secret.parts;
      const emitted: unknown[] = [];
      const target = createTarget(
        { ...TARGET_SETTINGS, faultToken: token },
        { emit: (...event) => emitted.push(event), ownProcess: aliveProcess },
      );
      const ask = async (path: string, init: RequestInit = {}) => {
        const response = await target.handle(new Request(`http://127.0.0.1${path}`, init));
        return JSON.stringify([...response.headers]) + (await response.text());
      };
      const start = (authorization: string) =>
        ask("/faults", {
          method: "POST",
          headers: { authorization, "content-type": "application/json" },
          body: JSON.stringify({ kind: "health", duration: 1 }),
        });
      const said = [
        await start(`Bearer ${token.slice(0, -1)}`),
        await start(token),
        await start(`Bearer ${token}`),
        ...(await Promise.all(["/faults", "/metrics", "/health", "/openapi"].map((at) => ask(at)))),
      ];
      expect(said[2]).toContain('"state":"active"');
      await target.stopFaults();
      expect(emitted.length).toBeGreaterThan(3);
      expect(leaked(said.join("\n") + JSON.stringify(emitted), [secret])).toEqual([]);
    }
  });
});

/** What tells of rules, alerts, targets and settings; what a target itself said is left as it is. */
const PATHS = [
  "/",
  ...["targets", "rules", "alerts", "status/buildinfo", "metadata", "labels"].map(
    (name) => `/api/v1/${name}`,
  ),
  ...["label/instance/values", "label/job/values", "query?query=up", "series?match[]=up"].map(
    (name) => `/api/v1/${name}`,
  ),
];

test("enough of them were tried", () => {
  console.log(
    `secrets: ${kinds.length} kinds in what strangers write, ${Object.keys(PLACES).length} settings, ` +
      `${EACH} of each: ${tried} secrets tried`,
  );
  expect(kinds.length).toBeGreaterThanOrEqual(15);
  expect(tried).toBeGreaterThanOrEqual(EACH * (kinds.length + Object.keys(PLACES).length));
});
