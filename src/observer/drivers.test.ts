import { describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "../../test/contracts/diagnosis.ts";
import { NEVER, simulatedClock } from "../../test/support/fixtures.ts";
import { startOpenAIServer } from "../../test/support/servers/openai.ts";
import { type ObserverSettings, observerSettings } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { DiagnosisError } from "../core/errors.ts";
import type { Diagnoser } from "../core/ports.ts";
import { diagnosersOf, recipientsOf } from "./drivers.ts";
import { dockerApiOf, dockerOptionsOf } from "./platforms.ts";

const NO_FILES = join(tmpdir(), "sentinel-that-is-not-there");

function settings(
  env: Environment = {},
  changes: Partial<ObserverSettings> = {},
): ObserverSettings {
  return { ...observerSettings({ env, folder: NO_FILES, isTerminal: false }), ...changes };
}

describe("what is told of and what is acted on is one engine", () => {
  test.each([
    ["by Sentinel's own series", { PROMETHEUS_URL: "embedded" }],
    ["by a Prometheus", { PROMETHEUS_URL: "http://localhost:9090" }],
  ])("%s", (_, env) => {
    const given = settings({ ...env, DOCKER_HOST: "tcp://engine" });
    expect(dockerOptionsOf(given).env).toMatchObject({ DOCKER_HOST: "tcp://engine:2375" });
    expect(dockerApiOf(given).shown).toBe("tcp://engine:2375");
  });
});

describe("diagnosers", () => {
  const names = (env: Environment) => diagnosersOf(settings(env)).map(({ name }) => name);

  test("Gemini comes first, then each local model in the order given", () => {
    expect(names({ GEMINI_API_KEY: "key", GEMINI_MODEL: "g", LOCAL_MODELS: "b,a" })).toEqual([
      "g (Gemini)",
      "b (localhost:1234)",
      "a (localhost:1234)",
    ]);
  });

  test("without a key Gemini is not asked; with none, no local model", () => {
    expect(names({ LOCAL_MODELS: "a" })).toEqual(["a (localhost:1234)"]);
    expect(names({ LOCAL_MODELS: "none" })).toEqual([]);
    expect(names({ LOCAL_MODELS: "none", GEMINI_API_KEY: "key" })).toHaveLength(1);
  });

  test.each([
    ["/api/v1/chat", "/api/v1/chat"],
    ["/api/v1", "/api/v1/chat/completions"],
    ["/x/api/v1/chat", "/x/api/v1/chat/chat/completions"],
    ["/v1", "/v1/chat/completions"],
    ["", "/v1/chat/completions"],
  ])("LM_STUDIO_URL with the path %j asks for %s", async (path, expected) => {
    await using server = startOpenAIServer({ behaviour: "rejected" });
    const given = settings({ LOCAL_MODELS: "m", LM_STUDIO_URL: server.url + path });
    for (const diagnoser of diagnosersOf(given))
      await expect(diagnoser.diagnose(request, NEVER)).rejects.toThrow();
    expect(server.requests.map((asked) => asked.path)).toEqual([expected]);
  });
});

describe("what the models may take", () => {
  const failureOf = (diagnoser: Diagnoser | undefined) =>
    diagnoser?.diagnose(request, NEVER).then(
      () => "diagnosis",
      (thrown: unknown) => (thrown instanceof DiagnosisError ? thrown.reason : thrown),
    );

  test("each has its own budget, and its own circuit", async () => {
    await using server = startOpenAIServer({ behaviour: "good" });
    const env = { LOCAL_MODELS: "a,b", LM_STUDIO_URL: server.url, MODEL_CALLS_PER_HOUR: "1" };
    const [a, b] = diagnosersOf(settings(env), simulatedClock());
    for (const expected of ["diagnosis", "budget_spent"]) expect(await failureOf(a)).toBe(expected);
    for (const expected of ["diagnosis", "budget_spent"]) expect(await failureOf(b)).toBe(expected);
    expect(server.requests).toHaveLength(2);
  });

  test("what fails for one model is asked of the next; what fails for a server, of none", async () => {
    await using server = startOpenAIServer({ behaviour: "server_error" });
    const env = { LOCAL_MODELS: "a,b,c", LM_STUDIO_URL: server.url };
    const [a, b, c] = diagnosersOf(settings(env), simulatedClock());
    for (let time = 0; time < 3; time++) expect(await failureOf(a)).toBe("unavailable");
    // Each with its two retries.
    expect(server.requests).toHaveLength(9);
    expect(await failureOf(a)).toBe("circuit_open");
    server.behaviour = "good";
    expect(await failureOf(b)).toBe("diagnosis");
    await server[Symbol.asyncDispose]();
    for (const each of [b, c, c]) expect(await failureOf(each)).toBe("unreachable");
    for (const each of [a, b, c]) expect(await failureOf(each)).toBe("circuit_open");
  });
});

test.each([
  ["on", "[email] signed in"],
  ["off", "bob@example.org signed in"],
])("MASK_EMAILS=%s is what a model is sent: %s", async (MASK_EMAILS, expected) => {
  await using server = startOpenAIServer({ behaviour: "good" });
  const logs = { kind: "found", value: ["bob@example.org signed in"] } as const;
  const asked = { ...request, evidence: { ...request.evidence, logs } };
  const given = settings({ MASK_EMAILS, LOCAL_MODELS: "m", LM_STUDIO_URL: `${server.url}/v1` });
  for (const diagnoser of diagnosersOf(given)) await diagnoser.diagnose(asked, NEVER);
  expect(JSON.stringify(server.requests)).toContain(expected);
});

test("evidence goes to Gemini and the local models, and the password in an address to nobody", () => {
  const hosts = (env: Environment) => recipientsOf(settings(env));
  const key = { GEMINI_API_KEY: "k" };
  expect(hosts({})).toEqual(["localhost:1234"]);
  expect(hosts({ LOCAL_MODELS: "none" })).toEqual([]);
  expect(hosts({ ...key, LM_STUDIO_URL: "http://a:b@c/v1" })).toEqual(["Google", "c"]);
  expect(hosts({ ...key, GEMINI_BASE_URL: "http://a:b@c", LOCAL_MODELS: "none" })).toEqual(["c"]);
});
