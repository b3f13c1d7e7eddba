/** A server of gRPC's health protocol, by Node's own HTTP/2. */

import { createSecureServer, createServer, type ServerHttp2Stream } from "node:http2";
import { freePort } from "../free-port.ts";

/** What is said of a service: its serving status, or another outcome of the call. */
type Said = { readonly serving: number } | { readonly grpcStatus: number };

/** @param tls default: without */
export async function serveGrpc(
  say: (service: string) => Said,
  tls?: { readonly key: string; readonly cert: string },
): Promise<AsyncDisposable & { readonly port: number }> {
  const server = tls === undefined ? createServer() : createSecureServer(tls);
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {});
    stream.on("end", () => {
      const isCheck = headers[":path"] === "/grpc.health.v1.Health/Check";
      // A prefix of 5 bytes, then field 1 as a text: its tag, its length as a varint, its bytes.
      const field = Buffer.concat(chunks).subarray(6);
      const service = field.subarray(field.findIndex((byte) => byte < 0x80) + 1).toString();
      answer(stream, isCheck ? say(service) : { grpcStatus: 12 });
    });
  });
  const port = freePort();
  const host = tls === undefined ? "127.0.0.1" : "localhost";
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

function answer(stream: ServerHttp2Stream, said: Said): void {
  const head = { ":status": 200, "content-type": "application/grpc" };
  // Without a message there are trailers only, which are headers.
  if ("grpcStatus" in said) {
    stream.respond({ ...head, "grpc-status": `${said.grpcStatus}` }, { endStream: true });
    return;
  }
  stream.respond(head, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.from(said.serving === 0 ? [0, 0, 0, 0, 0] : [0, 0, 0, 0, 2, 8, said.serving]));
}
