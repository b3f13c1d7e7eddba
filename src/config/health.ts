/** How the text of a service's `health` is read. Pure. */

import { isIPv6 } from "node:net";
import type { HealthCheck } from "../core/model.ts";
import { isHttpUrl } from "../text/url.ts";

/** What a `health` has to be, as the end of a sentence that begins with its name. */
export const HEALTH_FORM =
  "must be an http URL, such as http://localhost:8000/health, or tcp://HOST:PORT, container or none";

const TCP = /^tcp:\/\/(?:\[(?<address>[^\]]+)\]|(?<name>[\w.-]+)):(?<port>\d{1,5})\/?$/i;
const MAX_PORT = 65_535;

/** @returns `undefined` for what is none of the forms */
export function readHealth(text: string): HealthCheck | undefined {
  if (text === "container" || text === "none") return text;
  if (isHttpUrl(text)) return { http: text };
  const { address, name, port } = TCP.exec(text)?.groups ?? {};
  const host = address !== undefined && isIPv6(address) ? address : name;
  if (host === undefined || Number(port) < 1 || Number(port) > MAX_PORT) return undefined;
  return { tcp: { host, port: Number(port) } };
}
