/** Diagnosis by Gemini, through Google's SDK, with the answer held to a JSON schema. */

import { z } from "zod";
import { DiagnosisError, type DiagnosisFailure } from "../core/errors.ts";
import type { Diagnoser } from "../core/ports.ts";
import { type Prompt, renderPrompt } from "../diagnosis/prompt.ts";
import { withoutLengths } from "./dialect.ts";
import { malformed } from "./failures.ts";
import { ask, type Care, type Exchange, type ModelServer } from "./http.ts";
import type { ListedServer } from "./model-list.ts";
import { diagnosisIn, type Said } from "./said.ts";
import { serverUrl } from "./server-url.ts";

interface GeminiOptions extends Care {
  readonly apiKey: string;
  readonly model: string;
  /** Where the API is, without its version. Default: Google's own address. */
  readonly baseUrl?: string;
}

const GOOGLE_URL = "https://generativelanguage.googleapis.com";

/** Thoughts are paid from it as well; a tighter limit stops a model while it thinks. */
const OUTPUT_TOKENS = 8192;

/** How much a 2.x model may think; the later ones take a level instead, and refuse a number of tokens. */
const THINKING_TOKENS = 1024;

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

/** Where that model is. */
export function geminiServer({ apiKey, model, baseUrl = GOOGLE_URL }: GeminiOptions): ListedServer {
  return {
    api: "gemini",
    url: baseUrl,
    host: serverUrl(baseUrl).host,
    model,
    modelSetting: "GEMINI_MODEL",
    apiKey,
    keyHint: "check GEMINI_API_KEY",
    classify,
  };
}

/** A diagnoser that asks a Gemini model. */
export function geminiDiagnoser(options: GeminiOptions): Diagnoser {
  const { model, deadlineMs = 20_000, retry, budget } = options;
  const server: ModelServer = {
    ...geminiServer(options),
    deadlineMs,
    retry,
    budget,
    tokensOf: (answer) => usageOf.safeParse(answer).data?.usageMetadata.totalTokenCount,
  };
  // What this model takes is learned from its first refusal, for as long as the process lives.
  let thinks = true;
  return {
    name: `${model} (Gemini)`,
    deadlineMs,
    server: server.host,
    async diagnose(request, signal) {
      const prompt = renderPrompt(request, crypto.randomUUID());
      const { said, usage } = await ask(server, signal, async (exchange) => {
        try {
          return saidIn(await generate(options, { prompt, thinks }, exchange), server.host);
        } catch (thrown) {
          const { status, body } = exchange.refusal() ?? { status: 0, body: "" };
          if (!thinks || status !== 400 || !/thinking/i.test(body)) throw thrown;
          const answer = await generate(options, { prompt, thinks: false }, exchange);
          thinks = false;
          return saidIn(answer, server.host);
        }
      });
      return { ...diagnosisIn(said, request, "Gemini"), ...usage };
    },
  };
}

/** Google refuses a wrong or expired key with 400. */
function classify(status: number, body: string): DiagnosisFailure | undefined {
  return status === 400 && body.includes("API_KEY_INVALID") ? "unauthorized" : undefined;
}

async function generate(
  { apiKey, model, baseUrl = GOOGLE_URL }: GeminiOptions,
  { prompt, thinks }: { readonly prompt: Prompt; readonly thinks: boolean },
  { fetch, signal }: Exchange,
): Promise<unknown> {
  // Loaded at the first incident, as it takes 20 MB. The web build reads no environment variables;
  // the one for Node prefers some of them, and warns on standard error when it sees two keys.
  const { GoogleGenAI, ThinkingLevel } = await import("@google/genai/web");
  const client = new GoogleGenAI({
    apiKey,
    vertexai: false,
    httpOptions: { baseUrl, apiVersion: "v1beta", fetch, retryOptions: { attempts: 1 } },
  });
  // A person waits for the answer, and an alert is no riddle.
  const thinkingConfig = /(?:^|\/)gemini-2\./.test(model)
    ? { thinkingBudget: THINKING_TOKENS }
    : { thinkingLevel: ThinkingLevel.LOW };
  return client.models.generateContent({
    model,
    contents: [{ role: "user", parts: [{ text: prompt.user }] }],
    config: {
      abortSignal: signal,
      systemInstruction: prompt.system,
      responseMimeType: "application/json",
      // Google documents what it knows of JSON schema, and `maxLength` is not part of it.
      responseJsonSchema: withoutLengths(prompt.schema),
      // No temperature: from 3 on it is deprecated, and from 4 on it is ignored.
      maxOutputTokens: OUTPUT_TOKENS,
      ...(thinks && { thinkingConfig }),
    },
  });
}

function saidIn(response: unknown, host: string): Said {
  const read = generated.safeParse(response);
  if (!read.success) throw malformed(host, "an answer that is not in Gemini's form");
  const blocked = read.data.promptFeedback?.blockReason;
  if (blocked !== undefined)
    throw new DiagnosisError("empty_answer", `Gemini blocked the prompt: ${blocked}`);
  // The SDK drops what it does not know: an answer of another kind arrives here as an empty one.
  if (read.data.candidates === undefined) throw malformed(host, "an answer without candidates");

  const candidate = read.data.candidates[0];
  const parts = candidate?.content?.parts ?? [];
  const textOf = (isThought: boolean) =>
    parts
      .flatMap((part) => (isThought === (part.thought ?? false) ? (part.text ?? []) : []))
      .join("");
  const text = textOf(false);
  const finish = candidate?.finishReason ?? "STOP";
  const isCut = finish === "MAX_TOKENS";
  if (finish === "STOP" || (isCut && text.trim() !== ""))
    return { text, thoughts: textOf(true), isCut, isDeclined: false };
  throw new DiagnosisError("empty_answer", `Gemini gave no answer (${finish})`);
}
