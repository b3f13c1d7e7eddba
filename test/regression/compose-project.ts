/** A Compose project of three services on a real engine, of which one is watched. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { BUN_IMAGE, docker, uniqueName } from "../support/docker.ts";
import { freePort } from "../support/free-port.ts";

/** Answers its health and its metrics, and ends at once when it is told to. */
const SERVER = `process.on("SIGTERM", () => process.exit(0));
Bun.serve({ port: 8000, fetch: ({ url }) => new Response(url.endsWith("/metrics") ? "served 1\\n" : "ok") });`;

type ServiceKey = "api" | "web" | "db";

export interface ComposeProject extends AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  readonly composeFile: string;
  /** Of the watched service, `api`. */
  readonly container: string;
  containerOf(service: ServiceKey): string;
  /** The Compose file has it no more; its container stays. */
  dropFromFile(service: ServiceKey): Promise<void>;
  /** Of the watched service. */
  readonly url: string;
  /** Whether each container runs, by service; one that does not exist is `gone`. */
  states(): Promise<Readonly<Record<string, string>>>;
}

/** Started; `web` is to be restarted whenever `api` is, as Compose offers it. */
export async function startComposeProject(what: string): Promise<ComposeProject> {
  const name = uniqueName(what);
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  const composeFile = join(folder, "compose.yaml");
  const port = freePort();
  const containerOf = (service: string) => `${name}-${service}-x`;
  const service = (key: string, extra: object) => ({
    image: BUN_IMAGE,
    container_name: containerOf(key),
    command: ["bun", "-e", SERVER],
    init: true,
    stop_grace_period: "2s",
    ...extra,
  });
  const depends_on = { api: { condition: "service_started", restart: true } };
  const services = {
    api: service("api", { ports: [`127.0.0.1:${port}:8000`] }),
    web: service("web", { depends_on }),
    db: service("db", {}),
  };
  const write = (kept: object) => writeFile(composeFile, stringify({ name, services: kept }));
  await write(services);
  const compose = (...args: readonly string[]) => docker("compose", "-f", composeFile, ...args);
  const project: ComposeProject = {
    name,
    folder,
    composeFile,
    container: containerOf("api"),
    containerOf,
    dropFromFile: (dropped) =>
      write(Object.fromEntries(Object.entries(services).filter(([key]) => key !== dropped))),
    url: `http://127.0.0.1:${port}`,
    async states() {
      const listed = await docker(
        ...["ps", "--all", "--filter", `label=com.docker.compose.project=${name}`],
        ...["--format", '{{.Label "com.docker.compose.service"}} {{.State}}'],
      );
      const found = listed.split("\n").map((line) => line.split(" "));
      return { api: "gone", web: "gone", db: "gone", ...Object.fromEntries(found) };
    },
    async [Symbol.asyncDispose]() {
      await compose("down", "--timeout", "1", "--remove-orphans");
      await rm(folder, { recursive: true });
    },
  };
  try {
    await compose("up", "-d");
  } catch (error) {
    await project[Symbol.asyncDispose]();
    throw error;
  }
  return project;
}
