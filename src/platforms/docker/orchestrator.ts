/** Whose task a container is, by the labels that orchestrators give to what they start. Pure. */

import { type Labels, ORCHESTRATORS, type Orchestrator } from "../../core/model.ts";

/** Swarm sets its own on every task, and the kubelet its own on every container of a pod. */
const LABELS = {
  swarm: "com.docker.swarm.task.id",
  kubernetes: "io.kubernetes.pod.name",
} satisfies Record<Orchestrator, string>;

/** `undefined` without an orchestrator: then it is Sentinel's to restart. */
export function orchestratorOf(labels: Labels): Orchestrator | undefined {
  return ORCHESTRATORS.find((orchestrator) => Object.hasOwn(labels, LABELS[orchestrator]));
}
