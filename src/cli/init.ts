/** The command `init`: writes `sentinel.yaml` from what runs, for a person to read and trim. */

import {
  existsSync,
  linkSync,
  openSync,
  closeSync,
  fsyncSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { ObserverSettings } from "../config/config.ts";
import { messageOf, SentinelError } from "../core/errors.ts";
import { dockerApiOf, dockerOptionsOf } from "../observer/platforms.ts";
import { readProject } from "../platforms/docker/compose.ts";
import { prometheusSource } from "../signals/prometheus/prometheus.ts";
import { parseJson } from "../text/json.ts";
import { askContainer, type Suggestion } from "./init/ask.ts";
import { findContainers, type FoundContainer } from "./init/found.ts";
import { renderFile, renderLeftOut, renderTable } from "./init/render.ts";

const FILE = "sentinel.yaml";

/** The deadline of all questions together. */
const DEADLINE_MS = 60_000;
const PROMETHEUS_DEADLINE_MS = 2000;
/** Containers that are asked at the same time. */
const AT_ONCE = 8;

interface InitOptions {
  readonly settings: ObserverSettings;
  readonly folder: string;
  /** A Compose file: only its project's containers are taken. */
  readonly compose?: string;
}

/**
 * @returns what to print
 * @throws SentinelError `usage` if the file is there already, or nothing runs that could be watched;
 *   `configuration` if the engine or the Compose file can't be read
 */
export async function init({ settings, folder, compose }: InitOptions): Promise<readonly string[]> {
  const path = join(folder, FILE);
  if (existsSync(path)) throw alreadyThere(path);
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const project = compose === undefined ? undefined : await projectOf(compose, settings, signal);
  const all = await containersOf(settings, signal);
  const chosen = all.filter((one) => project === undefined || one.project === project);
  const running = chosen.filter(({ leftOut }) => leftOut === undefined);
  const leftOut = renderLeftOut(chosen.filter((one) => one.leftOut !== undefined));
  if (running.length === 0) throw nothingRuns(project, leftOut);
  const suggestions = await askAll(running, signal);
  write(path, renderFile(suggestions, new Date().toISOString().slice(0, 10)));
  const count = suggestions.length === 1 ? "1 service" : `${suggestions.length} services`;
  return [
    ...renderTable(suggestions),
    "",
    ...(leftOut.length > 0 ? [...leftOut, ""] : []),
    `${path} has ${count}. Read it, and remove what Sentinel is not to watch or to restart. Then:`,
    ...(await nextSteps(settings)),
  ];
}

async function askAll(
  containers: readonly FoundContainer[],
  signal: AbortSignal,
): Promise<readonly Suggestion[]> {
  const suggestions: Suggestion[] = [];
  for (let from = 0; from < containers.length; from += AT_ONCE) {
    const some = containers.slice(from, from + AT_ONCE);
    suggestions.push(...(await Promise.all(some.map((one) => askContainer(one, signal)))));
  }
  return suggestions;
}

async function containersOf(
  settings: ObserverSettings,
  signal: AbortSignal,
): Promise<readonly FoundContainer[]> {
  const api = dockerApiOf(settings);
  try {
    return await findContainers(api, hostname(), signal);
  } catch (cause) {
    throw new SentinelError("configuration", `Docker at ${api.shown}: ${messageOf(cause)}`, {
      hint: "Start it, or set DOCKER_HOST to where it listens.",
      cause,
    });
  } finally {
    api.close();
  }
}

async function projectOf(
  composeFile: string,
  settings: ObserverSettings,
  signal: AbortSignal,
): Promise<string> {
  if (!existsSync(composeFile))
    throw new SentinelError("usage", `the Compose file ${composeFile} is not there`, {
      hint: "Write --compose with the path of one, or leave it out for all that runs.",
    });
  try {
    const text = await readProject({ ...dockerOptionsOf(settings), composeFile }, signal);
    return z.object({ name: z.string() }).parse(parseJson(text)).name;
  } catch (cause) {
    throw new SentinelError("configuration", `${composeFile}: ${messageOf(cause)}`, { cause });
  }
}

/** Writes another file and links it: a link never replaces a file, and a reader sees all of it or none. */
function write(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(unfinished, "wx", 0o644);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(unfinished, path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "EEXIST" && existsSync(path)) throw alreadyThere(path);
    throw new SentinelError("usage", `${path} cannot be written (${code})`, {
      hint: "Call sentinel init in a folder that you may write.",
      cause,
    });
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** With a Prometheus that answers it is used; without one Sentinel scrapes by itself. */
async function nextSteps(settings: ObserverSettings): Promise<readonly string[]> {
  const { prometheusUrl, prometheusAccess } = settings;
  const isThere = prometheusUrl !== undefined && (await answers(prometheusUrl, prometheusAccess));
  const isSet = prometheusUrl === undefined;
  const before = isThere || isSet ? "" : "PROMETHEUS_URL=embedded ";
  return [
    `  ${before}sentinel check      # reaches each of them once, and says what can't be judged`,
    `  ${before}sentinel observer   # watches and heals; AUTONOMY=observe only reports`,
  ];
}

async function answers(
  url: string,
  access: ObserverSettings["prometheusAccess"],
): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PROMETHEUS_DEADLINE_MS);
    await prometheusSource({ url, access }).query("time()", signal);
    return true;
  } catch {
    return false;
  }
}

function alreadyThere(path: string): SentinelError {
  return new SentinelError("usage", `${path} is already there, and is left as it is`, {
    hint: "Move it away, or call sentinel init in another folder.",
  });
}

function nothingRuns(project: string | undefined, leftOut: readonly string[]): SentinelError {
  const of = project === undefined ? "" : ` of the Compose project ${project}`;
  const [first] = leftOut;
  const hint = first === undefined ? "" : ` ${first}.`;
  return new SentinelError("usage", `no container${of} runs that could be watched`, {
    hint: `Start what is to be watched (docker compose up -d), then call it again.${hint}`,
  });
}
