/** Function calls, compiled. */

import type { Labels } from "../core/model.ts";
import type { Call, Expression } from "./ast.ts";
import { withoutParens } from "./ast.ts";
import { type Compile, type ScalarAt, stringOf, type VectorAt } from "./compiled.ts";
import { dateFunctions } from "./functions/date.ts";
import { histogramFraction, histogramQuantile } from "./functions/histogram.ts";
import { labelJoin, labelReplace } from "./functions/labels.ts";
import { clampMax, clampMin, elementFunctions, roundTo } from "./functions/math.ts";
import { rangeFunctions } from "./functions/range.ts";
import { sortByValue } from "./functions/sort.ts";
import {
  METRIC_NAME,
  NO_LABELS,
  Relabeler,
  withLabel,
  withoutName,
  withoutNames,
} from "./labels.ts";
import { selectInstant } from "./selection.ts";
import type { DateFunction, ElementFunction, RangeFunction } from "./signatures.ts";
import { EMPTY_VECTOR, VectorBuilder } from "./vector.ts";

/** The argument that a checked call is known to have. */
function argument({ name, args }: Call, index: number): Expression {
  const arg = args[index];
  if (arg === undefined) throw new TypeError(`${name} has no argument ${index}`);
  return arg;
}

export function compileScalarCall(call: Call, compile: Compile): ScalarAt {
  switch (call.name) {
    case "time":
      return (tsMs) => tsMs / 1000;
    case "pi":
      return () => Math.PI;
    case "scalar": {
      const vector = compile.vector(argument(call, 0));
      return (tsMs) => {
        const { values } = vector(tsMs);
        return values.length === 1 ? (values[0] ?? Number.NaN) : Number.NaN;
      };
    }
    default:
      throw new TypeError(`${call.name} gives no scalar`);
  }
}

export function compileCall(call: Call, compile: Compile): VectorAt {
  const { name } = call;
  switch (name) {
    case "absent":
      return compileAbsent(call, compile);
    case "absent_over_time":
      return compileAbsentOverTime(call, compile);
    case "clamp":
    case "clamp_min":
    case "clamp_max":
    case "round":
      return compileBound(call, compile);
    case "histogram_avg":
    case "histogram_count":
    case "histogram_stddev":
    case "histogram_stdvar":
    case "histogram_sum":
      return compileOfNative(call, compile);
    case "histogram_fraction": {
      const [lower, upper] = [0, 1].map((index) => compile.scalar(argument(call, index)));
      const buckets = compile.vector(argument(call, 2));
      return (tsMs) =>
        histogramFraction(
          { lower: lower?.(tsMs) ?? Number.NaN, upper: upper?.(tsMs) ?? Number.NaN },
          buckets(tsMs),
        );
    }
    case "histogram_quantile": {
      const q = compile.scalar(argument(call, 0));
      const buckets = compile.vector(argument(call, 1));
      return (tsMs) => histogramQuantile(q(tsMs), buckets(tsMs));
    }
    case "label_join":
    case "label_replace":
      return compileLabels(call, compile);
    case "sort":
    case "sort_desc": {
      const vector = compile.vector(argument(call, 0));
      return (tsMs) => sortByValue(vector(tsMs), name === "sort" ? "ascending" : "descending");
    }
    case "timestamp":
      return compileTimestamp(call, compile);
    case "vector": {
      const scalar = compile.scalar(argument(call, 0));
      return (tsMs) => ({ labels: [NO_LABELS], values: [scalar(tsMs)] });
    }
    case "time":
    case "pi":
    case "scalar":
      throw new TypeError(`${name} gives no vector`);
    default:
      return compileTableCall(call, name, compile);
  }
}

/** Of native histograms alone, and the text format that is scraped has none: other samples have no answer. */
function compileOfNative(call: Call, compile: Compile): VectorAt {
  const vector = compile.vector(argument(call, 0));
  return (tsMs) => {
    vector(tsMs);
    return EMPTY_VECTOR;
  };
}

/** Functions that are a table's entry. */
function compileTableCall(
  call: Call,
  name: DateFunction | ElementFunction | RangeFunction,
  compile: Compile,
): VectorAt {
  if (isKeyOf(dateFunctions, name)) return compileDate(call, dateFunctions[name], compile);
  if (isKeyOf(elementFunctions, name)) {
    const vector = compile.vector(argument(call, 0));
    return mapValues(vector, elementFunctions[name]);
  }
  return compileRangeCall(call, name, compile);
}

function isKeyOf<T extends object>(table: T, name: PropertyKey): name is keyof T {
  return Object.hasOwn(table, name);
}

/** A value that is computed is not the metric's any more, so the name goes. */
function mapValues(vector: VectorAt, map: (value: number) => number): VectorAt {
  return (tsMs) => {
    const { labels, values } = vector(tsMs);
    return { labels: withoutNames(labels), values: values.map((value) => map(value)) };
  };
}

