/** The `docker` command line: restarts a container, and tells of it. */

import { z } from "zod";
import { type ExecutorName, isServiceName } from "../allowlist.ts";
import { parseJson } from "../core/json.ts";
import type { ContainerState, Outcome } from "../core/model.ts";
import type { ContainerRuntime, Executor } from "../core/ports.ts";
import { mergeLogs } from "./docker-logs.ts";
import { type CommandResult, type Environment, lastLine, outcomeOf, runCommand } from "./spawn.ts";

/** `docker restart` waits 10 s for the container to stop before it kills it. */
const ACTION_DEADLINE_MS = 60_000;

const QUESTION_DEADLINE_MS = 10_000;

/** Docker splits what a container writes into pieces of 16 KiB; 50 of them are 800 KiB. */
const MAX_READ_BYTES = 1024 * 1024;

export interface DockerOptions {
  /** Default: 60 s for an action, 10 s for a question. */
  readonly deadlineMs?: number;
  /** Default: this process's environment. */
  readonly env?: Environment;
}

/** Runs the actions of the executor `docker`. */
export function dockerExecutor(options: DockerOptions = {}): Executor {
  const { deadlineMs = ACTION_DEADLINE_MS, env } = options;
  return {
    name: "docker",
    async run(action, signal) {
      const refusal = refuseOther("docker", action);
      if (refusal) return refusal;
      const result = await runCommand(action.argv, { deadlineMs, ...envOption(env) }, signal);
      return withRemedy(result);
    },
  };
}

/** What the engine knows of containers. */
export function dockerRuntime(options: DockerOptions = {}): ContainerRuntime {
  return {
    async inspect(container, signal) {
      requireName(container);
      const argv = ["docker", "container", "inspect", "--format", "{{json .}}", "--", container];
      const result = await ask(argv, options, signal);
      if (isMissing(result)) return undefined;
      return parseState(requireSuccess(result).stdout, container);
    },

    async logs(container, lines, signal) {
      requireName(container);
      const tail = ["--tail", String(lines), "--timestamps"];
      const result = await ask(["docker", "logs", ...tail, "--", container], options, signal);
      if (isMissing(result)) throw new Error(`there is no container ${container}`);
      return mergeLogs(requireSuccess(result), lines);
    },
  };
}

/**
 * The engine's version, if the engine can be reached.
 *
 * @throws Error that says what to do, on one line
 */
export async function reachDocker(
  signal: AbortSignal,
  options: DockerOptions = {},
): Promise<string> {
  const argv = ["docker", "version", "--format", "{{.Server.Version}}"];
  return requireSuccess(await ask(argv, options, signal)).stdout.trim();
}

/** What a person can do about a failed `docker` command; `undefined` if its own text says it all. */
export function dockerRemedy({
  kind,
  output,
}: Pick<Outcome, "kind" | "output">): string | undefined {
  if (kind === "not_started" && output.endsWith("is not on the PATH"))
    return "install the Docker CLI: https://docs.docker.com/engine/install/";
  if (/permission denied while trying to connect/i.test(output))
    return "add this user to the docker group (`sudo usermod -aG docker $USER`, then log in again), or choose a context that works with `docker context use`";
  if (
    /cannot connect to the docker daemon|failed to connect to the docker api|error during connect/i.test(
      output,
    )
  )
    return "start the Docker engine (`sudo systemctl start docker`, or Docker Desktop), or correct DOCKER_HOST";
  return undefined;
}

/** The outcome, with the remedy as the last line of its output where there is one. */
export function withRemedy(result: CommandResult): Outcome {
  const outcome = outcomeOf(result);
  const remedy = outcome.kind === "succeeded" ? undefined : dockerRemedy(outcome);
  if (remedy === undefined) return outcome;
  return { ...outcome, output: `${outcome.output.trimEnd()}; ${remedy}` };
}

