/** What templates work with: Go's values, as far as Prometheus hands any to them. */

import type { Labels } from "../../core/model.ts";
import { formatG } from "../../text/go-number.ts";
import { TemplateError } from "./lexer.ts";

/** In place of a value that was not measured. */
export const UNKNOWN_VALUE = "an unknown number";

/** Go tells whole numbers from others, and a template can see it. */
export class Int {
  constructor(readonly value: number) {}
}

/** What a query gives: a series and its value. */
export class QuerySample {
  constructor(
    readonly labels: Labels,
    readonly value: number,
  ) {}
}

/** A map of texts, such as labels; a key that it lacks has the empty text. */
export class TextMap {
  constructor(readonly texts: Labels) {}
}

/** What `args` makes. */
export class ArgMap {
  constructor(readonly args: ReadonlyMap<string, Value>) {}
}

/** What a template is given. */
export class AlertData {
  constructor(
    readonly labels: TextMap,
    readonly value: number | string,
  ) {}
}

export class Time {
  constructor(readonly ms: number) {}
}

/** `undefined` is Go's nil. */
export type Value =
  | string
  | boolean
  | number
  | undefined
  | Int
  | QuerySample
  | TextMap
  | ArgMap
  | AlertData
  | Time
  | readonly QuerySample[];

/** Whether `if` takes it for true. */
export function isTruthy(value: Value): boolean {
  if (value === undefined || value === false || value === "" || value === 0) return false;
  if (Number.isNaN(value)) return true;
  if (value instanceof Int) return value.value !== 0;
  if (value instanceof TextMap) return Object.keys(value.texts).length > 0;
  if (value instanceof ArgMap) return value.args.size > 0;
  return !(Array.isArray(value) && value.length === 0);
}

/** As Go's `%v`. */
export function printed(value: Value): string {
  if (value === undefined) return "<no value>";
  if (typeof value === "string") return value;
  if (typeof value === "number") return formatG(value);
  if (typeof value === "boolean") return `${value}`;
  if (value instanceof Int) return `${value.value}`;
  if (value instanceof TextMap) return printedMap(Object.entries(value.texts));
  if (value instanceof ArgMap)
    return printedMap([...value.args].map(([key, one]) => [key, printed(one)]));
  if (value instanceof QuerySample)
    return `&{${printed(new TextMap(value.labels))} ${formatG(value.value)}}`;
  if (value instanceof Time) return printedTime(value.ms);
  if (value instanceof AlertData)
    return `{${printed(value.labels)} map[]  ${printed(value.value)}}`;
  return `[${value.map(printed).join(" ")}]`;
}

function printedMap(entries: readonly (readonly [string, string])[]): string {
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${sorted.map(([key, text]) => `${key}:${text}`).join(" ")}]`;
}

/** As Go prints a time in UTC. */
export function printedTime(ms: number): string {
  const [date = "", time = ""] = new Date(ms).toISOString().split("T");
  const fraction = time.slice(8, 12).replace(/0+$/, "").replace(/\.$/, "");
  return `${date} ${time.slice(0, 8)}${fraction} +0000 UTC`;
}

/** What `.name` is of a value. */
export function fieldOf(value: Value, name: string): Value {
  if (value instanceof TextMap) return Object.hasOwn(value.texts, name) ? value.texts[name] : "";
  if (value instanceof ArgMap) return value.args.get(name);
  if (value instanceof QuerySample) {
    if (name === "Labels") return new TextMap(value.labels);
    if (name === "Value") return value.value;
  }
  if (value instanceof AlertData) {
    if (name === "Labels") return value.labels;
    if (name === "ExternalLabels") return new TextMap({});
    if (name === "ExternalURL") return "";
    if (name === "Value") return value.value;
  }
  if (value === undefined) throw new TemplateError(`nil has no field ${name}`);
  throw new TemplateError(`can't evaluate field ${name}`);
}
