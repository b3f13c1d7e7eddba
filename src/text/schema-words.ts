/** What is wrong with a value that a schema refuses, in words for whoever wrote it. */

import { z } from "zod";
import { nearest } from "./did-you-mean.ts";

interface SchemaFault {
  /** The path of the value that is to be changed; of an unknown key, the path of the key itself. */
  readonly path: readonly PropertyKey[];
  /** What is wrong, beginning with the key, such as `health is missing`. */
  readonly message: string;
  /** What to write, as a sentence, where the message does not say it. */
  readonly hint?: string;
}

/** The mistake to correct first: a misspelt key comes before the key that is missing because of it. */
export function explainFault(schema: z.ZodType, error: z.ZodError, value: unknown): SchemaFault {
  const unknown = error.issues.find(({ code }) => code === "unrecognized_keys");
  const issue = unknown ?? error.issues[0];
  if (issue === undefined) return { path: [], message: "it is not understood" };
  if (issue.code === "unrecognized_keys") {
    const [key = ""] = issue.keys;
    const known = keysAt(schema, issue.path);
    const near = nearest(key, known);
    const hint = near ? `Did you mean ${near}?` : `Known keys: ${known.join(", ")}.`;
    return { path: [...issue.path, key], message: `unknown key ${key}`, hint };
  }
  const name = nameOf(issue.path);
  return { path: issue.path, message: `${name} ${wordsFor(issue, valueAt(value, issue.path))}` };
}

/** The nearest key above it, and which of its items, such as `item 2 of actions`. */
function nameOf(path: readonly PropertyKey[]): string {
  const last = path.at(-1);
  if (last === undefined) return "the file";
  if (typeof last !== "number") return String(last);
  const list = path.at(-2);
  return list === undefined ? `item ${last + 1}` : `item ${last + 1} of ${String(list)}`;
}

function wordsFor(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      if (value === undefined) return `is missing: it must be ${kind(issue.expected)}`;
      return `must be ${kind(issue.expected)}, not ${kindOf(value)}${quotesFor(issue.expected, value)}`;
    case "invalid_value": {
      const near = typeof value === "string" ? nearest(value, issue.values.map(String)) : undefined;
      const list = `must be one of ${issue.values.join(", ")}`;
      return near === undefined ? list : `${list}; did you mean ${near}?`;
    }
    case "too_small":
      return "must not be empty";
    case "too_big":
      return `must have at most ${issue.maximum} characters`;
    case "invalid_key":
      return "is no name: use letters, digits and underscores, and no digit first";
    case "invalid_union":
      return value === undefined
        ? "is missing: it must be a text"
        : `must be a text, not ${kindOf(value)}`;
    case "custom":
      return issue.message;
    default:
      return "is not understood";
  }
}

/** YAML takes `12`, `on` and `1e3` for something else than a text. */
function quotesFor(expected: string, value: unknown): string {
  const isPlain = typeof value === "number" || typeof value === "boolean";
  return expected === "string" && isPlain ? `: write "${value}"` : "";
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  array: "a list",
  object: "a map of keys and values",
  record: "a map of keys and values",
};

function kind(expected: string): string {
  return KINDS[expected] ?? `a ${expected}`;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) return "a list";
  return typeof value === "boolean" ? `${value}` : kind(typeof value);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    return Object.getOwnPropertyDescriptor(at, key)?.value;
  }, value);
}

/** The keys of the map that stands at that place. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const at = path.reduce<unknown>((from, key) => {
    const outer = unwrapped(from);
    if (outer instanceof z.ZodArray) return outer.element;
    return outer instanceof z.ZodObject ? valueAt(outer.shape, [key]) : undefined;
  }, schema);
  const map = unwrapped(at);
  return map instanceof z.ZodObject ? Object.keys(map.shape) : [];
}

function unwrapped(schema: unknown): unknown {
  const isWrapper =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault;
  return isWrapper ? unwrapped(schema.unwrap()) : schema;
}
