/** What each vendor is sent, what only one of them answers, and that the environment changes nothing. */

import { describe, expect, test } from "bun:test";
import { offeredActions } from "../../src/allowlist.ts";
import { geminiDiagnoser } from "../../src/diagnosers/gemini.ts";
import { lmstudioDiagnoser } from "../../src/diagnosers/lmstudio.ts";
import { openaiDiagnoser } from "../../src/diagnosers/openai.ts";
import { type GeminiBehaviour, startGeminiServer } from "../support/servers/gemini.ts";
import { type LmStudioBehaviour, startLmStudioServer } from "../support/servers/lmstudio.ts";
import { type OpenAIBehaviour, startOpenAIServer } from "../support/servers/openai.ts";
import {
  diagnose,
  drivers,
  KEY,
  LOG_LINE,
  LONG_MS,
  message,
  MODEL,
  outcome,
  request,
} from "./diagnosis.ts";

describe("the request on the wire", () => {
  const boundary = /<\/evidence [0-9a-f-]{36}>$/;
  const offered = offeredActions(request.allowlist).map(({ id }) => id);
  const schema = {
    type: "object",
    required: expect.arrayContaining(["root_cause", "action"]),
    properties: { action: { type: "string", enum: [...offered, "none"] } },
  };

  test("gemini: generateContent with a JSON schema, bounded output and the key in its header", async () => {
    await using server = startGeminiServer({ behaviour: "good" });
    const diagnoser = drivers.gemini.create({ url: server.url, apiKey: KEY, deadlineMs: LONG_MS });
    expect(diagnoser.name).toBe("gemini-3.8-flash (Gemini)");
    await diagnose(diagnoser);
    const [sent] = server.requests;
    const text = JSON.stringify(sent?.body);
    expect(text).toContain(LOG_LINE);
    expect(text).not.toContain(KEY);
    // Google documents neither for the models of today.
    expect(text).not.toContain("temperature");
    expect(text).not.toContain("maxLength");
    expect(sent).toMatchObject({
      method: "POST",
      path: "/v1beta/models/gemini-3.8-flash:generateContent",
      headers: { "x-goog-api-key": KEY, "content-type": "application/json" },
      body: {
        contents: [{ role: "user", parts: [{ text: expect.stringMatching(boundary) }] }],
        systemInstruction: { parts: [{ text: expect.stringContaining("reliability engineer") }] },
        generationConfig: {
          responseMimeType: "application/json",
          responseJsonSchema: schema,
          maxOutputTokens: 8192,
          thinkingConfig: { thinkingLevel: "LOW" },
        },
      },
    });
  });

  test.each([
    ["gemini-2.5-flash-lite", { thinkingBudget: 1024 }],
    ["gemini-4-neon", { thinkingLevel: "LOW" }],
    ["gemini-flash-latest", { thinkingLevel: "LOW" }],
  ])("gemini: how much %s may think", async (model, thinkingConfig) => {
    await using server = startGeminiServer({ behaviour: "good" });
    const reach = { baseUrl: server.url, apiKey: KEY, deadlineMs: LONG_MS };
    await diagnose(geminiDiagnoser({ ...reach, model }));
    expect(server.requests[0]?.path).toBe(`/v1beta/models/${model}:generateContent`);
    expect(server.requests[0]?.body).toMatchObject({ generationConfig: { thinkingConfig } });
  });

  const spellings = [
    ["", "/v1/chat/completions"],
    ["/", "/v1/chat/completions"],
    ["/v1", "/v1/chat/completions"],
    ["/v1/", "/v1/chat/completions"],
    ["/v1/chat/completions", "/v1/chat/completions"],
    ["/openai/v1", "/openai/v1/chat/completions"],
    ["/inference/chat/completions", "/inference/chat/completions"],
  ] as const;
  test.each(spellings)("openai: an address that ends in %p", async (ending, path) => {
    await using server = startOpenAIServer({ behaviour: "good" });
    const url = server.url + ending;
    const diagnoser = drivers.openai.create({ url, apiKey: KEY, deadlineMs: LONG_MS });
    expect(diagnoser.name).toBe(`${MODEL} (${new URL(server.url).host})`);
    expect(outcome(await diagnose(diagnoser))).toBe("diagnosis");
    expect(server.requests[0]?.path).toBe(path);
  });

  test("openai: chat completions with a JSON schema, bounded output and the key as a bearer", async () => {
    await using server = startOpenAIServer({ behaviour: "good" });
    await diagnose(drivers.openai.create({ url: server.url, apiKey: KEY, deadlineMs: LONG_MS }));
    const [sent] = server.requests;
    expect(JSON.stringify(sent?.body)).toContain(LOG_LINE);
    expect(sent).toMatchObject({
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body: {
        model: MODEL,
        messages: [
          { role: "system", content: expect.stringContaining("reliability engineer") },
          { role: "user", content: expect.stringMatching(boundary) },
        ],
        temperature: 0,
        max_tokens: 2048,
        response_format: { type: "json_schema", json_schema: { name: "diagnosis", schema } },
      },
    });
  });

  test("openai: a server that rejects response_format is asked once more without it", async () => {
    await using server = startOpenAIServer({ behaviour: "no_response_format" });
    const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
    expect(outcome(await diagnose(drivers.openai.create(reach)))).toBe("diagnosis");
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]?.body).not.toHaveProperty("response_format");
  });

  test("lmstudio: its own chat, not stored, not streamed", async () => {
    await using server = startLmStudioServer({ behaviour: "good" });
    const url = `${server.url}/api/v1/chat`;
    const diagnoser = drivers.lmstudio.create({ url, apiKey: KEY, deadlineMs: LONG_MS });
    expect(diagnoser.name).toBe(`${MODEL} (${new URL(server.url).host})`);
    await diagnose(diagnoser);
    const [sent] = server.requests;
    expect(sent).toMatchObject({
      method: "POST",
      path: "/api/v1/chat",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    });
    // Whole: this API refuses fields that it does not know.
    expect(sent?.body).toEqual({
      model: MODEL,
      system_prompt: expect.stringContaining("reliability engineer"),
      input: expect.stringMatching(boundary),
      temperature: 0,
      max_output_tokens: 2048,
      stream: false,
      store: false,
    });
  });

  test("without a key, no Authorization is sent", async () => {
    await using openai = startOpenAIServer({ behaviour: "good" });
    await using lmstudio = startLmStudioServer({ behaviour: "good" });
    await diagnose(openaiDiagnoser({ url: openai.url, model: MODEL }));
    await diagnose(lmstudioDiagnoser({ url: lmstudio.url, model: MODEL }));
    for (const server of [openai, lmstudio])
      expect(server.requests[0]?.headers).not.toHaveProperty("authorization");
  });
});

