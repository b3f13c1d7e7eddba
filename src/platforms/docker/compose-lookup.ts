/** Which Compose service a container is: by its labels or, once it is gone, by what is left of it. */

import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { type ComposeService, whyNotComposeService } from "../../allowlist.ts";
import { messageOf } from "../../core/errors.ts";
import { parseJson } from "../../text/json.ts";
import type { Observation } from "../../core/model.ts";
import { type ComposeOptions, projectFiles, readProject } from "./compose.ts";
import { type DockerOptions, listContainers, readImageLabels } from "./docker.ts";

/** What Compose writes on each container that it makes. */
const LABELS = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  files: "com.docker.compose.project.config_files",
  folder: "com.docker.compose.project.working_dir",
  envFiles: "com.docker.compose.project.environment_file",
  oneOff: "com.docker.compose.oneoff",
} as const;

const PATH_LABELS = ["files", "folder", "envFiles"] as const;

/** One container of the engine; a label that it does not have is the empty text. */
const containerSchema = z.object({
  name: z.string(),
  image: z.string(),
  project: z.string(),
  service: z.string(),
  files: z.string(),
  folder: z.string(),
  envFiles: z.string(),
  oneOff: z.string(),
});
type Container = z.output<typeof containerSchema>;

const CONTAINER_TEMPLATE = `{${[
  '"name":{{json .Names}},"image":{{json .Image}}',
  ...Object.entries(LABELS).map(([key, label]) => `"${key}":{{json (.Label "${label}")}}`),
].join(",")}}`;

/** A project as Compose reads it, as far as it says what its containers are called. */
const projectSchema = z.object({
  name: z.string(),
  services: z.record(z.string(), z.object({ container_name: z.string().optional() })),
});
type Project = z.output<typeof projectSchema>;

export interface ComposeLookup {
  /**
   * Never throws.
   *
   * @param names of containers, whether they are there or not
   * @returns for each its Compose service, or why no command can be run on that alone
   */
  find(
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Observation<ComposeService>>>;
}

type ComposeLookupOptions = ComposeOptions & DockerOptions;

/** The deadline of a lookup; after it, an incident goes on with the other actions. */
const DEADLINE_MS = 20_000;

/** Containers that are looked up at the same time: each may start a process, for its image's labels. */
const AT_ONCE = 8;

/** It remembers what it has seen of each container, for the time when that is gone. */
export function composeLookup(options: ComposeLookupOptions): ComposeLookup {
  const lastSeen = new Map<string, Observation<ComposeService>>();

  async function findOne(name: string, engine: Engine): Promise<Observation<ComposeService>> {
    const own = engine.containers.find((container) => container.name === name);
    if (own !== undefined) {
      try {
        const seen = await engine.read(own);
        lastSeen.set(name, seen);
        return seen.kind === "found" ? usable(seen.value, name, engine.containers) : seen;
      } catch (error) {
        // This says nothing about the container, so what is known of it stays.
        return unreadable(`the labels of its image cannot be read: ${messageOf(error)}`);
      }
    }
    const known = lastSeen.get(name);
    if (known?.kind === "found") return usable(known.value, name, engine.containers);
    if (known !== undefined) return known;
    const inFile = await engine.findInFile(name);
    if (inFile.kind !== "found") return inFile;
    return usable(inFile.value.compose, inFile.value.container, engine.containers);
  }

  return {
    async find(names, signal) {
      if (names.length === 0) return new Map();
      try {
        const within = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]);
        const engine = await readEngine(options, within);
        const found = new Map<string, Observation<ComposeService>>();
        for (let from = 0; from < names.length; from += AT_ONCE)
          await Promise.all(
            names.slice(from, from + AT_ONCE).map(async (name) => {
              found.set(name, await findOne(name, engine));
            }),
          );
        return found;
      } catch (error) {
        const nothing = unreadable(`the engine's containers cannot be listed: ${messageOf(error)}`);
        return new Map(names.map((name) => [name, nothing]));
      }
    },
  };
}

/** What the engine has at one moment. Images and the Compose file are read when they are asked for, once. */
interface Engine {
  readonly containers: readonly Container[];
  read(container: Container): Promise<Observation<ComposeService>>;
  findInFile(name: string): Promise<Observation<InFile>>;
}

