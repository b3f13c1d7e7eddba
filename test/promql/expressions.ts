/** The expressions on which our engine and a real Prometheus must agree, on the data set. */

import { AGGREGATIONS } from "./expressions/aggregations.ts";
import { DATES, HISTOGRAMS, LABELS, MATH, SORTED } from "./expressions/functions.ts";
import { ARITHMETIC, COMPARISONS, JOINS, SETS } from "./expressions/operators.ts";
import { OVER_RANGES, RELAYED, SUBQUERIES } from "./expressions/ranges.ts";
import { RANGES, SELECTORS, TIME_SHIFTS, UTF8 } from "./expressions/selectors.ts";
import { IN_THE_WILD, LITERALS, RULES } from "./expressions/whole.ts";

/** All different. */
export const EXPRESSIONS: readonly string[] = [
  ...new Set([
    ...SELECTORS,
    ...UTF8,
    ...TIME_SHIFTS,
    ...RANGES,
    ...OVER_RANGES,
    ...SUBQUERIES,
    ...ARITHMETIC,
    ...COMPARISONS,
    ...SETS,
    ...JOINS,
    ...AGGREGATIONS,
    ...HISTOGRAMS,
    ...MATH,
    ...DATES,
    ...LABELS,
    ...SORTED,
    ...LITERALS,
    ...RELAYED,
    ...RULES,
    ...IN_THE_WILD,
  ]),
];
