/** Operators between scalars and vectors, and how the series of two vectors find each other. */

import type { Labels } from "../core/model.ts";
import type { ArithmeticOperator, ComparisonOperator, SetOperator, VectorMatching } from "./ast.ts";
import { isComparison } from "./ast.ts";
import { PromqlError } from "./errors.ts";
import { power } from "./functions/math.ts";
import {
  formatLabels,
  labelOf,
  labelsKey,
  METRIC_NAME,
  NO_LABELS,
  Projection,
  projectionOf,
  refuseDuplicates,
  withLabel,
  withoutName,
  withoutNames,
} from "./labels.ts";
import { EMPTY_VECTOR, type Vector, VectorBuilder } from "./vector.ts";

export const arithmetic = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "^": power,
  atan2: Math.atan2,
} as const satisfies Record<ArithmeticOperator, (a: number, b: number) => number>;

export const comparisons = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
} as const satisfies Record<ComparisonOperator, (a: number, b: number) => boolean>;

/**
 * What an operator makes of two values; `undefined` drops the element, as a comparison without
 * `bool` does. `a` stands on the left.
 */
interface Operation {
  readonly apply: (a: number, b: number) => number | undefined;
  /** A value that is computed is not the metric's any more. */
  readonly dropsName: boolean;
  /** Even a name that `group_left(__name__)` took from the other side. */
  readonly dropsIncludedName: boolean;
}

export function operationOf(
  operator: ArithmeticOperator | ComparisonOperator,
  returnBool: boolean,
): Operation {
  if (!isComparison(operator))
    return { apply: arithmetic[operator], dropsName: true, dropsIncludedName: false };
  const holds = comparisons[operator];
  if (!returnBool)
    return {
      apply: (a, b) => (holds(a, b) ? a : undefined),
      dropsName: false,
      dropsIncludedName: false,
    };
  return {
    apply: (a, b) => (holds(a, b) ? 1 : 0),
    dropsName: true,
    dropsIncludedName: true,
  };
}

/** Each element with one scalar. What a comparison keeps is the element, on whichever side. */
export function combineWithScalar(
  { apply, dropsName }: Operation,
  vector: Vector,
  scalar: { readonly value: number; readonly isLeft: boolean },
): Vector {
  const { value, isLeft } = scalar;
  const result = new VectorBuilder();
  for (const [index, labels] of vector.labels.entries()) {
    const element = vector.values[index] ?? Number.NaN;
    const combined = isLeft ? apply(value, element) : apply(element, value);
    if (combined === undefined) continue;
    result.add(labels, dropsName ? combined : element);
  }
  return dropsName ? { labels: withoutNames(result.labels), values: result.values } : result;
}

function matchProjection(matching: VectorMatching): Projection {
  return projectionOf(matching, () =>
    matching.on
      ? new Projection(true, matching.labels)
      : new Projection(false, [...matching.labels, METRIC_NAME]),
  );
}

/** @throws PromqlError `execution` if a series would match several where only one may be */
export function combineVectors(
  operation: Operation,
  [left, right]: readonly [Vector, Vector],
  matching: VectorMatching,
): Vector {
  if (left.labels.length === 0 || right.labels.length === 0) return EMPTY_VECTOR;
  const projection = matchProjection(matching);
  const oneIsLeft = matching.many === "right";
  const [many, one] = oneIsLeft ? [right, left] : [left, right];
  const ones = indexOnes(one, projection, oneIsLeft ? "left" : "right");

  const result = new VectorBuilder();
  const matched = new Map<number, Set<string>>();
  for (const [index, labels] of many.labels.entries()) {
    const oneIndex = ones.get(projection.signature(labels));
    if (oneIndex === undefined) continue;
    const manyValue = many.values[index] ?? Number.NaN;
    const oneValue = one.values[oneIndex] ?? Number.NaN;
    const { apply } = operation;
    const value = oneIsLeft ? apply(oneValue, manyValue) : apply(manyValue, oneValue);
    if (value === undefined) continue;
    const oneLabels = one.labels[oneIndex] ?? NO_LABELS;
    const combined = resultLabels([labels, oneLabels], operation, matching);
    refuseSecondMatch(matched, oneIndex, matching.many === "neither" ? undefined : combined);
    result.add(combined, value);
  }
  // One-to-one results differ by what they matched on, unless that was the name, which is gone.
  if (matching.many !== "neither" || matching.labels.includes(METRIC_NAME))
    refuseDuplicates(result.labels);
  return result;
}

