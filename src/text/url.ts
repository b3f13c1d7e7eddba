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

/** True for a host to listen on that others cannot reach, such as `127.0.0.1` or `::1`. */
export function isLoopbackHost(host: string): boolean {
  return isLoopback(`http://${host.includes(":") ? `[${host}]` : host}`);
}

export function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^\s]+$/.test(text) && URL.canParse(text);
}

/** Ends of names that nobody can own on the Internet: RFC 6761, and ICANN's for private use. */
const OWN_SUFFIXES = [".localhost", ".internal"];

/**
 * Whether a `Host` header has an address, or a name that nobody else can own. Under any other, a web site
 * may have its own name lead to this machine and ask as a page of its own (DNS rebinding).
 */
export function isOwnHost(host: string): boolean {
  const name = URL.parse(`http://${host}`)?.hostname.replace(/\.$/, "");
  if (name === undefined) return false;
  const isAddress = name.startsWith("[") || /^[\d.]+$/.test(name);
  return isAddress || !name.includes(".") || OWN_SUFFIXES.some((suffix) => name.endsWith(suffix));
}
