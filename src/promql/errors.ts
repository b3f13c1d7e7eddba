/** Failures of an expression, in Prometheus' own classes. */

/** As `errorType` in Prometheus' HTTP API. */
const PROMQL_ERROR_CODES = ["bad_data", "execution", "timeout", "canceled"] as const;
type PromqlErrorCode = (typeof PROMQL_ERROR_CODES)[number];

/** An expression that is none (`bad_data`), or that could not be evaluated. */
export class PromqlError extends Error {
  override readonly name = "PromqlError";

  constructor(
    readonly code: PromqlErrorCode,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

/**
 * An error of the expression's text, worded as by Prometheus: `1:5: parse error: ...`.
 *
 * @param text the whole expression
 * @param position index in it; columns count bytes from 1, as in Prometheus
 */
export function parseError(text: string, position: number, message: string): PromqlError {
  const before = text.slice(0, position);
  const line = before.split("\n").length;
  const column = new TextEncoder().encode(before.slice(before.lastIndexOf("\n") + 1)).length + 1;
  return new PromqlError("bad_data", `${line}:${column}: parse error: ${message}`);
}
