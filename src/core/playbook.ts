/** The built-in diagnoser: rules over evidence. It needs no model and always answers. */

import type { ActionId } from "../allowlist.ts";
import type { ContainerState, Diagnosis, Evidence, FaultClass } from "./model.ts";
import type { Diagnoser } from "./ports.ts";

/** By alert; a map, since a rule may be named as any text, such as `constructor`. */
const ALERT_FAULTS: ReadonlyMap<string, FaultClass> = new Map([
  ["HighCpu", "cpu"],
  ["HighLatency", "latency"],
  ["HighErrorRatio", "errors"],
  ["HighMemory", "memory"],
  ["TargetDown", "down"],
  ["CrashLoop", "crash_loop"],
]);

const CAUSES = {
  cpu: "The process uses far more CPU than its limit allows; a runaway computation is the usual cause.",
  memory: "Resident memory is over its limit; a leak is the usual cause.",
  latency: "Requests wait much longer than they should inside the service.",
  errors: "The service answers an unusual share of requests with an error of its own.",
  down: "The service cannot be scraped.",
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
  diagnose: ({ evidence }) => Promise.resolve(consult(evidence)),
};

/** The diagnosis by rules alone. Less sure than it could be where Docker did not answer. */
export function consult(evidence: Evidence): Diagnosis {
  const faultClass = ALERT_FAULTS.get(evidence.alert) ?? "unknown";
  const container = evidence.container.kind === "found" ? evidence.container.value : undefined;
  const { action, because } = choose(faultClass, evidence);
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

function choose(faultClass: FaultClass, { container, health }: Evidence): Choice {
  if (CURED_BY_RESTART.includes(faultClass)) return { action: "docker-restart", because: "" };
  if (faultClass !== "down") return { action: "none", because: "" };
  if (health.ok)
    return {
      action: "none",
      because: "Yet its health endpoint answers: what fails is the way from Prometheus to it.",
    };
  if (container.kind === "missing") {
    if (container.reason === NO_SUCH_CONTAINER)
      return { action: "compose-up", because: "Its container does not exist." };
    return { action: "none", because: `What became of it is not known: ${container.reason}.` };
  }
  const { status, exitCode, oomKilled } = container.value;
  if (status === "running")
    return {
      action: "docker-restart",
      because: "Its container runs, so the process in it hangs or no longer listens.",
    };
  const how = oomKilled ? "killed for lack of memory" : `exit code ${exitCode}`;
  return { action: "docker-restart", because: `Its container is ${status} (${how}).` };
}

/** The reason that stands in the evidence when Docker answered and has no such container. */
export const NO_SUCH_CONTAINER = "Docker has no container of that name";

function describe({ status, health, restartCount }: ContainerState): string {
  return `Docker: ${status}, health ${health}, restarted ${restartCount} times by itself`;
}
