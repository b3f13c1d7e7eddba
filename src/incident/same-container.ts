/** Whether what an action is about to be run on is what was diagnosed. Pure. */

import type { AllowedAction } from "../allowlist.ts";
import type { ContainerState, DecisionReason, Observation } from "../core/model.ts";

/** Whether it is still the container, and the run of it, that was diagnosed. */
export function whyNotTheSame(
  before: Observation<ContainerState>,
  now: Observation<ContainerState>,
  { effects }: AllowedAction,
): Extract<DecisionReason, "container_replaced" | "container_unknown"> | undefined {
  if (before.kind !== "found" || now.kind !== "found") {
    // There was none and there is none, which only what creates one can mend. Docker might take the name
    // for the beginning of another container's id.
    const isNone =
      [before, now].every(({ kind }) => kind === "absent") && effects.includes("create");
    return isNone ? undefined : "container_unknown";
  }
  const isSame =
    before.value.containerId === now.value.containerId &&
    before.value.startedAtMs === now.value.startedAtMs &&
    // By somebody, while it was looked into.
    now.value.status !== "paused";
  return isSame ? undefined : "container_replaced";
}
