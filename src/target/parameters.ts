/** Numbers in a query string, strictly: what is not understood is an error, never a default. */

import { HttpError } from "./http-error.ts";

export interface NumberParameter {
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

/** Exponents, hexadecimals, signs and blanks are more often a mistake than a wish. */
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

/** A 422 for one parameter. */
export function invalid(field: string, message: string): HttpError {
  return new HttpError(422, "invalid_parameter", message, { field });
}

function parse(name: string, text: string, parameter: NumberParameter): number {
  const { min, max, aboveMin = false, whole = false } = parameter;
  const value = PLAIN_DECIMAL.test(text) ? Number(text) : Number.NaN;
  const inRange = value <= max && (aboveMin ? value > min : value >= min);
  if (inRange && (!whole || Number.isInteger(value))) return value;
  throw invalid(name, `${name} must be ${describe(parameter)}, not ${JSON.stringify(shown(text))}`);
}

function describe({ min, max, aboveMin, whole, unit, why }: NumberParameter): string {
  const kind = whole === true ? "a whole number" : "a plain decimal number";
  const range = aboveMin === true ? `above ${min} and up to ${max}` : `from ${min} to ${max}`;
  return `${kind} ${range} ${unit}${why === undefined ? "" : ` (${why})`}`;
}

function unknownParameter(name: string, valid: readonly string[]): HttpError {
  const expected = valid.length === 0 ? "there are none here" : `valid: ${valid.join(", ")}`;
  const field = shown(name);
  return invalid(
    field,
    `${JSON.stringify(field)} is not a parameter of this endpoint; ${expected}`,
  );
}

/** What a client sent comes back shortened: an error is not an echo service. */
function shown(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}…`;
}
