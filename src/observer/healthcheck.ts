/** Asks a service once whether it is well; for a container's HEALTHCHECK. */

import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";
import { exactSeconds } from "../text/time.ts";
import { isHttpUrl, shownUrl } from "../text/url.ts";
import { printable } from "../text/printable.ts";
import { maskText } from "../text/redact.ts";
import { SentinelError } from "../core/errors.ts";
import type { HealthAnswer } from "../core/model.ts";

/**
 * One GET. A redirect is not followed, and no proxy is used: Docker puts the user's HTTP_PROXY into
 * containers, and `fetch` would ask it for 127.0.0.1 (which is why this is not `fetch`).
 *
 * @param url http or https; anything else is an answer that is not ok. A user and a password in it
 *   are sent as basic authentication, and never part of the message: a model may get to read that.
 */
export function healthcheck(url: string, deadlineMs = 3000): Promise<HealthAnswer> {
  const parsed = URL.parse(url);
  const get = { "http:": getHttp, "https:": getHttps }[parsed?.protocol ?? ""];
  if (parsed === null || get === undefined) {
    const message = "not an http URL, such as http://127.0.0.1:8000/health";
    return Promise.resolve({ ok: false, message });
  }
  const { promise, resolve } = Promise.withResolvers<HealthAnswer>();
  const shown = shownUrl(url);
  const fail = (why: string) => resolve({ ok: false, message: `${shown}: ${why}` });

  // Of the whole exchange; the request's own `timeout` is one of silence only.
  const timer = setTimeout(() => fail(`no answer within ${exactSeconds(deadlineMs)}`), deadlineMs);
  const request = get(parsed, { agent: false }, ({ statusCode = 0 }) => {
    const ok = statusCode >= 200 && statusCode < 300;
    resolve({ ok, message: `${shown}: ${ok ? "healthy" : "unhealthy"} (status ${statusCode})` });
  });
  request.on("error", (error) => fail(error.message));
  return promise.finally(() => {
    clearTimeout(timer);
    // The status is all that is asked for: the body may be endless.
    request.destroy();
  });
}

const MAX_SHOWN_CHARACTERS = 200;

/** @throws SentinelError `usage` on what `healthcheck` cannot ask, with what was probably meant */
export function requireHttpUrl(text: string): void {
  if (isHttpUrl(text)) return;
  const shown = printable(maskText(text), MAX_SHOWN_CHARACTERS);
  // What many programs take, such as localhost:8000: only the scheme is missing.
  const meant = `http://${shown}`;
  const isHostAndPath = !text.includes("://") && isHttpUrl(meant);
  const example = isHostAndPath ? meant : "an address such as http://127.0.0.1:8000/health";
  throw new SentinelError("usage", `${JSON.stringify(shown)} is no http URL`, {
    hint: `Write ${example}.`,
  });
}
