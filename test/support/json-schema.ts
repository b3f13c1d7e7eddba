/** `docs/json.schema.json`, held strictly: what it does not name is a mistake of ours. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { PROJECT } from "./binary.ts";

type Schema = z.core.JSONSchema.JSONSchema;

const whole: Schema = JSON.parse(readFileSync(join(PROJECT, "docs/json.schema.json"), "utf8"));
const named: Readonly<Record<string, Schema>> = whole.$defs ?? {};
const definitions = mapped(named, closed);

/** @returns what is wrong with the value, by path; empty if nothing is */
export function faultsOf(name: "incidents" | "approvals", value: unknown): string {
  return faults(read({ $ref: `#/$defs/${name}` }), value);
}

/** As `faultsOf`, of one line of the observer's log. */
export function faultsOfLine(line: Readonly<Record<string, unknown>>): string {
  const schema = LINES.get(String(line["event"]));
  return schema === undefined
    ? `no event ${String(line["event"])} in docs/json.schema.json`
    : faults(schema, line);
}

/** Names of events, and of all keys of log lines and of what they hold. */
export function describedNames() {
  const keys = new Set<string>();
  for (const [name, schema] of Object.entries(definitions))
    if (!NOT_IN_LINES.includes(name)) collectKeys(schema, keys);
  return { events: [...LINES.keys()], keys: [...keys] };
}

const NOT_IN_LINES = ["incidents", "incident", "approvals"];

/** One schema an event: what is wrong with a line is said of its own event, not of all. */
const LINES = new Map(
  (definitions["log_line"]?.oneOf ?? []).map((line) => [nameOf(line), read(line)]),
);

function nameOf(line: Schema | boolean): string {
  const event = typeof line === "object" ? line.properties?.["event"] : undefined;
  return typeof event === "object" ? String(event.const) : "";
}

function read(schema: Schema | boolean): z.ZodType {
  if (typeof schema === "boolean") return z.fromJSONSchema(schema);
  return z.fromJSONSchema({ ...schema, $defs: definitions });
}

function faults(schema: z.ZodType, value: unknown): string {
  const { error } = schema.safeParse(value);
  return error === undefined ? "" : z.prettifyError(error);
}

/** The same without room for other keys; what all forms of an object share is put into each of them. */
function closed(schema: Schema): Schema {
  const { properties, required, oneOf, items, ...rest } = schema;
  if (properties !== undefined && oneOf !== undefined)
    return {
      oneOf: oneOf.map((form) => {
        const own = { ...properties, ...form.properties };
        const needed = [...(required ?? []), ...(form.required ?? [])];
        return closed({ ...form, type: "object", properties: own, required: needed });
      }),
    };
  const part = (inner: Schema | boolean) => (typeof inner === "boolean" ? inner : closed(inner));
  return {
    ...rest,
    ...(required && { required }),
    ...(oneOf && { oneOf: oneOf.map(closed) }),
    ...(items && { items: Array.isArray(items) ? items.map(part) : part(items) }),
    ...(properties && { properties: mapped(properties, part), additionalProperties: false }),
  };
}

function mapped<From, To>(values: Readonly<Record<string, From>>, by: (value: From) => To) {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, by(value)]));
}

function collectKeys(schema: unknown, keys: Set<string>): void {
  if (typeof schema !== "object" || schema === null) return;
  for (const [key, inner] of Object.entries(schema)) {
    if (key === "properties") for (const name of Object.keys(inner)) keys.add(name);
    collectKeys(inner, keys);
  }
}
