/** How a service's `health` is read. Pure. */

import { isIP, isIPv6 } from "node:net";
import { z } from "zod";
import type { HealthCheck, ProbedHealth } from "../core/health.ts";
import { nearest } from "../text/did-you-mean.ts";

interface Scheme {
  /** A whole address, to be copied. */
  readonly example: string;
  readonly health: (url: string) => ProbedHealth;
  /** What may follow host and port. */
  readonly rest: RegExp;
  /** The protocol has a usual port; without one the address has to name it. */
  readonly hasUsualPort: boolean;
  /** A user and a password may be in it. */
  readonly takesUser: boolean;
}

const HTTP: Scheme = {
  example: "http://localhost:8000/health",
  health: (http) => ({ http }),
  rest: /^/,
  hasUsualPort: true,
  takesUser: true,
};
const TCP: Scheme = {
  example: "tcp://localhost:5672",
  health: (tcp) => ({ tcp }),
  rest: /^\/?$/,
  hasUsualPort: false,
  takesUser: false,
};
const REDIS: Scheme = {
  example: "redis://localhost:6379",
  health: (redis) => ({ redis }),
  // The number of a database is part of the address that people have; PING needs none.
  rest: /^\/?\d*$/,
  hasUsualPort: true,
  takesUser: true,
};
const POSTGRES: Scheme = {
  example: "postgres://localhost:5432",
  health: (postgres) => ({ postgres }),
  rest: /^(\/[^/]*)?$/,
  hasUsualPort: true,
  takesUser: true,
};
const GRPC: Scheme = {
  example: "grpc://localhost:50051",
  health: (grpc) => ({ grpc }),
  // The name of a service; its length has one byte in what is sent.
  rest: /^(\/[\w.]{0,100})?$/,
  hasUsualPort: false,
  takesUser: false,
};

const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ["http", HTTP],
  ["https", { ...HTTP, example: "https://localhost:8443/health" }],
  ["tcp", TCP],
  ["redis", REDIS],
  ["rediss", { ...REDIS, example: "rediss://localhost:6380" }],
  ["postgres", POSTGRES],
  ["postgresql", { ...POSTGRES, example: "postgresql://localhost:5432" }],
  ["grpc", GRPC],
  ["grpcs", { ...GRPC, example: "grpcs://localhost:50051" }],
]);

const WORDS = ["container", "none"] as const;

const EXAMPLES = [HTTP, TCP, REDIS, POSTGRES, GRPC].map(({ example }) => example).join(", ");
const HEALTH_FORM = `must be container, none, or an address such as ${EXAMPLES}`;

const inParts = z.strictObject({ url: z.string(), body: z.string().min(1).optional() });

/**
 * @param value as it stands in the file: a text, or a map of `url` and `body`
 * @returns or what is wrong with it, as the end of a sentence that begins with its name; without its text,
 *   which may hold a password
 */
export function readHealth(value: unknown): HealthCheck | { readonly fault: string } {
  if (typeof value === "string") return readText(value);
  const parts = inParts.safeParse(value);
  if (!parts.success)
    return { fault: `must be a text, or { url: ${HTTP.example}, body: "a text in its body" }` };
  const { url, body } = parts.data;
  const health = readText(url);
  if (body === undefined || (typeof health === "object" && "fault" in health)) return health;
  if (typeof health === "object" && "http" in health) return { ...health, body };
  return { fault: `has a body, which only http has: url must be such as ${HTTP.example}` };
}

function readText(text: string): HealthCheck | { readonly fault: string } {
  const word = WORDS.find((known) => known === text);
  if (word !== undefined) return word;
  const [, name, rest = ""] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? [];
  if (name === undefined) return { fault: faultWithoutScheme(text) };
  const scheme = SCHEMES.get(name.toLowerCase());
  if (scheme !== undefined) return readAddress(`${name.toLowerCase()}://${rest}`, scheme);
  const near = nearest(name, [...SCHEMES.keys()]);
  const fault = `has an unknown scheme ${name}://`;
  return {
    fault: near === undefined ? `${fault}; it ${HEALTH_FORM}` : `${fault}; write ${near}://`,
  };
}

/** What many programs take, such as `localhost:8000/health`: only the scheme is missing. */
function faultWithoutScheme(text: string): string {
  const near = nearest(text, WORDS);
  if (near !== undefined) return `must be ${near}, or an address such as ${HTTP.example}`;
  const [, address, path = ""] = /^([\w.-]+:\d{1,5})(\/[\w./-]*)?$/.exec(text) ?? [];
  if (address === undefined) return HEALTH_FORM;
  return `needs a scheme: http://${address}${path || "/"}, or tcp://${address}`;
}

function readAddress(text: string, scheme: Scheme): HealthCheck | { readonly fault: string } {
  const { example, rest, hasUsualPort, takesUser } = scheme;
  const refuse = (why: string) => ({ fault: `${why}: write it as ${example}` });
  const url = /\s/.test(text) ? null : URL.parse(text);
  if (url === null || !isHost(url.hostname)) return refuse("is no address");
  if (url.port === "0" || (url.port === "" && !hasUsualPort)) return refuse("needs a port");
  const hasUser = url.username !== "" || url.password !== "";
  if (hasUser && !takesUser) return refuse("takes no user and no password");
  if (!rest.test(`${url.pathname}${url.search}${url.hash}`))
    return refuse("has too much behind the port");
  return scheme.health(text);
}

function isHost(hostname: string): boolean {
  const address = /^\[(.*)\]$/.exec(hostname)?.[1];
  if (address !== undefined) return isIPv6(address);
  if (/^[\d.]+$/.test(hostname)) return isIP(hostname) !== 0;
  return /^[\w.-]+$/.test(hostname);
}
