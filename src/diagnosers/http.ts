/** One bounded request to a model server: deadline, size, redirects, and a closed list of failures. */

import { z } from "zod";
import { exactSeconds } from "../text/time.ts";
import { unlessAborted } from "../core/abort.ts";
import { isLoopback } from "../text/url.ts";
import { printable } from "../text/printable.ts";
import { DiagnosisError } from "../core/errors.ts";
import type { Diagnosis } from "../core/model.ts";
import { parseJson } from "../text/json.ts";
import { JsonCost } from "../text/json-cost.ts";
import type { Budget } from "./budget.ts";
import { webPageHint, malformed, redact, refusalOf } from "./failures.ts";
import { absence, findModel, type ListedServer, listModels } from "./model-list.ts";
import { askedWaitMs, type Retry, retryWaitMs } from "./retry.ts";
import type { Said } from "./said.ts";

/** What a model may write; a diagnosis takes about 300. */
export const ANSWER_TOKENS = 2048;

/** Longest body that is read, after decompression. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Beyond these bounds it is not a model's answer. It is parsed more than once, by the SDK as well. */
const BODY_BOUNDS = {
  maxBytes: MAX_BODY_BYTES,
  maxNodes: 50_000,
  maxNames: 5000,
  maxDepth: 64,
} as const;

/** Headers that go out. The SDKs add more, some of them out of the environment. */
const SENT_HEADERS = ["accept", "authorization", "content-type", "user-agent", "x-goog-api-key"];

/** How a driver deals with its server; the same for every vendor. */
export interface Care {
  /**
   * For one diagnosis, with everything that is tried again. Default: 20 s for Gemini, 30 s for a
   * model that may run on the machine itself.
   */
  readonly deadlineMs?: number;
  /** Without it, nothing is tried again. */
  readonly retry?: Retry;
  /** Without it, there is no limit. */
  readonly budget?: Budget;
}

/** What there is to know of a model server before it is asked. */
export interface ModelServer extends ListedServer {
  readonly deadlineMs: number;
  readonly retry: Retry | undefined;
  readonly budget: Budget | undefined;
  /** What an answer says of the tokens that it took, in any form; bounded by who asks. */
  readonly tokensOf: (answer: unknown) => number | undefined;
}

/** What the work within `ask` sends its requests with. */
export interface Exchange {
  /**
   * A `fetch` for an SDK. It answers 200 with a JSON body of at most 1 MiB, or throws. What may pass
   * by itself is tried again first, if the deadline leaves time for it.
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Aborts at the deadline and when the caller gives up. */
  readonly signal: AbortSignal;
  /** The last answer, if it was a refusal: to be looked at, never to be shown. */
  refusal(): Refusal | undefined;
}

export interface Refusal {
  readonly status: number;
  readonly body: string;
}

/** What came of an exchange. */
interface Reply {
  readonly said: Said;
  /** To be spread into a diagnosis. */
  readonly usage: Pick<Diagnosis, "tokens">;
}

/**
 * Runs one exchange with a model server and names whatever goes wrong.
 *
 * The SDKs' errors hold request headers, and so the key: none of them is passed on, not even as a
 * cause. Neither is the key itself, should the server repeat it.
 *
 * @param signal the caller's; when it aborts, the failure is `unavailable`
 * @param work sends requests and returns what the model said
 * @throws DiagnosisError and nothing else; at the latest at the server's deadline
 */
export async function ask(
  server: ModelServer,
  signal: AbortSignal,
  work: (exchange: Exchange) => Promise<Said>,
): Promise<Reply> {
  const requests = new Requests(server, signal);
  const deadline = setTimeout(() => requests.expire(), server.deadlineMs);
  try {
    if (requests.signal.aborted) throw requests.failureOf(signal.reason);
    const asked = work(requests).catch(async (thrown: unknown) => {
      throw await absentModel(server, requests.failureOf(thrown), requests);
    });
    // The race holds the deadline even against an SDK that never settles.
    const said = await unlessAborted(asked, requests.signal);
    const { text, thoughts } = said;
    const redacted = {
      text: redact(text, server.apiKey),
      thoughts: redact(thoughts, server.apiKey),
    };
    return { said: { ...said, ...redacted }, usage: requests.usage() };
  } catch (thrown) {
    throw requests.failureOf(thrown);
  } finally {
    clearTimeout(deadline);
    requests.close();
  }
}

/** Words of a refusal that is about the model, beside a 404. */
const NO_SUCH_MODEL =
  /not[ _]found|no longer|(?:does|did) not exist|no such|unknown|invalid|not available|not loaded/i;

/** The failure for a model that is not there, which names those that are. */
async function absentModel(
  server: ModelServer,
  failure: DiagnosisError,
  { signal, refusal }: Exchange,
): Promise<DiagnosisError> {
  const { status, body } = refusal() ?? { status: 0, body: "" };
  const isAboutModel = /model/i.test(body) && NO_SUCH_MODEL.test(body);
  if (failure.reason !== "rejected" || (status !== 404 && !isAboutModel)) return failure;
  // It is a help: without it the server's own words stand.
  const models = await listModels(server, signal).catch(() => undefined);
  if (models === undefined || findModel(server.model, models) !== undefined) return failure;
  return new DiagnosisError("rejected", absence(server, models));
}

/** A failure that may be over a moment later. */
interface PassingFailure {
  readonly failure: DiagnosisError;
  /** How long the server asks to wait; `undefined` if it does not say. */
  readonly retryAfterMs: number | undefined;
}

