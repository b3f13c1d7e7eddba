/** What the model servers of the tests have in common: behaviours, records, and how they break. */

/** How a server answers; each vendor has some of its own beside these. */
export const MODEL_BEHAVIOURS = [
  "good",
  "older_shape",
  "prose_around",
  "code_fence",
  "truncated",
  "prose_only",
  "unknown_action",
  "forbidden_command",
  "empty_text",
  "unauthorized",
  "forbidden",
  "rate_limited",
  "server_error",
  "rejected",
  "stall",
  "slow_drip",
  "empty_body",
  "huge",
  "huge_text",
  "html",
  "wrong_shape",
  "redirect",
  /** The server leaves in the middle of its answer, for good. */
  "disconnect",
] as const;
export type ModelBehaviour = (typeof MODEL_BEHAVIOURS)[number];

/** A request as it arrived. Header names are in lower case. */
export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface ModelServer<B extends string> extends AsyncDisposable {
  /** Origin, without a slash at the end. */
  readonly url: string;
  /** What was posted. */
  readonly requests: readonly RecordedRequest[];
  /** What was asked with GET: the list of its models, for the most part. */
  readonly lists: readonly RecordedRequest[];
  /** Bytes of the body of the last `huge` answer that were handed over before the client hung up. */
  readonly hugeBytesSent: () => number;
  /** How the next requests are answered, one each; after these, by `behaviour`. */
  readonly next: (B | ModelBehaviour)[];
  behaviour: B | ModelBehaviour;
  /** The header `Retry-After` of refusals. */
  retryAfter: string | undefined;
}

export interface ModelServerOptions<B extends string> {
  readonly behaviour: B | ModelBehaviour;
  /** What the model writes in `good` and its variants. Default: a diagnosis that restarts. */
  readonly answer?: Readonly<Record<string, unknown>>;
  /** What stands for every count of tokens in an answer, as JSON; `null` leaves no word of them. */
  readonly tokens?: string | null;
  /** The models that it says it has; without it, it tells no list. */
  readonly models?: readonly string[];
}

/** A vendor's wire format. */
export interface Wire<B extends string> {
  /** Answers 404 in its own form to any other path. */
  readonly accepts: (path: string) => boolean;
  readonly success: (text: string) => object;
  readonly failure: (status: number, message: string) => object;
  /** Where it tells its models, and how. */
  readonly list: { readonly path: string; readonly of: (models: readonly string[]) => object };
  /** The behaviours that only this vendor has. */
  readonly own: Readonly<Record<B, (request: RecordedRequest, text: string) => Response>>;
}

export const HUGE_BYTES = 10 * 1024 * 1024;
const CHUNK = new Uint8Array(64 * 1024).fill(0x20);

/** What a model that means well writes. */
export const GOOD_ANSWER = {
  root_cause: "Worker threads burn every core.",
  severity: "high",
  fault_class: "hot_loop",
  confidence: 0.9,
  action: "docker-restart",
  evidence: ["CPU is 1.9 cores against a threshold of 0.5"],
} as const;

