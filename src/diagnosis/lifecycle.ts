/** What a container's own life says of it: it starts, dies, is started again by its engine, or was stopped. Pure. */

import type {
  Alert,
  CheckResult,
  ContainerState,
  DecisionReason,
  RestartLoop,
} from "../core/model.ts";
import {
  CONTAINER_DOWN_ALERT,
  CONTAINER_UNHEALTHY_ALERT,
  CRASH_LOOP_ALERT,
  MAX_STARTS,
} from "../rules/rules.ts";
import { PROBE_FAILING_ALERT } from "../rules/probe-rules.ts";

/** How a container was found at one moment. */
interface Look {
  readonly atMs: number;
  readonly containerId: string;
  readonly restartCount: number;
  /** It was in a restart loop then. */
  readonly isLoop: boolean;
}

/** What has been seen of one service's container, and since when it is looked at. */
export interface ContainerHistory {
  /** Oldest first. */
  readonly looks: readonly Look[];
  readonly sinceMs: number;
}

/** As far back as the rules of a crash loop look. */
const LOOP_WINDOW_MS = 10 * 60_000;

/** A run that was shorter, or is so far, is no proof that a restart by the engine has cured it. */
const SETTLED_MS = 60_000;

/** The status that Docker has for a container between its death and the restart by its engine. */
const RESTARTING = "restarting";

/** Whether it neither runs nor is about to be started by its engine. */
export function hasEnded({ status }: ContainerState): boolean {
  return status === "exited" || status === "dead";
}

/** One who says that a service takes an hour to start may be believed; one who says a day is mistaken. */
const MAX_START_PERIOD_MS = 3_600_000;
/** Of Docker's own defaults: three times 30 s and a timeout of 30 s. */
const DEFAULT_RETRIES_MS = 180_000;
/** A health check with a longer interval has said nothing for so long that the rest of the evidence counts. */
const MAX_RETRIES_MS = 5 * 60_000;

/** Alerts of a container that has ended for which it counts whether somebody stopped it. */
const TELLS_OF_ENDS = [CONTAINER_DOWN_ALERT, PROBE_FAILING_ALERT];

/** What `docker stop` leaves behind of a process that ends by itself when it is told to. */
const CLEAN_EXIT = 0;

/**
 * Whether the container's engine starts it again and again by itself, by the engine's own count: what
 * Sentinel restarts is not in it, and a restart by anybody else begins it anew.
 */
export function restartLoop(
  container: ContainerState,
  { looks }: Pick<ContainerHistory, "looks">,
  nowMs: number,
): RestartLoop | undefined {
  const { restartCount, maxRestarts, containerId } = container;
  const isGivenUp = hasEnded(container) && maxRestarts !== undefined && restartCount >= maxRestarts;
  const before = looks.filter(
    (look) => look.containerId === containerId && Math.abs(nowMs - look.atMs) <= LOOP_WINDOW_MS,
  );
  const grown = growth([...before.map((look) => look.restartCount), restartCount]);
  if (grown > MAX_STARTS) return { restarts: grown, isGivenUp };
  // It does not end with the moment in which the next run looks well.
  const wasLoop = before.some((look) => look.isLoop && look.restartCount <= restartCount);
  // Where nobody looked before, its count may be of months, unless it has just died of the same again.
  const isShort = lastRunMs(container) < SETTLED_MS;
  if (wasLoop || (isShort && (isGivenUp || restartCount > MAX_STARTS)))
    return { restarts: restartCount, isGivenUp };
  return undefined;
}

/** By how much a count of restarts has grown. One that falls was set back to 0: somebody else started it. */
function growth(counts: readonly number[]): number {
  return counts.slice(1).reduce((sum, count, index) => {
    const before = counts[index] ?? 0;
    return sum + (count < before ? count : count - before);
  }, 0);
}

/** Infinity while it runs, or if that is not told. */
function lastRunMs(container: ContainerState): number {
  const { status, startedAtMs, finishedAtMs } = container;
  if (status !== RESTARTING && !hasEnded(container)) return Infinity;
  if (startedAtMs === undefined || finishedAtMs === undefined) return Infinity;
  // A process that dies at once has ended before its engine has noted that it was started.
  return Math.max(finishedAtMs - startedAtMs, 0);
}

/** When, at what, and what is known from before. */
interface Judging {
  readonly alert: Alert;
  /** The range of the rules' rates. */
  readonly windowMs: number;
  readonly nowMs: number;
  readonly history: ContainerHistory;
}

/**
 * Why a container says nothing of its service now; `undefined` if it does. One that starts looks as sick as
 * one that is broken, and one that somebody stopped as dead as one that died.
 */
export function whyNotYet(container: ContainerState, judging: Judging): string | undefined {
  const { alert, nowMs, history } = judging;
  const { status } = container;
  const { alert: name } = alert.rule;
  // What somebody wants to stand still, or is being backed up.
  if (status === "paused") return "its container is paused; docker unpause lets it go on";
  const isDown = TELLS_OF_ENDS.includes(name) && hasEnded(container);
  if (isDown && container.wasStopped === true)
    return "somebody stopped it; docker start lets it go on";
  // It permits nothing, and what it tells of is just that the container never settles.
  if (name === CRASH_LOOP_ALERT || restartLoop(container, history, nowMs)) return undefined;
  if (isDown) return whyNotMissed(container, history);
  const { restartCount } = container;
  const times = `${restartCount} ${restartCount === 1 ? "time" : "times"} so far`;
  if (status === RESTARTING) return `its engine restarts it by itself, ${times}`;
  if (status !== "running") return undefined;
  const ageMs = ageOf(container, nowMs);
  if (restartCount > 0 && ageMs >= 0 && ageMs < SETTLED_MS)
    return `its engine has just restarted it by itself, ${times}`;
  return isStarting(container, judging) ? "its container is still starting" : undefined;
}

