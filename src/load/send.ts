/** One request of a load, and why it failed. */

import { messageOf } from "../core/errors.ts";
import type { Failure } from "./results.ts";
import type { TrafficRequest } from "./traffic.ts";

/** What Bun calls them. */
const CAUSES: Readonly<Record<string, Failure>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection closed",
  ENOTFOUND: "host not found",
  EPROTO: "no TLS",
};

/**
 * Resolves when all of the answer is there. Never through a proxy: it is the service that is measured.
 *
 * @param signal its reason is a `Failure`
 * @returns why it failed; `undefined` if the status is 2xx
 */
export async function send(
  url: string,
  request: TrafficRequest,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { method, path, body } = request;
  const content = body === undefined ? {} : { body, headers: JSON_CONTENT };
  try {
    const init = { method, ...content, redirect: "manual", proxy: false, signal } as const;
    const response = await fetch(url + path, init);
    await response.arrayBuffer();
    return response.ok ? undefined : `status ${response.status}`;
  } catch (error) {
    if (signal.aborted) return String(signal.reason);
    const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
    return code === undefined ? messageOf(error) : (CAUSES[code] ?? code);
  }
}

const JSON_CONTENT = { "content-type": "application/json" };
