/** Serves a target on a socket. */

import type { Handle } from "./requests.ts";

export interface ListeningTarget {
  /** Without a slash at the end. */
  readonly url: string;
  /** The address of whoever sent a request that is under way. */
  addressOf(request: Request): string | undefined;
  /** Lets answers under way finish, but not for ever. */
  close(): Promise<void>;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** How long a connection may be silent; a request may be silent for as long as its fault takes. */
const IDLE_TIMEOUT_S = 30;
const DRAIN_MS = 1500;
/** Above what is read of a body, so that what is too much is refused in our own words. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Not by Elysia's `listen`: that shares a port that is taken already instead of failing.
 *
 * @param idleTimeoutS after which a silent connection is closed, give or take 4 s
 * @throws what `Bun.serve` throws, e.g. with `code` EADDRINUSE
 */
export function listen(
  { handle }: { readonly handle: Handle },
  { host, port }: Address,
  idleTimeoutS = IDLE_TIMEOUT_S,
): ListeningTarget {
  const server = Bun.serve({
    hostname: host,
    port,
    // Bun's default outside of development; a second target would get half of the first one's requests.
    reusePort: false,
    idleTimeout: idleTimeoutS,
    maxRequestBodySize: MAX_BODY_BYTES,
    // In development a failure is answered with a page of source code.
    development: false,
    fetch(request, server) {
      const answer = handle(request);
      if (!(answer instanceof Promise)) return answer;
      server.timeout(request, 0);
      // The connection may be kept for more; it is to idle no longer than others.
      const idleAgain = () => server.timeout(request, idleTimeoutS);
      return answer.finally(idleAgain);
    },
  });
  return {
    url: server.url.href.replace(/\/$/, ""),
    addressOf: (request) => server.requestIP(request)?.address,
    async close() {
      await Promise.race([server.stop(), Bun.sleep(DRAIN_MS)]);
      await server.stop(true);
    },
  };
}
