/** A Docker that fails, asked by the drivers through a command line that misbehaves. */

import type { ServiceRuntime } from "../../src/core/ports.ts";
import { dockerPlatform } from "../../src/platforms/docker/platform.ts";
import { NO_ENGINE } from "../support/platform-series.ts";
import { fakeCli } from "../support/fake-cli.ts";
import { rule, SERVICE_NAME, START_MS } from "../support/fixtures.ts";
import type { Story } from "../support/story.ts";
import { acting, type Case, curing, SECOND, type Stage } from "./stage.ts";

/** For a busy machine: a command that hangs takes this long, each time. */
const DEADLINE_MS = 700;

interface Inspected {
  readonly Name?: string;
  readonly Id?: string;
  readonly Status?: string;
  readonly Health?: string;
  readonly startedAtMs?: number;
  /** Of its health check; without it there is none. */
  readonly startPeriodMs?: number;
}

/** What `docker container inspect` prints. */
function inspected({
  Name = SERVICE_NAME,
  Id = "0123456789ab",
  Status = "running",
  Health = "healthy",
  startedAtMs = START_MS - 3_600_000,
  startPeriodMs,
}: Inspected = {}): string {
  const StartedAt = new Date(startedAtMs).toISOString();
  return JSON.stringify({
    Id,
    Name: `/${Name}`,
    RestartCount: 0,
    Config: {
      Image: "sentinel:local",
      ...(startPeriodMs !== undefined && { Healthcheck: { StartPeriod: startPeriodMs * 1e6 } }),
    },
    State: { Status, ExitCode: 0, OOMKilled: false, StartedAt, Health: { Status: Health } },
  });
}

/** What a `docker` does for each of the three things that Sentinel asks of it. */
interface Cli {
  readonly inspect?: string;
  readonly logs?: string;
  readonly restart?: string;
}

const says = (text: string) => `printf '%s\\n' '${text}'`;
const complains = (text: string, code: number) => `printf '%s\\n' '${text}' >&2; exit ${code}`;
const script = ({
  inspect = says(inspected()),
  logs = says("2025-01-01T12:00:00Z ready"),
  restart = says(SERVICE_NAME),
}: Cli) => `case "$1" in
  container) ${inspect} ;;
  logs) ${logs} ;;
  restart) ${restart} ;;
esac`;

/** The whole command line fails in that way, and is well before and after. */
async function cliOf(stage: Stage, failing: Cli | undefined): Promise<Partial<Story>> {
  const good = stage.resources.use(await fakeCli({ docker: script({}) }));
  const scripts = failing === undefined ? {} : { docker: script(failing) };
  const bad = stage.resources.use(await fakeCli(scripts));
  const now = () => ({ env: (stage.fails() ? bad : good).env, deadlineMs: DEADLINE_MS });
  const docker = () => dockerPlatform({ ...now(), composeFile: "compose.yaml" }, NO_ENGINE);
  const platform: ServiceRuntime = {
    name: "docker",
    inspect: (...asked) => docker().inspect(...asked),
    logs: (...asked) => docker().logs(...asked),
    async act(action, signal) {
      if (action.argv[1] === "compose") return await curing(stage)(action, signal);
      const outcome = await docker().act(action, signal);
      stage.clock.pass(2 * SECOND);
      if (outcome.kind === "succeeded") stage.cure();
      return outcome;
    },
  };
  return { serviceContext: () => ({ platform }) };
}

const cli =
  (failing: Cli | undefined): Case["build"] =>
  (stage) =>
    cliOf(stage, failing);

/** One incident that is not judged at each cooldown, and a restart that heals once Docker is back. */
const NOT_JUDGED = {
  fails: [8, 120],
  runs: [["docker-restart", 133]],
  ends: ["skipped container_unknown", "skipped container_unknown", "acted healed"],
  told: {},
} as const;

const unknown = (failing: Cli | undefined): Case => ({
  right: "whether the container is the one that was measured is not known, so nothing is run",
  build: cli(failing),
  ...NOT_JUDGED,
});

/** The command fails, and so does the service go on being sick: no second try. */
const commandFails = (restart: string): Case => ({
  right: "the command failed and the alert goes on: not healed, and not tried again",
  build: cli({ restart }),
  runs: [["docker-restart", 11]],
  ends: ["acted not_healed"],
  told: {},
});

const logsFail = (logs: string): Case => ({
  right: "logs are a help, not a condition",
  build: cli({ logs }),
  runs: [["docker-restart", 11]],
  ends: ["acted healed"],
  told: {},
});

const noSuch = complains(`Error response from daemon: No such container: ${SERVICE_NAME}`, 1);
const daemonDown = complains(
  "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
  1,
);

/** Something about the container changes after it was looked at, while a model thinks. */
const whileThinking = (state: Inspected, reason: string): Case => ({
  right: "what was diagnosed is not what is there now, so it is looked at anew, after the cooldown",
  fails: [10.5, 60],
  build: cli({ inspect: says(inspected(state)) }),
  runs: [["docker-restart", 72]],
  ends: [`skipped ${reason}`, "acted healed"],
  told: {},
});

