/** The incidents that `bench/record-causes.ts` has recorded, and what a diagnosis makes of each. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { allowlistFor } from "../../src/allowlist.ts";
import { FAULT_CLASSES, type FaultClass } from "../../src/core/fault-class.ts";
import type { Evidence } from "../../src/core/model.ts";
import { consult } from "../../src/diagnosis/playbook/consult.ts";

export interface Recorded {
  readonly name: string;
  readonly faultClass: FaultClass;
  /** The playbook was tuned on those of the first half, and on no other. */
  readonly half: 1 | 2;
  readonly evidence: Evidence;
}

const lineSchema = z.object({
  name: z.string(),
  faultClass: z.enum(FAULT_CLASSES),
  // As it was written: what the observer hands to a diagnoser.
  evidence: z.custom<Evidence>((value) => typeof value === "object" && value !== null),
});

/** All of them; those of a class in the order of their names, by turns in either half. */
export function readRecorded(): readonly Recorded[] {
  const files = readdirSync(import.meta.dir).filter((file) => file.endsWith(".jsonl"));
  return files.toSorted().flatMap((file) =>
    readFileSync(join(import.meta.dir, file), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => lineSchema.parse(JSON.parse(line)))
      .map((read) => ({ ...read, evidence: withGaps(read.evidence) }))
      .map((read, index) => ({ ...read, half: index % 2 === 0 ? (1 as const) : (2 as const) })),
  );
}

/** JSON has null for what was not measured. */
function withGaps(evidence: Evidence): Evidence {
  const { surroundings } = evidence;
  const timeline = surroundings?.timeline;
  if (timeline === undefined) return evidence;
  const signals = timeline.signals.map((signal) => ({
    ...signal,
    values: signal.values.map((value) => value ?? undefined),
  }));
  return { ...evidence, surroundings: { ...surroundings, timeline: { ...timeline, signals } } };
}

/** The same incident as a diagnosis saw it before: one signal, the container and 50 lines. */
export function formerEvidence({ surroundings: _, logDigest: __, ...rest }: Evidence): Evidence {
  return rest;
}

interface Answer {
  readonly faultClass: FaultClass;
  readonly action: string;
  readonly rootCause: string;
}

export function ask(evidence: Evidence): Answer {
  const allowlist = allowlistFor(evidence.service, { platform: "docker" });
  return consult({ evidence, allowlist });
}

/** What each alert means to whoever looks at nothing else. */
const OWN_CLASS: ReadonlyMap<string, FaultClass> = new Map([
  ["HighCpu", "hot_loop"],
  ["HighLatency", "hang"],
  ["HighErrorRatio", "crash"],
  ["HighMemory", "leak"],
  ["TargetDown", "hang"],
  ["ContainerDown", "crash"],
  ["ContainerUnhealthy", "hang"],
  ["CrashLoop", "crash"],
  ["ContainerHighCpu", "hot_loop"],
  ["ContainerHighMemory", "leak"],
  ["ContainerOomKilled", "resource_limit"],
  ["MemoryFilling", "leak"],
  ["ErrorBudgetBurn", "crash"],
  ["ProbeFailing", "hang"],
]);

export function ownClass({ alert }: Evidence): FaultClass {
  return OWN_CLASS.get(alert) ?? "unknown";
}

/** What a restart makes no better, and may make worse. */
export const NEVER_RESTARTED: readonly FaultClass[] = [
  "overload",
  "dependency",
  "config",
  "deploy",
];
