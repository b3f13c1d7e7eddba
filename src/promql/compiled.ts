/** What the parts of an expression are compiled to. */

import { type Expression, withoutParens } from "./ast.ts";
import type { Query } from "./query.ts";
import type { RangeSource } from "./selection.ts";
import type { Vector } from "./vector.ts";

export type ScalarAt = (tsMs: number) => number;
export type VectorAt = (tsMs: number) => Vector;

/** Compiles an argument by the type that its place asks for. */
export interface Compile {
  readonly query: Query;
  scalar(expression: Expression): ScalarAt;
  vector(expression: Expression): VectorAt;
  range(expression: Expression): RangeSource;
}

/** Strings are literals: no operator and no function gives one. */
export function stringOf(expression: Expression): string {
  const inner = withoutParens(expression);
  return inner.kind === "string" ? inner.value : unexpected(expression, "string");
}

/** A checked expression has the type that its place asks for; anything else is a bug of ours. */
export function unexpected(expression: Expression, wanted: string): never {
  throw new TypeError(`${expression.kind} is no ${wanted}`);
}
