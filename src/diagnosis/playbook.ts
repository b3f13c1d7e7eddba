/** The built-in diagnoser: rules over evidence. It needs no model and always answers. */

import { GIVEN_UP } from "../core/model.ts";
import { ACTION_IDS, type ActionId, type Effect } from "../allowlist.ts";
import { actionsFor } from "./proposable.ts";
import { isCheckBroken } from "./lifecycle.ts";
import type { FaultClass } from "../core/fault-class.ts";
import type { ContainerState, Death, Diagnosis, Evidence } from "../core/model.ts";
import type { Diagnoser, DiagnosisRequest } from "../core/ports.ts";
import { CONTAINER_DOWN_ALERT, CONTAINER_UNHEALTHY_ALERT } from "../rules/rules.ts";

const ALERT_FAULTS: ReadonlyMap<string, FaultClass> = new Map([
  ["HighCpu", "cpu"],
  ["HighLatency", "latency"],
  ["HighErrorRatio", "errors"],
  ["HighMemory", "memory"],
  ["TargetDown", "down"],
  [CONTAINER_UNHEALTHY_ALERT, "down"],
  [CONTAINER_DOWN_ALERT, "down"],
  ["CrashLoop", "crash_loop"],
]);

const CAUSES = {
  cpu: "The process uses far more CPU than its limit allows; a runaway computation is the usual cause.",
  memory: "Resident memory is over its limit; a leak is the usual cause.",
  latency: "Requests wait much longer than they should inside the service.",
  errors: "The service answers an unusual share of requests with an error of its own.",
  down: "The service does not answer its scrapes or its health check.",
  crash_loop: "The process starts again and again; a restart has not cured it.",
  dependency: "Something that the service depends on fails.",
  unknown: "The alert is none that the playbook knows.",
} satisfies Record<FaultClass, string>;

/** Restarting cures what a process has worked itself into. */
const CURED_BY_RESTART: readonly FaultClass[] = ["cpu", "memory", "latency", "errors"];

export const PLAYBOOK_NAME = "built-in playbook";

export const playbook: Diagnoser = {
  name: PLAYBOOK_NAME,
  deadlineMs: 1000,
  diagnose: (request) => Promise.resolve(consult(request)),
};

/** The diagnosis by rules alone. Less sure than it could be where Docker did not answer. */
export function consult(request: DiagnosisRequest): Diagnosis {
  const { evidence } = request;
  const faultClass = evidence.restartLoop
    ? "crash_loop"
    : (ALERT_FAULTS.get(evidence.alert) ?? "unknown");
  const container = evidence.container.kind === "found" ? evidence.container.value : undefined;
  const { action, because } = choose(faultClass, request);
  return {
    rootCause: [CAUSES[faultClass], because].filter((part) => part !== "").join(" "),
    severity: evidence.severity,
    faultClass,
    confidence: faultClass === "unknown" ? 0.2 : container === undefined ? 0.5 : 0.7,
    action,
    evidence: [evidence.summary, ...(container ? [describe(container)] : [])],
  };
}

interface Choice {
  readonly action: ActionId | "none";
  readonly because: string;
}

function choose(faultClass: FaultClass, request: DiagnosisRequest): Choice {
  const { evidence, allowlist, unattended = ACTION_IDS } = request;
  const { container, health } = evidence;
  const narrowest = (effect: Effect) => actionsFor(effect, allowlist, unattended)[0]?.id ?? "none";
  if (CURED_BY_RESTART.includes(faultClass)) return { action: narrowest("restart"), because: "" };
  if (faultClass === "crash_loop") return { action: "none", because: loopOf(evidence) };
  if (faultClass !== "down") return { action: "none", because: "" };
  const { checks } = container.kind === "found" ? container.value : {};
  if (evidence.alert === CONTAINER_UNHEALTHY_ALERT && isCheckBroken(checks))
    return {
      action: "none",
      because: `Its HEALTHCHECK cannot be run, so it says nothing of the service: ${checks?.at(-1)?.output.trim()}`,
    };
  if (health?.ok)
    return {
      action: "none",
      because: "Yet its health endpoint answers: what fails is the scraping of its metrics.",
    };
  if (container.kind === "absent")
    return { action: narrowest("create"), because: "Its container does not exist." };
  if (container.kind === "unreadable")
    return { action: "none", because: `What became of it is not known: ${container.reason}.` };
  const { status, exitCode, oomKilled } = container.value;
  if (status === "running")
    return {
      action: narrowest("restart"),
      because: "It runs, so its process hangs or no longer listens.",
    };
  const how = oomKilled ? "killed for lack of memory" : `exit code ${exitCode}`;
  if (status === GIVEN_UP)
    return { action: "none", because: `It died again and again (${how}); it was given up.` };
  return { action: narrowest("start"), because: `It is ${status} (${how}).` };
}

/** How often, and what was written last before it died. */
function loopOf({ restartLoop, deaths = [] }: Evidence): string {
  if (restartLoop === undefined) return "";
  const { restarts, isGivenUp } = restartLoop;
  const times = `Its engine has started it again ${restarts} ${restarts === 1 ? "time" : "times"} by itself`;
  const last = deaths.at(-1);
  const death = last ? `; it died last with ${describeDeath(last)}` : "";
  const line = last?.lines.at(-1);
  const said = line === undefined ? "." : `, after it wrote: ${line}`;
  return `${times}${isGivenUp ? " and has given it up" : ""}${death}${said}`;
}

/** How one run ended, and how long it was. */
export function describeDeath({
  exitCode,
  oomKilled,
  ranMs,
}: Omit<Death, "atMs" | "wasStopped" | "lines">): string {
  const how = oomKilled
    ? `exit code ${exitCode}, killed for lack of memory`
    : `exit code ${exitCode}`;
  if (ranMs === undefined) return how;
  return `${how}, after ${ranMs < 1000 ? `${Math.round(ranMs)} ms` : `${Math.round(ranMs / 100) / 10} s`}`;
}

function describe({ status, health, restartCount }: ContainerState): string {
  return `Runtime: ${status}, health ${health}, restarted ${restartCount} times by itself`;
}
