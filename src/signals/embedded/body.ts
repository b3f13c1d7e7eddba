/** An answer's body, within a bound. */

/** What a body is read from, piece by piece. */
type Body = AsyncIterable<Uint8Array> | null;

/** As text, UTF-8; `undefined` past the bound: then the rest is not read. */
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
