/** Keeps web sites from asking the observer through the browser of a person on this machine. */

import { isOwnHost } from "../text/url.ts";

/** Below it an answer may be dear to make. A page that is only shown is not. */
const API = "/api/";

const ANOTHER_SITE = "another web site asked";

/**
 * Why a request is refused; `undefined` if it is not.
 *
 * A site may have its own name lead to 127.0.0.1, and would then read as a page of its own (DNS
 * rebinding): so the name must be one that nobody else can own. Under any name it cannot read, for no
 * answer allows it to, but it could ask for the dearest queries without end. So what a browser says to
 * come from elsewhere is refused: below `/api/` that is a navigation too, since a site can make any
 * number of them; elsewhere a link that a person follows is answered. A browser too old for the header
 * sends an origin or a referrer. Programs, proxies among them, send none of these.
 *
 * @see https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
export function whyRefused({ headers, url }: Pick<Request, "headers" | "url">): string | undefined {
  const host = headers.get("host");
  if (host !== null && !isOwnHost(host))
    return `${JSON.stringify(host)} is no name of this machine: ask for localhost or 127.0.0.1`;
  const site = headers.get("sec-fetch-site");
  const isOwnSite =
    site === null ? isOwnPage(headers, host) : site === "same-origin" || site === "none";
  if (isOwnSite) return undefined;
  const isNavigation = headers.get("sec-fetch-dest") === "document";
  return isNavigation && !new URL(url).pathname.startsWith(API) ? undefined : ANOTHER_SITE;
}

/** Whether no page asked, or one that was served under the same name. */
function isOwnPage(headers: Headers, host: string | null): boolean {
  const page = headers.get("origin") ?? headers.get("referer");
  return (
    page === null || (host !== null && URL.parse(page)?.host === URL.parse(`http://${host}`)?.host)
  );
}
