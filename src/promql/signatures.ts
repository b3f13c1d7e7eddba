/** Which functions there are, and what they take and give. */

const VALUE_TYPES = ["scalar", "string", "vector", "matrix"] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

/** As Prometheus calls them in its messages. */
export const DOCUMENTED_TYPES = {
  scalar: "scalar",
  string: "string",
  vector: "instant vector",
  matrix: "range vector",
} as const satisfies Record<ValueType, string>;

export interface Signature {
  readonly args: readonly ValueType[];
  /** How many arguments of the last type may be left out; -1 if it may come any number of times. */
  readonly variadic: number;
  readonly returns: ValueType;
}

/** From an instant vector to one, each value by itself. */
const ELEMENT_FUNCTIONS = [
  "abs",
  "ceil",
  "floor",
  "exp",
  "ln",
  "log2",
  "log10",
  "sqrt",
  "sgn",
  "sin",
  "cos",
  "tan",
  "asin",
  "acos",
  "atan",
  "sinh",
  "cosh",
  "tanh",
  "asinh",
  "acosh",
  "atanh",
  "deg",
  "rad",
] as const;
export type ElementFunction = (typeof ELEMENT_FUNCTIONS)[number];

/** Each value by itself, and scalars that bound it. */
const BOUND_FUNCTIONS = ["clamp", "clamp_min", "clamp_max", "round"] as const;
type BoundFunction = (typeof BOUND_FUNCTIONS)[number];

/** Of each value as seconds since 1970, or of the evaluation's own time. */
const DATE_FUNCTIONS = [
  "minute",
  "hour",
  "day_of_week",
  "day_of_month",
  "day_of_year",
  "days_in_month",
  "month",
  "year",
] as const;
export type DateFunction = (typeof DATE_FUNCTIONS)[number];

/** From the samples of each series within a range to one value. */
const RANGE_FUNCTIONS = [
  "rate",
  "irate",
  "increase",
  "delta",
  "idelta",
  "deriv",
  "changes",
  "resets",
  "avg_over_time",
  "min_over_time",
  "max_over_time",
  "sum_over_time",
  "count_over_time",
  "stddev_over_time",
  "stdvar_over_time",
  "last_over_time",
  "present_over_time",
  "quantile_over_time",
  "predict_linear",
] as const;
export type RangeFunction = (typeof RANGE_FUNCTIONS)[number];

/** What is evaluated in a way of its own. */
const SPECIAL_FUNCTIONS = [
  "absent",
  "absent_over_time",
  "histogram_avg",
  "histogram_count",
  "histogram_fraction",
  "histogram_quantile",
  "histogram_stddev",
  "histogram_stdvar",
  "histogram_sum",
  "label_join",
  "label_replace",
  "pi",
  "scalar",
  "sort",
  "sort_desc",
  "time",
  "timestamp",
  "vector",
] as const;
type SpecialFunction = (typeof SPECIAL_FUNCTIONS)[number];

export type FunctionName =
  ElementFunction | BoundFunction | DateFunction | RangeFunction | SpecialFunction;

function takes(...args: readonly ValueType[]): Signature {
  return { args, variadic: 0, returns: "vector" };
}

const ofVector = takes("vector");
const ofMatrix = takes("matrix");
const ofOptionalVector: Signature = { ...ofVector, variadic: 1 };

/**
 * Every function that Prometheus 3.5 counts as stable.
 *
 * @see https://prometheus.io/docs/prometheus/latest/querying/functions/
 */
export const FUNCTIONS = {
  abs: ofVector,
  ceil: ofVector,
  floor: ofVector,
  exp: ofVector,
  ln: ofVector,
  log2: ofVector,
  log10: ofVector,
  sqrt: ofVector,
  sgn: ofVector,
  sin: ofVector,
  cos: ofVector,
  tan: ofVector,
  asin: ofVector,
  acos: ofVector,
  atan: ofVector,
  sinh: ofVector,
  cosh: ofVector,
  tanh: ofVector,
  asinh: ofVector,
  acosh: ofVector,
  atanh: ofVector,
  deg: ofVector,
  rad: ofVector,
  clamp: takes("vector", "scalar", "scalar"),
  clamp_min: takes("vector", "scalar"),
  clamp_max: takes("vector", "scalar"),
  round: { ...takes("vector", "scalar"), variadic: 1 },
  minute: ofOptionalVector,
  hour: ofOptionalVector,
  day_of_week: ofOptionalVector,
  day_of_month: ofOptionalVector,
  day_of_year: ofOptionalVector,
  days_in_month: ofOptionalVector,
  month: ofOptionalVector,
  year: ofOptionalVector,
  rate: ofMatrix,
  irate: ofMatrix,
  increase: ofMatrix,
  delta: ofMatrix,
  idelta: ofMatrix,
  deriv: ofMatrix,
  changes: ofMatrix,
  resets: ofMatrix,
  avg_over_time: ofMatrix,
  min_over_time: ofMatrix,
  max_over_time: ofMatrix,
  sum_over_time: ofMatrix,
  count_over_time: ofMatrix,
  stddev_over_time: ofMatrix,
  stdvar_over_time: ofMatrix,
  last_over_time: ofMatrix,
  present_over_time: ofMatrix,
  quantile_over_time: takes("scalar", "matrix"),
  predict_linear: takes("matrix", "scalar"),
  absent: ofVector,
  absent_over_time: ofMatrix,
  histogram_avg: ofVector,
  histogram_count: ofVector,
  histogram_fraction: takes("scalar", "scalar", "vector"),
  histogram_quantile: takes("scalar", "vector"),
  histogram_stddev: ofVector,
  histogram_stdvar: ofVector,
  histogram_sum: ofVector,
  label_join: { ...takes("vector", "string", "string", "string"), variadic: -1 },
  label_replace: takes("vector", "string", "string", "string", "string"),
  pi: { ...takes(), returns: "scalar" },
  scalar: { ...ofVector, returns: "scalar" },
  sort: ofVector,
  sort_desc: ofVector,
  time: { ...takes(), returns: "scalar" },
  timestamp: ofVector,
  vector: takes("scalar"),
} as const satisfies Record<FunctionName, Signature>;

export function isFunctionName(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}
