/** What the report says of a container's life, and of an alert that flaps. */

import type { SentinelEvent } from "../core/events.ts";
import { FLAP_HOLD_MS } from "../rules/flapping.ts";
import { describeDeath } from "../diagnosis/playbook/consult.ts";
import { clockTime, seconds } from "../text/time.ts";
import { field } from "./terminal-text.ts";

/** What explains its state: its engine's count of restarts, its last deaths, and its health check. */
export function renderLife({ restartLoop, deaths = [], container }: LifeEvent): string[] {
  const checks = container.kind === "found" ? (container.value.checks ?? []) : [];
  const failed = checks.findLast(({ exitCode }) => exitCode !== 0);
  const given = restartLoop?.isGivenUp ? ", and has given it up" : "";
  return [
    ...(restartLoop
      ? field(
          "Crash loop",
          `its engine has restarted it ${restartLoop.restarts} times by itself${given}`,
        )
      : []),
    ...deaths.flatMap((death) => [
      ...field("Died", `at ${clockTime(death.atMs)}, ${describeDeath(death)}`),
      ...death.lines.flatMap((line) => field("", `| ${line}`)),
    ]),
    ...(failed
      ? field("Its check", `fails with exit code ${failed.exitCode}: ${failed.output.trim()}`)
      : []),
  ];
}

type LifeEvent = Extract<SentinelEvent, { type: "evidence_collected" }>;

/** How often it has come back, and what becomes of it. */
export function renderFlaps({ alert, times, isOver, incident }: FlapEvent): string {
  const count = times === 1 ? "once" : `${times} times`;
  const what = `${alert.rule.alert} flaps: it has come back ${count} since incident ${incident} ended`;
  if (isOver) return `${what}, and is quiet now`;
  return `${what}; it is taken up again if it fires for ${seconds(FLAP_HOLD_MS)} without a break`;
}

type FlapEvent = Extract<SentinelEvent, { type: "alert_flapped" }>;
