/** What a model server has. It is asked with GET, which costs nothing and tells nothing of a service. */

import { z } from "zod";
import { isLoopback } from "../text/url.ts";
import { printable } from "../text/printable.ts";
import { DiagnosisError } from "../core/errors.ts";
import { parseJson } from "../text/json.ts";
import { JsonCost } from "../text/json-cost.ts";
import { webPageHint, malformed, type Refusing, refusalOf } from "./failures.ts";
import { lmstudioUrl, openaiBase, serverUrl } from "./server-url.ts";

/** OpenRouter's list of some hundred models has more than 1 MiB. */
const LIST_BOUNDS = {
  maxBytes: 8 * 1024 * 1024,
  maxNodes: 300_000,
  maxNames: 10_000,
  maxDepth: 32,
} as const;

const MAX_NAMES = 8;
const MAX_NAME_LENGTH = 80;

export interface ListedModel {
  readonly name: string;
  /** What else may be written for it; a `*` at the end stands for anything. */
  readonly aliases: readonly string[];
  /** Prompt and answer together; `undefined` if the server does not tell. */
  readonly contextTokens: number | undefined;
}

export const MODEL_APIS = ["gemini", "openai", "lmstudio"] as const;
export type ModelApi = (typeof MODEL_APIS)[number];

/** A model, and the server whose list it should be on. */
export interface ListedServer extends Refusing {
  readonly api: ModelApi;
  /** The server's address as it is written in the settings. */
  readonly url: string;
  readonly model: string;
  /** The setting that names the model. */
  readonly modelSetting: string;
}

/** What stands in the answers to GET, by the API. Each path is tried until one tells. */
const LISTS = {
  gemini: {
    paths: (url) => [`${serverUrl(url).href.replace(/\/+$/, "")}/v1beta/models?pageSize=1000`],
    key: (apiKey) => ({ "x-goog-api-key": apiKey }),
  },
  openai: {
    paths: (url) => [`${openaiBase(url)}/models`],
    key: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  },
  lmstudio: {
    // The later ones are LM Studio's before 0.4, and before 0.3.6.
    paths: (url) =>
      ["/api/v1/models", "/api/v0/models", "/v1/models"].map(
        (path) => new URL(path, lmstudioUrl(url)).href,
      ),
    key: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  },
} satisfies Record<
  ModelApi,
  {
    readonly paths: (url: string) => readonly string[];
    readonly key: (apiKey: string) => Readonly<Record<string, string>>;
  }
>;

/**
 * Every model that the server says it has, those that only embed left out.
 *
 * @throws DiagnosisError `unauthorized`, `unreachable` and so on; `malformed_answer` if it tells no list
 */
export async function listModels(
  server: ListedServer,
  abort: AbortSignal,
): Promise<readonly ListedModel[]> {
  const { paths } = LISTS[server.api];
  let failure = malformed(server.host, "no list of its models");
  for (const path of paths(server.url)) {
    const answer = await get(path, server, abort);
    if (answer instanceof DiagnosisError) failure = answer;
    else {
      const models = modelsIn(answer);
      if (models !== undefined) return await withRunningContext(models, server, abort);
    }
  }
  throw failure;
}

/** The answer's JSON, or the failure of a server that knows no such path. */
async function get(url: string, server: ListedServer, abort: AbortSignal): Promise<unknown> {
  const { host, apiKey } = server;
  const response = await fetch(url, {
    headers: { accept: "application/json", ...(apiKey && LISTS[server.api].key(apiKey)) },
    signal: abort,
    redirect: "manual",
    keepalive: false,
    ...(isLoopback(url) ? { proxy: false } : {}),
  }).catch((thrown: unknown) => {
    if (abort.aborted) throw new DiagnosisError("timeout", `no answer from ${host} in time`);
    const { code } = z.object({ code: z.string() }).catch({ code: "no connection" }).parse(thrown);
    throw new DiagnosisError("unreachable", `can't reach ${host} (${printable(code, 60)})`);
  });
  const body = await textOf(response, host, abort);
  const { status, ok } = response;
  if (status === 404 || status === 405)
    return malformed(host, `no list of its models (status ${status})`);
  if (!ok) throw refusalOf(server, status, body);
  const answer = parseJson(body);
  if (answer === undefined) throw malformed(host, `something else than JSON${webPageHint(body)}`);
  return answer;
}

async function textOf(response: Response, host: string, abort: AbortSignal): Promise<string> {
  const decoder = new TextDecoder();
  const cost = new JsonCost(LIST_BOUNDS);
  let excess: string | undefined;
  let text = "";
  try {
    for await (const chunk of response.body ?? []) {
      excess = cost.add(chunk);
      if (excess !== undefined) break;
      text += decoder.decode(chunk, { stream: true });
    }
  } catch {
    const why = abort.aborted ? "timeout" : "unavailable";
    throw new DiagnosisError(why, `the list of ${host} broke off`);
  }
  if (excess !== undefined)
    throw new DiagnosisError("answer_too_large", `the list of ${host} has ${excess}`);
  return text + decoder.decode();
}

const tokens = z.number().int().min(1).max(1_000_000_000).optional().catch(undefined);

/** https://ai.google.dev/api/models */
const geminiList = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      inputTokenLimit: tokens,
      supportedGenerationMethods: z.array(z.string()).optional().catch(undefined),
    }),
  ),
});

