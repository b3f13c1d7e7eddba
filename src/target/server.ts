/** The fault-injection service: its routes on one screen. */

import { Elysia } from "elysia";
import { readJson } from "./body.ts";
import { isCrossSite, mayBeRebound } from "./cross-site.ts";
import type { EmitEvent } from "./events.ts";
import { createFaultApi } from "./fault-api.ts";
import { requireToken } from "./fault-token.ts";
import { FAULT_KINDS, FaultInterrupted, TooManyFaults } from "./fault.ts";
import { createFaults } from "./faults.ts";
import type { OwnProcess } from "./faults/kind.ts";
import { KINDS } from "./kinds.ts";
import { createLeak } from "./faults/leak.ts";
import { createHeldMemory, type MemoryProbe } from "./faults/held-memory.ts";
import { HttpError } from "./http-error.ts";
import { systemMemory } from "./limits.ts";
import { createMetrics } from "./metrics.ts";
import { createPage } from "./page.ts";
import { parseObject } from "./parameters.ts";
import { createProbes } from "./probes.ts";
import { FAULT_HEADER, sufferHeader } from "./request-faults.ts";
import { type Handle, observeRequests, pathOf, routeOf, routeTable } from "./requests.ts";
import { createShop, orderSchema } from "./shop.ts";
import { createStress, interruptionError } from "./stress.ts";
import { createTraffic } from "./traffic.ts";

export interface TargetSettings {
  readonly host: string;
  readonly port: number;
  /** Faults that may be active at once; a request for one more gets 429. */
  readonly maxActiveFaults: number;
  /** `false` leaves a plain service, which no request can break. */
  readonly faultsAllowed: boolean;
  /** What starts a fault needs it as a bearer token; `undefined` lets everybody. */
  readonly faultToken: string | undefined;
  readonly version: string;
}

/** What the target does not do by itself. Those with a default are for tests. */
export interface TargetDependencies {
  readonly emit: EmitEvent;
  readonly ownProcess: OwnProcess;
  /** In [0, 1). */
  readonly random?: () => number;
  /** A clock that never goes back. */
  readonly nowMs?: () => number;
  readonly memory?: MemoryProbe;
  /** The address of whoever sent a request, as the socket has it; without it all callers count as one. */
  readonly addressOf?: (request: Request) => string | undefined;
  /** See `CpuBurn.workerEntry`. */
  readonly cpuWorkerEntry?: string;
}

/** The service without a socket. */
export interface Target {
  readonly handle: Handle;
  activeFaults(): number;
  /** From now on the readiness probe fails. */
  drain(): void;
  /** Ends all faults: those waiting for one get 503, new ones too, and held memory is released. */
  stopFaults(): Promise<void>;
}

const ENDPOINTS = {
  "/": "this, or in a browser a page with buttons for all of it",
  "/health": "liveness: 200 while the process answers",
  "/ready": "readiness: 503 while the service stops",
  "/metrics": "Prometheus text format",
  "/api/items": "ordinary traffic: the items of a small shop; one of them by /api/items/1",
  "/api/orders": 'ordinary traffic: POST {"item_id": 1, "quantity": 2}',
} as const;

const FAULT_ENDPOINTS = {
  "/faults": 'what is broken now; POST {"kind": "cpu", "load": 50, "duration": 30} breaks it',
  "/openapi": "all that can be asked for, with examples",
  "/stress/cpu": "burns every core: ?duration=5 (s)",
  "/stress/memory": "leaks memory until the process stops, or DELETE /faults: ?megabytes=10",
  "/stress/latency": "answers late: ?min_delay=1&max_delay=5 (s)",
  "/stress/crash": "raises a simulated exception: 500",
} as const;

const OPENAPI_PATHS = ["", "/json", "/swagger-ui.js", "/swagger-ui.css"].map(
  (name) => `/openapi${name}`,
);

/** What Prometheus has from the start, so that a rate sees the first request. */
const EXPECTED = ["/health", "/metrics", "/api/items", "/stress/cpu", "/stress/memory"]
  .map((route) => ({ method: "GET", route, status: 200 }))
  .concat([
    { method: "GET", route: "/stress/latency", status: 200 },
    { method: "GET", route: "/stress/crash", status: 500 },
    { method: "POST", route: "/api/orders", status: 201 },
  ]);

