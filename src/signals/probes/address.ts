/** Where a probe goes. Pure. */

import { shownUrl } from "../../text/url.ts";

/** The ports of addresses that name none. */
const USUAL_PORTS: Readonly<Record<string, number>> = {
  "redis:": 6379,
  "rediss:": 6379,
  "postgres:": 5432,
  "postgresql:": 5432,
};

interface Address {
  /** An IPv6 address is without its brackets. */
  readonly host: string;
  readonly port: number;
  /** The address as people see it: without user, password and query. */
  readonly shown: string;
}

/** @param url as the settings have let it through: with a host, and with a port where there is no usual one */
export function hostOf(url: string): Address {
  const { protocol, hostname, port } = new URL(url);
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? (USUAL_PORTS[protocol] ?? 0) : Number(port),
    shown: shownUrl(url).replace(/\/$/, ""),
  };
}