async function readEngine(options: ComposeLookupOptions, signal: AbortSignal): Promise<Engine> {
  const lines = await listContainers(CONTAINER_TEMPLATE, options, signal);
  const containers = lines.map((line) => read(containerSchema, line, "docker ps"));
  const images = new Map<string, Promise<Readonly<Record<string, string>>>>();
  let project: Promise<Project> | undefined;
  return {
    containers,
    async read(container) {
      const { image } = container;
      if (container.project === "") return absent("Compose has not made its container");
      const imageLabels = images.getOrInsertComputed(image, () =>
        readImageLabels(image, options, signal),
      );
      return readLabels(container, await imageLabels);
    },
    async findInFile(name) {
      const files = projectFiles(options.composeFile);
      if (!files.every(isFile))
        return absent(`there is no such container, and no Compose file ${files[0]}`);
      try {
        project ??= readProject(options, signal).then((text) =>
          read(projectSchema, text, "docker compose config"),
        );
        return inProject(name, await project, files);
      } catch (error) {
        const why = messageOf(error);
        return unreadable(`there is no such container, and ${files[0]} cannot be read: ${why}`);
      }
    },
  };
}

/**
 * By its labels. An image can bring any label with it, and a file that it names may be one that its
 * container has written: only what was set when the container was made counts.
 */
function readLabels(
  { project, service, files, folder, envFiles, oneOff }: Container,
  imageLabels: Readonly<Record<string, string>>,
): Observation<ComposeService> {
  const paths = { files, folder, envFiles };
  const brought = PATH_LABELS.find(
    (key) => paths[key] !== "" && paths[key] === imageLabels[LABELS[key]],
  );
  if (brought !== undefined)
    return absent(`its image brings the label ${LABELS[brought]} with it, which Compose sets`);
  if (oneOff === "True") return absent("`docker compose run` has made its container");
  // Version 1 of Compose names files as they were typed, in its folder.
  const absolute = (path: string) => (folder.startsWith("/") ? resolve(folder, path) : path);
  const list = (text: string) => text.split(",").filter(Boolean).map(absolute);
  const composeFiles = list(files);
  const isElsewhere = folder !== "" && folder !== dirname(composeFiles[0] ?? "");
  const compose = {
    ...{ project, service, files: composeFiles },
    ...(isElsewhere ? { projectFolder: folder } : {}),
    ...(envFiles === "" ? {} : { envFiles: list(envFiles) }),
  };
  const why = whyNotComposeService(compose);
  if (why === undefined) return { kind: "found", value: compose };
  return absent(`its labels are not as Compose sets them: ${why}`);
}

interface InFile {
  readonly compose: ComposeService;
  /** The name of its container once that is made. */
  readonly container: string;
}

/** By the Compose file: a service whose container has the name, or else one that has it itself. */
function inProject(
  name: string,
  { name: project, services }: Project,
  files: readonly string[],
): Observation<InFile> {
  const called = Object.entries(services).map(([service, { container_name: own }]) => ({
    service,
    container: own ?? `${project}-${service}-1`,
    hasOwnName: own !== undefined,
  }));
  const found =
    called.find(({ container }) => container === name) ??
    called.find(({ service, hasOwnName }) => service === name && !hasOwnName);
  if (found === undefined)
    return absent(`there is no such container, and ${files[0]} has no service for it`);
  const { service, container } = found;
  const compose = { project, service, files };
  const why = whyNotComposeService(compose);
  if (why !== undefined) return absent(`${files[0]}: ${why}`);
  return { kind: "found", value: { compose, container } };
}

/** If its files are there, and the service has no container but this one. */
function usable(
  compose: ComposeService,
  container: string,
  containers: readonly Container[],
): Observation<ComposeService> {
  const { project, service, files, envFiles = [] } = compose;
  const notHere = [...files, ...envFiles].find((path) => !isFile(path));
  if (notHere !== undefined) return absent(`its Compose file ${notHere} is not on this machine`);
  const others = containers.filter(
    (one) =>
      one.project === project &&
      one.service === service &&
      one.oneOff !== "True" &&
      one.name !== container,
  );
  if (others.length === 0) return { kind: "found", value: compose };
  const [first] = others;
  return absent(
    `its Compose service ${service} has ${others.length} other ${others.length === 1 ? "container" : "containers"}, such as ${first?.name}`,
  );
}

/** @throws Error if a command answered what it does not answer here */
function read<T>(schema: z.ZodType<T>, text: string, command: string): T {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [why] = z.prettifyError(parsed.error).split("\n", 1);
  throw new Error(`\`${command}\` answered in an unknown form (${why})`);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** There is no Compose service that a command can be run on alone. */
function absent(reason: string) {
  return { kind: "absent", reason } as const;
}

function unreadable(reason: string) {
  return { kind: "unreadable", reason } as const;
}
