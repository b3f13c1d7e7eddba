/** A body from outside, piece by piece and within a bound. */

import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";

type Body = AsyncIterable<Uint8Array> | null;

/**
 * For a request that asks for gzip with `decompress: false`: `fetch` itself would unpack all that has
 * arrived at once, and 200 kB may become 200 MB.
 */
export function unpacked({ body, headers }: Response): Body {
  if (body === null || headers.get("content-encoding")?.trim().toLowerCase() !== "gzip")
    return body;
  // A failure of either ends the other, and is thrown to whoever reads.
  return pipeline(body, createGunzip(), () => {});
}

/** The body as UTF-8 text; `undefined` if it is larger than the bound: then the rest is not read. */
export async function readBody(
  { body }: { readonly body: Body },
  maxBytes: number,
): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
