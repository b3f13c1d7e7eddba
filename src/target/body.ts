/** The JSON that a client sends: bounded, in time, and without anything that could be read in two ways. */

import { HttpError } from "./http-error.ts";
import { invalid, shorten, shown } from "./parameters.ts";

export const MAX_BODY_BYTES = 64 * 1024;
/** A body that does not come holds a connection. */
const DEADLINE_MS = 10_000;
/** What is nested deeper is nobody's wish, and takes half a second of the main loop to check and to show. */
const MAX_DEPTH = 32;
const DEPTH_MESSAGE = `the body is nested deeper than ${MAX_DEPTH} levels`;

/**
 * Reads a request's body.
 *
 * @throws HttpError 415, 413, 408 or 400, with `content-type` or `body` as its field, or the member that is
 *   given twice
 */
export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new HttpError(415, "unsupported_media_type", "send JSON, as curl --json does", {
      field: "content-type",
    });
  }
  const text = await readText(request);
  try {
    const value: unknown = JSON.parse(text);
    refuseTrickery(text);
    return value;
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw badBody(400, "invalid_json", "the body is no JSON");
  }
}

async function readText(request: Request): Promise<string> {
  if (request.body === null) throw badBody(400, "no_body", "the request has no body");

  const reader = request.body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(badBody(408, "body_too_slow", `the body took longer than ${DEADLINE_MS} ms`)),
    DEADLINE_MS,
  );
  let text = "";
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) return text + decoder.decode();
      bytes += value.length;
      if (bytes > MAX_BODY_BYTES) throw bodyTooLarge();
      text += decoder.decode(value, { stream: true });
    }
  } catch (error) {
    void reader.cancel().catch(() => {});
    if (error instanceof HttpError) throw error;
    throw badBody(400, "invalid_body", "the body is cut short or no UTF-8");
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Equal members, of which the parser takes the last and others the first, and endless nesting.
 *
 * @param text valid JSON
 */
function refuseTrickery(text: string): void {
  const seen = new Set<string>();
  let depth = 0;
  let name: string | undefined;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === "{" || token === "[") {
      depth += 1;
      if (depth > MAX_DEPTH) throw badBody(400, "body_too_deep", DEPTH_MESSAGE);
    } else if (token === "}" || token === "]") depth -= 1;
    else if (token !== ":") name = token;
    else if (depth === 1 && name !== undefined) {
      const member = String(JSON.parse(name));
      if (seen.has(member)) {
        throw invalid(shorten(member), `${shown(member)} is given more than once`);
      }
      seen.add(member);
    }
  }
}

export function bodyTooLarge(): HttpError {
  return badBody(413, "body_too_large", `the body is larger than ${MAX_BODY_BYTES} bytes`);
}

function badBody(status: number, code: string, message: string): HttpError {
  return new HttpError(status, code, message, { field: "body" });
}
