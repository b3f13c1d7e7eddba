/** A checked expression, as plain data: what the parser makes and the evaluator reads. */

import type { LabelMatcher } from "./series.ts";
import type { FunctionName, ValueType } from "./signatures.ts";
import { FUNCTIONS } from "./signatures.ts";

/** Where a node stands in the text: from `start` to before `end`. */
interface Located {
  readonly start: number;
  readonly end: number;
}

/** The time of `@`: milliseconds, or an end of the query's own range. */
export type AtModifier = number | "start" | "end";

/** What shifts the time at which a selector or a subquery looks. */
export interface TimeShift {
  /** Negative looks ahead; `undefined` if there is no `offset`. */
  readonly offsetMs: number | undefined;
  readonly at: AtModifier | undefined;
}

interface NumberLiteral extends Located {
  readonly kind: "number";
  readonly value: number;
}

interface StringLiteral extends Located {
  readonly kind: "string";
  readonly value: string;
}

export interface VectorSelector extends Located, TimeShift {
  readonly kind: "vector_selector";
  /** The name in front of the braces; it is among the matchers, too. */
  readonly name: string | undefined;
  readonly matchers: readonly LabelMatcher[];
}

export interface RangeSelector extends Located {
  readonly kind: "range_selector";
  readonly selector: VectorSelector;
  readonly rangeMs: number;
}

export interface Subquery extends Located, TimeShift {
  readonly kind: "subquery";
  readonly expression: Expression;
  readonly rangeMs: number;
  /** `undefined` takes the default of the evaluation. */
  readonly stepMs: number | undefined;
}

interface Paren extends Located {
  readonly kind: "paren";
  readonly expression: Expression;
}

export interface Unary extends Located {
  readonly kind: "unary";
  readonly operator: "+" | "-";
  readonly operand: Expression;
}

export const ARITHMETIC_OPERATORS = ["+", "-", "*", "/", "%", "^", "atan2"] as const;
export const COMPARISON_OPERATORS = ["==", "!=", ">", "<", ">=", "<="] as const;
export const SET_OPERATORS = ["and", "or", "unless"] as const;

export type ArithmeticOperator = (typeof ARITHMETIC_OPERATORS)[number];
export type ComparisonOperator = (typeof COMPARISON_OPERATORS)[number];
export type SetOperator = (typeof SET_OPERATORS)[number];
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator;

export function isComparison(operator: BinaryOperator): operator is ComparisonOperator {
  return COMPARISON_OPERATORS.some((known) => known === operator);
}

export function isSetOperator(operator: BinaryOperator): operator is SetOperator {
  return SET_OPERATORS.some((known) => known === operator);
}

/** How the series of two vectors find each other. */
export interface VectorMatching {
  /** By `labels` alone (`on`), or by all but them and the name (`ignoring`). */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Which side may have several series for one of the other: `group_left` is `left`. */
  readonly many: "neither" | "left" | "right";
  /** Labels that a result takes from the side of one. */
  readonly include: readonly string[];
}

export interface Binary extends Located {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  /** 0 or 1 instead of a filter. */
  readonly returnBool: boolean;
  readonly matching: VectorMatching;
  /** Where the operator stands in the text. */
  readonly operatorStart: number;
}

export const AGGREGATORS = [
  "sum",
  "avg",
  "min",
  "max",
  "count",
  "group",
  "stddev",
  "stdvar",
  "topk",
  "bottomk",
  "quantile",
  "count_values",
] as const;
export type Aggregator = (typeof AGGREGATORS)[number];

/** By `labels` alone, or, with `without`, by all but them and the name. */
export interface Grouping {
  readonly without: boolean;
  readonly labels: readonly string[];
}

export interface Aggregation extends Located {
  readonly kind: "aggregation";
  readonly operator: Aggregator;
  readonly expression: Expression;
  readonly parameter: Expression | undefined;
  readonly grouping: Grouping;
}

export interface Call extends Located {
  readonly kind: "call";
  readonly name: FunctionName;
  readonly args: readonly Expression[];
}

export type Expression =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | RangeSelector
  | Subquery
  | Paren
  | Unary
  | Binary
  | Aggregation
  | Call;

export function typeOf(expression: Expression): ValueType {
  switch (expression.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "vector_selector":
    case "aggregation":
      return "vector";
    case "range_selector":
    case "subquery":
      return "matrix";
    case "paren":
      return typeOf(expression.expression);
    case "unary":
      return typeOf(expression.operand);
    case "binary":
      return typeOf(expression.left) === "scalar" && typeOf(expression.right) === "scalar"
        ? "scalar"
        : "vector";
    case "call":
      return FUNCTIONS[expression.name].returns;
  }
}

/** The expression inside all the parentheses around it. */
export function withoutParens(expression: Expression): Expression {
  let inner = expression;
  while (inner.kind === "paren") inner = inner.expression;
  return inner;
}
