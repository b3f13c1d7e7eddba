/** `docker compose`, or `docker-compose` where only that exists. */

import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { AllowedAction } from "../../allowlist.ts";
import { STOP_TIMEOUT_MS } from "../../core/stop-timeout.ts";
import type { Outcome } from "../../core/model.ts";
import type { Platform } from "../../core/ports.ts";
import { notStarted, withRemedy } from "./docker.ts";
import { childEnvironment, type Environment, lastLine, runCommand } from "../run-command.ts";

/** Beyond the time that the service has to stop: Compose stops the containers of a project at the same time. */
const ACTION_MARGIN_MS = 110_000;
const PROBE_DEADLINE_MS = 10_000;

/** What Compose looks for in a folder, in this order. */
const DEFAULT_NAMES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDE_NAMES = [
  "compose.override.yml",
  "compose.override.yaml",
  "docker-compose.override.yml",
  "docker-compose.override.yaml",
];

/** A project comes with the environment of all its services. */
const MAX_PROJECT_BYTES = 8 * 1024 * 1024;

export interface ComposeOptions {
  /** The project's file; commands run in its folder, from which Compose takes the project's name. */
  readonly composeFile: string;
  /** Default: 110 s more than the service has to stop. */
  readonly deadlineMs?: number;
  /** Default: this process's environment. */
  readonly env?: Environment;
}

/** How Compose is called on this machine. */
interface Program {
  readonly argv: readonly ["docker", "compose"] | readonly ["docker-compose"];
  /** Version 1, whose restart acts on nothing but what is named, and has no `--no-deps`. */
  readonly isFirst: boolean;
}

/** Runs what Compose does, on one service or on a whole project. */
export function composeActions(options: ComposeOptions): Platform["act"] {
  const composeFile = resolve(options.composeFile);
  // Looked up when first needed; a failure is not kept, for Compose may be installed meanwhile.
  let known: Program | undefined;

  return async (action, signal, stopTimeoutMs = STOP_TIMEOUT_MS) => {
    const deadlineMs = options.deadlineMs ?? stopTimeoutMs + ACTION_MARGIN_MS;
    if (action.touchesOthers && !existsSync(composeFile))
      return notStarted(
        action.argv,
        `the Compose file ${composeFile} does not exist; set COMPOSE_FILE to the one that runs the service`,
      );
    const { cwd, env } = action.touchesOthers
      ? { cwd: dirname(composeFile), env: projectEnvironment(composeFile, options.env) }
      : { cwd: "/", env: serviceEnvironment(options.env) };
    if (known === undefined) {
      const found = await findCompose({ argv: action.argv, env }, signal);
      if ("kind" in found) return found;
      known = found.program;
    }
    const argv = argvFor(known, action);
    return withUpdate(withRemedy(await runCommand(argv, { cwd, env, deadlineMs }, signal)));
  };
}

function argvFor({ argv, isFirst }: Program, action: AllowedAction): readonly string[] {
  const rest = action.argv.slice(2);
  const isUnknown = (word: string) =>
    isFirst && action.id === "compose-service-restart" && word === "--no-deps";
  return [...argv, ...rest.filter((word) => !isUnknown(word))];
}

/** Before 2.17 a restart acts on other services as well, and can't be told not to. */
function withUpdate(outcome: Outcome): Outcome {
  if (outcome.kind !== "failed" || !/unknown flag: --no-deps/.test(outcome.output)) return outcome;
  const remedy = "update Compose to 2.17 or later, which can restart one service alone";
  return { ...outcome, output: `${outcome.output.trimEnd()}; ${remedy}` };
}

/**
 * The environment for a command that names its project and its files. A variable, or the project's `.env`,
 * may ask Compose to remove what the files no longer have: those are other services.
 */
function serviceEnvironment(from: Environment | undefined): Environment {
  const { COMPOSE_FILE: _file, COMPOSE_ENV_FILES: _envFiles, ...env } = childEnvironment(from);
  return { ...env, COMPOSE_REMOVE_ORPHANS: "false" };
}

/**
 * The environment in which Compose, run in the file's folder, takes exactly this file. A name that
 * it finds by itself is not set: with COMPOSE_FILE it would leave out `compose.override.yaml`.
 */
function projectEnvironment(composeFile: string, from: Environment | undefined): Environment {
  const folder = dirname(composeFile);
  const found = DEFAULT_NAMES.find((name) => existsSync(join(folder, name)));
  // An inherited value is relative to our working folder, and Compose runs in another.
  const { COMPOSE_FILE: _inherited, ...env } = childEnvironment(from);
  return found === basename(composeFile) ? env : { ...env, COMPOSE_FILE: composeFile };
}

interface Probe {
  /** The command that the outcome names if nothing is found. */
  readonly argv: readonly string[];
  readonly env: Environment;
}

/**
 * The project of the Compose file as Compose reads it, as JSON: its name and its services.
 *
 * @throws Error that says what to do, on one line
 */
export async function readProject(
  { composeFile, env: given }: ComposeOptions,
  signal: AbortSignal,
): Promise<string> {
  const path = resolve(composeFile);
  const env = projectEnvironment(path, given);
  const found = await findCompose({ argv: [], env }, signal);
  if ("kind" in found) throw new Error(found.output);
  const argv = [...found.program.argv, "config", "--format", "json"];
  const options = {
    cwd: dirname(path),
    env,
    deadlineMs: PROBE_DEADLINE_MS,
    maxOutputBytes: MAX_PROJECT_BYTES,
  };
  const result = await runCommand(argv, options, signal);
  if (result.kind === "succeeded") return result.stdout;
  throw new Error(lastLine(result.stderr) || `\`${argv.join(" ")}\` ${result.kind}`);
}

/** The Compose file and, where Compose reads that as well, its override; absolute paths. */
export function projectFiles(composeFile: string): readonly string[] {
  const path = resolve(composeFile);
  const folder = dirname(path);
  const exists = (name: string) => existsSync(join(folder, name));
  const override = OVERRIDE_NAMES.find(exists);
  const isDefault = DEFAULT_NAMES.find(exists) === basename(path);
  return isDefault && override !== undefined ? [path, join(folder, override)] : [path];
}

async function findCompose(
  { argv, env }: Probe,
  signal: AbortSignal,
): Promise<{ readonly program: Program } | Outcome> {
  const options = { env, deadlineMs: PROBE_DEADLINE_MS };
  const plugin = await runCommand(["docker", "compose", "version"], options, signal);
  // Without the plugin, an old `docker` prints its help and may still exit with 0.
  if (plugin.kind === "succeeded" && /version/i.test(lastLine(plugin.stdout)))
    return { program: { argv: ["docker", "compose"], isFirst: false } };
  const standalone = await runCommand(["docker-compose", "version"], options, signal);
  if (standalone.kind === "succeeded") {
    const isFirst = /docker-compose version 1\./.test(standalone.stdout);
    return { program: { argv: ["docker-compose"], isFirst } };
  }
  if (signal.aborted) return { ...notStarted(argv, ""), kind: "cancelled" };
  return notStarted(
    argv,
    `neither \`docker compose\` (${lastLine(plugin.output) || plugin.kind}) nor \`docker-compose\` works here; install the Compose plugin: https://docs.docker.com/compose/install/`,
  );
}
