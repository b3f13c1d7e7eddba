/**
 * Prometheus' precedence over the operands and operators of an expression.
 *
 * The grammar's tree serves an editor: in it `offset`, `@` and `[5m]` take the whole of `a * b`, and
 * the sign of `-1 ^ 2` belongs to the number. So the operators are taken from it in the order of the
 * text, and bound here as by the parser of Prometheus.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/operators/#binary-operator-precedence
 */

import type { Binary, Expression } from "./ast.ts";

export type Token =
  | { readonly kind: "operand"; readonly expression: Expression }
  | { readonly kind: "sign"; readonly operator: "+" | "-"; readonly start: number }
  | { readonly kind: "modifier"; readonly apply: (operand: Expression) => Expression }
  | BinaryToken;

/** A binary expression whose sides are not found yet. */
type BinaryToken = Omit<Binary, "left" | "right" | "start" | "end">;

const PRECEDENCE = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  ">": 3,
  "<": 3,
  ">=": 3,
  "<=": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
} as const satisfies Record<Binary["operator"], number>;

/** @param tokens of a complete expression, in the order of the text */
export function bind(tokens: readonly Token[]): Expression {
  let next = 0;

  function bindFrom(minPrecedence: number): Expression {
    let left = bindOperand();
    for (;;) {
      const token = tokens[next];
      if (token?.kind !== "binary") return left;
      const precedence = PRECEDENCE[token.operator];
      if (precedence < minPrecedence) return left;
      next += 1;
      const right = bindFrom(token.operator === "^" ? precedence : precedence + 1);
      left = { ...token, left, right, start: left.start, end: right.end };
    }
  }

  function bindOperand(): Expression {
    const token = tokens[next];
    next += 1;
    if (token?.kind === "sign") {
      // A sign binds as `*` does: only `^` binds closer.
      const operand = bindFrom(PRECEDENCE["^"]);
      const { operator, start } = token;
      if (operand.kind !== "number")
        return { kind: "unary", operator, operand, start, end: operand.end };
      return { ...operand, value: operator === "-" ? -operand.value : operand.value, start };
    }
    if (token?.kind !== "operand") throw new TypeError("an operator has no operand");
    let operand = token.expression;
    for (;;) {
      const modifier = tokens[next];
      if (modifier?.kind !== "modifier") return operand;
      next += 1;
      operand = modifier.apply(operand);
    }
  }

  return bindFrom(0);
}
