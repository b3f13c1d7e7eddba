/** Diagnosis by a model in LM Studio, through its own API. */

import { z } from "zod";
import { readAnswer } from "../core/answer.ts";
import { DiagnosisError } from "../core/errors.ts";
import type { Diagnoser } from "../core/ports.ts";
import { type Prompt, renderPrompt } from "../core/prompt.ts";
import { malformed, serverWords } from "./failures.ts";
import { ask, type Care, type ModelServer, serverUrl } from "./http.ts";

export interface LmStudioOptions extends Care {
  /** The endpoint, e.g. `http://localhost:1234/api/v1/chat`; that path is added to an empty one. */
  readonly url: string;
  readonly model: string;
  /** LM Studio asks for an API token only if it is set up to. */
  readonly apiKey?: string;
}

const ANSWER_TOKENS = 2048;

const chatAnswer = z.object({
  output: z.array(z.object({ type: z.string(), content: z.unknown().optional() })),
});
const message = z.object({ type: z.literal("message"), content: z.string() });

/** Each is checked by itself: two that are wrong may add up to one that looks right. */
const count = z.number().int().min(0);
const usageOf = z.object({
  stats: z.object({ input_tokens: count, total_output_tokens: count }),
});

/**
 * A diagnoser that asks one model of LM Studio (0.4 or newer).
 *
 * @see https://lmstudio.ai/docs/developer/rest/chat
 */
export function lmstudioDiagnoser(options: LmStudioOptions): Diagnoser {
  const { model, apiKey, deadlineMs = 30_000, retry, budget } = options;
  const url = serverUrl(options.url);
  if (url.pathname === "/") url.pathname = "/api/v1/chat";
  const server: ModelServer = {
    host: url.host,
    apiKey,
    keyHint: "check LM Studio's API token",
    deadlineMs,
    retry,
    budget,
    tokensOf,
  };
  return {
    name: `${model} (${server.host})`,
    deadlineMs,
    server: server.host,
    async diagnose(request, signal) {
      const prompt = renderPrompt(request, crypto.randomUUID());
      const { text, usage } = await ask(server, signal, async ({ fetch }) => {
        const response = await fetch(url, requestFor(model, prompt, apiKey));
        return answerText(await response.json(), server);
      });
      return { ...readAnswer(text, request.allowlist), ...usage };
    },
  };
}

function tokensOf(answer: unknown): number | undefined {
  const stats = usageOf.safeParse(answer).data?.stats;
  return stats && stats.input_tokens + stats.total_output_tokens;
}

/** This API has no structured output: the form of the answer is described in the prompt. */
function requestFor(model: string, prompt: Prompt, apiKey: string | undefined): RequestInit {
  return {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    },
    body: JSON.stringify({
      model,
      system_prompt: prompt.system,
      input: prompt.user,
      temperature: 0,
      max_output_tokens: ANSWER_TOKENS,
      stream: false,
      // Evidence of a service is not to stay in somebody's chat history.
      store: false,
    }),
  };
}

function answerText(response: unknown, { host, apiKey }: ModelServer): string {
  const read = chatAnswer.safeParse(response);
  if (!read.success) {
    // An LM Studio older than 0.4 answers 200 with an error to a path that it does not know.
    const words = serverWords(response, apiKey);
    if (words !== undefined) throw new DiagnosisError("rejected", `${host}: ${words}`);
    throw malformed(host, "an answer that is not in the form of LM Studio's chat");
  }
  const text = read.data.output
    .map((item) => message.safeParse(item).data?.content ?? "")
    .join("\n");
  if (text.trim() === "") throw new DiagnosisError("empty_answer", `${host} gave an empty answer`);
  return text;
}
