/** An engine that gives fixed answers on a socket of its own, for answers that no real one gives on demand. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDockerApi, type DockerApi } from "../../src/platforms/docker/api.ts";
import { type DockerConnection, resolveConnection } from "../../src/platforms/docker/connection.ts";

/** By the path behind `/v1.41/containers/`; what is not there gets 404. A function may answer late, or never. */
export type Answers = Readonly<Record<string, unknown>>;

export interface FakeEngine extends AsyncDisposable {
  readonly api: DockerApi;
  readonly connection: DockerConnection;
}

const VERSION = { Version: "20.10.24", ApiVersion: "1.41", MinAPIVersion: "1.12" };

/** @param version what it says of itself */
export async function fakeEngine(answers: Answers, version: object = VERSION): Promise<FakeEngine> {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-engine-"));
  const unix = join(folder, "docker.sock");
  const server = Bun.serve({
    unix,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/version") return Response.json(version);
      const answer = answers[pathname.replace(/^\/v[\d.]+\/containers\//, "")];
      if (answer === undefined)
        return Response.json({ message: "No such container" }, { status: 404 });
      const given: unknown = typeof answer === "function" ? await answer() : answer;
      return given instanceof Response ? given.clone() : Response.json(given);
    },
  });
  const connection = resolveConnection({
    host: `unix://${unix}`,
    context: undefined,
    isTls: false,
    certFolder: undefined,
    configFolder: folder,
    runtimeFolder: undefined,
  });
  const api = createDockerApi(connection, {});
  return {
    api,
    connection,
    async [Symbol.asyncDispose]() {
      api.close();
      await server.stop(true);
      await rm(folder, { recursive: true });
    },
  };
}
