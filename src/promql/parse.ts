/** From the text of an expression to its checked tree, on Prometheus' own grammar. */

import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import { messageOf } from "../core/errors.ts";
import type {
  Aggregator,
  BinaryOperator,
  Expression,
  Grouping,
  TimeShift,
  VectorMatching,
} from "./ast.ts";
import { AGGREGATORS, ARITHMETIC_OPERATORS, COMPARISON_OPERATORS, SET_OPERATORS } from "./ast.ts";
import { check } from "./check.ts";
import { parseError, type PromqlError } from "./errors.ts";
import { METRIC_NAME } from "./labels.ts";
import { parseNumber, unquote } from "./lexical.ts";
import { createMatcher } from "./matchers.ts";
import { bind, type Token } from "./precedence.ts";
import { type LabelMatcher, MATCH_OPERATORS } from "./series.ts";
import { isFunctionName } from "./signatures.ts";
import { childrenOf, refuseErrors } from "./syntax.ts";

const BINARY_OPERATORS: readonly BinaryOperator[] = [
  ...ARITHMETIC_OPERATORS,
  ...COMPARISON_OPERATORS,
  ...SET_OPERATORS,
];

const WITH_PARAMETER: readonly Aggregator[] = ["topk", "bottomk", "quantile", "count_values"];

/**
 * Reads an expression and checks its types.
 *
 * @throws PromqlError `bad_data` on what is no PromQL, and, by its name, on what is not evaluated
 *   here: experimental functions, native histograms, arithmetic on durations
 */
export function parseExpression(text: string): Expression {
  const tree = parser.parse(text);
  refuseErrors(tree, text);
  const [root] = childrenOf(tree.topNode);
  if (root === undefined) throw parseError(text, 0, "no expression found in input");
  const expression = new Reader(text).read(root);
  check(expression, text);
  return expression;
}

/** Turns the nodes of one text into expressions. */
class Reader {
  constructor(private readonly text: string) {}

  read(node: SyntaxNode): Expression {
    return bind([...this.tokens(node)]);
  }

  private fail(node: { readonly from: number }, message: string): PromqlError {
    return parseError(this.text, node.from, message);
  }

  private textOf(node: SyntaxNode): string {
    return this.text.slice(node.from, node.to);
  }

  /** The one child that the grammar promises there. */
  private child(node: SyntaxNode, index: number): SyntaxNode {
    const child = childrenOf(node).at(index);
    if (child === undefined)
      throw this.fail(node, `unexpected ${JSON.stringify(this.textOf(node))}`);
    return child;
  }

  /** Operands and operators in the order of the text, down to the operands. */
  private *tokens(node: SyntaxNode): Generator<Token> {
    switch (node.name) {
      case "BinaryExpr": {
        const [left, operator, ...rest] = childrenOf(node);
        const right = rest.pop();
        if (left === undefined || operator === undefined || right === undefined)
          throw this.fail(node, "unexpected end of input");
        yield* this.tokens(left);
        yield this.readBinaryToken(operator, rest);
        yield* this.tokens(right);
        return;
      }
      case "UnaryExpr":
        yield this.signAt(node);
        yield* this.tokens(this.child(node, -1));
        return;
      case "NumberDurationLiteral": {
        const literal = this.textOf(node);
        const isSigned = /^[+-]/.test(literal);
        if (isSigned) yield this.signAt(node);
        const start = node.from + (isSigned ? 1 : 0);
        const value = this.readNumber(node);
        const place = { start, end: node.to };
        yield { kind: "operand", expression: { kind: "number", value, ...place } };
        return;
      }
      case "OffsetExpr":
      case "StepInvariantExpr":
      case "MatrixSelector":
      case "SubqueryExpr":
        yield* this.tokens(this.child(node, 0));
        yield { kind: "modifier", apply: (operand) => this.modify(operand, node) };
        return;
      default:
        yield { kind: "operand", expression: this.readOperand(node) };
    }
  }

  private signAt(node: SyntaxNode): Token {
    const operator = this.text.charAt(node.from) === "-" ? "-" : "+";
    return { kind: "sign", operator, start: node.from };
  }

  private readOperand(node: SyntaxNode): Expression {
    const place = { start: node.from, end: node.to };
    switch (node.name) {
      case "StringLiteral":
        return { kind: "string", value: this.readString(node), ...place };
      case "ParenExpr":
        return { kind: "paren", expression: this.read(this.child(node, 0)), ...place };
      case "VectorSelector":
        return this.readSelector(node);
      case "AggregateExpr":
        return this.readAggregation(node);
      case "FunctionCall":
        return this.readCall(node);
      case "AnchoredExpr":
      case "SmoothedExpr":
        throw this.fail(node, `${this.textOf(this.child(node, -1))} is not supported`);
      default:
        throw this.fail(node, `${node.name} is not supported`);
    }
  }