describe("what only one vendor does", () => {
  const gemini: readonly (readonly [GeminiBehaviour, string, RegExp])[] = [
    ["invalid_key", "unauthorized", /^400 from .*check GEMINI_API_KEY$/],
    ["prompt_blocked", "empty_answer", /PROHIBITED_CONTENT/],
    ["safety", "empty_answer", /SAFETY/],
    ["max_tokens", "malformed_answer", /cut at the limit of tokens/],
    ["with_thoughts", "diagnosis", /./],
  ];
  test.each(gemini)("gemini, %s: %s", async (behaviour, expected, words) => {
    await using server = startGeminiServer({ behaviour });
    const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
    const result = await diagnose(drivers.gemini.create(reach));
    expect(outcome(result)).toBe(expected);
    expect(message(result)).toMatch(words);
  });

  const openai: readonly (readonly [OpenAIBehaviour, string, RegExp])[] = [
    ["cut_off", "malformed_answer", /cut at the limit of tokens/],
    ["refusal", "empty_answer", /declined/],
    ["content_filter", "empty_answer", /declined/],
    ["no_choices", "empty_answer", /empty/],
    ["error_with_200", "rejected", /Unexpected endpoint/],
  ];
  test.each(openai)("openai, %s: %s", async (behaviour, expected, words) => {
    await using server = startOpenAIServer({ behaviour });
    const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
    const result = await diagnose(drivers.openai.create(reach));
    expect(outcome(result)).toBe(expected);
    expect(message(result)).toMatch(words);
  });

  const lmstudio: readonly (readonly [LmStudioBehaviour, string, RegExp])[] = [
    ["with_reasoning", "diagnosis", /./],
    ["only_reasoning", "empty_answer", /empty/],
    ["too_old", "rejected", /Unexpected endpoint/],
  ];
  test.each(lmstudio)("lmstudio, %s: %s", async (behaviour, expected, words) => {
    await using server = startLmStudioServer({ behaviour });
    const reach = { url: server.url, apiKey: KEY, deadlineMs: LONG_MS };
    const result = await diagnose(drivers.lmstudio.create(reach));
    expect(outcome(result)).toBe(expected);
    expect(message(result)).toMatch(words);
  });
});