/** Between the poll that sees the alert for the first time, and the one at which it fires. */
const restartedAt =
  (second: number): Case["build"] =>
  async (stage) => ({
    ...(await cliOf(stage, {
      inspect: says(inspected({ startedAtMs: START_MS + second * SECOND })),
    })),
    rules: [rule({ forMs: 5 * SECOND })],
  });

const suppressed = (state: Inspected, right: string): Case => ({
  right,
  build: cli({ inspect: says(inspected(state)) }),
  runs: [["docker-restart", 201]],
  ends: ["acted healed"],
  told: { left_alone: 1 },
});

export const DOCKER = {
  "the docker command is missing": unknown(undefined),
  "the docker command hangs": {
    ...unknown({ inspect: "sleep 60", logs: "sleep 60", restart: "sleep 60" }),
    fails: [8, 60],
    runs: [["docker-restart", 72]],
    ends: ["skipped container_unknown", "acted healed"],
  },
  "the Docker daemon is down": unknown({
    inspect: daemonDown,
    logs: daemonDown,
    restart: daemonDown,
  }),
  "the Docker daemon goes down while a model thinks": {
    ...unknown({ inspect: daemonDown, logs: daemonDown, restart: daemonDown }),
    fails: [10.5, 60],
    runs: [["docker-restart", 72]],
    ends: ["skipped container_unknown", "acted healed"],
  },
  "permission to the Docker daemon is denied": unknown({
    inspect: complains("permission denied while trying to connect to the Docker daemon socket", 1),
  }),
  "the container was renamed": unknown({ inspect: noSuch, logs: noSuch, restart: noSuch }),
  "the name is the beginning of another container's id": unknown({
    inspect: says(inspected({ Name: "another" })),
  }),
  "the container was removed": {
    right: "Docker says that there is none, and Compose can make it anew",
    build: async (stage) => {
      const { serviceContext } = await cliOf(stage, {
        inspect: noSuch,
        logs: noSuch,
        restart: noSuch,
      });
      const permits = ["docker-restart", "compose-service-up"] as const;
      return {
        rules: [rule({ alert: "TargetDown", permits })],
        // The playbook answers.
        diagnosers: () => [],
        serviceContext: (clock) => ({
          ...serviceContext?.(clock),
          checkHealth: async () => ({ ok: !stage.isSick(), message: "" }),
        }),
      };
    },
    runs: [["compose-service-up", 10]],
    ends: ["acted healed"],
    told: {},
  },
  "the container is replaced while a model thinks": whileThinking(
    { Id: "another" },
    "container_replaced",
  ),
  "somebody restarts the container while a model thinks": whileThinking(
    { startedAtMs: START_MS + 10_500 },
    "container_replaced",
  ),
  "somebody pauses the container while a model thinks": whileThinking(
    { Status: "paused" },
    "container_replaced",
  ),
  "somebody has just restarted the container": {
    right: "the rates still look back on the run before, and the restart has cured it already",
    build: restartedAt(12),
    curedAt: 30,
    runs: [],
    ends: [],
    told: { left_alone: 1 },
  },
  "somebody has restarted the container in vain": {
    right: "once the rates speak of the new run alone, they are believed",
    build: restartedAt(12),
    runs: [["docker-restart", 36]],
    ends: ["acted healed"],
    told: { left_alone: 1 },
  },
  "the container is paused": suppressed({ Status: "paused" }, "somebody wants it to stand still"),
  "Docker waits to restart the container": suppressed(
    { Status: "restarting" },
    "its engine starts it again by itself; a crash loop is another alert",
  ),
  "the container's health is starting": suppressed(
    { Health: "starting", startedAtMs: START_MS, startPeriodMs: 60 * SECOND },
    "what still starts is not judged, for its start period and all retries of its check",
  ),
  "inspect answers garbage": unknown({ inspect: says("<html>Sign in</html>") }),
  "inspect answers nothing": unknown({ inspect: "exit 0" }),
  "inspect ends with 125": unknown({ inspect: complains("unknown flag", 125) }),
  "inspect is killed": unknown({ inspect: "kill -9 $$" }),
  "logs hang": logsFail("sleep 60"),
  "logs never end": logsFail("exec yes a line"),
  "logs are binary": logsFail("head -c 300000 /dev/urandom"),
  "logs fail": logsFail(complains("configured logging driver does not support reading", 1)),
  "the restart ends with 125": commandFails(complains("Error response from daemon", 125)),
  "the restart ends with 126": commandFails(complains("OCI runtime: permission denied", 126)),
  "the restart ends with 127": commandFails(complains("OCI runtime: not found", 127)),
  "the restart ends with 137": commandFails("exit 137"),
  "the restart is killed": commandFails("kill -9 $$"),
  "the restart hangs": commandFails("sleep 60"),
  "the restart succeeds, and the service stays down": {
    right: "it was well before and is not now, so that a person has to say that it may go on",
    build: (stage) => ({
      serviceContext: () => ({
        platform: { act: acting(stage, { kind: "succeeded" }, { cures: () => false }) },
        checkHealth: async () => ({
          ok: stage.clock.elapsedMs < 11 * SECOND || !stage.isSick(),
          message: "",
        }),
      }),
    }),
    runs: [["docker-restart", 11]],
    ends: ["acted not_healed, worse"],
    told: { automation_ended: 1 },
    after: { runs: [], ends: ["held expired"] },
  },
} satisfies Record<string, Case>;
