/** What a client sends, strictly: what is not understood is an error, never a default. */

import { z } from "zod";
import { nearest } from "../text/did-you-mean.ts";
import { HttpError } from "./http-error.ts";

interface NumberParameter {
  readonly defaultValue: number;
  readonly min: number;
  readonly max: number;
  /** `min` itself is not allowed. */
  readonly aboveMin?: boolean;
  /** No fractions. */
  readonly whole?: boolean;
  /** E.g. `s`; for the message. */
  readonly unit: string;
  /** Why `max` is what it is, where that is not obvious. */
  readonly why?: string;
}

/** Exponents, hexadecimals, signs and blanks are more often a mistake than intended. */
const PLAIN_DECIMAL = /^\d{1,15}(?:\.\d{1,15})?$/;
const SHOWN_CHARACTERS = 40;

/**
 * Reads all parameters of a query; absent ones take their default.
 *
 * @param query without the `?`
 * @throws HttpError 422 naming the first field that is unknown, given twice, malformed or out of range
 */
export function parseNumbers<Name extends string>(
  query: string,
  parameters: Readonly<Record<Name, NumberParameter>>,
): Record<Name, number> {
  const given = new Map<string, string>();
  for (const [name, text] of new URLSearchParams(query)) {
    if (!Object.hasOwn(parameters, name)) throw unknownParameter(name, Object.keys(parameters));
    if (given.has(name)) throw invalid(name, `${name} is given more than once`);
    given.set(name, text);
  }
  const values: Record<string, number> = {};
  for (const [name, parameter] of Object.entries<NumberParameter>(parameters)) {
    const text = given.get(name);
    values[name] = text === undefined ? parameter.defaultValue : parse(name, text, parameter);
  }
  return values;
}

/**
 * Checks the members of a JSON object; their descriptions say in the schema what they must be.
 *
 * @throws HttpError 422 naming the first field that is unknown, missing or not what it must be
 */
export function parseObject<Schema extends z.ZodObject>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === "unrecognized_keys") {
    throw unknownParameter(issue.keys[0] ?? "", Object.keys(schema.shape));
  }
  const [name] = issue?.path ?? [];
  if (typeof name !== "string") throw invalid("body", "the body must be a JSON object");
  const given: unknown = Object.entries(Object(value)).find(([key]) => key === name)?.[1];
  const form = descriptionOf(schema.shape[name]) ?? "of another form";
  throw invalid(
    name,
    given === undefined
      ? `${name} is missing: ${form}`
      : `${name} must be ${form}, not ${shown(given)}`,
  );
}

/** What is optional or has a default is described itself, or within. */
function descriptionOf(schema: z.core.$ZodType | undefined): string | undefined {
  if (!(schema instanceof z.ZodType)) return undefined;
  if (schema.description !== undefined) return schema.description;
  const isWrapped = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
  return isWrapped ? descriptionOf(schema.unwrap()) : undefined;
}

/** A 422 for one parameter. */
export function invalid(field: string, message: string): HttpError {
  return new HttpError(422, "invalid_parameter", message, { field });
}

function parse(name: string, text: string, parameter: NumberParameter): number {
  const { min, max, aboveMin = false, whole = false } = parameter;
  const value = PLAIN_DECIMAL.test(text) ? Number(text) : Number.NaN;
  const inRange = value <= max && (aboveMin ? value > min : value >= min);
  if (inRange && (!whole || Number.isInteger(value))) return value;
  throw invalid(name, `${name} must be ${describe(parameter)}, not ${shown(text)}`);
}

function describe({ min, max, aboveMin, whole, unit, why }: NumberParameter): string {
  const kind = whole === true ? "a whole number" : "a plain decimal number";
  const range = aboveMin === true ? `above ${min} and up to ${max}` : `from ${min} to ${max}`;
  return `${kind} ${range} ${unit}${why === undefined ? "" : ` (${why})`}`;
}

function unknownParameter(name: string, valid: readonly string[]): HttpError {
  const near = nearest(shorten(name), valid);
  const hint = near === undefined ? "" : `did you mean ${near}? `;
  const expected = valid.length === 0 ? "there are none here" : `valid: ${valid.join(", ")}`;
  return invalid(shorten(name), `${shown(name)} is not a parameter here; ${hint}${expected}`);
}

/** What a client sent, as JSON and shortened: an error is not an echo service. */
export function shown(value: unknown): string {
  // JSON has no infinity, though its parser makes one of 1e999.
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return shorten(text ?? String(value));
}

export function shorten(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