/** Builds the service; it answers at once, through `handle`. */
export function createTarget(
  settings: Omit<TargetSettings, "host" | "port">,
  dependencies: TargetDependencies,
): Target {
  const { emit, nowMs = () => performance.now() } = dependencies;
  const parts = createParts(settings, { ...dependencies, nowMs });
  const { faults, leak, metrics, probes } = parts;
  const methods = new Map<string, string[]>();
  const toHttpError = (error: unknown, request: Request) => {
    const known = knownError(error);
    if (known !== undefined) return known;
    const path = pathOf(request.url);
    if (isNotFound(error)) return noSuchRoute(path, methods.get(routeOf(path, routes)));
    return unhandled(error, path, emit);
  };
  const onError: OnError = (error, request) => toHttpError(error, request).toResponse();
  const plain = plainRoutes(parts, onError);
  if (settings.faultsAllowed) addFaultRoutes(plain, parts);
  const app = plain.compile();
  for (const { path, method } of app.routes)
    methods.set(path, [...(methods.get(path) ?? []), method]);
  const routes = routeTable(methods.keys());
  // Elysia's own function and no other around it, as each call counts on the path of every request.
  const { fetch: serve } = app;

  return {
    handle: observeRequests(settings.faultsAllowed ? breakable(serve, parts, onError) : serve, {
      metrics,
      emit,
      routes,
      nowMs,
    }),
    activeFaults: () => faults.activeCount(),
    drain: () => probes.drain(),
    async stopFaults() {
      await faults.stop();
      leak.release();
    },
  };
}

/** What the routes are made of. */
type Parts = ReturnType<typeof createParts>;

type OnError = (error: unknown, request: Request) => Response;

function createParts(
  settings: Omit<TargetSettings, "host" | "port">,
  dependencies: TargetDependencies & { readonly nowMs: () => number },
) {
  const { emit, random = Math.random, nowMs, ownProcess, cpuWorkerEntry } = dependencies;
  const { version, faultsAllowed, faultToken, maxActiveFaults: maxActive } = settings;
  const faults = createFaults({ maxActive, nowMs, random, emit });
  const memory = createHeldMemory(dependencies.memory ?? systemMemory);
  const leak = createLeak(memory);
  const traffic = createTraffic();
  const probes = createProbes();
  const environment = { memory, leak, traffic, probes, emit, ownProcess, cpuWorkerEntry };
  const metrics = createMetrics(version, EXPECTED, faults);
  const checkToken = requireToken(faultToken, {
    emit,
    nowMs,
    addressOf: (request) => dependencies.addressOf?.(request) ?? "unknown",
    onRefused: metrics.refused,
  });
  return {
    version,
    faultsAllowed,
    faultToken,
    faults,
    leak,
    traffic,
    probes,
    metrics,
    stress: createStress({ faults, environment, random }),
    faultApi: createFaultApi(faults, environment),
    shop: createShop({ emit, random }),
    /** Throws unless whoever sent it may break something. */
    mayBreak(request: Request): void {
      refuseCrossSite(request);
      // A page that has no token to send could start nothing under a name of its own either.
      if (faultToken === undefined) refuseRebound(request);
      checkToken(request);
    },
  };
}

/** What a service has that nobody breaks. */
function plainRoutes(parts: Parts, onError: OnError) {
  const { version, faultsAllowed, probes, metrics, shop } = parts;
  const endpoints = { ...ENDPOINTS, ...(faultsAllowed && FAULT_ENDPOINTS) };
  const page = createLazyPage(parts);
  // Bound, and not called in a function: Elysia takes a call for one that may be waited for, and would
  // answer a turn of the loop later.
  const answerHealth = probes.answer.bind(undefined, "health");
  // `standardHostname: false`, or hosts shorter than four characters lose their path.
  return new Elysia({ handler: { standardHostname: false } })
    .onError(({ error, request }) => onError(error, request))
    .get("/", ({ request }) => {
      const isForPeople = faultsAllowed && request.headers.get("accept")?.includes("text/html");
      return isForPeople ? page() : { service: "sentinel-target", version, endpoints };
    })
    .get("/health", answerHealth)
    .head("/health", answerHealth)
    .get("/ready", probes.answer.bind(undefined, "ready"))
    .get("/metrics", async () => {
      const headers = { "content-type": metrics.contentType };
      return new Response(await metrics.render(), { headers });
    })
    .get("/api/items", shop.listItems)
    .get("/api/items/:id", ({ params }) => shop.getItem(params.id))
    .post(
      "/api/orders",
      async ({ request }) => {
        const order = parseObject(orderSchema(), await readJson(request));
        return shop.placeOrder(order, request.signal);
      },
      { parse: "none" },
    );
}

