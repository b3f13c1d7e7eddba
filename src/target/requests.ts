/** What happens around every request, whatever its route: what is refused, metrics, one log line. */

import { bodyTooLarge, MAX_BODY_BYTES } from "./body.ts";
import type { EmitEvent } from "./events.ts";
import { HttpError } from "./http-error.ts";
import type { TargetMetrics } from "./metrics.ts";

export type Handle = (request: Request) => Response | Promise<Response>;

interface ObserveOptions {
  readonly metrics: Pick<TargetMetrics, "record">;
  readonly emit: EmitEvent;
  readonly routes: RouteTable;
  /** A clock that never goes back. */
  readonly nowMs: () => number;
}

/** The templates that are served; each is its own label. */
interface RouteTable {
  readonly exact: ReadonlySet<string>;
  /** Templates that end in a parameter, such as `/faults/:id`, by what comes before it. */
  readonly byPrefix: ReadonlyMap<string, string>;
}

const MAX_URL_CHARACTERS = 4096;
const MAX_LOGGED_PATH_CHARACTERS = 256;
/** The label of all other paths: one for each would be an endless set. */
const UNMATCHED = "unmatched";

/** A handler that counts, times and logs each request of the inner one. */
export function observeRequests(
  handle: (request: Request, path: string) => Response | Promise<Response>,
  options: ObserveOptions,
): Handle {
  const { metrics, emit, routes, nowMs } = options;

  const finish = (request: Request, path: string, startedAtMs: number, response: Response) => {
    const { method } = request;
    const { status } = response;
    const durationS = (nowMs() - startedAtMs) / 1000;
    metrics.record({ method, route: routeOf(path, routes), status, durationS });
    emit("info", "request_processed", {
      method,
      path: path.length > MAX_LOGGED_PATH_CHARACTERS ? shorten(path) : path,
      status,
      duration_s: Math.round(durationS * 1e6) / 1e6,
    });
    return response;
  };

  return (request) => {
    const startedAtMs = nowMs();
    const { url } = request;
    const path = pathOf(url);
    // Not `async`: an awaited answer costs a turn of the loop, and most answers are there at once.
    const answer = refusal(request) ?? handle(request, path);
    if (answer instanceof Promise) {
      return answer.then((response) => finish(request, path, startedAtMs, response));
    }
    return finish(request, path, startedAtMs, answer);
  };
}

/** `http://host:port/a/b?c` gives `/a/b`. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", "http://".length);
  if (start === -1) return "/";
  const end = url.indexOf("?", start);
  return end === -1 ? url.slice(start) : url.slice(start, end);
}

/** What follows the `?`, without it. */
export function queryOf(url: string): string {
  const start = url.indexOf("?");
  return start === -1 ? "" : url.slice(start + 1);
}

/** @param templates such as `/health` and `/faults/:id`; a parameter may only stand at the end */
export function routeTable(templates: Iterable<string>): RouteTable {
  const exact = new Set<string>();
  const byPrefix = new Map<string, string>();
  for (const template of templates) {
    const parameter = template.indexOf("/:");
    if (parameter === -1) exact.add(template);
    else byPrefix.set(template.slice(0, parameter + 1), template);
  }
  return { exact, byPrefix };
}

/** The template that serves the path; like Elysia, one slash at the end makes no difference. */
export function routeOf(path: string, { exact, byPrefix }: RouteTable): string {
  if (exact.has(path)) return path;
  const withoutSlash = /[^/]\/$/.test(path) ? path.slice(0, -1) : path;
  if (exact.has(withoutSlash)) return withoutSlash;
  const prefix = withoutSlash.slice(0, withoutSlash.lastIndexOf("/") + 1);
  return (prefix !== withoutSlash && byPrefix.get(prefix)) || UNMATCHED;
}

function shorten(path: string): string {
  return `${path.slice(0, MAX_LOGGED_PATH_CHARACTERS)}…`;
}

function refusal(request: Request): Response | undefined {
  const { url, method } = request;
  if (url.length > MAX_URL_CHARACTERS) {
    const message = `the URL is longer than ${MAX_URL_CHARACTERS} characters`;
    return new HttpError(414, "url_too_long", message).toResponse();
  }
  // A body without a length is measured while it is read.
  if (method !== "GET" && Number(request.headers.get("content-length")) > MAX_BODY_BYTES) {
    return bodyTooLarge().toResponse();
  }
  return undefined;
}
