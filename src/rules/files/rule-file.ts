/** Prometheus rule files, accepted and refused as `promtool check rules` does. */

import { z } from "zod";
import { parseDuration } from "../../core/duration.ts";
import { SentinelError } from "../../core/errors.ts";
import { explainFault } from "../../text/schema-words.ts";
import type { RuleSource } from "../rules.ts";

/** One recording rule as it stands in a rule file. */
interface RecordingSource {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** A rule with its place, such as `/etc/alerts.yml:7`. */
export type PlacedRule = (RuleSource | RecordingSource) & { readonly file: string };

/** A group as it stands in a rule file. Its labels are not yet those of its rules. */
export interface RuleGroupSource {
  readonly name: string;
  readonly interval?: string | undefined;
  readonly query_offset?: string | undefined;
  readonly limit?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly rules: readonly PlacedRule[];
}

export function isRecording(rule: RuleSource | RecordingSource): rule is RecordingSource {
  return "record" in rule;
}

/** The alerting rules of groups, with the labels of their groups. */
export function alertsOfGroups(
  groups: readonly RuleGroupSource[],
): (RuleSource & { readonly file: string })[] {
  return groups.flatMap(({ labels, rules }) =>
    rules.flatMap((rule) =>
      isRecording(rule) ? [] : [{ ...rule, labels: { ...labels, ...rule.labels } }],
    ),
  );
}

/** A rule file in YAML, each scalar as its own text, and how to point at a place in it. */
interface RuleFileText {
  readonly value: unknown;
  /** Names a place by the path that leads to it, such as `alerts.yml:7`. */
  at(path: readonly PropertyKey[]): string;
  /** Whether the scalar there stands in quotes, and so is a text whatever it looks like. */
  isQuoted(path: readonly PropertyKey[]): boolean;
}

/** What stands behind a key without a value is the empty text, as Go reads it. */
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");
const texts = z.record(z.string(), text).nullish();
const WHOLE =
  /^[-+]?(?:0[xX][\da-fA-F_]+|0[oO]?[0-7_]+|0b[01_]+|\d[\d_]*|\d*\.?\d+(?:[eE][-+]?\d+)?|\d+\.)$/;

const ruleSchema = z.strictObject({
  record: text,
  alert: text,
  expr: text,
  for: z.string().nullish(),
  keep_firing_for: z.string().nullish(),
  labels: texts,
  annotations: texts,
});

const groupSchema = z.strictObject({
  name: text,
  interval: z.string().nullish(),
  query_offset: z.string().nullish(),
  limit: z.string().regex(WHOLE, "must be a whole number").nullish(),
  labels: texts,
  // Each is read by a schema of its own, so that a mistake is named with its rule.
  rules: z.array(z.looseObject({}).nullable()).nullish(),
});

const fileSchema = z.strictObject({ groups: z.array(groupSchema.nullable()).nullish() }).nullish();

/**
 * The groups of a rule file; its expressions and templates are read with each rule.
 *
 * @throws SentinelError `configuration`, with the place
 */
export function readRuleGroups(file: RuleFileText): RuleGroupSource[] {
  const root = new Place(file, [], "");
  const groups = root.parse(fileSchema, file.value)?.groups ?? [];
  const known = new Set<string>();
  // An item that is nothing is no item, as Go reads it.
  return groups.flatMap((group, index) => {
    if (group === null) return [];
    const path = ["groups", index];
    const inGroup = new Place(file, path, `group ${group.name || index + 1}: `);
    if (group.name === "") throw inGroup.refuse([], "name is missing");
    if (known.has(group.name))
      throw inGroup.refuse(["name"], "another group of this file has the same name");
    known.add(group.name);
    if (file.isQuoted([...path, "limit"]))
      throw inGroup.refuse(["limit"], "limit must be a number, without quotes");
    checkLabels(group.labels, inGroup);
    const rules = (group.rules ?? []).flatMap((rule, at) => {
      if (rule === null) return [];
      const name = nameIn(rule) || `${at + 1}`;
      const what = `group ${group.name}, rule ${name}: `;
      return [readRule(rule, new Place(file, [...path, "rules", at], what))];
    });
    return [
      {
        name: group.name,
        interval: checkedDuration(group.interval, inGroup, "interval"),
        query_offset: checkedDuration(group.query_offset, inGroup, "query_offset"),
        limit: group.limit == null ? undefined : Math.trunc(toNumber(group.limit)),
        labels: group.labels ?? undefined,
        rules,
      },
    ];
  });
}

function readRule(value: unknown, place: Place): PlacedRule {
  const rule = place.parse(ruleSchema, value);
  const { record, alert, expr } = rule;
  if (record !== "" && alert !== "")
    throw place.refuse(["alert"], "it has both alert and record, and is either");
  if (record === "" && alert === "") throw place.refuse([], "alert or record is missing");
  if (expr === "") throw place.refuse(["expr"], "expr is missing");
  checkLabels(rule.labels, place);
  const labels = rule.labels ?? undefined;
  const file = place.name;
  if (record !== "") {
    checkRecording(rule, place);
    return { record, expr, labels, file };
  }
  if ("" in (rule.annotations ?? {}))
    throw place.refuse(["annotations"], "an annotation has no name");
  return {
    alert,
    expr,
    for: checkedDuration(rule.for, place, "for"),
    keep_firing_for: checkedDuration(rule.keep_firing_for, place, "keep_firing_for"),
    labels,
    annotations: rule.annotations ?? undefined,
    file,
  };
}

function checkRecording(rule: z.output<typeof ruleSchema>, place: Place): void {
  const { record, annotations } = rule;
  if (Object.keys(annotations ?? {}).length > 0)
    throw place.refuse(["annotations"], "a recording rule has no annotations");
  for (const key of ["for", "keep_firing_for"] as const)
    if (parseDuration(checkedDuration(rule[key], place, key) ?? "0", key) !== 0)
      throw place.refuse([key], `a recording rule has no ${key}`);
  if (/[{}]/.test(record))
    throw place.refuse(["record"], `record ${record} has braces; they belong into expr`);
}

/** Any text is the name of a label, as since Prometheus 3, but for none and for the metric's own. */
function checkLabels(labels: z.output<typeof texts>, place: Place): void {
  for (const name of Object.keys(labels ?? {})) {
    if (name === "") throw place.refuse(["labels"], "a label has no name");
    if (name === "__name__")
      throw place.refuse(["labels", name], "the label __name__ is the name of the metric");
  }
}

function checkedDuration(
  value: string | null | undefined,
  place: Place,
  key: string,
): string | undefined {
  if (value == null) return undefined;
  try {
    if (parseDuration(value, key) <= MAX_DURATION_MS) return value;
  } catch (error) {
    if (error instanceof SentinelError)
      throw place.refuse([key], error.message, { cause: error, hint: error.hint });
    throw error;
  }
  throw place.refuse([key], `${key} is longer than 292 years`);
}

/** What Go's durations hold. */
const MAX_DURATION_MS = 2 ** 63 / 1e6;

function toNumber(written: string): number {
  const digits = written.replaceAll("_", "").replace(/^([-+]?)0(?=[0-7]+$)/, "$10o");
  const sign = digits.startsWith("-") ? -1 : 1;
  return sign * Number(digits.replace(/^[-+]/, ""));
}

function nameIn(rule: Readonly<Record<string, unknown>>): string {
  const name = rule["alert"] ?? rule["record"];
  return typeof name === "string" ? name : "";
}

/** A value of the file, and what messages about it begin with. */
class Place {
  readonly #file: RuleFileText;
  readonly #path: readonly PropertyKey[];
  readonly #what: string;

  constructor(file: RuleFileText, path: readonly PropertyKey[], what: string) {
    this.#file = file;
    this.#path = path;
    this.#what = what;
  }

  get name(): string {
    return this.#file.at(this.#path);
  }

  parse<T>(schema: z.ZodType<T>, value: unknown): T {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const { path, message, hint } = explainFault(schema, result.error, value);
    const [list, index, key] = path;
    const isInGroup = list === "groups" && typeof index === "number" && key !== undefined;
    const whose = isInGroup && this.#what === "" ? `group ${index + 1}: ` : "";
    throw this.refuse(path, whose + message, { cause: result.error, hint: hint ?? FORM });
  }

  refuse(
    path: readonly PropertyKey[],
    message: string,
    { cause, hint }: { readonly cause?: unknown; readonly hint?: string | undefined } = {},
  ): SentinelError {
    const text = `${this.#file.at([...this.#path, ...path])}: ${this.#what}${message}`;
    return new SentinelError("configuration", text, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

const FORM = "It must be a Prometheus rule file: groups, each with a name and rules.";
