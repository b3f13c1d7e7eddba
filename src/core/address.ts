/** Addresses: what of one may be shown, and whether it is on this machine. */

/** The same address without user, password, query and fragment, which may hold secrets. */
export function shownUrl(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return "(not a URL)";
  const { protocol, host, pathname } = parsed;
  return `${protocol}//${host}${pathname}`;
}

/** True for what never leaves this machine, and so is never asked for through a proxy. */
export function isLoopback(url: string): boolean {
  const hostname = URL.parse(url)?.hostname ?? "";
  return /^(localhost|(.+\.)?localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

export function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text);
}
