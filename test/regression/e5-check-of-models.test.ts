/** E5: `sentinel check` asks each model server what it has, for nothing, and says what is wrong. */

import { beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToEnd, sentinelBinary } from "../support/binary.ts";
import { listNamed, startDialectServer } from "../support/servers/dialects.ts";

let sentinel = "";
beforeAll(() => {
  sentinel = sentinelBinary();
}, 120_000);

const KEY = "sk-marker-7f3c9a1e5b2d";

/** The lines about models, the addresses of the servers as HOST; nothing else is missing in that folder. */
async function check(env: Readonly<Record<string, string>>) {
  const cwd = await mkdtemp(join(tmpdir(), "sentinel-e5-"));
  const works = { PROMETHEUS_URL: "embedded", SUPERVISE: "sleep 1", LOCAL_MODELS: "none" };
  const { stdout, stderr, exitCode } = await runToEnd([sentinel, "check"], {
    cwd,
    env: { ...works, ...env },
  });
  await rm(cwd, { recursive: true });
  expect(stdout + stderr).not.toContain(KEY);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout
    .split("\n")
    .filter((line) => /^\w+ +(?:gemini|local models|model |key )/.test(line))
    .map((line) => line.replaceAll(/ {2,}/g, " ").replaceAll(/127\.0\.0\.1:\d+/g, "HOST"));
}

const UNASKED = "missing gemini not asked; set GEMINI_API_KEY to ask it first";

test("E5: a model that is not there, with those that are; a context that is too small", async () => {
  await using server = startDialectServer({ list: listNamed("lmstudio-0.4") });
  const LOCAL_MODELS = "mistralai/ministral-3-3b,liquid/lfm2.5-1.2b,qwen/qwen3-vl-4b";
  expect(await check({ LM_STUDIO_URL: `${server.url}/api/v1/chat`, LOCAL_MODELS })).toEqual([
    UNASKED,
    "missing model mistralai/ministral-3-3b mistralai/ministral-3-3b is on HOST with a context of 4096 tokens, too small: a prompt may take 8000 and its answer 2048; load it with more",
    "missing model liquid/lfm2.5-1.2b HOST has no model liquid/lfm2.5-1.2b; set LOCAL_MODELS to what it has: qwen/qwen3-vl-4b, mistralai/ministral-3-3b",
    "ok model qwen/qwen3-vl-4b qwen/qwen3-vl-4b is on HOST, context up to 262144 tokens",
  ]);
  expect(server.posted).toEqual([]);
});

test("E5: a context of 512 tokens, by llama.cpp", async () => {
  await using server = startDialectServer({ list: listNamed("llama-cpp") });
  expect(await check({ LM_STUDIO_URL: `${server.url}/v1`, LOCAL_MODELS: "q" })).toEqual([
    UNASKED,
    "missing model q q is on HOST with a context of 512 tokens, too small: a prompt may take 8000 and its answer 2048; load it with more",
  ]);
});

test("E5: a key that is refused, and one that is wanted", async () => {
  await using server = startDialectServer({ list: listNamed("vllm"), key: "another" });
  const env = { LM_STUDIO_URL: `${server.url}/v1`, LOCAL_MODELS: "q" };
  expect(await check({ ...env, LM_STUDIO_API_KEY: KEY })).toEqual([
    UNASKED,
    "missing local models 401 from HOST: the key was refused; check LM_STUDIO_API_KEY, the key of this model server",
  ]);
  expect(await check(env)).toEqual([
    UNASKED,
    "missing local models 401 from HOST: it wants a key; check LM_STUDIO_API_KEY, the key of this model server",
  ]);
});

test("E5: a server that is no model server is not said to be one", async () => {
  await using server = startDialectServer({});
  expect(await check({ LM_STUDIO_URL: `${server.url}/v1`, LOCAL_MODELS: "q" })).toEqual([
    UNASKED,
    "missing model q whether q is there is not known: HOST gave no list of its models (status 404)",
  ]);
});

test("E5: Gemini's key and model are tried by its list", async () => {
  await using server = startDialectServer({ list: listNamed("gemini"), key: KEY });
  const env = { GEMINI_BASE_URL: server.url, GEMINI_API_KEY: KEY };
  const none = "missing local models not asked: LOCAL_MODELS is none";
  expect(await check(env)).toEqual([
    "ok gemini gemini-3.8-flash is on HOST, context up to 1048576 tokens",
    none,
  ]);
  expect(await check({ ...env, GEMINI_MODEL: "gemini-2.5-flash" })).toEqual([
    "missing gemini HOST has no model gemini-2.5-flash; set GEMINI_MODEL to what it has: gemini-3.8-flash, gemini-3.5-flash-lite, gemini-4-neon",
    none,
  ]);
  expect(await check({ ...env, GEMINI_API_KEY: "sk-of-somebody-else" })).toEqual([
    "missing gemini 401 from HOST: the key was refused; check GEMINI_API_KEY",
    none,
  ]);
  expect(server.posted).toEqual([]);
});

test("E5: a template's placeholder is no key", async () => {
  const env = { GEMINI_API_KEY: "your_gemini_api_key_here", LM_STUDIO_API_KEY: "changeme" };
  const why =
    "is still a template's placeholder, which is no key; put yours there, or leave it empty";
  expect(await check(env)).toEqual([
    `missing gemini not asked; GEMINI_API_KEY ${why}`,
    "missing local models not asked: LOCAL_MODELS is none",
    `missing key LM_STUDIO_API_KEY ${why}`,
  ]);
});
