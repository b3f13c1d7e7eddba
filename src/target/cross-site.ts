/** Keeps other web sites from starting faults through the browser of a person who visits them. */

import { isOwnHost } from "../text/url.ts";

/**
 * Whether a browser says that another site (or another port of this host) sent the request. Clients that
 * are no browsers send neither header and are never refused.
 *
 * @see https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
export function isCrossSite(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  // `none` is a person's own navigation. A value nobody defined yet is not trusted.
  if (site !== null && site !== "same-origin" && site !== "none") return true;
  const origin = headers.get("origin");
  if (origin === null) return false;
  const host = headers.get("host");
  return host === null || hostOf(origin) !== hostOf(`${schemeOf(origin)}//${host}`);
}

/**
 * Whether a browser asks by a name that somebody else can own, so that it may be a page of theirs that asks
 * (DNS rebinding). Programs send neither header.
 */
export function mayBeRebound(headers: Headers): boolean {
  const isBrowser = headers.has("sec-fetch-site") || headers.has("origin");
  return isBrowser && !isOwnHost(headers.get("host") ?? "");
}

/** Host and port in one spelling, the scheme's own port left out; `undefined` for `null` and nonsense. */
function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}

function schemeOf(origin: string): string {
  return origin.startsWith("https:") ? "https:" : "http:";
}
