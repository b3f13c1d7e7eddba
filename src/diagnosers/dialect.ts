/**
 * How a server of OpenAI's chat completions wants to be asked. It is learned from what it refuses, and
 * not from a list of names: new models come faster than lists of them. Pure.
 */

import type { Refusal } from "./http.ts";

export interface Dialect {
  /** Some of OpenAI's models are reached by its newer API alone. */
  readonly api: "chat_completions" | "responses";
  /** OpenAI's newer models take only the second; most other servers know only the first. */
  readonly limit: "max_tokens" | "max_completion_tokens";
  /** Reasoning models refuse any but their default. */
  readonly hasTemperature: boolean;
  /** OpenAI's strict mode knows no lengths of texts; many local servers know no schema at all. */
  readonly schema: "bounded" | "without_lengths" | "none";
}

/** What is tried first. */
export const FIRST_DIALECT: Dialect = {
  api: "chat_completions",
  limit: "max_tokens",
  hasTemperature: true,
  schema: "bounded",
};

/** Refusals that may be about how it was asked. */
const ABOUT_THE_REQUEST = [400, 422];

/** A prompt that is too long stays too long, however it is sent. */
const TOO_LONG = /context[ _](?:length|size|window)|n_ctx|too many tokens|maximum context/i;

/** "This model is only supported in v1/responses and not in v1/chat/completions." */
const WANTS_RESPONSES = /v1\/responses/;

const ABOUT_THE_SCHEMA = /response_format|schema|grammar|structured|requested parameters/i;

/**
 * How to ask after a refusal.
 *
 * @returns `undefined` if asking in another way would be of no use
 */
export function adapted(dialect: Dialect, { status, body }: Refusal): Dialect | undefined {
  const { limit, hasTemperature, schema } = dialect;
  if (TOO_LONG.test(body)) return undefined;
  if (dialect.api === "chat_completions" && WANTS_RESPONSES.test(body))
    return { ...dialect, api: "responses" };
  if (!ABOUT_THE_REQUEST.includes(status) && !isAboutSchema({ status, body })) return undefined;
  if (limit === "max_tokens" && /max_tokens|max_completion_tokens/.test(body))
    return { ...dialect, limit: "max_completion_tokens" };
  if (hasTemperature && /temperature/i.test(body)) return { ...dialect, hasTemperature: false };
  if (schema === "bounded" && /maxLength|maxItems/i.test(body))
    return { ...dialect, schema: "without_lengths" };
  // Also for a server that does not say what it did not know.
  return schema === "none" ? undefined : { ...dialect, schema: "none" };
}

/** Some servers fail, or know no such route, where they should refuse the schema. */
export function isAboutSchema({ status, body }: Refusal): boolean {
  return [404, 500, 501].includes(status) && ABOUT_THE_SCHEMA.test(body);
}

/** A JSON schema without `maxLength`. */
export function withoutLengths(schema: Schema): Schema {
  const entries = Object.entries(schema).flatMap(([key, value]) =>
    key === "maxLength" ? [] : [[key, isSchema(value) ? withoutLengths(value) : value]],
  );
  return Object.fromEntries(entries);
}

type Schema = Readonly<Record<string, unknown>>;

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