function compileDate(call: Call, part: (seconds: number) => number, compile: Compile): VectorAt {
  const [arg] = call.args;
  if (arg !== undefined) return mapValues(compile.vector(arg), part);
  return (tsMs) => ({ labels: [NO_LABELS], values: [part(tsMs / 1000)] });
}

function compileBound(call: Call, compile: Compile): VectorAt {
  const vector = compile.vector(argument(call, 0));
  const [first, second] = call.args.slice(1).map((arg) => compile.scalar(arg));
  return (tsMs) => {
    const bound = first?.(tsMs) ?? 1;
    const upper = second?.(tsMs) ?? Number.POSITIVE_INFINITY;
    switch (call.name) {
      case "clamp":
        if (bound > upper) return EMPTY_VECTOR;
        return mapValues(vector, (value) => clampMin(clampMax(value, upper), bound))(tsMs);
      case "clamp_min":
        return mapValues(vector, (value) => clampMin(value, bound))(tsMs);
      case "clamp_max":
        return mapValues(vector, (value) => clampMax(value, bound))(tsMs);
      default:
        return mapValues(vector, (value) => roundTo(value, bound))(tsMs);
    }
  };
}

function compileLabels(call: Call, compile: Compile): VectorAt {
  const vector = compile.vector(argument(call, 0));
  const [target = "", second = "", ...rest] = call.args.slice(1).map(stringOf);
  const [source = "", pattern = ""] = rest;
  const spend = (labels: number, characters: number) =>
    compile.query.writeLabels(labels, characters);
  const relabeler = new Relabeler(
    call.name === "label_join"
      ? labelJoin({ target, separator: second, sources: rest }, spend)
      : labelReplace({ target, replacement: second, source, pattern }, spend),
  );
  return (tsMs) => {
    const { labels, values } = vector(tsMs);
    compile.query.checkStop();
    return { labels: relabeler.apply(labels), values };
  };
}

/** Of a selector alone, when each sample was taken; of anything else, when it is evaluated. */
function compileTimestamp(call: Call, compile: Compile): VectorAt {
  const arg = withoutParens(argument(call, 0));
  if (arg.kind === "vector_selector") {
    const select = selectInstant(arg, compile.query);
    return (tsMs) => {
      const { labels, values } = select(tsMs, true);
      return { labels: withoutNames(labels), values };
    };
  }
  const vector = compile.vector(arg);
  return (tsMs) => mapValues(vector, () => tsMs / 1000)(tsMs);
}

function compileAbsent(call: Call, compile: Compile): VectorAt {
  const arg = withoutParens(argument(call, 0));
  const labels = absentLabels(arg);
  const vector = compile.vector(arg);
  return (tsMs) =>
    vector(tsMs).labels.length > 0 ? EMPTY_VECTOR : { labels: [labels], values: [1] };
}

function compileAbsentOverTime(call: Call, compile: Compile): VectorAt {
  const arg = withoutParens(argument(call, 0));
  const labels = absentLabels(arg);
  const source = compile.range(arg);
  return (tsMs) => {
    let present = false;
    source.visit(tsMs, () => {
      present = true;
    });
    return present ? EMPTY_VECTOR : { labels: [labels], values: [1] };
  };
}

/** What is known of a series that is not there: labels that its selector sets to one value, once. */
function absentLabels(expression: Expression): Labels {
  const selector = expression.kind === "range_selector" ? expression.selector : expression;
  if (selector.kind !== "vector_selector") return NO_LABELS;
  const seen = new Set<string>();
  let labels = NO_LABELS;
  for (const { name, operator, value } of selector.matchers) {
    if (name === METRIC_NAME) continue;
    const isKnown = operator === "=" && !seen.has(name);
    labels = withLabel(labels, name, isKnown ? value : "");
    if (isKnown) seen.add(name);
  }
  return labels;
}

function compileRangeCall(call: Call, name: RangeFunction, compile: Compile): VectorAt {
  const rangeIndex = name === "quantile_over_time" ? 1 : 0;
  const source = compile.range(argument(call, rangeIndex));
  const scalarArg = call.args[1 - rangeIndex];
  const parameter = scalarArg === undefined ? () => 0 : compile.scalar(scalarArg);
  const evaluate = rangeFunctions[name];
  const keepsName = name === "last_over_time";
  const nameless = new Relabeler(withoutName);
  return (tsMs) => {
    const argumentValue = parameter(tsMs);
    const result = new VectorBuilder();
    let largest = 0;
    source.visit(tsMs, (labels, window) => {
      largest = Math.max(largest, window.to - window.from);
      const value = evaluate(window, argumentValue);
      if (value !== undefined) result.add(labels, value);
    });
    compile.query.count(result.values.length + largest);
    if (keepsName) return result;
    const { labels, values } = result;
    return { labels: source.sharesName ? labels.map(withoutName) : nameless.apply(labels), values };
  };
}
