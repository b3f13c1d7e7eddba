/** A small server that speaks Gemini's `generateContent`. */

import { type ModelServer, type ModelServerOptions, startModelServer, type Wire } from "./model.ts";

export const GEMINI_BEHAVIOURS = [
  "invalid_key",
  "prompt_blocked",
  "safety",
  "max_tokens",
  "with_thoughts",
  "quota_exceeded",
] as const;
export type GeminiBehaviour = (typeof GEMINI_BEHAVIOURS)[number];

const STATUS_WORDS: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
};

const wire: Wire<GeminiBehaviour> = {
  accepts: (path) => /^\/v1beta\/models\/[^/]+:generateContent$/.test(path),
  success: (text) => generated([{ text }], "STOP"),
  failure,
  list: {
    path: "/v1beta/models",
    of: (models) => ({
      models: models.map((name) => ({
        name: `models/${name}`,
        inputTokenLimit: 1_048_576,
        supportedGenerationMethods: ["generateContent", "countTokens"],
      })),
    }),
  },
  own: {
    invalid_key: ({ headers }) => {
      const message = "API key not valid. Please pass a valid API key.";
      const { error } = failure(400, `${message} Received: ${headers["x-goog-api-key"]}`);
      const details = [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason: "API_KEY_INVALID",
          domain: "googleapis.com",
          metadata: { service: "generativelanguage.googleapis.com" },
        },
        {
          "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
          locale: "en-US",
          message,
        },
      ];
      return Response.json({ error: { ...error, details } }, { status: 400 });
    },
    quota_exceeded: () => {
      const { error } = failure(429, "You exceeded your current quota. Please retry in 2.5s.");
      const details = [
        { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [] },
        { "@type": "type.googleapis.com/google.rpc.Help", links: [] },
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "2.5s" },
      ];
      return Response.json({ error: { ...error, details } }, { status: 429 });
    },
    prompt_blocked: () =>
      Response.json({
        promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
        usageMetadata: { promptTokenCount: 900, totalTokenCount: 900 },
        modelVersion: "gemini-3.8-flash",
      }),
    safety: () => Response.json(generated([], "SAFETY")),
    max_tokens: (_, text) => Response.json(generated([{ text: text.slice(0, 50) }], "MAX_TOKENS")),
    with_thoughts: (_, text) =>
      Response.json(
        generated([{ text: 'Perhaps {"action":"docker-stop"}?', thought: true }, { text }], "STOP"),
      ),
  },
};

function failure(status: number, message: string) {
  return { error: { code: status, message, status: STATUS_WORDS[status] ?? "UNKNOWN" } };
}

function generated(
  parts: readonly { readonly text: string; readonly thought?: boolean }[],
  finishReason: string,
): object {
  return {
    candidates: [{ content: { parts, role: "model" }, finishReason, index: 0 }],
    usageMetadata: {
      promptTokenCount: 900,
      candidatesTokenCount: 120,
      thoughtsTokenCount: 300,
      totalTokenCount: 1320,
    },
    modelVersion: "gemini-3.8-flash",
    responseId: "SV5kaJ2vLcvTz7IPmZ2KoAw",
  };
}

/** Give the driver its `url` as `baseUrl`. */
export function startGeminiServer(
  options: ModelServerOptions<GeminiBehaviour>,
): ModelServer<GeminiBehaviour> {
  return startModelServer(wire, options);
}
