/** A Docker engine on a socket of its own that has one well container, and answers as it is told to. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The container that is always there. */
export const WELL = "bounds-well";

/**
 * What the engine answers instead of the honest answer.
 *
 * @param path without the version, such as `/containers/json`
 */
export type EngineAnswer = (path: string) => Response | undefined;

export interface Engine extends AsyncDisposable {
  /** For DOCKER_HOST. */
  readonly host: string;
  /** The memory that the well container uses; a value of its own tells that it was read anew. */
  memoryBytes: number;
  /** What it answers from now on. */
  instead: EngineAnswer | undefined;
  /** How often it has answered so. */
  readonly insteads: number;
}

/** As an engine lists a container. */
export const listed = (name: string, changes: object = {}) => ({
  Id: Bun.hash(name).toString(16).padEnd(64, "0"),
  Names: [`/${name}`],
  Labels: { "sentinel.bounds": "1" },
  State: "running",
  ...changes,
});

/** As an engine tells of a container, with all that its command line needs. */
export const inspected = (name: string, changes: object = {}) => ({
  Id: listed(name).Id,
  Name: `/${name}`,
  RestartCount: 0,
  State: {
    Status: "running",
    Running: true,
    Restarting: false,
    OOMKilled: false,
    ExitCode: 0,
    StartedAt: "2026-01-01T00:00:00Z",
    FinishedAt: "0001-01-01T00:00:00Z",
  },
  Config: { Image: "bounds", Tty: false, Labels: {} },
  HostConfig: { RestartPolicy: { Name: "no", MaximumRetryCount: 0 } },
  ...changes,
});

const VERSION = { Version: "20.10.24", ApiVersion: "1.41", MinAPIVersion: "1.12" };

export async function startEngine(): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-bounds-"));
  const unix = join(folder, "docker.sock");
  let insteads = 0;
  const server = Bun.serve({
    unix,
    fetch({ url }) {
      const path = new URL(url).pathname.replace(/^\/v[\d.]+(?=\/)/, "");
      const hostile = engine.instead?.(path);
      if (hostile === undefined) return honest(path, engine.memoryBytes);
      insteads += 1;
      return hostile;
    },
  });
  const engine: Engine = {
    host: `unix://${unix}`,
    memoryBytes: 1,
    instead: undefined,
    get insteads() {
      return insteads;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await rm(folder, { recursive: true });
    },
  };
  return engine;
}

function honest(path: string, memoryBytes: number): Response {
  if (path === "/_ping") return new Response("OK", { headers: { "api-version": "1.41" } });
  if (path === "/version") return Response.json(VERSION);
  if (path === "/containers/json") return Response.json([listed(WELL)]);
  if (path.endsWith("/logs") || path === "/events") return new Response("");
  if (path.endsWith("/stats")) return Response.json({ memory_stats: { usage: memoryBytes } });
  if (path.startsWith("/containers/")) return Response.json(inspected(WELL));
  return Response.json({ message: "page not found" }, { status: 404 });
}
