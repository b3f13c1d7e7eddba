/** Diagnosis by a model in LM Studio, through its own API. */

import { z } from "zod";
import { DiagnosisError } from "../core/errors.ts";
import type { Diagnoser } from "../core/ports.ts";
import { type Prompt, renderPrompt } from "../diagnosis/prompt.ts";
import { malformed, serverWords } from "./failures.ts";
import { ANSWER_TOKENS, ask, type Care, type ModelServer } from "./http.ts";
import type { ListedServer } from "./model-list.ts";
import { diagnosisIn, type Said, saidIn } from "./said.ts";
import { lmstudioUrl } from "./server-url.ts";

interface LmStudioOptions extends Care {
  /** The endpoint, e.g. `http://localhost:1234/api/v1/chat`; that path is added to an empty one. */
  readonly url: string;
  readonly model: string;
  /** LM Studio asks for an API token only if it is set up to. */
  readonly apiKey?: string;
}

/** Each is checked by itself: two that are wrong may add up to one that looks right. */
const count = z.number().int().min(0);
const usageOf = z.union([
  z
    .object({ stats: z.object({ input_tokens: count, total_output_tokens: count }) })
    .transform(({ stats }) => stats.input_tokens + stats.total_output_tokens),
  // Before 0.4.
  z
    .object({ usage: z.object({ total_tokens: count }) })
    .transform(({ usage }) => usage.total_tokens),
]);

/** Where that model is. */
export function lmstudioServer({ url, model, apiKey }: LmStudioOptions): ListedServer {
  return {
    api: "lmstudio",
    url,
    host: lmstudioUrl(url).host,
    model,
    modelSetting: "LOCAL_MODELS",
    apiKey,
    keyHint: "check LM_STUDIO_API_KEY, LM Studio's API token",
  };
}

/**
 * A diagnoser that asks one model of LM Studio by its own API, whose answers had other forms before 0.4.
 *
 * @see https://lmstudio.ai/docs/developer/rest/chat
 */
export function lmstudioDiagnoser(options: LmStudioOptions): Diagnoser {
  const { model, apiKey, deadlineMs = 30_000, retry, budget } = options;
  const url = lmstudioUrl(options.url);
  const server: ModelServer = {
    ...lmstudioServer(options),
    deadlineMs,
    retry,
    budget,
    tokensOf: (answer) => usageOf.safeParse(answer).data,
  };
  return {
    name: `${model} (${server.host})`,
    deadlineMs,
    server: server.host,
    async diagnose(request, signal) {
      const prompt = renderPrompt(request, crypto.randomUUID());
      const { said, usage } = await ask(server, signal, async ({ fetch }) => {
        const response = await fetch(url, requestFor(model, prompt, apiKey));
        return saidBy(await response.json(), server);
      });
      return { ...diagnosisIn(said, request, server.host), ...usage };
    },
  };
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

/** Its chat before 0.4 answered in other forms, which are read as well. */
function saidBy(response: unknown, { host, apiKey }: ModelServer): Said {
  const said = saidIn(response);
  if (said !== undefined) return said;
  // An LM Studio that has no such chat at all answers 200 with an error.
  const words = serverWords(response, apiKey);
  if (words === undefined)
    throw malformed(host, "an answer that is not in the form of LM Studio's chat");
  throw new DiagnosisError(
    "rejected",
    `${host}: ${words}; for its OpenAI API set LM_STUDIO_URL to http://${host}/v1`,
  );
}
