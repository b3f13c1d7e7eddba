/** The probe of any other protocol: a connection is taken, and closed at once. */

import { connect } from "node:net";
import { hostOf } from "./address.ts";
import { type ProbeAnswer, type ProbeLimits, runProbe } from "./probe.ts";

export function probeTcp(url: string, limits: ProbeLimits): Promise<ProbeAnswer> {
  const { host, port, shown } = hostOf(url);
  return runProbe(shown, limits, (probing) => {
    const socket = connect({ host, port });
    probing.hold(socket);
    socket.on("connect", () => probing.answer({ ok: true, message: "takes connections" }));
    socket.on("error", (error) => probing.fail(error.message));
  });
}