/** Starts a server on a free port of the loopback that speaks one vendor's format. */
export function startModelServer<B extends string>(
  wire: Wire<B>,
  options: ModelServerOptions<B>,
): ModelServer<B> {
  const requests: RecordedRequest[] = [];
  const lists: RecordedRequest[] = [];
  const closing = new AbortController();
  let hugeBytes = 0;

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request): Promise<Response> {
      const recorded = await record(request);
      if (recorded.method === "GET" && recorded.path !== "/followed") {
        lists.push(recorded);
        const { models } = options;
        return models === undefined || recorded.path !== wire.list.path
          ? refuse(404, recorded, "Unexpected endpoint or method.")
          : Response.json(wire.list.of(models));
      }
      requests.push(recorded);
      if (recorded.path === "/followed")
        return Response.json(wire.success(JSON.stringify(GOOD_ANSWER)));
      const behaviour = model.next.shift() ?? model.behaviour;
      if (!wire.accepts(recorded.path) || recorded.method !== "POST")
        return refuse(404, recorded, "Unexpected endpoint or method.");
      const text = JSON.stringify(options.answer ?? GOOD_ANSWER);
      return isShared(behaviour)
        ? await answers[behaviour](recorded, text)
        : wire.own[behaviour](recorded, text);
    },
  });

  /** Repeats the credentials, as a careless server does: no driver may pass them on. */
  function refuse(status: number, { headers }: RecordedRequest, message: string): Response {
    const key = headers["x-goog-api-key"] ?? headers["authorization"] ?? "no key";
    const { retryAfter } = model;
    return Response.json(wire.failure(status, `${message} Received: ${key}`), {
      status,
      ...(retryAfter === undefined ? {} : { headers: { "retry-after": retryAfter } }),
    });
  }

  function says(text: string): Response {
    const { tokens } = options;
    const said = JSON.stringify(wire.success(text));
    const headers = { "content-type": "application/json" };
    if (tokens === undefined) return new Response(said, { headers });
    const counts = /"(\w*token\w*)":[\d.]+/gi;
    const told = (name: string) => (tokens === null ? `"gone":0` : `"${name}":${tokens}`);
    return new Response(
      said.replace(counts, (_, name: string) => told(name)),
      { headers },
    );
  }

  const answers = {
    good: (_, text) => says(text),
    older_shape: () =>
      says('{"root_cause":"CPU","severity":"High","remediation_step":"docker-compose restart"}'),
    prose_around: (_, text) => says(`Sure! This is what I found:\n\n${text}\n\nGood luck.`),
    code_fence: (_, text) => says(`\`\`\`json\n${text}\n\`\`\``),
    truncated: (_, text) => says(text.slice(0, -20)),
    prose_only: () => says("I would restart the container."),
    unknown_action: () => says(JSON.stringify({ ...GOOD_ANSWER, action: "docker-exec" })),
    forbidden_command: () =>
      says('{"root_cause":"CPU","severity":"High","remediation_step":"docker system prune -af"}'),
    empty_text: () => says(""),
    unauthorized: (request) => refuse(401, request, "Invalid credentials."),
    forbidden: (request) => refuse(403, request, "Permission denied."),
    rate_limited: (request) => refuse(429, request, "Quota exceeded."),
    server_error: (request) => refuse(500, request, "Internal error."),
    rejected: (request) => refuse(404, request, "No such model."),
    stall: async () => {
      await aborted(closing.signal);
      return new Response(null, { status: 503 });
    },
    slow_drip: () => streamed(closing.signal, 20, () => CHUNK.subarray(0, 1)),
    empty_body: () => new Response("", { headers: { "content-type": "application/json" } }),
    huge: () => {
      hugeBytes = 0;
      return streamed(closing.signal, 1, () => {
        if (hugeBytes >= HUGE_BYTES) return undefined;
        hugeBytes += CHUNK.length;
        return CHUNK;
      });
    },
    huge_text: (_, text) => says(text.padEnd(200_000, " ")),
    html: () =>
      new Response("<!doctype html><title>Sign in</title>", {
        headers: { "content-type": "text/html" },
      }),
    wrong_shape: () => Response.json({ hello: "world" }),
    redirect: () => new Response(null, { status: 307, headers: { location: "/followed" } }),
    disconnect: () => brokenOff(() => server.stop(true)),
  } satisfies Record<
    ModelBehaviour,
    (request: RecordedRequest, text: string) => Response | Promise<Response>
  >;

  const model: ModelServer<B> = {
    url: server.url.origin,
    requests,
    lists,
    hugeBytesSent: () => hugeBytes,
    next: [],
    behaviour: options.behaviour,
    retryAfter: undefined,
    async [Symbol.asyncDispose]() {
      closing.abort();
      await server.stop(true);
    },
  };
  return model;
}

function isShared(behaviour: string): behaviour is ModelBehaviour {
  return (MODEL_BEHAVIOURS as readonly string[]).includes(behaviour);
}

async function record(request: Request): Promise<RecordedRequest> {
  const text = await request.text();
  return {
    method: request.method,
    path: new URL(request.url).pathname,
    headers: request.headers.toJSON(),
    body: text === "" ? undefined : JSON.parse(text),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}

/** A body that comes piece by piece until `next` has no more, or the client or the server leaves. */
function streamed(
  signal: AbortSignal,
  pauseMs: number,
  next: () => Uint8Array | undefined,
): Response {
  const body = new ReadableStream({
    async pull(controller) {
      await Bun.sleep(pauseMs);
      const piece = signal.aborted ? undefined : next();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

/** Half a body; then the whole server is gone, as Bun cuts no single connection without printing. */
function brokenOff(leave: () => Promise<void>): Response {
  let pulls = 0;
  const body = new ReadableStream({
    async pull(controller) {
      await Bun.sleep(20);
      if (pulls++ === 0) controller.enqueue(new TextEncoder().encode('{"half":'));
      else await leave();
    },
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}