  private readString(node: SyntaxNode): string {
    const literal = this.textOf(node);
    const unquoted = unquote(literal);
    if ("text" in unquoted) return unquoted.text;
    throw this.fail(node, `error unquoting string ${literal}: ${unquoted.problem}`);
  }

  /** The number at the node, whatever sign stands in front of it. */
  private readNumber(node: SyntaxNode): number {
    const literal = this.textOf(node).replace(/^[+-]\s*/, "");
    const value = parseNumber(literal);
    if (value === undefined) throw this.fail(node, `error parsing number: ${literal}`);
    return value;
  }

  private readLabelNames(node: SyntaxNode | undefined): string[] {
    return node === undefined ? [] : childrenOf(node).map((label) => this.readLabelName(label));
  }

  private readLabelName(node: SyntaxNode): string {
    return node.name === "QuotedLabelName"
      ? this.readString(this.child(node, 0))
      : this.textOf(node);
  }

  private readBinaryToken(operator: SyntaxNode, modifiers: readonly SyntaxNode[]): Token {
    const symbol = this.textOf(operator).toLowerCase();
    const known = BINARY_OPERATORS.find((candidate) => candidate === symbol);
    if (known === undefined) throw this.fail(operator, `operator ${symbol} is not supported`);
    const fill = modifiers.find(({ name }) => name === "FillModifier");
    if (fill !== undefined) throw this.fail(fill, "fill modifiers are not supported");
    const clause = modifiers.find(({ name }) => name === "MatchingModifierClause");
    return {
      kind: "binary",
      operator: known,
      returnBool: modifiers.some(({ name }) => name === "BoolModifier"),
      matching: this.readMatching(clause),
      operatorStart: operator.from,
    };
  }

  private readMatching(clause: SyntaxNode | undefined): VectorMatching {
    if (clause === undefined) return { on: false, labels: [], many: "neither", include: [] };
    const [kind, labels, group, include] = childrenOf(clause);
    return {
      on: kind?.name === "On",
      labels: this.readLabelNames(labels),
      many: group === undefined ? "neither" : group.name === "GroupLeft" ? "left" : "right",
      include: this.readLabelNames(include),
    };
  }

  private readSelector(node: SyntaxNode): Expression {
    const parts = childrenOf(node);
    const identifier = parts.find((part) => part.name === "Identifier");
    const braces = parts.find((part) => part.name === "LabelMatchers");
    const matchers =
      braces === undefined ? [] : childrenOf(braces).map((it) => this.readMatcher(it));
    const name = identifier === undefined ? undefined : this.textOf(identifier);
    if (name !== undefined) matchers.push(createMatcher(METRIC_NAME, "=", name));
    return {
      kind: "vector_selector",
      name,
      matchers,
      offsetMs: undefined,
      at: undefined,
      start: node.from,
      end: node.to,
    };
  }

  private readMatcher(node: SyntaxNode): LabelMatcher {
    if (node.name === "QuotedLabelName")
      return createMatcher(METRIC_NAME, "=", this.readLabelName(node));
    const name = this.readLabelName(this.child(node, 0));
    const symbol = this.textOf(this.child(node, 1));
    const operator = MATCH_OPERATORS.find((known) => known === symbol);
    if (operator === undefined) throw this.fail(node, `unexpected ${JSON.stringify(symbol)}`);
    const value = this.readString(this.child(node, 2));
    try {
      return createMatcher(name, operator, value);
    } catch (error) {
      throw this.fail(node, messageOf(error));
    }
  }

  private readAggregation(node: SyntaxNode): Expression {
    const parts = childrenOf(node);
    const name = this.textOf(this.child(node, 0)).toLowerCase();
    const operator = AGGREGATORS.find((known) => known === name);
    if (operator === undefined) throw this.fail(node, `aggregation ${name} is not supported`);
    const modifier = parts.find((part) => part.name === "AggregateModifier");
    const args = this.readArguments(parts);
    const expected = WITH_PARAMETER.includes(operator) ? 2 : 1;
    const [expression, parameter] = args.toReversed();
    if (expression === undefined)
      throw this.fail(node, "no arguments for aggregate expression provided");
    if (args.length !== expected)
      throw this.fail(
        node,
        `wrong number of arguments for aggregate expression provided, expected ${expected}, got ${args.length}`,
      );
    return {
      kind: "aggregation",
      operator,
      expression,
      parameter,
      grouping: this.readGrouping(modifier),
      start: node.from,
      end: node.to,
    };
  }

