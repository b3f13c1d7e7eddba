/** Groups of rule files, read: their expressions, durations and actions. */

import { parseDuration } from "../../core/duration.ts";
import type { Labels, Rule } from "../../core/model.ts";
import { SentinelError } from "../../core/errors.ts";
import { type RuleSource, readRule } from "../rules.ts";
import { templateFault } from "../template/expand.ts";
import { readSignal, requireSupported } from "../signal.ts";
import { isRecording, type PlacedRule, type RuleGroupSource } from "./rule-file.ts";

/** A Prometheus recording rule, read: what its expression gives is written as a series of that name. */
export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels: Labels;
}

/** Rules of a file that are evaluated one after the other, so that later ones see what earlier ones record. */
export interface RuleGroup {
  readonly name: string;
  /** `undefined`: at every poll. */
  readonly intervalMs: number | undefined;
  /** How far before the present its rules look. */
  readonly queryOffsetMs: number;
  /** A rule that gives more series or alerts than this gives none; 0 is without a limit. */
  readonly limit: number;
  readonly rules: readonly (Rule | RecordingRule)[];
}

interface Reading {
  /** What Sentinel cannot evaluate is refused then; a Prometheus may know more. */
  readonly isEvaluatedHere: boolean;
}

/** @throws SentinelError `configuration` on an expression, an effect or an action id that is none */
export function readGroup(group: RuleGroupSource, reading: Reading): RuleGroup {
  const { name, interval, query_offset: offset = "0", limit = 0 } = group;
  const intervalMs = parseDuration(interval ?? "0", `group ${name}: interval`);
  return {
    name,
    // An interval of 0 is none, as in Prometheus.
    intervalMs: intervalMs === 0 ? undefined : intervalMs,
    queryOffsetMs: parseDuration(offset, `group ${name}: query_offset`),
    limit,
    rules: group.rules.map((rule) => readOne(rule, group, reading)),
  };
}

export function isAlerting(rule: Rule | RecordingRule): rule is Rule {
  return "alert" in rule;
}

function readOne(
  { file, ...source }: PlacedRule,
  group: RuleGroupSource,
  { isEvaluatedHere }: Reading,
): Rule | RecordingRule {
  const labels = { ...group.labels, ...source.labels };
  const place = `${file}: ${isRecording(source) ? `record ${source.record}` : `alert ${source.alert}`}`;
  if (isEvaluatedHere) requireSupported(source.expr, place);
  if (!isRecording(source)) {
    refuseTemplates(source, place);
    return readRule({ ...source, labels }, file);
  }
  readSignal(source.expr, place);
  return { record: source.record, expr: source.expr, labels };
}

/** Of its own labels: those of its group are no templates to promtool, though they are filled in as well. */
function refuseTemplates({ labels, annotations }: RuleSource, place: string): void {
  for (const [kind, all] of Object.entries({ label: labels, annotation: annotations }))
    for (const [name, text] of Object.entries(all ?? {})) {
      const fault = templateFault(text);
      if (fault === undefined) continue;
      throw new SentinelError("configuration", `${place}: ${kind} ${name}: ${fault}`, {
        hint: "It is a template of Go, as Prometheus documents them.",
      });
    }
}
