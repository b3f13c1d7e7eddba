/** `docker compose`, or `docker-compose` where only that exists. */

import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { STOP_TIMEOUT_MS } from "../core/lifecycle.ts";
import type { Outcome } from "../core/model.ts";
import type { Executor } from "../core/ports.ts";
import { notStarted, refuseOther, withRemedy } from "./docker.ts";
import { childEnvironment, type Environment, lastLine, runCommand } from "./spawn.ts";

/** Beyond the time that the service has to stop: Compose stops the containers of a project at the same time. */
const ACTION_MARGIN_MS = 110_000;
const PROBE_DEADLINE_MS = 10_000;

/** What Compose looks for in a folder, in this order. */
const DEFAULT_NAMES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

export interface ComposeOptions {
  /** The project's file; commands run in its folder, from which Compose takes the project's name. */
  readonly composeFile: string;
  /** Default: 110 s more than the service has to stop. */
  readonly deadlineMs?: number;
  /** Default: this process's environment. */
  readonly env?: Environment;
}

/** How Compose is called on this machine. */
type Program = readonly ["docker", "compose"] | readonly ["docker-compose"];

/** Runs the actions of the executor `compose`. */
export function composeExecutor(options: ComposeOptions): Executor {
  const composeFile = resolve(options.composeFile);
  // Looked up when first needed; a failure is not kept, for Compose may be installed meanwhile.
  let known: Program | undefined;

  return {
    name: "compose",
    async run(action, signal, stopTimeoutMs = STOP_TIMEOUT_MS) {
      const refusal = refuseOther("compose", action);
      if (refusal) return refusal;
      const deadlineMs = options.deadlineMs ?? stopTimeoutMs + ACTION_MARGIN_MS;
      if (!existsSync(composeFile))
        return notStarted(
          action.argv,
          `the Compose file ${composeFile} does not exist; set COMPOSE_FILE to the one that runs the service`,
        );
      const env = projectEnvironment(composeFile, options.env);
      if (known === undefined) {
        const found = await findCompose({ argv: action.argv, env }, signal);
        if ("kind" in found) return found;
        known = found.program;
      }
      const argv = [...known, ...action.argv.slice(2)];
      return withRemedy(
        await runCommand(argv, { cwd: dirname(composeFile), env, deadlineMs }, signal),
      );
    },
  };
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
  /** For the outcome, if nothing is found. */
  readonly argv: readonly string[];
  readonly env: Environment;
}

async function findCompose(
  { argv, env }: Probe,
  signal: AbortSignal,
): Promise<{ readonly program: Program } | Outcome> {
  const options = { env, deadlineMs: PROBE_DEADLINE_MS };
  const plugin = await runCommand(["docker", "compose", "version"], options, signal);
  // Without the plugin, an old `docker` prints its help and may still exit with 0.
  if (plugin.kind === "succeeded" && /version/i.test(lastLine(plugin.stdout)))
    return { program: ["docker", "compose"] };
  const standalone = await runCommand(["docker-compose", "version"], options, signal);
  if (standalone.kind === "succeeded") return { program: ["docker-compose"] };
  if (signal.aborted) return { ...notStarted(argv, ""), kind: "cancelled" };
  return notStarted(
    argv,
    `neither \`docker compose\` (${lastLine(plugin.output) || plugin.kind}) nor \`docker-compose\` works here; install the Compose plugin: https://docs.docker.com/compose/install/`,
  );
}
