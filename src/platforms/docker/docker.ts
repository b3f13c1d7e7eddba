/** The `docker` command line: restarts a container, and reads its state. */

import { z } from "zod";
import { isServiceName, type PlatformName } from "../../allowlist.ts";
import { parseJson } from "../../text/json.ts";
import { MAX_STOP_TIMEOUT_MS, STOP_TIMEOUT_MS } from "../../core/stop-timeout.ts";
import type { ContainerState, Outcome } from "../../core/model.ts";
import { orchestratorOf } from "./orchestrator.ts";
import type { Platform } from "../../core/ports.ts";
import { DEATH_LOG_LINES, readDeaths } from "./deaths.ts";
import { mergeLogs } from "./logs.ts";
import {
  type CommandResult,
  type Environment,
  lastLine,
  outcomeOf,
  askCommand,
  runCommand,
} from "../run-command.ts";

/** What `docker restart` may take beyond the time that it gives the container to stop. */
const ACTION_MARGIN_MS = 50_000;

const QUESTION_DEADLINE_MS = 10_000;

/** Room for the last 2,000 lines, and for pieces of 16 KiB into which Docker splits a long one. */
const MAX_READ_BYTES = 1024 * 1024;

export interface DockerOptions {
  /** Default: 50 s more than the container has to stop for an action, 10 s for a question. */
  readonly deadlineMs?: number;
  /** Default: this process's environment. */
  readonly env?: Environment;
}

/** Runs what names one container. */
export function containerActions(options: DockerOptions): Platform["act"] {
  const { env } = options;
  return async (action, signal, stopTimeoutMs = STOP_TIMEOUT_MS) => {
    const deadlineMs = options.deadlineMs ?? stopTimeoutMs + ACTION_MARGIN_MS;
    return withRemedy(await runCommand(action.argv, { deadlineMs, ...envOption(env) }, signal));
  };
}