/** The tokens of one answer. No model takes more, so a greater number is a mistake of its server. */
const tokenCount = z.number().int().min(0).max(10_000_000);

class Requests implements Exchange {
  readonly signal: AbortSignal;
  readonly #ended = new AbortController();
  #expired = false;
  #refusal: Refusal | undefined;
  #failure: DiagnosisError | undefined;
  #retries = 0;
  #tokens: number | undefined;
  readonly #startedMs: number;

  constructor(
    readonly server: ModelServer,
    readonly caller: AbortSignal,
  ) {
    this.signal = AbortSignal.any([caller, this.#ended.signal]);
    this.#startedMs = server.retry?.clock.nowMs() ?? 0;
  }

  readonly fetch = async (
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<Response> => {
    this.#refusal = undefined;
    this.#failure = undefined;
    try {
      return await this.#sendPatiently(input, init);
    } catch (thrown) {
      // Kept, because an SDK wraps what it catches.
      this.#failure = this.failureOf(thrown);
      throw this.#failure;
    }
  };

  readonly refusal = (): Refusal | undefined => this.#refusal;

  usage(): Reply["usage"] {
    return this.#tokens === undefined ? {} : { tokens: this.#tokens };
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
      return new DiagnosisError(
        "timeout",
        `no answer from ${host} within ${exactSeconds(deadlineMs)}`,
      );
    if (this.caller.aborted)
      return new DiagnosisError("unavailable", `cancelled before ${host} had answered`);
    if (thrown instanceof DiagnosisError) return thrown;
    return this.#failure ?? malformed(host, "an answer that is not in its API's form");
  }

  async #sendPatiently(input: string | URL | Request, init: RequestInit): Promise<Response> {
    const { retry, budget, deadlineMs } = this.server;
    for (;;) {
      const result = await this.#send(input, init);
      if (result instanceof Response) return result;
      if (retry === undefined || budget?.refusal() !== undefined) throw result.failure;
      const leftMs = deadlineMs - (retry.clock.nowMs() - this.#startedMs);
      const { retryAfterMs } = result;
      const waitMs = retryWaitMs(
        { retries: this.#retries, retryAfterMs, leftMs, deadlineMs },
        retry.random,
      );
      if (waitMs === undefined) throw result.failure;
      this.#retries += 1;
      await retry.clock.sleep(waitMs, this.signal);
      this.signal.throwIfAborted();
    }
  }

  async #send(
    input: string | URL | Request,
    init: RequestInit,
  ): Promise<Response | PassingFailure> {
    const { host, budget } = this.server;
    const refusal = budget?.refusal();
    if (refusal !== undefined) throw new DiagnosisError("budget_spent", refusal);
    budget?.countCall();
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
      if (this.signal.aborted) throw thrown;
      budget?.takeBackCall();
      return unreachable(host, thrown);
    });
    if (!(response instanceof Response)) return response;
    const body = await this.#read(response);
    if (!response.ok) return this.#refused(response, body);
    if (body.trim() === "")
      throw new DiagnosisError("empty_answer", `${host} answered with an empty body`);
    const answer = parseJson(body);
    if (answer === undefined) throw malformed(host, `something else than JSON${webPageHint(body)}`);
    this.#count(this.server.tokensOf(answer));
    return new Response(body, { headers: { "content-type": "application/json" } });
  }

  /** Counts while it reads, and hangs up at the limit: nothing past it is ever held. */
  async #read(response: Response): Promise<string> {
    const { host } = this.server;
    const decoder = new TextDecoder();
    const cost = new JsonCost(BODY_BOUNDS);
    let bytes = 0;
    let text = "";
    try {
      for await (const chunk of response.body ?? []) {
        bytes += chunk.length;
        const excess = cost.add(chunk);
        if (excess !== undefined) {
          // Set before the connection is cut, so that the cut is not taken for the failure.
          this.#failure =
            bytes > MAX_BODY_BYTES
              ? new DiagnosisError("answer_too_large", `${host} sent more than 1 MiB`)
              : malformed(host, excess);
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

  /** Here and not with the diagnosis, as an answer that can't be used is paid for as well. */
  #count(tokens: unknown): void {
    const counted = tokenCount.safeParse(tokens).data;
    if (counted === undefined) return;
    this.#tokens = (this.#tokens ?? 0) + counted;
    this.server.budget?.countTokens(counted);
  }

  /** @throws DiagnosisError if it would be refused again */
  #refused({ status, headers }: Response, body: string): PassingFailure {
    this.#refusal = { status, body };
    const failure = refusalOf(this.server, status, body);
    if (failure.reason !== "rate_limited" && failure.reason !== "unavailable") throw failure;
    const nowMs = this.server.retry?.clock.nowMs() ?? 0;
    return { failure, retryAfterMs: askedWaitMs(headers.get("retry-after"), body, nowMs) };
  }
}

/** @throws DiagnosisError if nobody listens there: a model server does not start within a second */
function unreachable(host: string, thrown: unknown): PassingFailure {
  const { code } = z.object({ code: z.string() }).catch({ code: "no connection" }).parse(thrown);
  const message = `can't reach ${host} (${printable(code, 60)}); is it up?`;
  const failure = new DiagnosisError("unreachable", message, { server: host });
  if (code === "ECONNREFUSED") throw failure;
  return { failure, retryAfterMs: undefined };
}

function onlySent(headers: Headers): Headers {
  const sent = new Headers();
  for (const name of SENT_HEADERS) {
    const value = headers.get(name);
    if (value !== null) sent.set(name, value);
  }
  return sent;
}
