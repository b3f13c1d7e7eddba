/** What the engine's answers say of a container: its set-up, what happened to it, and who is there too. */

import { createHmac, randomBytes } from "node:crypto";
import { z } from "zod";
import type { ContainerBeside, ContainerSetup, RuntimeEvent } from "../../core/evidence.ts";
import { parseJson } from "../../text/json.ts";

/** A key of this process alone, so that nobody else can test by a hash whether they guess a value. */
const HASH_KEY = randomBytes(32);

/** A hash of a value, which may be a short secret: it shows equality and nothing else. */
function hashOf(value: unknown): string {
  return createHmac("sha256", HASH_KEY)
    .update(JSON.stringify(value) ?? "")
    .digest("base64url");
}

const setupSchema = z.object({
  Id: z.string(),
  Created: z.string(),
  Image: z.string(),
  Config: z.object({
    Image: z.string(),
    Env: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  Path: z.string().optional(),
  Args: z.array(z.string()).nullish(),
  Mounts: z
    .array(z.object({ Source: z.string().optional(), Destination: z.string().optional() }))
    .nullish(),
  HostConfig: z
    .object({
      NanoCpus: z.number().optional(),
      CpuQuota: z.number().optional(),
      CpuPeriod: z.number().optional(),
      Memory: z.number().optional(),
      PidsLimit: z.number().nullish(),
    })
    .nullish(),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.unknown()).nullish() }).nullish(),
});

/** @throws Error on an answer in another form */
export function readSetup(json: string): ContainerSetup {
  const answer = parseJson(json);
  // Podman's command answers with a list, whatever the format.
  const parsed = setupSchema.safeParse(Array.isArray(answer) ? answer[0] : answer);
  if (!parsed.success) throw new Error("`docker container inspect` answered in an unknown form");
  const { Id, Created, Image, Config, Path, Args, Mounts, HostConfig, NetworkSettings } =
    parsed.data;
  const labels = Config.Labels ?? {};
  const createdAtMs = Date.parse(Created);
  const variables = (Config.Env ?? []).map((line): readonly [string, string] => {
    const at = line.indexOf("=");
    return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
  });
  return {
    containerId: Id,
    createdAtMs: Number.isFinite(createdAtMs) ? createdAtMs : undefined,
    image: Config.Image,
    imageId: Image,
    commandHash: hashOf([Path, Args]),
    mountsHash: hashOf((Mounts ?? []).map(({ Source, Destination }) => [Source, Destination])),
    environment: new Map(variables.map(([name, value]) => [name, hashOf(value)])),
    limits: limitsOf(HostConfig ?? {}),
    networks: Object.keys(NetworkSettings?.Networks ?? {}),
    project: labels["com.docker.compose.project"],
    needs: (labels["com.docker.compose.depends_on"] ?? "")
      .split(",")
      .flatMap((need) => need.split(":", 1))
      .filter((name) => name !== ""),
    namedHosts: [...new Set(variables.flatMap(([name, value]) => hostsOf(name, value)))],
  };
}

function limitsOf({
  NanoCpus = 0,
  CpuQuota = 0,
  CpuPeriod = 0,
  Memory = 0,
  PidsLimit,
}: NonNullable<z.output<typeof setupSchema>["HostConfig"]>): ContainerSetup["limits"] {
  const cores = NanoCpus > 0 ? NanoCpus / 1e9 : CpuQuota > 0 ? CpuQuota / (CpuPeriod || 1e5) : 0;
  return {
    ...(cores > 0 && { cpuCores: cores }),
    ...(Memory > 0 && { memoryBytes: Memory }),
    ...(PidsLimit != null && PidsLimit > 0 && { processes: PidsLimit }),
  };
}

const MAX_VALUE_LENGTH = 2000;
const HOST = "[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62}[A-Za-z0-9])?";
/** `scheme://user:password@host:port`, of which nothing but the host is taken. */
const URL_HOST = new RegExp(
  `[a-z][a-z0-9+.-]{0,20}://(?:[^@/\\s]{0,500}@)?(${HOST})(?=[:/?,\\s]|$)`,
  "g",
);
const HOST_AND_PORT = new RegExp(`^(${HOST}):\\d{1,5}$`);
const PLAIN_HOST = new RegExp(`^(${HOST})$`);
const NAMES_A_HOST = /(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS|ENDPOINT|BROKER|UPSTREAM|SERVICE)S?$/i;

/** Hosts in a variable. A plain word is one only where the variable's name says so: it may be a secret. */
function hostsOf(name: string, value: string): readonly string[] {
  const text = value.slice(0, MAX_VALUE_LENGTH);
  const inUrls = [...text.matchAll(URL_HOST)].flatMap(([, host]) => host ?? []);
  const withPort = HOST_AND_PORT.exec(text)?.[1];
  const plain = NAMES_A_HOST.test(name) ? PLAIN_HOST.exec(text)?.[1] : undefined;
  return [...inUrls, ...(withPort ? [withPort] : []), ...(plain ? [plain] : [])];
}

const eventSchema = z.object({
  Type: z.string(),
  Action: z.string(),
  timeNano: z.number(),
  Actor: z.object({
    ID: z.string().optional(),
    Attributes: z.record(z.string(), z.string()).nullish(),
  }),
});

const NANOSECONDS_PER_MS = 1e6;

/**
 * @param lines as `docker events --format '{{json .}}'` prints them; what is in another form is passed over
 * @param names of the containers that are meant, and their ids
 */
export function readEvents(lines: string, names: readonly string[]): readonly RuntimeEvent[] {
  return lines.split("\n").flatMap((line): RuntimeEvent[] => {
    const event = eventSchema.safeParse(parseJson(line)).data;
    if (event === undefined) return [];
    const { Type, Action: action, timeNano, Actor } = event;
    const attributes = Actor.Attributes ?? {};
    const whose = Type === "network" ? [attributes["container"]] : [Actor.ID, attributes["name"]];
    if (!whose.some((name) => name !== undefined && names.includes(name))) return [];
    const exitCode = Number(attributes["exitCode"] ?? NaN);
    return [
      {
        atMs: timeNano / NANOSECONDS_PER_MS,
        action,
        image: attributes["image"] ?? "",
        imageId: attributes["com.docker.compose.image"],
        configHash: attributes["com.docker.compose.config-hash"],
        ...(Number.isFinite(exitCode) && { exitCode }),
        ...(Type === "network" && { network: attributes["name"] ?? "" }),
      },
    ];
  });
}

const MAX_BESIDE = 2000;

const besideSchema = z.tuple([
  z.string(),
  z.string(),
  z.string(),
  z.string(),
  z.string(),
  z.string(),
]);

/** @param lines as the template has them; what is in another form is passed over */
export function readBeside(lines: string): readonly ContainerBeside[] {
  return lines.split("\n", MAX_BESIDE).flatMap((line): ContainerBeside[] => {
    const read = besideSchema.safeParse(parseJson(`[${line.replaceAll('" "', '","')}]`)).data;
    if (read === undefined) return [];
    const [names, status, state, networks, project, service] = read;
    // A container with links has the names of those who link to it as well.
    const name = names.split(",").find((one) => !one.includes("/"));
    if (name === undefined || name === "") return [];
    return [
      {
        name,
        aliases: service === "" ? [] : [service],
        status,
        state: state.toLowerCase(),
        isOneShot: /^exited \(0\)/i.test(state),
        networks: networks.split(",").filter((one) => one !== ""),
        project: project === "" ? undefined : project,
      },
    ];
  });
}