/** What the engine knows of containers. */
export function containerReader(
  options: DockerOptions = {},
): Required<Pick<Platform, "inspect" | "logs" | "deaths">> {
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

    async deaths(containerId, signal) {
      requireName(containerId);
      // All that the engine still has, which is its last 256 events, and then no waiting for more.
      const span = ["--since", "1", "--until", "0s"];
      const kinds = ["start", "oom", "die", "stop"].flatMap((kind) => [
        "--filter",
        `event=${kind}`,
      ]);
      const filters = ["--filter", `container=${containerId}`, ...kinds];
      const argv = ["docker", "events", ...span, ...filters, "--format", "{{json .}}"];
      const events = requireSuccess(await ask(argv, options, signal)).stdout;
      const tail = ["--tail", String(DEATH_LOG_LINES), "--timestamps"];
      const logs = await ask(["docker", "logs", ...tail, "--", containerId], options, signal);
      // A log that cannot be read leaves the deaths without their last lines.
      return readDeaths(events, logs.kind === "succeeded" ? logs : { stdout: "", stderr: "" });
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

/** Far more than an engine with 10,000 containers has to say. */
const MAX_LIST_BYTES = 16 * 1024 * 1024;

/**
 * All containers, those that do not run among them.
 *
 * @param template one line in Go's template language
 * @returns a line for each
 * @throws Error that says what to do, on one line
 */
export async function listContainers(
  template: string,
  options: DockerOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const argv = ["docker", "ps", "--all", "--format", template];
  const { stdout } = requireSuccess(
    await ask(argv, { ...options, maxOutputBytes: MAX_LIST_BYTES }, signal),
  );
  return stdout.split("\n").filter((line) => line !== "");
}

/** @throws Error that says what to do, on one line */
export async function readImageLabels(
  image: string,
  options: DockerOptions,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const argv = ["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", "--", image];
  const { stdout } = requireSuccess(await ask(argv, options, signal));
  const parsed = labelsSchema.safeParse(parseJson(stdout));
  if (parsed.success) return parsed.data ?? {};
  throw new Error("`docker image inspect` answered in an unknown form");
}

const labelsSchema = z.record(z.string(), z.string()).nullable();

/** What a person can do about a failed `docker` command; `undefined` if its own text says it all. */
function dockerRemedy({ kind, output }: Pick<Outcome, "kind" | "output">): string | undefined {
  if (kind === "not_started" && output.endsWith("is not on the PATH"))
    return "install the Docker CLI: https://docs.docker.com/engine/install/";
  if (/permission denied while trying to connect/i.test(output))
    return "add this user to the docker group (`sudo usermod -aG docker $USER`, then log in again), or choose a context that works with `docker context use`";
  if (/HTTP request to an HTTPS server/.test(output))
    return "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH";
  if (/unable to connect to podman socket/i.test(output))
    return "`docker` is Podman's command here: start Podman's socket (`systemctl enable --now podman.socket`) and set DOCKER_HOST to it";
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

/** The outcome of an action that was handed to the wrong platform: nothing runs. */
export function refuseOther(
  name: PlatformName,
  action: { readonly platform: PlatformName; readonly argv: readonly string[] },
): Outcome | undefined {
  if (action.platform === name) return undefined;
  return notStarted(action.argv, `the platform ${name} does not run actions of ${action.platform}`);
}

export function notStarted(argv: readonly string[], output: string): Outcome {
  return { kind: "not_started", argv, exitCode: undefined, output, durationMs: 0 };
}

/** `exactOptionalPropertyTypes`: an absent environment is no key at all. */
function envOption(env: Environment | undefined): { readonly env?: Environment } {
  return env === undefined ? {} : { env };
}

interface QuestionOptions extends DockerOptions {
  readonly maxOutputBytes?: number;
}

export function ask(
  argv: readonly string[],
  { deadlineMs = QUESTION_DEADLINE_MS, env, maxOutputBytes = MAX_READ_BYTES }: QuestionOptions,
  signal: AbortSignal,
): Promise<CommandResult> {
  const options = { deadlineMs, maxOutputBytes, ...envOption(env) };
  return askCommand(argv, options, signal);
}

export function requireName(container: string): void {
  if (!isServiceName(container))
    throw new RangeError(`${JSON.stringify(container)} is not a name that Docker gives`);
}

export function isMissing({ kind, stderr }: CommandResult): boolean {
  return kind === "failed" && /no such (container|object)/i.test(stderr);
}

export function requireSuccess(result: CommandResult): CommandResult {
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

const NANOSECONDS_PER_MS = 1e6;

/** Docker's defaults for what a health check leaves out. */
const CHECK_DEFAULTS = { interval: 30e9, timeout: 30e9, retries: 3 };
/** Docker keeps the last five, of 4 KiB each. */
const MAX_CHECKS = 3;
const MAX_CHECK_LENGTH = 500;

/** The few fields that are needed of the engine's `ContainerJSON`. */

const inspected = z.object({
  Id: z.string(),
  Name: z.string(),
  RestartCount: z.number(),
  Config: z.object({
    Image: z.string(),
    // In nanoseconds; 0 or absent for the default.
    Healthcheck: z
      .object({
        Test: z.array(z.string()).nullish(),
        StartPeriod: z.number().optional(),
        Interval: z.number().optional(),
        Timeout: z.number().optional(),
        Retries: z.number().optional(),
      })
      .nullish(),
    // In seconds; absent unless it was set, and -1 for no end.
    StopTimeout: z.number().nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  HostConfig: z
    .object({
      RestartPolicy: z.object({ Name: z.string(), MaximumRetryCount: z.number() }).nullish(),
    })
    .nullish(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
    FinishedAt: z.string().optional(),
    // Absent without a health check; Podman writes null or an empty status.
    Health: z
      .object({
        Status: z.string(),
        Log: z.array(z.object({ ExitCode: z.number(), Output: z.string() })).nullish(),
      })
      .nullish(),
  }),
});

/** Podman's words for states that Docker calls otherwise. */
const STATUS_WORDS: Readonly<Record<string, string>> = {
  configured: "created",
  initialized: "created",
  stopped: "exited",
  stopping: "running",
};

function parseState(json: string, container: string): ContainerState | undefined {
  const answer = parseJson(json);
  // Podman's command answers with a list, whatever the format.
  const parsed = inspected.safeParse(Array.isArray(answer) ? answer[0] : answer);
  if (!parsed.success)
    throw new Error(
      `\`docker container inspect\` answered in an unknown form (${z.prettifyError(parsed.error).split("\n", 1)[0]}); is \`docker\` a Docker CLI?`,
    );
  const { Id, Name, RestartCount, Config, HostConfig, State } = parsed.data;
  // Docker also takes the beginning of an id for a name: that is another container.
  if (Name.replace(/^\//, "") !== container) return undefined;
  const startedAtMs = Date.parse(State.StartedAt);
  const orchestrator = orchestratorOf(Config.Labels ?? {});
  const finishedAtMs = Date.parse(State.FinishedAt ?? "");
  const maxRestarts = HostConfig?.RestartPolicy?.MaximumRetryCount ?? 0;
  return {
    status: STATUS_WORDS[State.Status] ?? State.Status,
    health: State.Health?.Status || "none",
    exitCode: State.ExitCode,
    oomKilled: State.OOMKilled,
    restartCount: RestartCount,
    // The year 1 stands for a container that was never started.
    startedAtMs: startedAtMs > 0 ? startedAtMs : undefined,
    ...(finishedAtMs > 0 && { finishedAtMs }),
    ...(maxRestarts > 0 && { maxRestarts }),
    startPeriodMs: (Config.Healthcheck?.StartPeriod ?? 0) / NANOSECONDS_PER_MS,
    ...checksOf(Config.Healthcheck, State.Health?.Log),
    ...(Config.StopTimeout != null && { stopTimeoutMs: stopTimeoutMs(Config.StopTimeout) }),
    ...(orchestrator !== undefined && { orchestrator }),
    containerId: Id,
    image: Config.Image,
  };
}

type Inspected = z.output<typeof inspected>;

function checksOf(
  check: Inspected["Config"]["Healthcheck"],
  log: NonNullable<Inspected["State"]["Health"]>["Log"],
): Pick<ContainerState, "retriesMs" | "checks"> {
  // `NONE` takes away the check of the image.
  if (check == null || check.Test?.[0] === "NONE") return {};
  const { interval, timeout, retries } = CHECK_DEFAULTS;
  const eachNs = (check.Interval || interval) + (check.Timeout || timeout);
  const checks = (log ?? []).slice(-MAX_CHECKS).map(({ ExitCode, Output }) => ({
    exitCode: ExitCode,
    output: Output.slice(0, MAX_CHECK_LENGTH),
  }));
  return {
    retriesMs: ((check.Retries || retries) * eachNs) / NANOSECONDS_PER_MS,
    ...(checks.length > 0 && { checks }),
  };
}

/** -1 stands for no limit: then the longest wait applies. */
function stopTimeoutMs(seconds: number): number {
  const timeoutMs = seconds * 1000;
  return timeoutMs < 0 ? MAX_STOP_TIMEOUT_MS : Math.min(timeoutMs, MAX_STOP_TIMEOUT_MS);
}
