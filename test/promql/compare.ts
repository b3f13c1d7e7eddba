/** Our answer against Prometheus' own. */

import type { Labels, Series } from "../../src/core/model.ts";
import type { Value } from "../../src/promql/evaluate.ts";
import type { PrometheusAnswer } from "./prometheus.ts";

/**
 * The differences allowed to two right answers: sums in another order, and functions such as `exp`
 * that differ in the last bits between two libraries.
 */
const MAX_RELATIVE_DIFFERENCE = 1e-9;

/** An answer in a form that both can be brought to. */
export type Outcome =
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "scalar"; readonly points: readonly ComparedPoint[] }
  | {
      readonly kind: "vector" | "matrix";
      /** In the order of the answer. */
      readonly series: readonly ComparedSeries[];
    };

type ComparedPoint = readonly [timestampMs: number, value: number];

interface ComparedSeries {
  /** The labels, sorted, as text: no two series of an answer have the same. */
  readonly key: string;
  readonly points: readonly ComparedPoint[];
}

export function ourOutcome(value: Value): Outcome {
  switch (value.type) {
    case "string":
      return { kind: "string", text: value.value };
    case "scalar":
      return { kind: "scalar", points: [[value.timestampMs, value.value]] };
    case "vector":
      return {
        kind: "vector",
        series: value.samples.map(({ labels, timestampMs, value: number }) => ({
          key: keyOf(labels),
          points: [[timestampMs, number]],
        })),
      };
    case "matrix":
      return ourRange(value.series);
  }
}

export function ourRange(series: readonly Series[]): Outcome {
  return {
    kind: "matrix",
    series: series.map(({ labels, points }) => ({
      key: keyOf(labels),
      points: points.map(({ timestampMs, value }) => [timestampMs, value]),
    })),
  };
}

export function theirOutcome(answer: PrometheusAnswer): Outcome {
  if (answer.status === "error") return { kind: "refused", message: answer.error };
  const { data } = answer;
  switch (data.resultType) {
    case "string":
      return { kind: "string", text: data.result[1] };
    case "scalar":
      return { kind: "scalar", points: [readPoint(data.result)] };
    case "vector":
      return {
        kind: "vector",
        series: data.result.map(({ metric, value }) => ({
          key: keyOf(metric),
          points: [readPoint(value)],
        })),
      };
    case "matrix":
      return {
        kind: "matrix",
        series: data.result.map(({ metric, values }) => ({
          key: keyOf(metric),
          points: values.map(readPoint),
        })),
      };
  }
}

/** Whether there is nothing in it that could differ. */
export function isEmpty(outcome: Outcome): boolean {
  return outcome.kind === "refused" || ("series" in outcome && outcome.series.length === 0);
}

/**
 * What differs, in words; `undefined` if nothing does.
 *
 * @param isOrdered whether Prometheus promises the order of the values; among equal ones it does not
 */
export function differenceOf(
  ours: Outcome,
  theirs: Outcome,
  isOrdered: boolean,
): string | undefined {
  if (ours.kind === "refused" || theirs.kind === "refused")
    return ours.kind === theirs.kind ? undefined : both(describe(ours), describe(theirs));
  if (ours.kind === "string" || theirs.kind === "string") {
    const isSame = ours.kind === "string" && theirs.kind === "string" && ours.text === theirs.text;
    return isSame ? undefined : both(describe(ours), describe(theirs));
  }
  if (ours.kind !== theirs.kind) return both(describe(ours), describe(theirs));
  if (ours.kind === "scalar" || theirs.kind === "scalar") {
    const [a, b] = [seriesOf(ours), seriesOf(theirs)];
    return differenceOfSeries(a, b);
  }
  return (
    differenceOfSeries(ours.series, theirs.series) ??
    (isOrdered ? differenceOfOrder(ours.series, theirs.series) : undefined)
  );
}

function seriesOf(outcome: Outcome): readonly ComparedSeries[] {
  if (outcome.kind === "scalar") return [{ key: "scalar", points: outcome.points }];
  return "series" in outcome ? outcome.series : [];
}

function differenceOfSeries(
  ours: readonly ComparedSeries[],
  theirs: readonly ComparedSeries[],
): string | undefined {
  const byKey = new Map(ours.map(({ key, points }) => [key, points]));
  if (byKey.size < ours.length) return "ours has two series of the same labels";
  const expected = new Map(theirs.map(({ key, points }) => [key, points]));
  for (const [key, points] of expected) {
    const own = byKey.get(key);
    if (own === undefined)
      return both(`no ${key} in ${describeKeys(ours)}`, describePoints(points));
    const isSame =
      own.length === points.length &&
      own.every(([timestampMs, value], index) => {
        const [theirMs, theirValue] = points[index] ?? [Number.NaN, Number.NaN];
        return timestampMs === theirMs && isSameValue(value, theirValue);
      });
    if (!isSame) return both(`${key} ${describePoints(own)}`, describePoints(points));
  }
  const [extra] = [...byKey.keys()].filter((key) => !expected.has(key));
  if (extra === undefined) return undefined;
  return both(
    `${extra} ${describePoints(byKey.get(extra) ?? [])}`,
    `none in ${describeKeys(theirs)}`,
  );
}

function differenceOfOrder(
  ours: readonly ComparedSeries[],
  theirs: readonly ComparedSeries[],
): string | undefined {
  const values = (all: readonly ComparedSeries[]) => all.map(({ points }) => points[0]?.[1] ?? NaN);
  const [own, expected] = [values(ours), values(theirs)];
  const isSame = own.every((value, index) => isSameValue(value, expected[index] ?? Number.NaN));
  return isSame ? undefined : both(`in order ${own.join(" ")}`, `in order ${expected.join(" ")}`);
}

function isSameValue(ours: number, theirs: number): boolean {
  // Of zero and minus zero, min() gives the one that comes first, and series have no order.
  if (Object.is(ours, theirs) || ours === theirs) return true;
  const scale = Math.max(Math.abs(ours), Math.abs(theirs));
  return Number.isFinite(scale) && Math.abs(ours - theirs) <= scale * MAX_RELATIVE_DIFFERENCE;
}

function keyOf(labels: Labels): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}}`;
}

function readPoint([seconds, text]: readonly [number, string]): ComparedPoint {
  return [Math.round(seconds * 1000), readValue(text)];
}

function readValue(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  return text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
}

function both(ours: string, theirs: string): string {
  return `ours   ${ours}\n    theirs ${theirs}`;
}

function describe(outcome: Outcome): string {
  switch (outcome.kind) {
    case "refused":
      return `refused: ${outcome.message}`;
    case "string":
      return `string ${JSON.stringify(outcome.text)}`;
    case "scalar":
      return `scalar ${describePoints(outcome.points)}`;
    default:
      return `${outcome.kind} of ${describeKeys(outcome.series)}`;
  }
}

const SHOWN = 6;

function describeKeys(series: readonly ComparedSeries[]): string {
  const shown = series.slice(0, SHOWN).map(({ key }) => key);
  return `${series.length} series ${shown.join(" ")}`;
}

function describePoints(points: readonly ComparedPoint[]): string {
  const [first] = points;
  if (first === undefined) return "no points";
  const values = points.slice(0, SHOWN).map(([, value]) => value);
  return `${points.length} from ${first[0]}: ${values.join(" ")}`;
}
