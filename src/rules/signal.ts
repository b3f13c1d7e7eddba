/** What an alerting rule's expression measures, found in its syntax. */

import { type Expression, isComparison } from "../promql/ast.ts";
import { PromqlError } from "../promql/errors.ts";
import { evaluateInstant } from "../promql/evaluate.ts";
import { parseExpression } from "../promql/parse.ts";
import { SentinelError } from "../core/errors.ts";
import type { RuleSignal } from "../core/model.ts";

/**
 * The measured side of an expression such as `A > 5` or `A > 5 and B`: what to look at when the
 * whole is empty, to tell a quiet signal from a missing one.
 *
 * @param place what to name in the message
 * @returns `undefined` for an expression that compares nothing with a number, and for one that
 *   Sentinel cannot evaluate: the Prometheus that it asks may know more
 * @throws SentinelError `configuration` on what is not PromQL
 */
export function readSignal(expr: string, place: string): RuleSignal | undefined {
  try {
    return signalOf(parseExpression(expr), expr);
  } catch (error) {
    if (!(error instanceof PromqlError)) throw error;
    if (UNSUPPORTED.test(error.message)) return undefined;
    throw refused(expr, place, error);
  }
}

const UNSUPPORTED = /(is|are) not supported$/;

/**
 * For rules that Sentinel evaluates by itself: what it cannot is refused by name when it starts.
 *
 * @throws SentinelError `configuration`
 */
export function requireSupported(expr: string, place: string): void {
  try {
    parseExpression(expr);
  } catch (error) {
    throw refused(
      expr,
      place,
      error,
      "Rewrite it, or set PROMETHEUS_URL to a Prometheus that can evaluate it.",
    );
  }
}

function refused(expr: string, place: string, cause: unknown, hint?: string): SentinelError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const details = { cause, ...(hint === undefined ? {} : { hint }) };
  return new SentinelError("configuration", `${place}: expr ${expr}: ${why}`, details);
}

function signalOf(expression: Expression, expr: string): RuleSignal | undefined {
  if (expression.kind === "paren") return signalOf(expression.expression, expr);
  if (expression.kind !== "binary") return undefined;
  const { operator, left, right, returnBool } = expression;
  if (operator === "and" || operator === "unless") return partOf(signalOf(left, expr));
  if (!isComparison(operator) || returnBool || !isConstant(right)) return undefined;
  const threshold = valueOf(right);
  if (!Number.isFinite(threshold)) return undefined;
  return { expr: expr.slice(left.start, left.end), operator, threshold, isWhole: true };
}

/** Where it stands beside another condition, what is measured does not tell where the rule holds. */
function partOf(signal: RuleSignal | undefined): RuleSignal | undefined {
  if (signal === undefined) return undefined;
  const { isWhole: _, ...part } = signal;
  return part;
}

/** A number, or a calculation with numbers alone. */
function isConstant(expression: Expression): boolean {
  switch (expression.kind) {
    case "number":
      return true;
    case "paren":
      return isConstant(expression.expression);
    case "unary":
      return isConstant(expression.operand);
    case "binary":
      return isConstant(expression.left) && isConstant(expression.right);
    default:
      return false;
  }
}

const NO_SERIES = { select: () => [] };

function valueOf(constant: Expression): number {
  const value = evaluateInstant(constant, NO_SERIES, { atMs: 0 });
  return value.type === "scalar" ? value.value : Number.NaN;
}
