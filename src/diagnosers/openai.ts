/** Diagnosis by any server that speaks OpenAI's chat completions, through OpenAI's SDK. */

import { z } from "zod";
import { DiagnosisError } from "../core/errors.ts";
import type { Diagnoser } from "../core/ports.ts";
import { type Prompt, renderPrompt } from "../diagnosis/prompt.ts";
import { malformed, serverWords } from "./failures.ts";
import { adapted, type Dialect, FIRST_DIALECT, isAboutSchema, withoutLengths } from "./dialect.ts";
import { ANSWER_TOKENS, ask, type Care, type Exchange, type ModelServer } from "./http.ts";
import type { ListedServer } from "./model-list.ts";
import { diagnosisIn, type Said, saidIn } from "./said.ts";
import { openaiBase, serverUrl } from "./server-url.ts";

interface OpenAIOptions extends Care {
  /** Where the API is, as `openaiBase` reads it. */
  readonly url: string;
  readonly model: string;
  /** Without one, no `Authorization` header is sent. */
  readonly apiKey?: string;
}

/** What a reasoning model thinks is counted as well. */
const REASONING_TOKENS = 8192;

const usageOf = z.object({ usage: z.object({ total_tokens: z.number() }) });

/** Where that model is. */
export function openaiServer({ url, model, apiKey }: OpenAIOptions): ListedServer {
  return {
    api: "openai",
    url,
    host: serverUrl(url).host,
    model,
    modelSetting: "LOCAL_MODELS",
    apiKey,
    keyHint: "check LM_STUDIO_API_KEY, the key of this model server",
    classify: (status, body) => (isAboutSchema({ status, body }) ? "rejected" : undefined),
  };
}

/** A diagnoser that asks one model of an OpenAI-compatible server. */
export function openaiDiagnoser(options: OpenAIOptions): Diagnoser {
  const { model, deadlineMs = 30_000, retry, budget } = options;
  const baseUrl = openaiBase(options.url);
  const server: ModelServer = {
    ...openaiServer(options),
    deadlineMs,
    retry,
    budget,
    tokensOf: (answer) => usageOf.safeParse(answer).data?.usage.total_tokens,
  };
  // What was taken is kept for as long as the process lives, so that a model refuses but once.
  const isResponses = /\/responses\/*$/.test(serverUrl(options.url).pathname);
  let known: Dialect = isResponses ? { ...FIRST_DIALECT, api: "responses" } : FIRST_DIALECT;
  return {
    name: `${model} (${server.host})`,
    deadlineMs,
    server: server.host,
    async diagnose(request, signal) {
      const prompt = renderPrompt(request, crypto.randomUUID());
      const { said, usage } = await ask(server, signal, async (exchange) => {
        for (let dialect = known; ;) {
          try {
            const question = { model, prompt, dialect };
            const answer = await complete({ ...options, url: baseUrl }, question, exchange);
            known = dialect;
            return saidBy(answer, server);
          } catch (thrown) {
            const refusal = exchange.refusal();
            const next = refusal && adapted(dialect, refusal);
            if (next === undefined) throw thrown;
            dialect = next;
          }
        }
      });
      return { ...diagnosisIn(said, request, server.host), ...usage };
    },
  };
}

interface Question {
  readonly model: string;
  readonly prompt: Prompt;
  readonly dialect: Dialect;
}

async function complete(
  { url, apiKey }: OpenAIOptions,
  question: Question,
  { fetch, signal }: Exchange,
): Promise<unknown> {
  // Loaded at the first incident, as it takes 18 MB.
  const { OpenAI } = await import("openai");
  // Everything is named: what is left out, the SDK takes from the environment.
  const client = new OpenAI({
    baseURL: url,
    apiKey: apiKey ?? "none",
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    defaultHeaders: { Authorization: apiKey === undefined ? null : `Bearer ${apiKey}` },
    fetch,
    logLevel: "off",
    maxRetries: 0,
  });
  return question.dialect.api === "responses"
    ? client.responses.create(responseBody(question), { signal })
    : client.chat.completions.create(completionBody(question), { signal });
}

function completionBody({ model, prompt, dialect }: Question) {
  const format = formatOf(prompt, dialect);
  return {
    model,
    messages: [
      { role: "system" as const, content: prompt.system },
      { role: "user" as const, content: prompt.user },
    ],
    ...(dialect.hasTemperature && { temperature: 0 }),
    ...(dialect.limit === "max_tokens"
      ? { max_tokens: ANSWER_TOKENS }
      : { max_completion_tokens: REASONING_TOKENS }),
    ...(format && {
      response_format: { type: "json_schema" as const, json_schema: format },
    }),
  };
}

function responseBody({ model, prompt, dialect }: Question) {
  const format = formatOf(prompt, dialect);
  return {
    model,
    instructions: prompt.system,
    input: prompt.user,
    max_output_tokens: REASONING_TOKENS,
    // Evidence of a service is not to stay with the vendor.
    store: false,
    ...(format && { text: { format: { type: "json_schema" as const, ...format } } }),
  };
}

/** Without one the prompt describes the form all the same; the answer is checked either way. */
function formatOf({ schema }: Prompt, dialect: Dialect) {
  if (dialect.schema === "none") return undefined;
  const asked = dialect.schema === "bounded" ? schema : withoutLengths(schema);
  return { name: "diagnosis", strict: true, schema: { ...asked } };
}

function saidBy(response: unknown, { host, apiKey }: ModelServer): Said {
  const said = saidIn(response);
  if (said !== undefined) return said;
  // LM Studio answers 200 with an error where it does not know a path.
  const words = serverWords(response, apiKey);
  if (words !== undefined) throw new DiagnosisError("rejected", `${host}: ${words}`);
  throw malformed(host, "an answer that is not in the form of chat completions");
}
