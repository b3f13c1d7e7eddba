/** Keeps web sites from reading the observer's answers through the browser of a person on this machine. */

import { isOwnHost } from "../core/address.ts";

/**
 * Why a request is refused; `undefined` if it is not.
 *
 * A site may have its own name lead to 127.0.0.1, and would then read as a page of its own (DNS
 * rebinding): so the name must be none that a stranger can own. Under any name it cannot read, for no
 * answer allows it to, but it could ask for the dearest queries without end: what a browser says to
 * come from elsewhere is refused, but for a link that a person follows. Programs, proxies among them,
 * send no such header.
 *
 * @see https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
export function whyRefused(headers: Headers): string | undefined {
  const host = headers.get("host");
  if (host !== null && !isOwnHost(host))
    return `${JSON.stringify(host)} is no name of this machine: ask for localhost or 127.0.0.1`;
  const site = headers.get("sec-fetch-site");
  const isOwnSite = site === null || site === "same-origin" || site === "none";
  if (isOwnSite || headers.get("sec-fetch-dest") === "document") return undefined;
  return "another web site asked";
}
