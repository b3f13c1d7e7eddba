/** Serves the observer's health, its metrics and its API, on this machine alone. */

import { Elysia } from "elysia";
import { SentinelError } from "../core/errors.ts";
import type { ObserverMetrics } from "./metrics.ts";
import { operatorApi, type OperatorDesk } from "./operator-api.ts";
import { type ApiSources, prometheusApi } from "./prometheus-api/api.ts";
import { whyRefused } from "./host-guard.ts";
import type { WatchedService } from "./readiness.ts";
import { describeServices } from "./services.ts";

export interface Dashboard {
  /** Without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

/** What is served. */
export interface DashboardSources {
  readonly version: string;
  /** Why the observer cannot be relied on now; `undefined` if it can. */
  whyNotReady(): Promise<string | undefined>;
  readonly metrics: Pick<ObserverMetrics, "render" | "contentType">;
  readonly operator: OperatorDesk;
  watched(): readonly WatchedService[];
  /** Only if Sentinel scrapes by itself; else there is a Prometheus to ask. */
  readonly api?: ApiSources;
}

const MAX_BODY_BYTES = 64 * 1024;

/**
 * @param port 0 takes a free one
 * @throws SentinelError `listen`
 */
export function serveDashboard(sources: DashboardSources, port: number): Dashboard {
  const { version, whyNotReady, metrics, operator, watched, api } = sources;
  const app = new Elysia()
    .get("/", () => ({
      service: "sentinel-observer",
      version,
      ...(api === undefined ? {} : { api: "/api/v1" }),
    }))
    .get("/health", () => ({ status: "ok" }))
    .get("/ready", async ({ status }) => {
      const reason = await whyNotReady();
      return reason === undefined
        ? { status: "ready" }
        : status(503, { status: "not_ready", reason });
    })
    .get("/api/services", () => describeServices(watched()))
    .get("/metrics", async ({ set }) => {
      set.headers["content-type"] = metrics.contentType;
      return metrics.render();
    });
  let server: Bun.Server<undefined> | undefined;
  app.use(operatorApi(operator, (request) => server?.requestIP(request)?.address ?? "unknown"));
  if (api !== undefined) app.use(prometheusApi(api));
  app.compile();
  try {
    const serving = Bun.serve({
      hostname: "127.0.0.1",
      port,
      reusePort: false,
      maxRequestBodySize: MAX_BODY_BYTES,
      development: false,
      fetch(request) {
        const why = whyRefused(request);
        return why === undefined ? app.fetch(request) : refuse(why);
      },
    });
    server = serving;
    return {
      url: `http://127.0.0.1:${serving.port}`,
      close: () => serving.stop(true),
    };
  } catch (cause) {
    const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    const why = isTaken ? "the port is taken" : "not permitted";
    throw new SentinelError("listen", `cannot listen on 127.0.0.1:${port}: ${why}`, {
      hint: "Set OBSERVER_PORT to a free port; two observers on one machine need two.",
      cause,
    });
  }
}

/** In the shape of the API's errors. */
function refuse(why: string): Response {
  return Response.json({ status: "error", errorType: "forbidden", error: why }, { status: 403 });
}
