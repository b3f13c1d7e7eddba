/** A small server that speaks Prometheus' HTTP API, and breaks in every way that one can. */

/** How a server answers that is no working Prometheus, or a query that it cannot answer. */
export const BROKEN = [
  "empty_body",
  "stall",
  "slow_drip",
  "html_500",
  "unavailable_503",
  "unauthorized",
  "forbidden",
  "not_found",
  "redirect",
  "redirect_with_answer",
  "error_with_200",
  "success_with_500",
  "partial",
  "partial_flag",
  "many_rows",
  "wrong_shape",
  "no_json",
  "json_null",
  "truncated",
  "huge",
  "huge_data",
  "bad_data",
  "execution",
  "timeout",
  "canceled",
  "odd_error_type",
] as const;
export type Broken = (typeof BROKEN)[number];

export interface PrometheusServer extends AsyncDisposable {
  readonly url: string;
  /** Path and query of what was asked, with the `authorization` header behind it if there was one. */
  readonly requests: readonly string[];
}

/** The `data` of an answer for each endpoint below `/api/v1/`, or how it breaks. */
export type Answers = Broken | Readonly<Record<string, unknown>>;

const HUGE_BYTES = 20 * 1024 * 1024;
const CHUNK = new Uint8Array(256 * 1024).fill(0x20);
const JSON_TYPE = { "content-type": "application/json" };

/** Starts it on a free port of the loopback. */
export function startPrometheus(answers: Answers): PrometheusServer {
  const requests: string[] = [];
  const closing = new AbortController();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch(request): Response | Promise<Response> {
      const { pathname, search } = new URL(request.url);
      const authorization = request.headers.get("authorization");
      requests.push([pathname + search, authorization].filter(Boolean).join(" "));
      if (pathname === "/followed") return success({ resultType: "scalar", result: [1, "1"] });
      if (typeof answers === "string") return broken[answers](closing.signal);
      const data = answers[/\/api\/v1\/(\w+)$/.exec(pathname)?.[1] ?? ""];
      return data === undefined
        ? new Response("404 page not found", { status: 404 })
        : success(data);
    },
  });
  return {
    url: server.url.origin,
    requests,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await server.stop(true);
    },
  };
}

/** The API's answer to an instant query with one sample of this value. */
export function vectorOf(value: unknown): object {
  return { resultType: "vector", result: [{ metric: { job: "a" }, value: [1700000000.5, value] }] };
}

/** A vector with so many samples. */
export function manyRows(count: number): object {
  const result = Array.from({ length: count }, (_, index) => ({
    metric: { i: String(index) },
    value: [1700000000.5, "1"],
  }));
  return { resultType: "vector", result };
}

function success(data: unknown, status = 200): Response {
  return Response.json({ status: "success", data }, { status });
}

function failure(status: number, errorType: string, error: string): Response {
  return Response.json({ status: "error", errorType, error }, { status });
}

function html(status: number, headers: Record<string, string> = {}): Response {
  const page = "<!doctype html><title>Sign in</title>";
  return new Response(page, { status, headers: { "content-type": "text/html", ...headers } });
}

const broken = {
  empty_body: () => new Response("", { headers: JSON_TYPE }),
  stall: (signal) =>
    new Promise<Response>((resolve) =>
      signal.addEventListener("abort", () => resolve(html(503)), { once: true }),
    ),
  slow_drip: (signal) => streamed(signal, { pauseMs: 20, pieceBytes: 1, pieces: 100_000 }),
  html_500: () => html(500),
  unavailable_503: () => failure(503, "unavailable", "not ready"),
  unauthorized: () => html(401, { "www-authenticate": "Basic" }),
  forbidden: () => html(403),
  not_found: () => new Response("404 page not found\n", { status: 404 }),
  redirect: () => html(302, { location: "/followed" }),
  redirect_with_answer: () => success(vectorOf("1"), 302),
  error_with_200: () => failure(200, "bad_data", "no"),
  success_with_500: () => success(vectorOf("1"), 500),
  partial: () =>
    Response.json({
      status: "success",
      data: vectorOf("1"),
      warnings: ["PromQL warning: bucket label is malformed", "a store\n does not answer"],
    }),
  // As VictoriaMetrics says that a storage node did not answer.
  partial_flag: () => Response.json({ status: "success", isPartial: true, data: vectorOf("1") }),
  many_rows: () => success(manyRows(200_000)),
  wrong_shape: () => Response.json({ hello: "world" }),
  no_json: () => new Response("up 1", { headers: JSON_TYPE }),
  json_null: () => Response.json(null),
  truncated: () =>
    new Response('{"status":"success","data":{"resultType":"vec', { headers: JSON_TYPE }),
  huge: (signal) =>
    streamed(signal, { pauseMs: 0, pieceBytes: CHUNK.length, pieces: HUGE_BYTES / CHUNK.length }),
  huge_data: () => success({ ...vectorOf("1"), padding: "x".repeat(HUGE_BYTES) }),
  bad_data: () =>
    failure(400, "bad_data", 'invalid parameter "query": 1:1: parse error:\n\tno \u001b[31mexpr'),
  execution: () => failure(422, "execution", "found duplicate series for the match group"),
  timeout: () => failure(503, "timeout", "query timed out in expression evaluation"),
  canceled: () => failure(499, "canceled", "query was canceled"),
  odd_error_type: () => failure(500, "constructor", "x".repeat(100_000)),
} satisfies Record<Broken, (closing: AbortSignal) => Response | Promise<Response>>;

interface Stream {
  readonly pauseMs: number;
  readonly pieceBytes: number;
  readonly pieces: number;
}

/** A body of spaces that comes piece by piece. */
function streamed(signal: AbortSignal, { pauseMs, pieceBytes, pieces }: Stream): Response {
  let left = pieces;
  const body = new ReadableStream({
    async pull(controller) {
      await Bun.sleep(pauseMs);
      left -= 1;
      if (left < 0 || signal.aborted) controller.close();
      else controller.enqueue(CHUNK.subarray(0, pieceBytes));
    },
  });
  return new Response(body, { headers: JSON_TYPE });
}