/** The page is built when somebody looks at it. */
function createLazyPage({ version, faultToken }: Parts): () => Response {
  let built: ReturnType<typeof createPage> | undefined;
  return () => {
    const kinds = FAULT_KINDS.map((kind) => {
      const { summary, example } = KINDS[kind];
      return { kind, summary, example };
    });
    built ??= createPage({ version, kinds, tokenRequired: faultToken !== undefined });
    return built();
  };
}

/** What starts, shows and ends faults. */
function addFaultRoutes(plain: ReturnType<typeof plainRoutes>, parts: Parts): void {
  const { faultApi, stress, mayBreak, version, faultToken } = parts;
  let description: Promise<Handle> | undefined;
  const describe = async (request: Request) => {
    // As large as all the rest, and seldom asked for.
    description ??= import("./openapi.ts").then(({ describeApi }) =>
      describeApi({ version, needsToken: faultToken !== undefined }),
    );
    return (await description)(request);
  };
  for (const path of OPENAPI_PATHS) plain.get(path, ({ request }) => describe(request));
  plain
    .get("/faults", () => faultApi.list())
    .get("/faults/:id", ({ params }) => faultApi.get(params.id))
    .guard({ beforeHandle: ({ request }) => refuseCrossSite(request) }, (guarded) =>
      guarded
        .delete("/faults", () => faultApi.endAll())
        .delete("/faults/:id", ({ params }) => faultApi.end(params.id)),
    )
    .guard({ beforeHandle: ({ request }) => mayBreak(request) }, (guarded) =>
      guarded
        .post("/faults", ({ request }) => faultApi.start(request), { parse: "none" })
        .get("/stress/cpu", ({ request }) => stress.cpu(request))
        .get("/stress/memory", ({ request }) => stress.memory(request))
        .get("/stress/latency", ({ request }) => stress.latency(request))
        .get("/stress/crash", ({ request }) => stress.crash(request)),
    );
}

/** The service as the faults leave it. */
function breakable(
  serve: Handle,
  { traffic, faults, mayBreak }: Pick<Parts, "traffic" | "faults" | "mayBreak">,
  onError: OnError,
) {
  const byHeader = async (header: string, request: Request, path: string) => {
    try {
      mayBreak(request);
      await sufferHeader(header, faults, request.signal);
    } catch (error) {
      return onError(error, request);
    }
    return traffic.affect(path, request);
  };
  return (request: Request, path: string) => {
    const header = request.headers.get(FAULT_HEADER);
    const affected =
      header === null ? traffic.affect(path, request) : byHeader(header, request, path);
    if (affected === undefined) return serve(request);
    return affected.then((instead) => instead ?? serve(request));
  };
}

function knownError(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (error instanceof FaultInterrupted) return interruptionError(error);
  if (error instanceof TooManyFaults) return tooManyFaults(error);
  return undefined;
}

function unhandled(error: unknown, path: string, emit: EmitEvent): HttpError {
  emit("error", "unhandled_exception", {
    error: error instanceof Error ? error.message : String(error),
    path,
    type: error instanceof Error ? error.name : typeof error,
  });
  return new HttpError(500, "internal_error", "an unhandled exception; the log says which");
}

function refuseCrossSite({ headers }: Request): void {
  if (!isCrossSite(headers)) return;
  throw new HttpError(
    403,
    "cross_site",
    "a request from another site may not start or end a fault",
  );
}

function refuseRebound({ headers }: Request): void {
  if (!mayBeRebound(headers)) return;
  const message = "from a browser under this name a fault needs a FAULT_TOKEN; or use the address";
  throw new HttpError(403, "cross_site", message, { field: "host" });
}

function tooManyFaults({ limit, retryAfterMs }: TooManyFaults): HttpError {
  const headers = { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) };
  const message = `${limit} faults are active, which is the limit; try again later`;
  return new HttpError(429, "too_many_faults", message, { headers });
}

function noSuchRoute(path: string, allowed: readonly string[] | undefined): HttpError {
  if (allowed === undefined) {
    return new HttpError(404, "not_found", "no such path; GET / lists what there is");
  }
  const allow = allowed.join(", ");
  return new HttpError(405, "method_not_allowed", `${path} allows ${allow}`, {
    headers: { allow },
  });
}

/** Elysia's own error for a path or a method without a route. */
function isNotFound(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "NOT_FOUND";
}
