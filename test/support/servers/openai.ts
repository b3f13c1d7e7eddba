/** A small server that speaks OpenAI's chat completions. */

import {
  type ModelServer,
  type ModelServerOptions,
  type RecordedRequest,
  startModelServer,
  type Wire,
} from "./model.ts";

export const OPENAI_BEHAVIOURS = [
  "no_response_format",
  "cut_off",
  "refusal",
  "content_filter",
  "no_choices",
  "error_with_200",
] as const;
export type OpenAIBehaviour = (typeof OPENAI_BEHAVIOURS)[number];

const wire: Wire<OpenAIBehaviour> = {
  accepts: (path) => path.endsWith("/chat/completions"),
  success: (text) => completion({ content: text }, "stop"),
  failure,
  list: {
    path: "/v1/models",
    of: (models) => ({
      object: "list",
      data: models.map((id) => ({
        id,
        object: "model",
        created: 1_741_569_952,
        owned_by: "local",
      })),
    }),
  },
  own: {
    no_response_format: (request, text) =>
      hasResponseFormat(request)
        ? Response.json(failure(400, "response_format is not supported"), { status: 400 })
        : Response.json(completion({ content: text }, "stop")),
    cut_off: (_, text) => Response.json(completion({ content: text.slice(0, 50) }, "length")),
    refusal: () =>
      Response.json(completion({ content: null, refusal: "I can't help with that." }, "stop")),
    content_filter: () => Response.json(completion({ content: null }, "content_filter")),
    no_choices: () => Response.json({ ...completion({ content: "" }, "stop"), choices: [] }),
    error_with_200: () =>
      Response.json({ error: "Unexpected endpoint or method. (POST /chat/completions)" }),
  },
};

function hasResponseFormat({ body }: RecordedRequest): boolean {
  return typeof body === "object" && body !== null && "response_format" in body;
}

function failure(status: number, message: string): object {
  const type = status === 429 ? "insufficient_quota" : "invalid_request_error";
  return { error: { message, type, param: null, code: status === 401 ? "invalid_api_key" : null } };
}

function completion(
  message: { readonly content: string | null; readonly refusal?: string },
  finish_reason: string,
): object {
  return {
    id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
    object: "chat.completion",
    created: 1_741_569_952,
    model: "local-model",
    choices: [
      {
        index: 0,
        message: { role: "assistant", refusal: null, annotations: [], ...message },
        logprobs: null,
        finish_reason,
      },
    ],
    usage: { prompt_tokens: 900, completion_tokens: 120, total_tokens: 1020 },
    system_fingerprint: "fp_local",
  };
}

/** Give the driver its `url`, with or without `/v1`. */
export function startOpenAIServer(
  options: ModelServerOptions<OpenAIBehaviour>,
): ModelServer<OpenAIBehaviour> {
  return startModelServer(wire, options);
}
