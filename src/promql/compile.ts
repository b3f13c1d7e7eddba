/** From an expression to functions of time, made once for a query and called at each step. */

import { aggregate } from "./aggregate.ts";
import type { Aggregation, Binary, Call, Expression, Unary } from "./ast.ts";
import { isComparison, isSetOperator, typeOf } from "./ast.ts";
import {
  arithmetic,
  combineSets,
  combineVectors,
  combineWithScalar,
  comparisons,
  operationOf,
} from "./binary.ts";
import { compileCall, compileScalarCall } from "./calls.ts";
import { type Compile, type ScalarAt, stringOf, unexpected, type VectorAt } from "./compiled.ts";
import { Relabeler, withoutName } from "./labels.ts";
import type { Query } from "./query.ts";
import { type RangeSource, selectInstant, selectRange } from "./selection.ts";
import { selectSubquery } from "./subquery.ts";
import type { Vector } from "./vector.ts";

function partsOf(query: Query): Compile {
  return {
    query,
    scalar: (expression) => compileScalar(expression, query),
    vector: (expression) => compileVector(expression, query),
    range: (expression) => compileRange(expression, query),
  };
}

export function compileScalar(expression: Expression, query: Query): ScalarAt {
  switch (expression.kind) {
    case "number": {
      const { value } = expression;
      return () => value;
    }
    case "paren":
      return compileScalar(expression.expression, query);
    case "unary": {
      const operand = compileScalar(expression.operand, query);
      return expression.operator === "-" ? (tsMs) => -operand(tsMs) : operand;
    }
    case "binary": {
      const left = compileScalar(expression.left, query);
      const right = compileScalar(expression.right, query);
      const { operator } = expression;
      if (isSetOperator(operator)) return unexpected(expression, "scalar");
      if (isComparison(operator)) {
        const holds = comparisons[operator];
        return (tsMs) => (holds(left(tsMs), right(tsMs)) ? 1 : 0);
      }
      const apply = arithmetic[operator];
      return (tsMs) => apply(left(tsMs), right(tsMs));
    }
    case "call":
      return compileScalarCall(expression, partsOf(query));
    default:
      return unexpected(expression, "scalar");
  }
}

export function compileVector(expression: Expression, query: Query): VectorAt {
  const evaluate = compileEachStep(expression, query);
  if (!isConstant(expression)) return evaluate;
  let result: Vector | undefined;
  return (tsMs) => {
    result ??= evaluate(tsMs);
    return result;
  };
}

function compileEachStep(expression: Expression, query: Query): VectorAt {
  switch (expression.kind) {
    case "vector_selector":
      return selectInstant(expression, query);
    case "paren":
      return compileVector(expression.expression, query);
    case "unary":
      return compileUnary(expression, query);
    case "binary":
      return compileBinary(expression, query);
    case "aggregation":
      return compileAggregation(expression, query);
    case "call":
      return compileCall(expression, partsOf(query));
    default:
      return unexpected(expression, "instant vector");
  }
}

export function compileRange(expression: Expression, query: Query): RangeSource {
  switch (expression.kind) {
    case "paren":
      return compileRange(expression.expression, query);
    case "range_selector":
      return selectRange(expression, query);
    case "subquery":
      return selectSubquery(expression, query, compileVector(expression.expression, query));
    default:
      return unexpected(expression, "range vector");
  }
}

function compileUnary({ operator, operand }: Unary, query: Query): VectorAt {
  const evaluate = compileVector(operand, query);
  if (operator === "+") return evaluate;
  const nameless = new Relabeler(withoutName);
  return (tsMs) => {
    const { labels, values } = evaluate(tsMs);
    return { labels: nameless.apply(labels), values: values.map((value) => -value) };
  };
}

function compileBinary(node: Binary, query: Query): VectorAt {
  const { operator, left, right, matching, returnBool } = node;
  if (isSetOperator(operator)) {
    const [first, second] = [compileVector(left, query), compileVector(right, query)];
    return (tsMs) => combineSets(operator, [first(tsMs), second(tsMs)], matching);
  }
  const operation = operationOf(operator, returnBool);
  if (typeOf(left) === "scalar") {
    const [scalar, vector] = [compileScalar(left, query), compileVector(right, query)];
    return (tsMs) =>
      combineWithScalar(operation, vector(tsMs), { value: scalar(tsMs), isLeft: true });
  }
  const vector = compileVector(left, query);
  if (typeOf(right) === "scalar") {
    const scalar = compileScalar(right, query);
    return (tsMs) =>
      combineWithScalar(operation, vector(tsMs), { value: scalar(tsMs), isLeft: false });
  }
  const second = compileVector(right, query);
  return (tsMs) => combineVectors(operation, [vector(tsMs), second(tsMs)], matching);
}

function compileAggregation(node: Aggregation, query: Query): VectorAt {
  const { expression, parameter } = node;
  const evaluate = compileVector(expression, query);
  if (parameter === undefined) return (tsMs) => aggregate(node, evaluate(tsMs), undefined);
  if (typeOf(parameter) === "string") {
    const text = stringOf(parameter);
    return (tsMs) => aggregate(node, evaluate(tsMs), text);
  }
  const scalar = compileScalar(parameter, query);
  return (tsMs) => aggregate(node, evaluate(tsMs), scalar(tsMs));
}

/** Whether `@` fixes every selector, so that all steps give the same. */
function isConstant(expression: Expression): boolean {
  switch (expression.kind) {
    case "number":
    case "string":
      return true;
    case "vector_selector":
    case "subquery":
      return expression.at !== undefined;
    case "range_selector":
      return expression.selector.at !== undefined;
    case "paren":
      return isConstant(expression.expression);
    case "unary":
      return isConstant(expression.operand);
    case "binary":
      return isConstant(expression.left) && isConstant(expression.right);
    case "aggregation": {
      const { parameter } = expression;
      return (
        isConstant(expression.expression) && (parameter === undefined || isConstant(parameter))
      );
    }
    case "call":
      return !dependsOnTime(expression) && expression.args.every(isConstant);
  }
}

/** Functions of the time of evaluation, whatever their arguments. */
function dependsOnTime({ name, args }: Call): boolean {
  if (name === "time" || name === "timestamp" || name === "predict_linear") return true;
  // Date functions without an argument are functions of `time()`.
  return args.length === 0 && name !== "pi";
}
