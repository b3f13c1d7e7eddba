/** What goes wrong with a model server, by its name and in words; none of them holds the key. */

import { z } from "zod";
import { printable } from "../text/printable.ts";
import { DiagnosisError, type DiagnosisFailure } from "../core/errors.ts";
import { parseJson } from "../text/json.ts";

/** A shorter text can't be searched for and replaced without spoiling others. */
const MIN_REDACTED_LENGTH = 8;

/** What the words are made of. */
export interface Refusing {
  /** Host and port, as shown in messages; never credentials. */
  readonly host: string;
  readonly apiKey: string | undefined;
  /** What a person does about a refused key, e.g. `check GEMINI_API_KEY`. */
  readonly keyHint: string;
  /** Which failure a status and body mean where the status alone misleads. */
  readonly classify?: (status: number, body: string) => DiagnosisFailure | undefined;
}

/** What a server's status and body mean, in words that name what to do. */
export function refusalOf(
  { host, apiKey, keyHint, classify }: Refusing,
  status: number,
  body: string,
): DiagnosisError {
  const reason = classify?.(status, body) ?? failureOfStatus(status);
  const remedy = {
    unauthorized:
      apiKey === undefined ? `it wants a key; ${keyHint}` : `the key was refused; ${keyHint}`,
    rate_limited: "too many requests, or the quota is used up",
    unavailable: "the server failed",
  } satisfies Partial<Record<DiagnosisFailure, string>>;
  if (reason === "unauthorized" || reason === "rate_limited" || reason === "unavailable")
    return new DiagnosisError(reason, `${status} from ${host}: ${remedy[reason]}`);
  if (status < 400)
    return new DiagnosisError(
      reason,
      `${status} from ${host}: redirects are not followed; configure the final address`,
    );
  const words = serverWords(body, apiKey);
  return new DiagnosisError(reason, `${status} from ${host}: ${words ?? "it refused the request"}`);
}

/** 401 and 403, 429, 5xx; everything else that is not a success was rejected. */
function failureOfStatus(status: number): DiagnosisFailure {
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 429) return "rate_limited";
  return status >= 500 ? "unavailable" : "rejected";
}

/** A server's answer that can't be used. `what` is ours, not the server's. */
export function malformed(host: string, what: string): DiagnosisError {
  return new DiagnosisError("malformed_answer", `${host} gave ${what}`);
}

const errorBody = z.union([
  z.object({ error: z.string() }).transform(({ error }) => error),
  // OpenRouter's message is its own, and what the model's vendor said stands beside it.
  z
    .object({
      error: z.object({
        message: z.string(),
        metadata: z.object({ raw: z.string() }).optional().catch(undefined),
      }),
    })
    .transform(({ error }) => [error.message, error.metadata?.raw].filter(Boolean).join(": ")),
  // vLLM before it took over OpenAI's form, and Mistral.
  z.object({ message: z.string() }).transform(({ message }) => message),
  // FastAPI, of which many servers are made.
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
  z
    .object({
      detail: z.array(z.object({ msg: z.string(), loc: z.array(z.unknown()).optional() })),
    })
    .transform(({ detail }) =>
      detail.map(({ msg, loc = [] }) => [loc.join("."), msg].filter(Boolean).join(": ")).join("; "),
    ),
]);

/**
 * What a server says of a failure in the usual forms, such as `{error: "..."}` and
 * `{error: {message: "..."}}`; one bounded line without the key, `undefined` if it says nothing.
 */
export function serverWords(body: unknown, apiKey: string | undefined): string | undefined {
  const read = errorBody.safeParse(typeof body === "string" ? parseJson(body) : body);
  if (!read.success) return undefined;
  if (apiKey !== undefined && apiKey.length < MIN_REDACTED_LENGTH) return undefined;
  // Redacted before it is cut, so that no half of the key is left at the end.
  return printable(redact(read.data, apiKey), 160);
}

/** Without the key, should the server or the model repeat it. */
export function redact(text: string, apiKey: string | undefined): string {
  return apiKey === undefined || apiKey.length < MIN_REDACTED_LENGTH
    ? text
    : text.replaceAll(apiKey, "[key]");
}

/** What a body that is no JSON looks like, to be put behind a sentence. */
export function webPageHint(body: string): string {
  return body.trimStart().startsWith("<") ? " (a web page: is this the right address?)" : "";
}
