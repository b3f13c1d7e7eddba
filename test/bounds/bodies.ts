/** Bodies that are huge, endless or slow, for whatever speaks HTTP. */

export const MIB = 1024 * 1024;

/** Made when it is first sent, and kept: what it takes to make it is nobody's delay but this process'. */
export function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** A body that begins so, goes on with the chunk for as long as anybody reads, and never ends. */
export function endless(begin: string, chunk: string, pauseMs = 0): Response {
  const bytes = new TextEncoder().encode(chunk);
  let isBegun = false;
  const stream = new ReadableStream({
    async pull(controller) {
      if (pauseMs > 0) await Bun.sleep(pauseMs);
      controller.enqueue(isBegun ? bytes : new TextEncoder().encode(begin));
      isBegun = true;
    },
  });
  return new Response(stream, { headers: { "content-type": "application/json" } });
}

/** No answer at all: the connection stays open, and nothing comes. */
export function silent(): Response {
  return new Response(new ReadableStream({ pull: () => new Promise(() => {}) }));
}

export const json = (text: string, status = 200): Response =>
  new Response(text, { status, headers: { "content-type": "application/json" } });

export const list = (count: number, item: (index: number) => unknown): string =>
  `[${Array.from({ length: count }, (_, index) => JSON.stringify(item(index))).join(",")}]`;

/** So many members with names of their own. */
export const members = (count: number): string =>
  Array.from({ length: count }, (_, index) => `"l${index}":"v"`).join(",");
