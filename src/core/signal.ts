/** What an alerting rule's expression measures, found in its syntax. */

import { parser } from "@prometheus-io/lezer-promql";
import { SentinelError } from "./errors.ts";
import type { RuleSignal } from "./model.ts";

type SyntaxNode = ReturnType<typeof parser.parse>["topNode"];

const COMPARISONS: Readonly<Record<string, string>> = {
  Gtr: ">",
  Lss: "<",
  Gte: ">=",
  Lte: "<=",
  Eql: "==",
  Neq: "!=",
};

const ARITHMETIC: Readonly<Record<string, (left: number, right: number) => number>> = {
  Add: (left, right) => left + right,
  Sub: (left, right) => left - right,
  Mul: (left, right) => left * right,
  Div: (left, right) => left / right,
  Pow: (left, right) => left ** right,
};

/**
 * The measured side of an expression such as `A > 5` or `A > 5 and B`: what to look at when the
 * whole is empty, to tell a quiet signal from a missing one.
 *
 * @param place what to name in the message
 * @returns `undefined` for an expression that compares nothing with a number
 * @throws SentinelError `configuration` on what is not PromQL
 */
export function readSignal(expr: string, place: string): RuleSignal | undefined {
  const tree = parser.parse(expr);
  const cursor = tree.cursor();
  do {
    if (cursor.type.isError)
      throw new SentinelError(
        "configuration",
        `${place}: expr is not PromQL at character ${cursor.from + 1}: ${expr}`,
      );
  } while (cursor.next());

  let node = firstOf(tree.topNode);
  while (node !== undefined) {
    if (node.name === "ParenExpr") {
      node = firstOf(node);
      continue;
    }
    if (node.name !== "BinaryExpr") return undefined;
    const { left, operator, right } = sides(node);
    if (left === undefined || right === undefined) return undefined;
    if (operator === "And" || operator === "Unless") {
      node = left;
      continue;
    }
    const comparison = COMPARISONS[operator];
    if (comparison === undefined || node.getChild("BoolModifier") !== null) return undefined;
    const threshold = numberOf(right, expr);
    if (!Number.isFinite(threshold)) return undefined;
    return { expr: expr.slice(left.from, left.to), operator: comparison, threshold };
  }
  return undefined;
}

function parts(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling)
    if (child.name !== "LineComment") found.push(child);
  return found;
}

function firstOf(node: SyntaxNode): SyntaxNode | undefined {
  return parts(node)[0];
}

function sides(node: SyntaxNode) {
  const [left, operator, ...rest] = parts(node);
  return { left, operator: operator?.name ?? "", right: rest.at(-1) };
}

/** The value of a number or of a calculation with numbers; NaN for anything else. */
function numberOf(node: SyntaxNode | undefined, expr: string): number {
  if (node === undefined) return NaN;
  if (node.name === "NumberDurationLiteral") return Number(expr.slice(node.from, node.to));
  if (node.name === "ParenExpr") return numberOf(firstOf(node), expr);
  if (node.name !== "BinaryExpr") return NaN;
  const { left, operator, right } = sides(node);
  return ARITHMETIC[operator]?.(numberOf(left, expr), numberOf(right, expr)) ?? NaN;
}