/** The outcome of an action that was handed to the wrong executor: nothing runs. */
export function refuseOther(
  name: ExecutorName,
  action: { readonly executor: ExecutorName; readonly argv: readonly string[] },
): Outcome | undefined {
  if (action.executor === name) return undefined;
  return notStarted(action.argv, `the executor ${name} does not run actions of ${action.executor}`);
}

export function notStarted(argv: readonly string[], output: string): Outcome {
  return { kind: "not_started", argv, exitCode: undefined, output, durationMs: 0 };
}

/** `exactOptionalPropertyTypes`: an absent environment is no key at all. */
export function envOption(env: Environment | undefined): { readonly env?: Environment } {
  return env === undefined ? {} : { env };
}

function ask(
  argv: readonly string[],
  { deadlineMs = QUESTION_DEADLINE_MS, env }: DockerOptions,
  signal: AbortSignal,
): Promise<CommandResult> {
  const options = { deadlineMs, maxOutputBytes: MAX_READ_BYTES, ...envOption(env) };
  return runCommand(argv, options, signal);
}

function requireName(container: string): void {
  if (!isServiceName(container))
    throw new RangeError(`${JSON.stringify(container)} is not a name that Docker gives`);
}

function isMissing({ kind, stderr }: CommandResult): boolean {
  return kind === "failed" && /no such (container|object)/i.test(stderr);
}

function requireSuccess(result: CommandResult): CommandResult {
  if (result.kind === "succeeded") return result;
  throw new Error(complaint(result));
}

function complaint(result: CommandResult): string {
  const command = result.argv.slice(0, 2).join(" ");
  if (result.kind === "cancelled") return `\`${command}\` was cancelled`;
  if (result.kind === "timed_out") {
    const seconds = Math.round(result.durationMs / 100) / 10;
    return `\`${command}\` did not answer within ${seconds} s; if \`docker info\` hangs too, restart the Docker engine`;
  }
  const said = lastLine(result.stderr) || lastLine(result.output);
  const remedy = dockerRemedy(result);
  const what = said || `\`${command}\` ended with exit code ${result.exitCode}`;
  return remedy === undefined ? what : `${what}; ${remedy}`;
}

/** The few fields that are needed of the engine's `ContainerJSON`. */
const NANOSECONDS_PER_MS = 1e6;

const inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  RestartCount: z.number(),
  Config: z.object({
    Image: z.string(),
    Healthcheck: z.object({ StartPeriod: z.number().optional() }).nullish(),
    // In seconds; absent unless it was set, and -1 for no end.
    StopTimeout: z.number().nullish(),
  }),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
    // Absent without a health check; Podman writes null or an empty status.
    Health: z.object({ Status: z.string() }).nullish(),
  }),
});

function parseState(json: string, container: string): ContainerState | undefined {
  const parsed = inspected.safeParse(parseJson(json));
  if (!parsed.success)
    throw new Error(
      `\`docker container inspect\` answered in an unknown form (${z.prettifyError(parsed.error).split("\n", 1)[0]}); is \`docker\` a Docker CLI?`,
    );
  const { Id, Name, RestartCount, Config, State } = parsed.data;
  // Docker also takes the beginning of an id for a name: that is another container.
  if (Name.replace(/^\//, "") !== container) return undefined;
  const startedAtMs = Date.parse(State.StartedAt);
  const stopTimeoutS = Config.StopTimeout ?? -1;
  return {
    status: State.Status,
    health: State.Health?.Status || "none",
    exitCode: State.ExitCode,
    oomKilled: State.OOMKilled,
    restartCount: RestartCount,
    // Year 1: it has never been started.
    startedAtMs: startedAtMs > 0 ? startedAtMs : undefined,
    startPeriodMs: (Config.Healthcheck?.StartPeriod ?? 0) / NANOSECONDS_PER_MS,
    ...(stopTimeoutS >= 0 && { stopTimeoutMs: stopTimeoutS * 1000 }),
    containerId: Id,
    image: Config.Image,
  };
}
