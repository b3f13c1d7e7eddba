/** The fault-injection service: its routes on one screen, and how it is served. */

import { Elysia } from "elysia";
import { isCrossSite } from "./cross-site.ts";
import type { EmitEvent } from "./events.ts";
import { createFaults, FaultInterrupted, TooManyFaults } from "./faults.ts";
import { createLeak, type MemoryProbe } from "./faults/memory.ts";
import { HttpError } from "./http-error.ts";
import { systemMemory } from "./memory-limit.ts";
import { createMetrics } from "./metrics.ts";
import { type Handle, observeRequests, pathOf, routeOf } from "./requests.ts";
import { createStress, interruptionError } from "./stress.ts";

export interface TargetSettings {
  readonly host: string;
  readonly port: number;
  /** Faults that may be active at once; past it a request for one more gets 429. */
  readonly maxActiveFaults: number;
  readonly version: string;
}

/** What the target does not do by itself. Those with a default are for tests. */
export interface TargetDependencies {
  readonly emit: EmitEvent;
  /** In [0, 1). */
  readonly random?: () => number;
  /** A clock that never goes back. */
  readonly nowMs?: () => number;
  readonly memory?: MemoryProbe;
  /** See `CpuBurn.workerEntry`. */
  readonly cpuWorkerEntry?: string;
}

/** The service without a socket. */
export interface Target {
  readonly handle: Handle;
  activeFaults(): number;
  /** Ends all faults: those waiting for one get 503, new ones too, and held memory is released. */
  stopFaults(): Promise<void>;
}

export interface ListeningTarget {
  readonly url: string;
  /** Lets answers under way finish, but not for ever. */
  close(): Promise<void>;
}

const ENDPOINTS = {
  "/": "this page",
  "/health": "liveness: 200 while the process answers",
  "/metrics": "Prometheus text format",
  "/stress/cpu": "burns every core: ?duration=5 (s)",
  "/stress/memory": "leaks memory until the process stops: ?megabytes=10",
  "/stress/latency": "answers late: ?min_delay=1&max_delay=5 (s)",
  "/stress/crash": "raises a simulated exception: 500",
} as const;

const MAX_BODY_BYTES = 64 * 1024;
/** Of a connection that says nothing; a fault's request may be silent for as long as the fault takes. */
const IDLE_TIMEOUT_S = 30;
const DRAIN_MS = 1_500;

/** Builds the service; it answers at once, through `handle`. */
export function createTarget(
  settings: Pick<TargetSettings, "maxActiveFaults" | "version">,
  dependencies: TargetDependencies,
): Target {
  const { emit, random = Math.random, nowMs = () => performance.now() } = dependencies;
  const { memory = systemMemory, cpuWorkerEntry } = dependencies;
  const { version } = settings;

  const faults = createFaults(settings.maxActiveFaults, nowMs);
  const leak = createLeak(memory);
  const { residentBytes } = memory;
  const stress = createStress({ faults, leak, residentBytes, emit, random, cpuWorkerEntry });
  const expected = Object.keys(ENDPOINTS).map((route) => {
    return { method: "GET", route, status: route === "/stress/crash" ? 500 : 200 };
  });
  const metrics = createMetrics(version, expected);

  // `standardHostname: false`, or hosts shorter than four characters lose their path.
  const app = new Elysia({ handler: { standardHostname: false } })
    .onError(({ error, request }) => toHttpError(error, request).toResponse())
    .get("/", () => ({ service: "sentinel-target", version, endpoints: ENDPOINTS }))
    .get("/health", () => ({ status: "ok" }))
    .head("/health", () => new Response(null))
    .get("/metrics", async () => {
      const headers = { "content-type": metrics.contentType };
      return new Response(await metrics.render(), { headers });
    })
    .guard({ beforeHandle: ({ request }) => refuseCrossSite(request) }, (guarded) =>
      guarded
        .get("/stress/cpu", ({ request }) => stress.cpu(request))
        .get("/stress/memory", ({ request }) => stress.memory(request))
        .get("/stress/latency", ({ request }) => stress.latency(request))
        .get("/stress/crash", ({ request }) => stress.crash(request)),
    )
    .compile();

  const methods = new Map<string, string[]>();
  for (const { path, method } of app.routes) {
    methods.set(path, [...(methods.get(path) ?? []), method]);
  }
  const routes = new Set(methods.keys());

  function toHttpError(error: unknown, request: Request): HttpError {
    if (error instanceof HttpError) return error;
    if (error instanceof FaultInterrupted) return interruptionError(error);
    if (error instanceof TooManyFaults) return tooManyFaults(error);
    const path = pathOf(request.url);
    if (isNotFound(error)) return noSuchRoute(path, methods.get(routeOf(path, routes)));
    emit("error", "unhandled_exception", {
      error: error instanceof Error ? error.message : String(error),
      path,
      type: error instanceof Error ? error.name : typeof error,
    });
    return new HttpError(500, "internal_error", "an unhandled exception; the log says which");
  }

  return {
    handle: observeRequests((request) => app.fetch(request), { metrics, emit, routes, nowMs }),
    activeFaults: () => faults.activeCount(),
    async stopFaults() {
      await faults.stop();
      leak.release();
    },
  };
}

/**
 * Serves a target on a socket.
 *
 * Not by Elysia's `listen`: that shares a port that is taken already instead of failing.
 *
 * @param idleTimeoutS after which a silent connection is closed, give or take 4 s
 * @throws what `Bun.serve` throws, e.g. with `code` EADDRINUSE
 */
export function listen(
  target: Target,
  address: Pick<TargetSettings, "host" | "port">,
  idleTimeoutS = IDLE_TIMEOUT_S,
): ListeningTarget {
  const server = Bun.serve({
    hostname: address.host,
    port: address.port,
    // Bun's default outside of development; a second target would get half of the first one's requests.
    reusePort: false,
    idleTimeout: idleTimeoutS,
    maxRequestBodySize: MAX_BODY_BYTES,
    // Else a failure would be answered with a page of source code.
    development: false,
    fetch(request, server) {
      if (!pathOf(request.url).startsWith("/stress/")) return target.handle(request);
      server.timeout(request, 0);
      // The connection may be kept for more; it is to idle no longer than others.
      const idleAgain = () => server.timeout(request, idleTimeoutS);
      return Promise.resolve(target.handle(request)).finally(idleAgain);
    },
  });
  return {
    url: server.url.href.replace(/\/$/, ""),
    async close() {
      await Promise.race([server.stop(), Bun.sleep(DRAIN_MS)]);
      await server.stop(true);
    },
  };
}

function refuseCrossSite({ headers }: Request): void {
  if (!isCrossSite(headers)) return;
  throw new HttpError(403, "cross_site", "a request from another site may not start a fault");
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
