/** One question and its answer over one connection of TCP, plain or by TLS. */

import { connect, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { seenCertificate, tlsOptions, whyNotTrusted } from "./certificate.ts";
import { type ProbeAnswer, type ProbeLimits, type Probing, runProbe } from "./probe.ts";

/** What any of the protocols answers is far shorter. */
const MAX_BYTES = 16 * 1024;

interface Exchange {
  /** The address without its secrets. */
  readonly shown: string;
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** What is sent once the connection stands. */
  readonly question: Buffer;
  /**
   * Reads all that has come.
   *
   * @returns `undefined` as long as more has to come
   * @throws Error on what is not of this protocol
   */
  read(received: Buffer): ProbeAnswer | undefined;
}

export function exchange(wanted: Exchange, limits: ProbeLimits): Promise<ProbeAnswer> {
  const { shown, host, port, isTls } = wanted;
  return runProbe(shown, limits, (probing) => {
    if (!isTls) {
      const socket = connect({ host, port });
      converse(socket, wanted, { probing, seen: {} });
      socket.on("connect", () => socket.write(wanted.question));
      return;
    }
    const socket = connectTls({ host, port, ...tlsOptions(host) });
    const seen: { certificateExpiresAtMs?: number } = {};
    converse(socket, wanted, { probing, seen });
    socket.on("secureConnect", () => {
      Object.assign(seen, seenCertificate(socket));
      const why = whyNotTrusted(socket);
      if (why === undefined) socket.write(wanted.question);
      else probing.fail(why, seen);
    });
  });
}

interface Told {
  readonly probing: Probing;
  readonly seen: Partial<ProbeAnswer>;
}

function converse(socket: Socket | TLSSocket, { read }: Exchange, { probing, seen }: Told): void {
  let received = Buffer.alloc(0);
  probing.hold(socket);
  socket.on("error", (error) => probing.fail(error.message, seen));
  socket.on("close", () => probing.fail("the connection was closed without an answer", seen));
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    try {
      const answer = read(received);
      if (answer !== undefined) probing.answer({ ...seen, ...answer });
      else if (received.length > MAX_BYTES) probing.fail("the answer does not end", seen);
    } catch (error) {
      probing.fail(error instanceof Error ? error.message : String(error), seen);
    }
  });
}
