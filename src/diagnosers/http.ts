/** One bounded request to a model server: deadline, size, redirects, and a closed list of failures. */

import { z } from "zod";
import { isLoopback } from "../core/address.ts";
import { printable } from "../core/answer.ts";
import { DiagnosisError, type DiagnosisFailure } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";

/** Longest body that is read, after decompression. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** A shorter text can't be searched for and replaced without spoiling others. */
const MIN_REDACTED_LENGTH = 8;

/** Headers that go out. The SDKs add more, some of them out of the environment. */
const SENT_HEADERS = ["accept", "authorization", "content-type", "user-agent", "x-goog-api-key"];

/** What there is to know of a model server before it is asked. */
export interface ModelServer {
  /** Host and port, as shown in messages; never credentials. */
  readonly host: string;
  readonly apiKey: string | undefined;
  /** What a person does about a refused key, e.g. `check GEMINI_API_KEY`. */
  readonly keyHint: string;
  readonly deadlineMs: number;
  /** Which failure a status and body mean where the status alone misleads. */
  readonly classify?: (status: number, body: string) => DiagnosisFailure | undefined;
}

/** What the work within `ask` sends its requests with. */
export interface Exchange {
  /** A `fetch` for an SDK. It answers 200 with a JSON body of at most 1 MiB, or throws. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Aborts at the deadline and when the caller gives up. */
  readonly signal: AbortSignal;
  /** Status of the last answer; `undefined` before the first, and if there was none. */
  status(): number | undefined;
}

/**
 * Runs one exchange with a model server and names whatever goes wrong.
 *
 * The SDKs' errors hold request headers, and so the key: none of them is passed on, not even as a
 * cause. Neither is the key itself, should the server repeat it.
 *
 * @param signal the caller's; when it aborts, the failure is `unavailable`
 * @param work sends requests and returns the model's text
 * @throws DiagnosisError and nothing else; at the latest at the server's deadline
 */
export async function ask(
  server: ModelServer,
  signal: AbortSignal,
  work: (exchange: Exchange) => Promise<string>,
): Promise<string> {
  const requests = new Requests(server, signal);
  const deadline = setTimeout(() => requests.expire(), server.deadlineMs);
  const { promise: interruption, reject } = Promise.withResolvers<never>();
  const interrupt = () => reject(requests.failureOf(requests.signal.reason));
  requests.signal.addEventListener("abort", interrupt, { once: true });
  try {
    if (requests.signal.aborted) throw requests.failureOf(signal.reason);
    // The race holds the deadline even against an SDK that never settles.
    return redact(await Promise.race([work(requests), interruption]), server.apiKey);
  } catch (thrown) {
    throw requests.failureOf(thrown);
  } finally {
    clearTimeout(deadline);
    requests.close();
  }
}

class Requests implements Exchange {
  readonly signal: AbortSignal;
  readonly #ended = new AbortController();
  #expired = false;
  #status: number | undefined;
  #failure: DiagnosisError | undefined;

