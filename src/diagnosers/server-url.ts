/** Where model servers are: the addresses that people write for them, checked and completed. */

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

/**
 * The base of an OpenAI-compatible API: `http://host:1234`, `http://host:1234/v1` and
 * `http://host:1234/v1/chat/completions` mean the same. `/v1` is added to an empty path only, so
 * that `https://host/openai/v1` or `https://host/inference/chat/completions` stay what they are.
 */
export function openaiBase(text: string): string {
  const url = serverUrl(text);
  const path = url.pathname.replace(/\/+$/, "").replace(/\/(?:chat\/completions|responses)$/, "");
  return `${url.origin}${path === "" ? "/v1" : path}`;
}

/** The endpoint of LM Studio's own chat, e.g. `http://localhost:1234/api/v1/chat`; the path may be left out. */
export function lmstudioUrl(text: string): URL {
  const url = serverUrl(text);
  if (url.pathname === "/") url.pathname = "/api/v1/chat";
  return url;
}
