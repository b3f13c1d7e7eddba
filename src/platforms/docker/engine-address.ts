/** Where an engine listens, as DOCKER_HOST and Docker contexts say it. */

import { isAbsolute } from "node:path";
import { printable } from "../../text/printable.ts";
import { SentinelError } from "../../core/errors.ts";

export type DockerAddress =
  | { readonly kind: "unix"; readonly path: string }
  | {
      readonly kind: "tcp";
      /** An IPv6 address is without its brackets. */
      readonly host: string;
      readonly port: number;
      /** What stands in front of every path: nothing, or `/like/this`. */
      readonly prefix: string;
    }
  /** Reached by the command line's own `docker system dial-stdio`. */
  | { readonly kind: "ssh"; readonly url: string };

/** As registered with IANA: 2375 in plain text, 2376 with TLS. */
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

const FORMS = "unix:///path, tcp://host:port or ssh://user@host";
const MAX_SHOWN = 200;

/**
 * Reads an address in the forms that the `docker` command takes on this system.
 *
 * @param isTls a port that is left out is then 2376
 * @param source what says so, for the message: `DOCKER_HOST` or `the context x`
 * @throws SentinelError `configuration` on any other form; a password never gets into the message
 */
export function parseAddress(text: string, isTls: boolean, source: string): DockerAddress {
  const [, scheme = "", rest = ""] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? [];
  switch (scheme.toLowerCase()) {
    case "unix":
      if (isAbsolute(rest)) return { kind: "unix", path: rest };
      throw refused(
        text,
        source,
        "Write the socket's whole path, such as unix:///var/run/docker.sock.",
      );
    case "tcp":
      return parseTcp(rest, { text, isTls, source });
    case "ssh":
      return parseSsh(text, source);
    case "":
      // The command takes host:port for tcp://host:port, but no path.
      if (/^[^/@]+:\d+$/.test(rest)) return parseTcp(rest, { text, isTls, source });
      throw refused(text, source, `Write ${isAbsolute(rest) ? `unix://${shown(rest)}` : FORMS}.`);
    case "npipe":
      throw refused(
        text,
        source,
        "Named pipes are Windows' own; under WSL write unix:///var/run/docker.sock.",
      );
    case "http":
    case "https":
      throw refused(text, source, "Write tcp://host:port, with DOCKER_TLS_VERIFY=1 for TLS.");
    default:
      throw refused(text, source, `Write ${FORMS}.`);
  }
}

interface Given {
  readonly text: string;
  readonly isTls: boolean;
  readonly source: string;
}

function parseTcp(rest: string, { text, isTls, source }: Given): DockerAddress {
  const url = URL.parse(`http://${rest}`);
  if (rest.includes("@"))
    throw refused(text, source, "An engine takes no user or password; write tcp://host:port.");
  if (url === null || url.search || url.hash || rest.startsWith(":"))
    throw refused(text, source, "Write tcp://host:port.");
  // Port 80 is what a URL of http leaves out, and here it has to be said.
  const port = Number(/:(\d+)(?:\/|$)/.exec(rest.replace(/^\[[^\]]*\]/, ""))?.[1]);
  return {
    kind: "tcp",
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: port || (isTls ? TLS_PORT : PLAIN_PORT),
    prefix: url.pathname.replace(/\/+$/, ""),
  };
}

function parseSsh(text: string, source: string): DockerAddress {
  const url = URL.parse(text);
  // A user that begins with a dash would be an option of the ssh command.
  if (url === null || !url.hostname || url.search || url.hash || /^-|%/.test(url.username))
    throw refused(text, source, "Write ssh://user@host, or ssh://user@host:port.");
  if (url.password)
    throw refused(text, source, "ssh takes no password here; use a key and write ssh://user@host.");
  return { kind: "ssh", url: text };
}

/** As an address is shown to people, and given to the `docker` command. */
export function renderAddress(address: DockerAddress): string {
  switch (address.kind) {
    case "unix":
      return `unix://${address.path}`;
    case "tcp": {
      const host = address.host.includes(":") ? `[${address.host}]` : address.host;
      return `tcp://${host}:${address.port}${address.prefix}`;
    }
    case "ssh":
      return address.url;
  }
}

function refused(text: string, source: string, hint: string): SentinelError {
  return new SentinelError("configuration", `${source} cannot be ${shown(text)}`, { hint });
}

/** The text without what stands in front of an `@`, which may be a password. */
function shown(text: string): string {
  return printable(text.replace(/^([^/]*\/\/)?.*@/s, "$1"), MAX_SHOWN);
}
