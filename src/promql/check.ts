/** The rules of Prometheus' type checker, and its words for their breach. */

import type { Aggregation, Binary, Call, Expression, VectorSelector } from "./ast.ts";
import { isComparison, isSetOperator, typeOf } from "./ast.ts";
import { parseError } from "./errors.ts";
import { METRIC_NAME } from "./labels.ts";
import { DOCUMENTED_TYPES, FUNCTIONS, type Signature, type ValueType } from "./signatures.ts";

/**
 * @param text the whole expression, for the place in a message
 * @throws PromqlError `bad_data` on the first rule that is broken
 */
export function check(expression: Expression, text: string): void {
  new Checker(text).visit(expression);
}

class Checker {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  visit(node: Expression): void {
    switch (node.kind) {
      case "number":
      case "string":
        return;
      case "vector_selector":
        return this.#checkSelector(node);
      case "range_selector":
        return this.#checkSelector(node.selector);
      case "paren":
        return this.visit(node.expression);
      case "subquery": {
        this.visit(node.expression);
        const type = typeOf(node.expression);
        if (type !== "vector")
          this.#fail(node, `subquery is only allowed on instant vector, got ${type} instead`);
        return;
      }
      case "unary": {
        this.visit(node.operand);
        const type = typeOf(node.operand);
        if (type !== "scalar" && type !== "vector")
          this.#fail(
            node,
            `unary expression only allowed on expressions of type scalar or instant vector, got "${DOCUMENTED_TYPES[type]}"`,
          );
        return;
      }
      case "binary":
        this.visit(node.left);
        this.visit(node.right);
        return this.#checkBinary(node);
      case "aggregation":
        return this.#checkAggregation(node);
      case "call":
        return this.#checkCall(node);
    }
  }

  #checkSelector(selector: VectorSelector): void {
    const { name, matchers } = selector;
    if (name === undefined) {
      if (matchers.every((matcher) => matcher.matches("")))
        this.#fail(selector, "vector selector must contain at least one non-empty matcher");
      return;
    }
    // The last one is the name's own.
    const second = matchers.slice(0, -1).find((matcher) => matcher.name === METRIC_NAME);
    if (second !== undefined)
      this.#fail(selector, `metric name must not be set twice: "${name}" or "${second.value}"`);
  }

  #expect(node: Expression, wanted: ValueType, context: string): void {
    this.visit(node);
    const type = typeOf(node);
    if (type !== wanted)
      this.#fail(
        node,
        `expected type ${DOCUMENTED_TYPES[wanted]} in ${context}, got ${DOCUMENTED_TYPES[type]}`,
      );
  }

  #checkAggregation({ operator, expression: inner, parameter }: Aggregation): void {
    this.#expect(inner, "vector", "aggregation expression");
    if (parameter !== undefined)
      this.#expect(
        parameter,
        operator === "count_values" ? "string" : "scalar",
        "aggregation parameter",
      );
  }

  #checkBinary(node: Binary): void {
    const { operator, left, right, returnBool, matching } = node;
    const atOperator = { start: node.operatorStart };
    const types = [typeOf(left), typeOf(right)];
    const bothVectors = types.every((type) => type === "vector");
    if (returnBool && !isComparison(operator))
      this.#fail(atOperator, "bool modifier can only be used on comparison operators");
    if (isComparison(operator) && !returnBool && types.every((type) => type === "scalar"))
      this.#fail(atOperator, "comparisons between scalars must use BOOL modifier");
    const shared = matching.labels.find((label) => matching.include.includes(label));
    if (matching.on && shared !== undefined)
      this.#fail(atOperator, `label "${shared}" must not occur in ON and GROUP clause at once`);
    for (const side of [left, right]) {
      const type = typeOf(side);
      if (type !== "scalar" && type !== "vector")
        this.#fail(side, "binary expression must contain only scalar and instant vector types");
    }
    if (!bothVectors && matching.labels.length > 0)
      this.#fail(node, "vector matching only allowed between instant vectors");
    if (!isSetOperator(operator)) return;
    if (!bothVectors)
      this.#fail(node, `set operator "${operator}" not allowed in binary scalar expression`);
    if (matching.many !== "neither")
      this.#fail(node, `no grouping allowed for "${operator}" operation`);
  }

  #checkCall(node: Call): void {
    const { name, args } = node;
    const signature: Signature = FUNCTIONS[name];
    const { variadic } = signature;
    const count = signature.args.length;
    const least = variadic === 0 ? count : count - 1;
    if (variadic === 0 && args.length !== count)
      this.#fail(node, `expected ${count} argument(s) in call to "${name}", got ${args.length}`);
    if (args.length < least)
      this.#fail(
        node,
        `expected at least ${least} argument(s) in call to "${name}", got ${args.length}`,
      );
    if (variadic > 0 && args.length > least + variadic)
      this.#fail(
        node,
        `expected at most ${least + variadic} argument(s) in call to "${name}", got ${args.length}`,
      );
    for (const [index, arg] of args.entries()) {
      const wanted = signature.args[Math.min(index, count - 1)];
      if (wanted !== undefined) this.#expect(arg, wanted, `call to function "${name}"`);
    }
  }

  #fail({ start }: { readonly start: number }, message: string): never {
    throw parseError(this.#text, start, message);
  }
}
