/** Serves the observer's API, on this machine alone. */

import { Elysia } from "elysia";
import { SentinelError } from "../core/errors.ts";
import { type ApiSources, prometheusApi } from "./prometheus-api.ts";

export interface Dashboard {
  /** Without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024;

/**
 * @param port 0 takes a free one
 * @throws SentinelError `listen`
 */
export function serveDashboard(sources: ApiSources, port: number): Dashboard {
  const app = new Elysia()
    .get("/", () => ({ service: "sentinel-observer", version: sources.version, api: "/api/v1" }))
    .use(prometheusApi(sources))
    .compile();
  try {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port,
      reusePort: false,
      maxRequestBodySize: MAX_BODY_BYTES,
      development: false,
      fetch: (request) => (isFromHere(request) ? app.fetch(request) : refused()),
    });
    return {
      url: `http://127.0.0.1:${server.port}`,
      close: () => server.stop(true),
    };
  } catch (cause) {
    const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    const why = isTaken ? "the port is taken" : "not permitted";
    throw new SentinelError("listen", `cannot listen on 127.0.0.1:${port}: ${why}`, {
      hint: "Set OBSERVER_PORT to a free port.",
      cause,
    });
  }
}

/**
 * Whether it was addressed to this machine by a name that only this machine gives itself. A page of
 * a stranger can have its own name resolve to 127.0.0.1, and then read what is answered here.
 */
function isFromHere(request: Request): boolean {
  const { hostname } = new URL(request.url);
  return /^(localhost|host\.docker\.internal|[\d.]+|\[[\da-f:]+\])$/.test(hostname);
}

function refused(): Response {
  const error = "ask for this by 127.0.0.1 or localhost";
  return Response.json({ status: "error", errorType: "bad_data", error }, { status: 403 });
}