  constructor(
    readonly server: ModelServer,
    readonly caller: AbortSignal,
  ) {
    this.signal = AbortSignal.any([caller, this.#ended.signal]);
  }

  readonly fetch = async (
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<Response> => {
    this.#status = undefined;
    this.#failure = undefined;
    try {
      return await this.#send(input, init);
    } catch (thrown) {
      // Kept, because an SDK wraps what it catches.
      this.#failure = this.failureOf(thrown);
      throw this.#failure;
    }
  };

  status(): number | undefined {
    return this.#status;
  }

  expire(): void {
    this.#expired = true;
    this.close();
  }

  close(): void {
    this.#ended.abort();
  }

  failureOf(thrown: unknown): DiagnosisError {
    const { host, deadlineMs } = this.server;
    if (this.#expired)
      return new DiagnosisError("timeout", `no answer from ${host} within ${deadlineMs / 1000} s`);
    if (this.caller.aborted)
      return new DiagnosisError("unavailable", `cancelled before ${host} had answered`);
    if (thrown instanceof DiagnosisError) return thrown;
    return this.#failure ?? malformed(host, "an answer that is not in its API's form");
  }

  async #send(input: string | URL | Request, init: RequestInit): Promise<Response> {
    const { host } = this.server;
    // Followed, a redirect could take the evidence and the key to another place.
    const response = await fetch(input, {
      ...init,
      headers: onlySent(new Headers(init.headers)),
      signal: this.signal,
      redirect: "manual",
      keepalive: false,
      // A proxy of the environment knows nothing of our own loopback, where LM Studio is.
      ...(isLoopback(input instanceof Request ? input.url : String(input)) ? { proxy: false } : {}),
    }).catch((thrown: unknown) => {
      throw this.signal.aborted ? thrown : unreachable(host, thrown);
    });
    this.#status = response.status;
    const body = await this.#read(response);
    if (!response.ok) throw this.#refusal(response.status, body);
    if (body.trim() === "")
      throw new DiagnosisError("empty_answer", `${host} answered with an empty body`);
    if (!isJson(body)) throw malformed(host, `something else than JSON${lookOf(body)}`);
    return new Response(body, { headers: { "content-type": "application/json" } });
  }

  /** Counts while it reads, and hangs up at the limit: nothing past it is ever held. */
  async #read(response: Response): Promise<string> {
    const { host } = this.server;
    const decoder = new TextDecoder();
    let bytes = 0;
    let text = "";
    try {
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length;
        if (bytes > MAX_BODY_BYTES) {
          // Set before the connection is cut, so that the cut is not taken for the failure.
          this.#failure = new DiagnosisError("answer_too_large", `${host} sent more than 1 MiB`);
          this.close();
          throw this.#failure;
        }
        text += decoder.decode(chunk, { stream: true });
      }
    } catch (thrown) {
      if (thrown instanceof DiagnosisError || this.signal.aborted) throw thrown;
      throw new DiagnosisError("unavailable", `the answer of ${host} broke off`);
    }
    return text + decoder.decode();
  }

  #refusal(status: number, body: string): DiagnosisError {
    const { host, keyHint, classify } = this.server;
    const reason = classify?.(status, body) ?? failureOfStatus(status);
    const remedy = {
      unauthorized: `the key was refused; ${keyHint}`,
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
    const words = serverWords(body, this.server.apiKey);
    return new DiagnosisError(
      reason,
      `${status} from ${host}: ${words ?? "it refused the request"}`,
    );
  }
}

/** 401 and 403, 429, 5xx; everything else that is not a success was rejected. */
function failureOfStatus(status: number): DiagnosisFailure {
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 429) return "rate_limited";
  return status >= 500 ? "unavailable" : "rejected";
}

function unreachable(host: string, thrown: unknown): DiagnosisError {
  const { code } = z.object({ code: z.string() }).catch({ code: "no connection" }).parse(thrown);
  return new DiagnosisError(
    "unreachable",
    `can't reach ${host} (${printable(code, 60)}); is it up?`,
  );
}

/** A server's answer that can't be used. `what` is ours, not the server's. */
export function malformed(host: string, what: string): DiagnosisError {
  return new DiagnosisError("malformed_answer", `${host} gave ${what}`);
}

const errorBody = z.object({
  error: z.union([z.string(), z.object({ message: z.string() }).transform((e) => e.message)]),
});

/**
 * What a server says of a failure in the usual forms, `{error: "..."}` and
 * `{error: {message: "..."}}`; one bounded line without the key, `undefined` if it says nothing.
 */
export function serverWords(body: unknown, apiKey: string | undefined): string | undefined {
  const read = errorBody.safeParse(typeof body === "string" ? parseJson(body) : body);
  if (!read.success) return undefined;
  if (apiKey !== undefined && apiKey.length < MIN_REDACTED_LENGTH) return undefined;
  // Redacted before it is cut, so that no half of the key is left at the end.
  return printable(redact(read.data.error, apiKey), 160);
}

function redact(text: string, apiKey: string | undefined): string {
  return apiKey === undefined || apiKey.length < MIN_REDACTED_LENGTH
    ? text
    : text.replaceAll(apiKey, "[key]");
}

function onlySent(headers: Headers): Headers {
  const sent = new Headers();
  for (const name of SENT_HEADERS) {
    const value = headers.get(name);
    if (value !== null) sent.set(name, value);
  }
  return sent;
}

function isJson(text: string): boolean {
  return parseJson(text) !== undefined;
}

function lookOf(body: string): string {
  return body.trimStart().startsWith("<") ? " (a web page: is this the right address?)" : "";
}

/**
 * A model server's address, checked when the driver is built.
 *
 * @throws RangeError if it is not an http or https URL; the text itself is not repeated, as it may
 *   hold a password
 */
export function serverUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw new RangeError("a model server's address must be like http://localhost:1234/v1");
  return url;
}
