/**
 * Below the ports that Linux gives to outgoing connections (32768 and up): one of those could be taken by
 * any client on the machine between this look and the moment the port is used.
 */
const FIRST_PORT = 15_000;
const LAST_PORT = 32_000;

/** A TCP port of 127.0.0.1 that nobody listens on now. */
export function freePort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // It is taken: the next one.
    }
  }
}
