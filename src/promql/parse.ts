/** From the text of an expression to its checked tree, on Prometheus' own grammar. */

import type { SyntaxNode } from "@lezer/common";
import { parser } from "@prometheus-io/lezer-promql";
import { messageOf } from "../core/errors.ts";
import type { Aggregator, BinaryOperator, Expression, Grouping, VectorMatching } from "./ast.ts";
import { AGGREGATORS, ARITHMETIC_OPERATORS, COMPARISON_OPERATORS, SET_OPERATORS } from "./ast.ts";
import { check } from "./check.ts";
import { parseError } from "./errors.ts";
import { METRIC_NAME } from "./labels.ts";
import { unquote } from "./lexical.ts";
import { createMatcher } from "./matchers.ts";
import { modify } from "./modifiers.ts";
import { bind, type Token } from "./precedence.ts";
import { type LabelMatcher, MATCH_OPERATORS } from "./series.ts";
import { isFunctionName } from "./signatures.ts";
import { childrenOf, refuseErrors, Source } from "./syntax.ts";

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
  const expression = new Reader(new Source(text)).read(root);
  check(expression, text);
  return expression;
}

/** Turns the nodes of one text into expressions. */
class Reader {
  constructor(private readonly source: Source) {}

  read(node: SyntaxNode): Expression {
    return bind([...this.tokens(node)]);
  }

  /** Operands and operators in the order of the text, down to the operands. */
  private *tokens(node: SyntaxNode): Generator<Token> {
    switch (node.name) {
      case "BinaryExpr": {
        const [left, operator, ...rest] = childrenOf(node);
        const right = rest.pop();
        if (left === undefined || operator === undefined || right === undefined)
          throw this.source.fail(node, "unexpected end of input");
        yield* this.tokens(left);
        yield this.readBinaryToken(operator, rest);
        yield* this.tokens(right);
        return;
      }
      case "UnaryExpr":
        yield this.signAt(node);
        yield* this.tokens(this.source.child(node, -1));
        return;
      case "NumberDurationLiteral": {
        const literal = this.source.textOf(node);
        const isSigned = /^[+-]/.test(literal);
        if (isSigned) yield this.signAt(node);
        const start = node.from + (isSigned ? 1 : 0);
        const value = this.source.readNumber(node);
        const place = { start, end: node.to };
        yield { kind: "operand", expression: { kind: "number", value, ...place } };
        return;
      }
      case "OffsetExpr":
      case "StepInvariantExpr":
      case "MatrixSelector":
      case "SubqueryExpr":
        yield* this.tokens(this.source.child(node, 0));
        yield { kind: "modifier", apply: (operand) => modify(operand, node, this.source) };
        return;
      default:
        yield { kind: "operand", expression: this.readOperand(node) };
    }
  }

  private signAt(node: SyntaxNode): Token {
    const operator = this.source.text.charAt(node.from) === "-" ? "-" : "+";
    return { kind: "sign", operator, start: node.from };
  }

  private readOperand(node: SyntaxNode): Expression {
    const place = { start: node.from, end: node.to };
    switch (node.name) {
      case "StringLiteral":
        return { kind: "string", value: this.readString(node), ...place };
      case "ParenExpr":
        return { kind: "paren", expression: this.read(this.source.child(node, 0)), ...place };
      case "VectorSelector":
        return this.readSelector(node);
      case "AggregateExpr":
        return this.readAggregation(node);
      case "FunctionCall":
        return this.readCall(node);
      case "AnchoredExpr":
      case "SmoothedExpr":
        throw this.source.fail(
          node,
          `${this.source.textOf(this.source.child(node, -1))} is not supported`,
        );
      default:
        throw this.source.fail(node, `${node.name} is not supported`);
    }
  }

  private readString(node: SyntaxNode): string {
    const literal = this.source.textOf(node);
    const unquoted = unquote(literal);
    if ("text" in unquoted) return unquoted.text;
    throw this.source.fail(node, `error unquoting string ${literal}: ${unquoted.problem}`);
  }

  private readLabelNames(node: SyntaxNode | undefined): string[] {
    return node === undefined ? [] : childrenOf(node).map((label) => this.readLabelName(label));
  }

  private readLabelName(node: SyntaxNode): string {
    return node.name === "QuotedLabelName"
      ? this.readString(this.source.child(node, 0))
      : this.source.textOf(node);
  }

  private readBinaryToken(operator: SyntaxNode, modifiers: readonly SyntaxNode[]): Token {
    const symbol = this.source.textOf(operator).toLowerCase();
    const known = BINARY_OPERATORS.find((candidate) => candidate === symbol);
    if (known === undefined)
      throw this.source.fail(operator, `operator ${symbol} is not supported`);
    const fill = modifiers.find(({ name }) => name === "FillModifier");
    if (fill !== undefined) throw this.source.fail(fill, "fill modifiers are not supported");
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
    const name = identifier === undefined ? undefined : this.source.textOf(identifier);
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
    const name = this.readLabelName(this.source.child(node, 0));
    const symbol = this.source.textOf(this.source.child(node, 1));
    const operator = MATCH_OPERATORS.find((known) => known === symbol);
    if (operator === undefined)
      throw this.source.fail(node, `unexpected ${JSON.stringify(symbol)}`);
    const value = this.readString(this.source.child(node, 2));
    try {
      return createMatcher(name, operator, value);
    } catch (error) {
      throw this.source.fail(node, messageOf(error));
    }
  }

  private readAggregation(node: SyntaxNode): Expression {
    const parts = childrenOf(node);
    const name = this.source.textOf(this.source.child(node, 0)).toLowerCase();
    const operator = AGGREGATORS.find((known) => known === name);
    if (operator === undefined)
      throw this.source.fail(node, `aggregation ${name} is not supported`);
    const modifier = parts.find((part) => part.name === "AggregateModifier");
    const args = this.readArguments(parts);
    const expected = WITH_PARAMETER.includes(operator) ? 2 : 1;
    const [expression, parameter] = args.toReversed();
    if (expression === undefined)
      throw this.source.fail(node, "no arguments for aggregate expression provided");
    if (args.length !== expected)
      throw this.source.fail(
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
    const name = this.source.textOf(this.source.child(node, 0));
    if (!isFunctionName(name)) throw this.source.fail(node, `function ${name} is not supported`);
    const args = this.readArguments(childrenOf(node));
    return { kind: "call", name, args, start: node.from, end: node.to };
  }

  private readArguments(parts: readonly SyntaxNode[]): Expression[] {
    const body = parts.find((part) => part.name === "FunctionCallBody");
    return body === undefined ? [] : childrenOf(body).map((argument) => this.read(argument));
  }
}
