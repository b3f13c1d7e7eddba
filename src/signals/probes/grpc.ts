/**
 * The probe of gRPC: its health protocol, over HTTP/2.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */

import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { TLSSocket } from "node:tls";
import { printable } from "../../text/printable.ts";
import { hostOf } from "./address.ts";
import { seenCertificate, tlsOptions, whyNotTrusted } from "./certificate.ts";
import { type ProbeAnswer, type ProbeLimits, type Probing, runProbe } from "./probe.ts";

const METHOD = "/grpc.health.v1.Health/Check";
const MAX_BYTES = 4096;
const MAX_SHOWN = 200;
/** The prefix of each message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/** By the numbers of `HealthCheckResponse.ServingStatus`. */
const SERVING_STATUSES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/** By the numbers of `grpc-status` that need other words than the server's. */
const REMEDIES: Readonly<Record<string, string>> = {
  "5": "it knows no service of that name; correct the path of health",
  "12": "it has no health service (grpc.health.v1.Health); use tcp:// instead",
};

/** @param url its path is the service that is asked for; without one, the server as a whole */
export function probeGrpc(url: string, limits: ProbeLimits): Promise<ProbeAnswer> {
  const { protocol, host: authority, pathname } = new URL(url);
  const { shown, host } = hostOf(url);
  const isTls = protocol === "grpcs:";
  const question = encode(decodeURIComponent(pathname.slice(1)));
  return runProbe(shown, limits, (probing) => {
    const session = connect(`${isTls ? "https" : "http"}://${authority}`, tlsOptions(host));
    probing.hold(session);
    session.on("error", (error) => probing.fail(error.message));
    session.on("close", () => probing.fail("the connection was closed without an answer"));
    session.on("connect", () => {
      const { socket } = session;
      const seen = socket instanceof TLSSocket ? seenCertificate(socket) : {};
      const why = socket instanceof TLSSocket ? whyNotTrusted(socket) : undefined;
      if (why === undefined) ask(session, question, { probing, seen });
      else probing.fail(why, seen);
    });
  });
}

/** One `HealthCheckRequest`, whose only field is the name of the service. */
function encode(service: string): Buffer {
  const name = Buffer.from(service);
  const head = Buffer.from([0x0a, ...varint(name.length)]);
  const message = name.length === 0 ? name : Buffer.concat([head, name]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

interface Told {
  readonly probing: Probing;
  readonly seen: Partial<ProbeAnswer>;
}

function ask(session: ClientHttp2Session, question: Buffer, { probing, seen }: Told): void {
  const headers: Record<string, unknown> = {};
  let received = Buffer.alloc(0);
  const stream: ClientHttp2Stream = session.request({
    ":method": "POST",
    ":path": METHOD,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("response", (given) => Object.assign(headers, given));
  stream.on("trailers", (given) => Object.assign(headers, given));
  stream.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    if (received.length > MAX_BYTES) probing.fail("the answer does not end", seen);
  });
  stream.on("error", (error: Error) => probing.fail(error.message, seen));
  stream.on("end", () => probing.answer({ ...seen, ...judge(headers, received) }));
  stream.end(question);
}

function judge(headers: Readonly<Record<string, unknown>>, received: Buffer): ProbeAnswer {
  const status = headers["grpc-status"];
  if (status === undefined)
    return { ok: false, message: `it does not answer as gRPC does (status ${headers[":status"]})` };
  if (status !== "0") {
    const said = printable(String(headers["grpc-message"] ?? ""), MAX_SHOWN);
    return {
      ok: false,
      message: REMEDIES[String(status)] ?? `grpc-status ${status} ${said}`.trim(),
    };
  }
  // Field 1 as a varint; one that is left out is 0.
  const [tag, value = 0] = received.subarray(PREFIX_BYTES);
  const serving = SERVING_STATUSES[tag === 0x08 ? value : 0] ?? "UNKNOWN";
  return { ok: serving === "SERVING", message: serving };
}
