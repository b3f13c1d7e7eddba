/** Diagnosis by any server that speaks OpenAI's chat completions, through OpenAI's SDK. */

import { z } from "zod";
import { readAnswer } from "../core/answer.ts";
import { DiagnosisError } from "../core/errors.ts";
import type { Diagnoser } from "../core/ports.ts";
import { type Prompt, renderPrompt } from "../core/prompt.ts";
import { malformed, serverWords } from "./failures.ts";
import { ask, type Care, type Exchange, type ModelServer, serverUrl } from "./http.ts";

export interface OpenAIOptions extends Care {
  /**
   * Where the API is: `http://host:1234`, `http://host:1234/v1` and
   * `http://host:1234/v1/chat/completions` mean the same. `/v1` is added to an empty path only, so
   * that `https://host/openai/v1` or `https://host/inference/chat/completions` stay what they are.
   */
  readonly url: string;
  readonly model: string;
  /** Without one, no `Authorization` header is sent. */
  readonly apiKey?: string;
}

const ANSWER_TOKENS = 2048;

/** Many local servers don't know `response_format`, and say so with one of these. */
const REJECTED_FORMAT = [400, 422];

const completion = z.object({
  choices: z.array(
    z.object({
      finish_reason: z.string().nullish(),
      message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
    }),
  ),
});

const usageOf = z.object({ usage: z.object({ total_tokens: z.number() }) });

/** A diagnoser that asks one model of an OpenAI-compatible server. */
export function openaiDiagnoser(options: OpenAIOptions): Diagnoser {
  const { model, apiKey, deadlineMs = 30_000, retry, budget } = options;
  const baseUrl = completionsBase(options.url);
  const server: ModelServer = {
    host: serverUrl(baseUrl).host,
    apiKey,
    keyHint: "check the key of this model server",
    deadlineMs,
    retry,
    budget,
    tokensOf: (answer) => usageOf.safeParse(answer).data?.usage.total_tokens,
  };
  return {
    name: `${model} (${server.host})`,
    deadlineMs,
    server: server.host,
    async diagnose(request, signal) {
      const prompt = renderPrompt(request, crypto.randomUUID());
      const { text, usage } = await ask(server, signal, async (exchange) =>
        answerText(await complete({ ...options, url: baseUrl }, prompt, exchange), server),
      );
      return { ...readAnswer(text, request.allowlist), ...usage };
    },
  };
}

function completionsBase(text: string): string {
  const url = serverUrl(text);
  const path = url.pathname.replace(/\/+$/, "").replace(/\/chat\/completions$/, "");
  return `${url.origin}${path === "" ? "/v1" : path}`;
}

async function complete(
  { url, model, apiKey }: OpenAIOptions,
  prompt: Prompt,
  exchange: Exchange,
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
    fetch: exchange.fetch,
    logLevel: "off",
    maxRetries: 0,
  });
  const body = {
    model,
    messages: [
      { role: "system" as const, content: prompt.system },
      { role: "user" as const, content: prompt.user },
    ],
    temperature: 0,
    max_tokens: ANSWER_TOKENS,
  };
  const json_schema = { name: "diagnosis", strict: true, schema: { ...prompt.schema } };
  const options = { signal: exchange.signal };
  try {
    return await client.chat.completions.create(
      { ...body, response_format: { type: "json_schema", json_schema } },
      options,
    );
  } catch (thrown) {
    if (!REJECTED_FORMAT.includes(exchange.status() ?? 0)) throw thrown;
    // The prompt describes the form as well; the answer is checked either way.
    return client.chat.completions.create(body, options);
  }
}

function answerText(response: unknown, { host, apiKey }: ModelServer): string {
  const read = completion.safeParse(response);
  if (!read.success) {
    // LM Studio answers 200 with an error where it does not know a path.
    const words = serverWords(response, apiKey);
    if (words !== undefined) throw new DiagnosisError("rejected", `${host}: ${words}`);
    throw malformed(host, "an answer that is not in the form of chat completions");
  }
  const choice = read.data.choices[0];
  const text = choice?.message.content ?? "";
  if (text.trim() === "") {
    const declined = choice?.message.refusal || choice?.finish_reason === "content_filter";
    throw new DiagnosisError(
      "empty_answer",
      `${host} ${declined ? "declined to answer" : "gave an empty answer"}`,
    );
  }
  if (choice?.finish_reason === "length")
    throw malformed(host, `an answer cut at ${ANSWER_TOKENS} tokens`);
  return text;
}
