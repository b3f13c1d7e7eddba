/** Every recorded answer and list, through the drivers and their real SDKs. */

import { describe, expect, test } from "bun:test";
import type { Diagnoser } from "../../src/core/ports.ts";
import { geminiDiagnoser, geminiServer } from "../../src/diagnosers/gemini.ts";
import { lmstudioDiagnoser, lmstudioServer } from "../../src/diagnosers/lmstudio.ts";
import {
  findModel,
  type ListedServer,
  listModels,
  type ModelApi,
} from "../../src/diagnosers/model-list.ts";
import { openaiDiagnoser, openaiServer } from "../../src/diagnosers/openai.ts";
import { NEVER } from "../support/fixtures.ts";
import { ANSWERS, LISTS, listNamed, startDialectServer } from "../support/servers/dialects.ts";
import { KEY, message, outcome, request } from "./diagnosis.ts";
import { DiagnosisError } from "../../src/core/errors.ts";

const model = "m";
const apiKey = KEY;
const diagnosers = {
  gemini: (baseUrl) => geminiDiagnoser({ baseUrl, model, apiKey }),
  openai: (url) => openaiDiagnoser({ url, model, apiKey }),
  lmstudio: (url) => lmstudioDiagnoser({ url, model, apiKey }),
} satisfies Record<ModelApi, (url: string) => Diagnoser>;

const servers = {
  gemini: (baseUrl) => geminiServer({ baseUrl, model, apiKey }),
  openai: (url) => openaiServer({ url, model, apiKey }),
  lmstudio: (url) => lmstudioServer({ url, model, apiKey }),
} satisfies Record<ModelApi, (url: string) => ListedServer>;

const ask = (diagnoser: Diagnoser) =>
  diagnoser.diagnose(request, NEVER).catch((thrown: unknown) => {
    if (thrown instanceof DiagnosisError) return thrown;
    throw thrown;
  });

test.each(Object.entries(ANSWERS))("answer of %s", async (_, answer) => {
  const { expected } = answer;
  await using server = startDialectServer({ answer, key: KEY });
  const diagnoser = diagnosers[answer.api](server.url);
  const result = await ask(diagnoser);
  expect(outcome(result)).toBe(expected.failure ?? "diagnosis");
  expect(message(result)).toContain(expected.message ?? "");
  expect(server.posted).toHaveLength(expected.requests ?? answer.refuses.length + 1);
  if (result instanceof DiagnosisError) return;
  expect(result.action as string).toBe(expected.action ?? "");
  expect(result.tokens !== undefined).toBe(expected.tokens ?? true);
  // What was learned is kept: nothing is refused a second time.
  const before = server.posted.length;
  expect(outcome(await ask(diagnoser))).toBe("diagnosis");
  expect(server.posted).toHaveLength(before + 1);
});

test("there is an answer for each dialect", () => {
  const apis = Object.values(ANSWERS).map(({ api }) => api);
  expect(new Set(apis)).toEqual(new Set(["gemini", "lmstudio", "openai"]));
  expect(apis.length).toBeGreaterThan(40);
});

describe("list of", () => {
  test.each(Object.entries(LISTS))("%s", async (_, list) => {
    await using server = startDialectServer({ list, key: KEY });
    const models = await listModels(servers[list.api](server.url), NEVER);
    const told: unknown = models.map(({ name, contextTokens }) => ({ name, contextTokens }));
    expect(told).toEqual(list.models);
  });

  const names = [
    ["ollama", "llama3.2", "llama3.2:latest"],
    ["ollama", "llama3", undefined],
    ["ollama", "qwen3", undefined],
    ["llama-cpp", "whatever", "qwen3-4b-q4_k_m.gguf"],
    ["litellm", "anthropic/claude", "anthropic/*"],
    ["litellm", "openai/gpt", undefined],
    ["lmstudio-0.4", "mistralai/ministral-3-3b:2", "mistralai/ministral-3-3b"],
    ["gemini", "gemini-3.8-flash", "gemini-3.8-flash"],
    ["gemini", "gemini-embedding-2", undefined],
  ] as const;
  test.each(names)("%s: %s is %p", async (name, asked, found) => {
    const list = listNamed(name);
    await using server = startDialectServer({ list });
    const models = await listModels(servers[list.api](server.url), NEVER);
    expect(findModel(asked, models)?.name).toBe(found);
  });

  test("a server that refuses the key, or tells no list, or is not there", async () => {
    await using locked = startDialectServer({ list: listNamed("vllm"), key: "another key" });
    await using silent = startDialectServer({});
    await using gone = startDialectServer({});
    await gone[Symbol.asyncDispose]();
    const failure = (url: string) =>
      listModels(servers.openai(url), NEVER).catch((error: unknown) => error);
    expect(await failure(locked.url)).toMatchObject({ reason: "unauthorized" });
    expect(Bun.inspect(await failure(locked.url))).not.toContain(KEY);
    expect(await failure(silent.url)).toMatchObject({ reason: "malformed_answer" });
    expect(await failure(gone.url)).toMatchObject({ reason: "unreachable" });
  });

  test("a server that stalls, redirects, or tells without an end", async () => {
    const endless = new Uint8Array(64 * 1024).fill(0x20);
    await using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname.startsWith("/moved")) return Response.redirect("/v1/models", 302);
        if (pathname.startsWith("/endless"))
          return new Response(
            new ReadableStream({
              async pull(controller) {
                await Bun.sleep(1);
                controller.enqueue(endless);
              },
            }),
          );
        await Bun.sleep(10_000);
        return Response.json({});
      },
    });
    const failure = (path: string, abort: AbortSignal) =>
      listModels(servers.openai(new URL(path, server.url).href), abort).catch(
        (error: unknown) => error,
      );
    expect(await failure("/slow", AbortSignal.timeout(200))).toMatchObject({ reason: "timeout" });
    expect(await failure("/moved", NEVER)).toMatchObject({ reason: "rejected" });
    expect(await failure("/endless", NEVER)).toMatchObject({ reason: "answer_too_large" });
  });
});
