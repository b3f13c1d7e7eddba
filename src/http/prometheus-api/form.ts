/** The parameters of a request, from its URL and from a form. */

import { ApiError } from "./parameters.ts";

const MAX_FORM_BYTES = 64 * 1024;
const FORM = "application/x-www-form-urlencoded";

/**
 * Those of a form come before those of the URL, as Go's `ParseForm` joins them. Where Go leaves out
 * what it cannot decode, this refuses it: a time that went missing would be the present.
 *
 * @throws ApiError `bad_data`
 */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const inUrl = decodePairs(new URL(request.url).search.slice(1));
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (request.method !== "POST" || type !== FORM) return new URLSearchParams(inUrl);
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > MAX_FORM_BYTES)
    throw invalidForm(`it is longer than ${MAX_FORM_BYTES} bytes`);
  return new URLSearchParams([...decodePairs(decodeUtf8(bytes)), ...inUrl]);
}

function decodePairs(text: string): [string, string][] {
  return text
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const [name = "", ...value] = pair.split("=");
      return [decode(name), decode(value.join("="))];
    });
}

function decode(text: string): string {
  const [escape] = /%(?![\da-f]{2}).{0,2}/i.exec(text) ?? [];
  if (escape !== undefined) throw invalidForm(`invalid URL escape ${JSON.stringify(escape)}`);
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (cause) {
    throw invalidForm("invalid UTF-8", cause);
  }
}

function decodeUtf8(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalidForm("invalid UTF-8", cause);
  }
}

function invalidForm(why: string, cause?: unknown): ApiError {
  return new ApiError("bad_data", `error parsing form values: ${why}`, cause);
}