describe("the environment", () => {
  /** Everything that the two SDKs read, each with a value that would show. */
  const POISON = {
    GOOGLE_API_KEY: "poison",
    GEMINI_API_KEY: "poison",
    GOOGLE_GENAI_USE_VERTEXAI: "true",
    GOOGLE_GENAI_USE_ENTERPRISE: "true",
    GOOGLE_CLOUD_PROJECT: "poison",
    GOOGLE_CLOUD_LOCATION: "poison",
    GOOGLE_GEMINI_BASE_URL: "http://poison.invalid",
    GOOGLE_VERTEX_BASE_URL: "http://poison.invalid",
    GOOGLE_GENAI_API_VERSION: "v9poison",
    OPENAI_API_KEY: "poison",
    OPENAI_ADMIN_KEY: "poison",
    OPENAI_ORG_ID: "poison",
    OPENAI_PROJECT_ID: "poison",
    OPENAI_WEBHOOK_SECRET: "poison",
    OPENAI_BASE_URL: "http://poison.invalid",
    OPENAI_CUSTOM_HEADERS: "x-poison: poison\nAuthorization: Bearer poison",
    OPENAI_LOG: "debug",
  };

  test("of the SDKs changes no request, and prints nothing", async () => {
    await using gemini = startGeminiServer({ behaviour: "good" });
    await using openai = startOpenAIServer({ behaviour: "good" });
    const script = `
      import { geminiDiagnoser } from "./src/diagnosers/gemini.ts";
      import { openaiDiagnoser } from "./src/diagnosers/openai.ts";
      import { allowlistFor } from "./src/allowlist.ts";
      const request = { ...${JSON.stringify({ evidence: request.evidence })}, allowlist: allowlistFor("a") };
      const signal = new AbortController().signal;
      const apiKey = ${JSON.stringify(KEY)};
      await geminiDiagnoser({ apiKey, model: "gemini-3.8-flash", baseUrl: ${JSON.stringify(gemini.url)} }).diagnose(request, signal);
      await openaiDiagnoser({ apiKey, model: "m", url: ${JSON.stringify(openai.url)} }).diagnose(request, signal);
      await openaiDiagnoser({ model: "m", url: ${JSON.stringify(openai.url)} }).diagnose(request, signal);
      console.log("done");
    `;
    await using child = Bun.spawn([process.execPath, "-e", script], {
      cwd: `${import.meta.dir}/../..`,
      env: { ...process.env, ...POISON },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [printed, complained] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect({ printed, complained }).toEqual({ printed: "done\n", complained: "" });
    const sent = [...gemini.requests, ...openai.requests];
    expect(sent).toHaveLength(3);
    expect(JSON.stringify(sent)).not.toContain("poison");
    expect(
      sent.map(({ headers }) => headers["authorization"] ?? headers["x-goog-api-key"]),
    ).toEqual([KEY, `Bearer ${KEY}`, undefined]);
  });
});