function isStarting(container: ContainerState, { alert, windowMs, nowMs }: Judging): boolean {
  const ageMs = ageOf(container, nowMs);
  // Below 0 the clock was put back, and says nothing of its age.
  const isYounger = (thanMs: number) => ageMs < thanMs;
  if (container.health === "starting" && isYounger(startingForMs(container))) return true;
  // Rates look back on the whole window: a restart since the alert began is not seen yet.
  const hasStartedSince = ageMs < nowMs - (alert.activeAtMs ?? nowMs);
  return ageMs >= 0 && hasStartedSince && isYounger(windowMs);
}

/**
 * How long `starting` is believed: the start period and all retries of the check. A check that takes longer
 * to say anything is not waited for: then the rest of the evidence is judged.
 */
export function startingForMs({
  startPeriodMs,
  retriesMs = DEFAULT_RETRIES_MS,
}: ContainerState): number {
  return Math.min(startPeriodMs, MAX_START_PERIOD_MS) + Math.min(retriesMs, MAX_RETRIES_MS);
}

function ageOf({ startedAtMs }: ContainerState, nowMs: number): number {
  return startedAtMs === undefined ? Infinity : nowMs - startedAtMs;
}

/** Of a container that has ended: that nobody misses it, as far as that can be told. */
function whyNotMissed(
  { wasStopped, exitCode, finishedAtMs }: ContainerState,
  { sinceMs }: ContainerHistory,
): string | undefined {
  if (exitCode === CLEAN_EXIT) return "it ended by itself with exit code 0; docker start starts it";
  // Engines forget what happened; what it was is only asked about where Sentinel was there.
  if (wasStopped === undefined && (finishedAtMs ?? 0) < sinceMs)
    return `it had ended before Sentinel began, with exit code ${exitCode}; docker start starts it`;
  return undefined;
}

/** Why what is wrong with the container is a person's, whatever is proposed; `undefined` if it is not. */
export function whyAPerson(
  container: ContainerState,
  { alert, nowMs, history }: Omit<Judging, "windowMs">,
): ContainerReason | undefined {
  if (container.orchestrator !== undefined) return "managed_by_orchestrator";
  if (restartLoop(container, history, nowMs)) return "crash_loop";
  const { alert: name } = alert.rule;
  if (name === CONTAINER_UNHEALTHY_ALERT && isCheckBroken(container.checks))
    return "health_check_broken";
  // It ended with a code that a stop leaves as well, and its engine does not tell any more which it was.
  if (TELLS_OF_ENDS.includes(name) && hasEnded(container))
    return container.wasStopped === undefined ? "perhaps_stopped_on_purpose" : undefined;
  return undefined;
}

export type ContainerReason = Extract<
  DecisionReason,
  "crash_loop" | "health_check_broken" | "managed_by_orchestrator" | "perhaps_stopped_on_purpose"
>;

/** What a shell answers if it cannot run a program, or finds none. */
const NOT_RUN: readonly number[] = [126, 127];
/** What the engine says if it cannot run the program itself. */
const NOT_RUN_TEXT = /executable file not found|exec failed|no such file or directory/i;
/** A shell of the check that goes on, such as `curl -f localhost || exit 1` where there is no curl. */
const NOT_FOUND_TEXT =
  /^(?:\/\S*\/)?(?:ba|da|a|k|z)?sh: (?:(?:line )?\d+: )?[^:\s]+: (?:command )?not found$/m;

/** Whether a health check fails because it cannot be run: then it says nothing of the service. */
export function isCheckBroken(checks: readonly CheckResult[] = []): boolean {
  const failed = checks.filter(({ exitCode }) => exitCode !== 0);
  if (failed.length === 0 || failed.length < checks.length) return false;
  return failed.every(
    ({ exitCode, output }) =>
      NOT_RUN.includes(exitCode) ||
      (exitCode < 0 && NOT_RUN_TEXT.test(output)) ||
      NOT_FOUND_TEXT.test(output.trimEnd()),
  );
}

/** The history with one look more; what is older than the window is forgotten. */
export function withLook(
  history: ContainerHistory,
  container: ContainerState,
  nowMs: number,
): ContainerHistory {
  const { containerId, restartCount } = container;
  const last = history.looks.at(-1);
  const isLoop = restartLoop(container, history, nowMs) !== undefined;
  const isSame = last?.containerId === containerId && last.restartCount === restartCount;
  const before = isSame ? history.looks.slice(0, -1) : history.looks;
  const recent = before.filter(({ atMs }) => Math.abs(nowMs - atMs) <= LOOP_WINDOW_MS);
  const looks = [...recent, { atMs: nowMs, containerId, restartCount, isLoop }].slice(-MAX_LOOKS);
  return { ...history, looks };
}

/** An engine restarts a container at most ten times a second, and a loop looks once a second. */
const MAX_LOOKS = 100;
