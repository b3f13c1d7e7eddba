/** A small server that speaks LM Studio's own `POST /api/v1/chat`. */

import { type ModelServer, type ModelServerOptions, startModelServer, type Wire } from "./model.ts";

export const LMSTUDIO_BEHAVIOURS = ["with_reasoning", "only_reasoning", "too_old"] as const;
export type LmStudioBehaviour = (typeof LMSTUDIO_BEHAVIOURS)[number];

const REASONING = { type: "reasoning", content: 'Perhaps {"action":"docker-stop"}?' } as const;

const wire: Wire<LmStudioBehaviour> = {
  accepts: (path) => path === "/api/v1/chat",
  success: (text) => chat([{ type: "message", content: text }]),
  failure: (status, message) => ({
    error: {
      message,
      type: status === 500 ? "internal_error" : "invalid_request",
      code: status === 404 ? "model_not_found" : null,
      param: status === 404 ? "model" : null,
    },
  }),
  list: {
    path: "/api/v1/models",
    of: (models) => ({
      models: models.map((key) => ({
        type: "llm",
        key,
        loaded_instances: [],
        max_context_length: 32_768,
      })),
    }),
  },
  own: {
    with_reasoning: (_, text) =>
      Response.json(
        chat([
          REASONING,
          { type: "tool_call", tool: "none", arguments: {}, output: "", provider_info: {} },
          { type: "message", content: text },
        ]),
      ),
    only_reasoning: () => Response.json(chat([REASONING])),
    too_old: () => Response.json({ error: "Unexpected endpoint or method. (POST /api/v1/chat)" }),
  },
};

function chat(output: readonly object[]): object {
  return {
    model_instance_id: "mistralai/ministral-3-3b",
    output,
    stats: {
      input_tokens: 900,
      total_output_tokens: 120,
      reasoning_output_tokens: 0,
      tokens_per_second: 41.1,
      time_to_first_token_seconds: 0.39,
    },
  };
}

/** Give the driver its `url`, with or without `/api/v1/chat`. */
export function startLmStudioServer(
  options: ModelServerOptions<LmStudioBehaviour>,
): ModelServer<LmStudioBehaviour> {
  return startModelServer(wire, options);
}