/** @returns the index of the one series for each signature */
function indexOnes(
  vector: Vector,
  projection: Projection,
  side: "left" | "right",
): ReadonlyMap<string, number> {
  const ones = new Map<string, number>();
  for (const [index, labels] of vector.labels.entries()) {
    const signature = projection.signature(labels);
    const first = ones.get(signature);
    if (first !== undefined) {
      const [match, second, before] = [
        projection.apply(labels),
        labels,
        vector.labels[first] ?? NO_LABELS,
      ].map(formatLabels);
      throw new PromqlError(
        "execution",
        `found duplicate series for the match group ${match} on the ${side} hand-side of the operation: [${second}, ${before}];many-to-many matching not allowed: matching labels must be unique on one side`,
      );
    }
    ones.set(signature, index);
  }
  return ones;
}

/**
 * @param result labels of the result where one series may match several, which they must tell
 *   apart; `undefined` where it may not
 */
function refuseSecondMatch(
  matched: Map<number, Set<string>>,
  oneIndex: number,
  result: Labels | undefined,
): void {
  let results = matched.get(oneIndex);
  if (results === undefined) {
    results = new Set();
    matched.set(oneIndex, results);
  } else if (result === undefined) {
    throw new PromqlError(
      "execution",
      "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
    );
  } else if (results.has(labelsKey(result))) {
    throw new PromqlError(
      "execution",
      "multiple matches for labels: grouping labels must ensure unique matches",
    );
  }
  if (result !== undefined) results.add(labelsKey(result));
}

function resultLabels(
  [many, one]: readonly [Labels, Labels],
  { dropsName, dropsIncludedName }: Operation,
  matching: VectorMatching,
): Labels {
  const base = dropsName ? withoutName(many) : many;
  if (matching.many === "neither") {
    if (!matching.on && matching.labels.length === 0) return base;
    return oneToOneProjection(matching).apply(base);
  }
  const labels = matching.include.reduce(
    (combined, name) => withLabel(combined, name, labelOf(one, name)),
    base,
  );
  return dropsIncludedName ? withoutName(labels) : labels;
}

/** With `ignoring` the name remains, if the operator keeps it. */
function oneToOneProjection(matching: VectorMatching): Projection {
  return projectionOf(matching.labels, () => new Projection(matching.on, matching.labels));
}

/** `and`, `or` and `unless` keep whole elements, whatever their values. */
export function combineSets(
  operator: SetOperator,
  [left, right]: readonly [Vector, Vector],
  matching: VectorMatching,
): Vector {
  const projection = matchProjection(matching);
  const filter = (vector: Vector, by: Vector, keepMatched: boolean): Vector => {
    const signatures = new Set(by.labels.map((labels) => projection.signature(labels)));
    const kept = new VectorBuilder();
    for (const [index, labels] of vector.labels.entries())
      if (signatures.has(projection.signature(labels)) === keepMatched)
        kept.add(labels, vector.values[index] ?? Number.NaN);
    return kept;
  };
  switch (operator) {
    case "and":
      return filter(left, right, true);
    case "unless":
      return filter(left, right, false);
    case "or": {
      const added = filter(right, left, false);
      const labels = [...left.labels, ...added.labels];
      return { labels, values: [...left.values, ...added.values] };
    }
  }
}
