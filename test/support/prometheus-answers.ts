/** A server that speaks as much of Prometheus' API as an observer asks for, and says what a test wants it to say. */

export interface AnsweringPrometheus extends Disposable {
  readonly url: string;
}

/** @param valueOf of an instant query; `undefined` for no sample. Its `/health` answers. */
export function startAnswering(
  valueOf: (query: string) => number | undefined,
): AnsweringPrometheus {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/health") return new Response("well");
      const isPost = request.method === "POST";
      const asked = isPost ? new URLSearchParams(await request.text()) : searchParams;
      const isInstant = pathname.endsWith("/query");
      const value = isInstant ? valueOf(asked.get("query") ?? "") : undefined;
      const point = [Date.now() / 1000, String(value)];
      const data = {
        resultType: isInstant ? "vector" : "matrix",
        result: value === undefined ? [] : [{ metric: {}, value: point }],
      };
      return Response.json({ status: "success", data });
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  return { url, [Symbol.dispose]: () => void server.stop(true) };
}
