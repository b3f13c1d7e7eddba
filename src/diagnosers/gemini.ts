/** Diagnosis by Gemini, through Google's SDK, with the answer held to a JSON schema. */

import { z } from "zod";
import { readAnswer } from "../core/answer.ts";
import { DiagnosisError, type DiagnosisFailure } from "../core/errors.ts";
import type { Diagnoser } from "../core/ports.ts";
import { type Prompt, renderPrompt } from "../core/prompt.ts";
import { malformed } from "./failures.ts";
import { ask, type Care, type Exchange, type ModelServer, serverUrl } from "./http.ts";

export interface GeminiOptions extends Care {
  readonly apiKey: string;
  readonly model: string;
  /** Where the API is, without its version. Default: Google's own address. */
  readonly baseUrl?: string;
}

const GOOGLE_URL = "https://generativelanguage.googleapis.com";

const ANSWER_TOKENS = 2048;

/** Thoughts are paid from the output budget: without a share of their own they eat the answer. */
const THINKING_TOKENS = 1024;

/** Models that aren't of the 2.5 family take no budget in tokens; they get room instead. */
const UNBUDGETED_TOKENS = 8192;

/** The finish reasons and block reasons are words of this form; anything else is not repeated. */
const word = z
  .string()
  .regex(/^[A-Z_]{1,40}$/)
  .catch("an unknown reason");

const generated = z.object({
  promptFeedback: z.object({ blockReason: word.optional() }).optional(),
  candidates: z
    .array(
      z.object({
        finishReason: word.optional(),
        content: z
          .object({
            parts: z
              .array(z.object({ text: z.string().optional(), thought: z.boolean().optional() }))
              .optional(),
          })
          .optional(),
      }),
    )
    .optional(),
});

/** Counts the thoughts too, which are neither of the prompt nor of the answer. */
const usageOf = z.object({ usageMetadata: z.object({ totalTokenCount: z.number() }) });

/** A diagnoser that asks a Gemini model. */
export function geminiDiagnoser(options: GeminiOptions): Diagnoser {
  const { apiKey, model, baseUrl = GOOGLE_URL, deadlineMs = 20_000, retry, budget } = options;
  const url = serverUrl(baseUrl);
  const server: ModelServer = {
    host: url.host,
    apiKey,
    keyHint: "check GEMINI_API_KEY",
    deadlineMs,
    retry,
    budget,
    tokensOf: (answer) => usageOf.safeParse(answer).data?.usageMetadata.totalTokenCount,
    classify,
  };
  return {
    name: `${model} (Gemini)`,
    deadlineMs,
    server: server.host,
    async diagnose(request, signal) {
      const prompt = renderPrompt(request, crypto.randomUUID());
      const { text, usage } = await ask(server, signal, async (exchange) =>
        answerText(await generate(options, prompt, exchange), server.host),
      );
      return { ...readAnswer(text, request.allowlist), ...usage };
    },
  };
}

/** Google refuses a wrong or expired key with 400. */
function classify(status: number, body: string): DiagnosisFailure | undefined {
  return status === 400 && body.includes("API_KEY_INVALID") ? "unauthorized" : undefined;
}

async function generate(
  { apiKey, model, baseUrl = GOOGLE_URL }: GeminiOptions,
  prompt: Prompt,
  { fetch, signal }: Exchange,
): Promise<unknown> {
  // Loaded at the first incident, as it takes 20 MB. The web build reads no environment variables;
  // the one for Node prefers some of them, and warns on standard error when it sees two keys.
  const { GoogleGenAI } = await import("@google/genai/web");
  const client = new GoogleGenAI({
    apiKey,
    vertexai: false,
    httpOptions: { baseUrl, apiVersion: "v1beta", fetch, retryOptions: { attempts: 1 } },
  });
  const budgeted = model.startsWith("gemini-2.5");
  return client.models.generateContent({
    model,
    contents: [{ role: "user", parts: [{ text: prompt.user }] }],
    config: {
      abortSignal: signal,
      systemInstruction: prompt.system,
      responseMimeType: "application/json",
      responseJsonSchema: prompt.schema,
      temperature: 0,
      maxOutputTokens: budgeted ? ANSWER_TOKENS + THINKING_TOKENS : UNBUDGETED_TOKENS,
      ...(budgeted ? { thinkingConfig: { thinkingBudget: THINKING_TOKENS } } : {}),
    },
  });
}

function answerText(response: unknown, host: string): string {
  const read = generated.safeParse(response);
  if (!read.success) throw malformed(host, "an answer that is not in Gemini's form");
  const blocked = read.data.promptFeedback?.blockReason;
  if (blocked !== undefined)
    throw new DiagnosisError("empty_answer", `Gemini blocked the prompt: ${blocked}`);
  // The SDK drops what it does not know: an answer of another kind arrives here as an empty one.
  if (read.data.candidates === undefined) throw malformed(host, "an answer without candidates");

  const candidate = read.data.candidates[0];
  const text = (candidate?.content?.parts ?? [])
    .filter(({ thought }) => thought !== true)
    .map((part) => part.text ?? "")
    .join("");
  const finish = candidate?.finishReason ?? "STOP";
  if (finish === "STOP" && text.trim() !== "") return text;
  if (finish === "MAX_TOKENS" && text.trim() !== "")
    throw malformed("Gemini", "an answer cut at the token limit (MAX_TOKENS)");
  throw new DiagnosisError("empty_answer", `Gemini gave no answer (${finish})`);
}
