/** What stands between Sentinel and the machine's engine, and answers some questions by itself. */

import { once } from "node:events";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { ownFolder } from "./engine.ts";
import { MACHINE_SOCKET } from "./ways.ts";

export interface Asked {
  readonly method: string;
  /** Without the API's version, such as `/containers/json?all=true`. */
  readonly path: string;
  /** Such as `1.41`; empty for a path without one. */
  readonly version: string;
}

/** `undefined` leaves it to the engine. */
export type Intercept = (
  asked: Asked,
) => { readonly status: number; readonly body: string } | undefined;

export interface EngineProxy extends AsyncDisposable {
  /** For DOCKER_HOST. */
  readonly host: string;
}

export async function proxyEngine(intercept: Intercept): Promise<EngineProxy> {
  const folder = await ownFolder("proxy");
  const socket = join(folder.path, "docker.sock");
  const server = createServer((incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    const [, version = "", path = ""] = /^(?:\/v([\d.]+))?(\/.*)$/.exec(url) ?? [];
    const answer = intercept({ method, path, version });
    if (answer !== undefined) {
      incoming.resume();
      outgoing.writeHead(answer.status, { "content-type": "application/json" });
      outgoing.end(answer.body);
      return;
    }
    const asked = request(
      { socketPath: MACHINE_SOCKET, method, path: url, headers },
      (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      },
    );
    asked.on("error", () => outgoing.destroy());
    incoming.pipe(asked);
  });
  server.listen(socket);
  await once(server, "listening");
  return {
    host: `unix://${socket}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}