/** https://lmstudio.ai/docs/developer/rest/list */
const lmstudioList = z.object({
  models: z.array(
    z.object({
      key: z.string(),
      type: z.string().optional(),
      max_context_length: tokens,
      loaded_instances: z
        .array(z.object({ id: z.string(), config: z.object({ context_length: tokens }).catch({}) }))
        .catch([]),
    }),
  ),
});

/**
 * OpenAI's list, and what others add to it: vLLM `max_model_len`, OpenRouter `context_length`, Groq
 * `context_window`, Mistral `max_context_length`, LM Studio `loaded_context_length`, llama.cpp `meta`.
 */
const openaiList = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      type: z.string().optional().catch(undefined),
      owned_by: z.string().optional().catch(undefined),
      loaded_context_length: tokens,
      max_model_len: tokens,
      context_length: tokens,
      context_window: tokens,
      max_context_length: tokens,
      meta: z.object({ n_ctx: tokens }).optional().catch(undefined),
    }),
  ),
});

interface Listed extends ListedModel {
  readonly ownedBy?: string | undefined;
}

function modelsIn(answer: unknown): readonly Listed[] | undefined {
  const lmstudio = lmstudioList.safeParse(answer).data;
  if (lmstudio !== undefined)
    return lmstudio.models
      .filter(({ type }) => !/embed/.test(type ?? ""))
      .map(({ key, max_context_length, loaded_instances: loaded }) => ({
        name: key,
        aliases: loaded.map(({ id }) => id),
        contextTokens: loaded[0]?.config.context_length ?? max_context_length,
      }));
  const gemini = geminiList.safeParse(answer).data;
  const openai = openaiList.safeParse(answer).data;
  // llama.cpp answers with both, of which the second has the context.
  if (openai !== undefined)
    return openai.data
      .filter(({ id, type }) => !/embed/.test(type ?? id))
      .map((model) => ({
        name: model.id,
        // Ollama takes the name without its tag for the latest.
        aliases: model.id.endsWith(":latest") ? [model.id.slice(0, -":latest".length)] : [],
        ownedBy: model.owned_by,
        contextTokens:
          model.loaded_context_length ??
          model.max_model_len ??
          model.meta?.n_ctx ??
          model.context_length ??
          model.context_window ??
          model.max_context_length,
      }));
  return gemini?.models
    .filter((model) => model.supportedGenerationMethods?.includes("generateContent") ?? true)
    .map(({ name, inputTokenLimit }) => ({
      name: name.replace(/^models\//, ""),
      aliases: [],
      contextTokens: inputTokenLimit,
    }));
}

/** https://github.com/ggml-org/llama.cpp/tree/master/tools/server (GET /props) */
const llamaProps = z.object({ default_generation_settings: z.object({ n_ctx: tokens }) });

/** https://docs.ollama.com/api (GET /api/ps) */
const ollamaRunning = z.object({
  models: z.array(z.object({ name: z.string(), context_length: tokens })),
});

/** llama.cpp and Ollama tell elsewhere how much context they run a model with. */
async function withRunningContext(
  models: readonly Listed[],
  server: ListedServer,
  abort: AbortSignal,
): Promise<readonly ListedModel[]> {
  const { origin } = serverUrl(server.url);
  const ask = (path: string) => get(origin + path, server, abort).catch(() => undefined);
  const owners = new Set(models.map(({ ownedBy }) => ownedBy));
  if (owners.has("llamacpp")) {
    const props = llamaProps.safeParse(await ask("/props")).data;
    const context = props?.default_generation_settings.n_ctx;
    return models.map((model) => ({
      ...model,
      // A server of one model answers with it under any name.
      aliases: models.length === 1 ? ["*"] : model.aliases,
      contextTokens: context ?? model.contextTokens,
    }));
  }
  if (!owners.has("library")) return models;
  const running = ollamaRunning.safeParse(await ask("/api/ps")).data?.models ?? [];
  return models.map((model) => ({
    ...model,
    contextTokens:
      running.find(({ name }) => name === model.name)?.context_length ?? model.contextTokens,
  }));
}

/** The model of that name; a name with a `*` at its end, as LiteLLM has them, is any that begins so. */
export function findModel(name: string, models: readonly ListedModel[]): ListedModel | undefined {
  const isMeant = (written: string) =>
    written.endsWith("*") ? name.startsWith(written.slice(0, -1)) : written === name;
  return models.find((model) => [model.name, ...model.aliases].some(isMeant));
}

/** That a model is not there, what is, and what to do. */
export function absence(
  { host, model, modelSetting }: ListedServer,
  models: readonly ListedModel[],
): string {
  const named = printable(model, MAX_NAME_LENGTH);
  if (models.length === 0) return `${host} has no model at all, and so no ${named}`;
  return `${host} has no model ${named}; set ${modelSetting} to what it has: ${namesThere(model, models)}`;
}

/** The names most like the one asked for first, at most 8 of them. */
function namesThere(asked: string, models: readonly ListedModel[]): string {
  const wanted = new Set(wordsOf(asked));
  const likeness = (name: string) => {
    const words = wordsOf(name);
    return 2 * words.filter((word) => wanted.has(word)).length - words.length;
  };
  const names = models
    .map(({ name }) => name)
    .toSorted(
      (a, b) =>
        likeness(b) - likeness(a) ||
        b.localeCompare(a, "en", { numeric: true, sensitivity: "base" }),
    );
  const shown = names.slice(0, MAX_NAMES).map((name) => printable(name, MAX_NAME_LENGTH));
  const more = names.length - shown.length;
  return shown.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function wordsOf(name: string): string[] {
  return name.toLowerCase().split(/[-_/:\s]+/);
}
