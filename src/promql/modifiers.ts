/** What may stand behind a selector: its range, and the time at which it looks. */

import type { SyntaxNode } from "@lezer/common";
import type { AtModifier, Expression, TimeShift } from "./ast.ts";
import { childrenOf, type Source } from "./syntax.ts";

/**
 * Applies `[5m]`, `[5m:1m]`, `offset` or `@` to what it stands behind.
 *
 * @param node of the modifier, in the grammar's tree
 * @throws PromqlError `bad_data` on what it may not stand behind
 */
export function modify(operand: Expression, node: SyntaxNode, source: Source): Expression {
  const { start } = operand;
  const end = node.to;
  const place = { node, source };
  switch (node.name) {
    case "OffsetExpr":
      return shift(operand, { offsetMs: readDuration(source.child(node, 2), source) }, place);
    case "StepInvariantExpr":
      return shift(operand, { at: readAt(node, source) }, place);
    case "SubqueryExpr": {
      const [, range, step] = childrenOf(node);
      const rangeMs = range === undefined ? 0 : readPositiveDuration(range, source);
      const stepMs = step === undefined ? undefined : readPositiveDuration(step, source);
      const unshifted = { offsetMs: undefined, at: undefined };
      return { kind: "subquery", expression: operand, rangeMs, stepMs, ...unshifted, start, end };
    }
    default: {
      const bracket = { from: source.text.indexOf("[", operand.end) };
      if (operand.kind !== "vector_selector")
        throw source.fail(bracket, "ranges only allowed for vector selectors");
      if (operand.offsetMs !== undefined)
        throw source.fail(bracket, "no offset modifiers allowed before range");
      if (operand.at !== undefined)
        throw source.fail(bracket, "no @ modifiers allowed before range");
      const rangeMs = readPositiveDuration(source.child(node, 1), source);
      return { kind: "range_selector", selector: operand, rangeMs, start, end };
    }
  }
}

/** Where a modifier stands. */
interface Place {
  readonly node: SyntaxNode;
  readonly source: Source;
}

function shift(operand: Expression, by: Partial<TimeShift>, place: Place): Expression {
  const { node, source } = place;
  const isOffset = by.offsetMs !== undefined;
  // The grammar's node may begin with operands that the modifier does not stand behind.
  const at = { from: operand.start };
  if (operand.kind === "range_selector") {
    const selector = shift(operand.selector, by, place);
    if (selector.kind === "vector_selector") return { ...operand, selector, end: node.to };
  }
  if (operand.kind !== "vector_selector" && operand.kind !== "subquery")
    throw source.fail(
      at,
      `${isOffset ? "offset" : "@"} modifier must be preceded by an instant vector selector or range vector selector or a subquery`,
    );
  if (isOffset && operand.offsetMs !== undefined)
    throw source.fail(at, "offset may not be set multiple times");
  if (!isOffset && operand.at !== undefined)
    throw source.fail(at, "@ <timestamp> may not be set multiple times");
  return { ...operand, ...by, end: node.to };
}

function readAt(node: SyntaxNode, source: Source): AtModifier {
  const time = source.child(node, 2);
  if (time.name === "AtModifierPreprocessors")
    return source.child(time, 0).name === "AtStart" ? "start" : "end";
  const sign = source.text.charAt(time.from) === "-" ? -1 : 1;
  const atMs = Math.round(sign * source.readNumber(time) * 1000);
  if (!Number.isSafeInteger(atMs))
    throw source.fail(time, `timestamp out of bounds for @ modifier: ${source.textOf(time)}`);
  return atMs;
}

function readPositiveDuration(node: SyntaxNode, source: Source): number {
  const durationMs = readDuration(node, source);
  if (durationMs > 0) return durationMs;
  throw source.fail(node, "duration must be greater than 0");
}

/** A duration, or a number of seconds; in milliseconds, whole ones. */
function readDuration(node: SyntaxNode, source: Source): number {
  const parts = childrenOf(node);
  const [first, second] = parts;
  if (parts.length === 2 && first?.name === "UnaryOp" && second !== undefined) {
    const durationMs = readDuration(second, source);
    return source.textOf(first) === "-" ? -durationMs : durationMs;
  }
  if (parts.length !== 1 || first?.name !== "NumberDurationLiteralInDurationContext")
    throw source.fail(node, "duration expressions are not supported");
  // By way of whole nanoseconds, as in Go: 1.001 s is 1001 ms, not 1000.
  const durationMs = Math.trunc(Math.round(source.readNumber(first) * 1e9) / 1e6);
  if (Number.isSafeInteger(durationMs)) return durationMs;
  throw source.fail(node, "duration out of range");
}