  private readGrouping(modifier: SyntaxNode | undefined): Grouping {
    if (modifier === undefined) return { without: false, labels: [] };
    const [kind, labels] = childrenOf(modifier);
    return { without: kind?.name === "Without", labels: this.readLabelNames(labels) };
  }

  private readCall(node: SyntaxNode): Expression {
    const name = this.textOf(this.child(node, 0));
    if (!isFunctionName(name)) throw this.fail(node, `function ${name} is not supported`);
    const args = this.readArguments(childrenOf(node));
    return { kind: "call", name, args, start: node.from, end: node.to };
  }

  private readArguments(parts: readonly SyntaxNode[]): Expression[] {
    const body = parts.find((part) => part.name === "FunctionCallBody");
    return body === undefined ? [] : childrenOf(body).map((argument) => this.read(argument));
  }

  /** Applies `[5m]`, `[5m:1m]`, `offset` or `@` to what it stands behind. */
  private modify(operand: Expression, node: SyntaxNode): Expression {
    const { start } = operand;
    const end = node.to;
    switch (node.name) {
      case "OffsetExpr":
        return this.shift(operand, node, { offsetMs: this.readDuration(this.child(node, 2)) });
      case "StepInvariantExpr":
        return this.shift(operand, node, { at: this.readAt(node) });
      case "SubqueryExpr": {
        const [, range, step] = childrenOf(node);
        const rangeMs = range === undefined ? 0 : this.readPositiveDuration(range);
        const stepMs = step === undefined ? undefined : this.readPositiveDuration(step);
        const unshifted = { offsetMs: undefined, at: undefined };
        return { kind: "subquery", expression: operand, rangeMs, stepMs, ...unshifted, start, end };
      }
      default: {
        const bracket = { from: this.text.indexOf("[", operand.end) };
        if (operand.kind !== "vector_selector")
          throw this.fail(bracket, "ranges only allowed for vector selectors");
        if (operand.offsetMs !== undefined)
          throw this.fail(bracket, "no offset modifiers allowed before range");
        if (operand.at !== undefined)
          throw this.fail(bracket, "no @ modifiers allowed before range");
        const rangeMs = this.readPositiveDuration(this.child(node, 1));
        return { kind: "range_selector", selector: operand, rangeMs, start, end };
      }
    }
  }

  private shift(operand: Expression, node: SyntaxNode, shift: Partial<TimeShift>): Expression {
    const isOffset = shift.offsetMs !== undefined;
    if (operand.kind === "range_selector") {
      const selector = this.shift(operand.selector, node, shift);
      if (selector.kind === "vector_selector") return { ...operand, selector, end: node.to };
    }
    if (operand.kind !== "vector_selector" && operand.kind !== "subquery")
      throw this.fail(
        operand.start < node.from ? node : { from: operand.start },
        `${isOffset ? "offset" : "@"} modifier must be preceded by an instant vector selector or range vector selector or a subquery`,
      );
    if (isOffset && operand.offsetMs !== undefined)
      throw this.fail(node, "offset may not be set multiple times");
    if (!isOffset && operand.at !== undefined)
      throw this.fail(node, "@ <timestamp> may not be set multiple times");
    return { ...operand, ...shift, end: node.to };
  }

  private readAt(node: SyntaxNode): number | "start" | "end" {
    const time = this.child(node, 2);
    if (time.name === "AtModifierPreprocessors")
      return this.child(time, 0).name === "AtStart" ? "start" : "end";
    const sign = this.text.charAt(time.from) === "-" ? -1 : 1;
    const atMs = Math.round(sign * this.readNumber(time) * 1000);
    if (!Number.isSafeInteger(atMs))
      throw this.fail(time, `timestamp out of bounds for @ modifier: ${this.textOf(time)}`);
    return atMs;
  }

  private readPositiveDuration(node: SyntaxNode): number {
    const durationMs = this.readDuration(node);
    if (durationMs > 0) return durationMs;
    throw this.fail(node, "duration must be greater than 0");
  }

  /** A duration, or a number of seconds; in milliseconds, whole ones. */
  private readDuration(node: SyntaxNode): number {
    const parts = childrenOf(node);
    const [first, second] = parts;
    if (parts.length === 2 && first?.name === "UnaryOp" && second !== undefined) {
      const durationMs = this.readDuration(second);
      return this.textOf(first) === "-" ? -durationMs : durationMs;
    }
    if (parts.length !== 1 || first?.name !== "NumberDurationLiteralInDurationContext")
      throw this.fail(node, "duration expressions are not supported");
    // By way of whole nanoseconds, as in Go: 1.001 s is 1001 ms, not 1000.
    const durationMs = Math.trunc(Math.round(this.readNumber(first) * 1e9) / 1e6);
    if (Number.isSafeInteger(durationMs)) return durationMs;
    throw this.fail(node, "duration out of range");
  }
}
