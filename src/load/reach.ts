/** Whether there is anything to send a load to. */

import { messageOf, SentinelError } from "../core/errors.ts";

const DEADLINE_MS = 5000;

/**
 * Opens a connection and closes it again. Nothing is asked: a service that is slow or fails is what a
 * load is for.
 *
 * @throws SentinelError `service_unreachable`, with what to do
 */
export async function reach(url: string): Promise<void> {
  const { hostname, port, protocol, host } = new URL(url);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("it does not answer")), DEADLINE_MS);
  const connecting = Bun.connect({
    // An IPv6 address stands in brackets.
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(port || (protocol === "https:" ? 443 : 80)),
    socket: { data() {} },
  });
  try {
    (await Promise.race([connecting, late])).end();
  } catch (cause) {
    throw unreachable(host, cause);
  } finally {
    clearTimeout(timer);
  }
}

function unreachable(host: string, cause: unknown): SentinelError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const why =
    { ECONNREFUSED: "the connection is refused", ENOTFOUND: "there is no such host" }[
      String(code)
    ] ?? messageOf(cause);
  return new SentinelError("service_unreachable", `cannot reach ${host}: ${why}`, {
    hint: "Start a service there, such as with sentinel --role=target, or name another by --url.",
    cause,
  });
}
