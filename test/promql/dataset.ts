/**
 * The fixed data set on which our engine and a real Prometheus are compared: half an hour over the
 * end of a leap day, with whatever makes PromQL hard. The same in every run.
 */

import type { Labels } from "../../src/core/model.ts";
import type { StoredSeries } from "../../src/promql/series.ts";
import { STALE, storedSeries, type Written } from "./array-store.ts";
import { randomFrom } from "./random.ts";

/** Hours, days, months and the leap year all change within the data set. */
export const DATA_START_MS = Date.UTC(2024, 1, 28, 23, 45);
export const DATA_END_MS = DATA_START_MS + 30 * 60_000;

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const SCRAPE_MS = 15 * SECOND_MS;

/** When a metric is scraped; all times in ms after the start of the data set. */
interface Schedule {
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly intervalMs?: number;
  /** From a scrape (included) to another (excluded) that were missed. */
  readonly gap?: readonly [fromMs: number, toMs: number];
  /** At which a stale marker stands. */
  readonly staleAtMs?: readonly number[];
}

type Measure = (elapsedMs: number, index: number) => number;

function series(
  name: string,
  labels: Labels,
  measure: Measure,
  schedule: Schedule = {},
): StoredSeries {
  const { fromMs = 0, toMs = 30 * MINUTE_MS, intervalMs = SCRAPE_MS } = schedule;
  const { gap = [0, 0], staleAtMs = [] } = schedule;
  const written: Written[] = [];
  let index = 0;
  for (let elapsedMs = fromMs; elapsedMs <= toMs; elapsedMs += intervalMs) {
    const missed = elapsedMs >= gap[0] && elapsedMs < gap[1];
    const stale = staleAtMs.includes(elapsedMs);
    if (stale) written.push([DATA_START_MS + elapsedMs, STALE]);
    else if (!missed) written.push([DATA_START_MS + elapsedMs, measure(elapsedMs, index)]);
    index += 1;
  }
  return storedSeries({ __name__: name, ...labels }, written);
}

/** Values one by one, 15 s apart, and over again. */
function cycle(...values: readonly number[]): Measure {
  return (_, index) => values[index % values.length] ?? Number.NaN;
}

/** A counter that grows by up to `step` a scrape and starts again from 0 at each of the times. */
function counter(random: () => number, step: number, resetsAtMs: readonly number[] = []): Measure {
  let value = Math.floor(random() * 1000);
  return (elapsedMs) => {
    value = resetsAtMs.includes(elapsedMs) ? 0 : value + Math.floor(random() * (step + 1));
    return value;
  };
}

/** Resets at these times are where the instants of the comparison look. */
export const RESET_AT_MS = 9 * MINUTE_MS;
const SECOND_RESET_AT_MS = 21 * MINUTE_MS + SCRAPE_MS;

function httpRequests(random: () => number): StoredSeries[] {
  const schedules: Readonly<Record<string, Schedule>> = {
    "api:1": {},
    "api:2": { gap: [11 * MINUTE_MS, 13 * MINUTE_MS] },
    "web:1": { fromMs: 3217 },
    "web:2": { fromMs: 14 * MINUTE_MS },
    "db:1": { staleAtMs: [16 * MINUTE_MS], toMs: 16 * MINUTE_MS },
  };
  const kinds = [
    { method: "GET", status: "200", step: 40 },
    { method: "GET", status: "404", step: 3 },
    { method: "GET", status: "500", step: 5 },
    { method: "POST", status: "200", step: 12 },
    { method: "POST", status: "503", step: 1 },
  ];
  return Object.entries(schedules).flatMap(([instance, schedule]) => {
    const [job = ""] = instance.split(":");
    const resets = instance === "api:1" ? [RESET_AT_MS, SECOND_RESET_AT_MS] : [];
    return kinds.map(({ method, status, step }) =>
      series(
        "http_requests_total",
        { job, instance, method, status, route: method === "GET" ? "/items/:id" : "/items" },
        counter(random, step, resets),
        schedule,
      ),
    );
  });
}

/** What the built-in rules look at. */
function processMetrics(random: () => number): StoredSeries[] {
  const starts = [RESET_AT_MS, RESET_AT_MS + MINUTE_MS, RESET_AT_MS + 2 * MINUTE_MS];
  return ["api:1", "api:2", "web:1"].flatMap((instance) => {
    const [job = ""] = instance.split(":");
    const labels = { job, instance };
    const restarts = instance === "api:1" ? starts : [];
    let cpu = 0;
    let startedAtS = DATA_START_MS / 1000 - 86_400.25;
    return [
      series("up", labels, (elapsedMs) => (restarts.includes(elapsedMs) ? 0 : 1)),
      series("process_cpu_seconds_total", labels, (elapsedMs) => {
        cpu = restarts.includes(elapsedMs) ? 0.01 : cpu + random() * 25;
        return cpu;
      }),
      series("process_resident_memory_bytes", labels, () => 40e6 + Math.floor(random() * 400e6)),
      series("process_start_time_seconds", labels, (elapsedMs) => {
        if (restarts.includes(elapsedMs)) startedAtS = (DATA_START_MS + elapsedMs) / 1000 - 0.5;
        return startedAtS;
      }),
      series("build_info", { ...labels, version: `1.${instance.at(-1)}`, region: "eu" }, () => 1),
    ];
  });
}

/** The `_bucket` series of a classic histogram, whose counts are cumulative. */
function histogram(
  name: string,
  labels: Labels,
  { bounds, random }: { readonly bounds: readonly string[]; readonly random: () => number },
): StoredSeries[] {
  const counts = bounds.map(() => 0);
  const samples = bounds.map((): number[] => []);
  for (let index = 0; index <= 120; index += 1) {
    let observed = 0;
    for (const [bucket, count] of counts.entries()) {
      observed += Math.floor(random() * 9);
      counts[bucket] = count + observed;
      samples[bucket]?.push(counts[bucket] ?? 0);
    }
  }
  return bounds.map((le, bucket) =>
    series(`${name}_bucket`, { ...labels, le }, (_, index) => samples[bucket]?.[index] ?? 0),
  );
}

function histograms(random: () => number): StoredSeries[] {
  const bounds = ["0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];
  const bucket = (kind: string, le: string, ...values: readonly number[]) =>
    series("odd_bucket", { kind, le }, cycle(...values));
  return [
    ...["api:1", "api:2", "web:1"].flatMap((instance) =>
      ["/items", "/items/:id"].flatMap((route) =>
        histogram(
          "http_request_duration_seconds",
          { job: instance.split(":")[0] ?? "", instance, route },
          { bounds, random },
        ),
      ),
    ),
    // A bound in another spelling than the usual, as some clients write it.
    ...histogram("spelled", { job: "api" }, { bounds: ["1e-1", "0.50", "1.0", "+Inf"], random }),
    ...[bucket("not_monotonic", "1", 10), bucket("not_monotonic", "2", 7)],
    ...[bucket("not_monotonic", "4", 20), bucket("not_monotonic", "+Inf", 19)],
    ...[bucket("hardly_not_monotonic", "1", 10), bucket("hardly_not_monotonic", "2", 10 - 1e-13)],
    bucket("hardly_not_monotonic", "+Inf", 12),
    // Just above and just below what is taken for a rounding error.
    ...[bucket("grows_a_little", "1", 10), bucket("grows_a_little", "2", 10 + 1e-9)],
    bucket("grows_a_little", "+Inf", 10 + 1e-9),
    ...[bucket("hardly_grows", "1", 10), bucket("hardly_grows", "2", 10 + 1e-12)],
    bucket("hardly_grows", "+Inf", 10 + 1e-12),
    ...[bucket("no_infinity", "1", 3), bucket("no_infinity", "2", 5)],
    ...[bucket("empty", "1", 0), bucket("empty", "2", 0), bucket("empty", "+Inf", 0)],
    bucket("only_infinity", "+Inf", 4),
    ...[bucket("negative", "-4", 1), bucket("negative", "-1", 4), bucket("negative", "+Inf", 9)],
    ...[
      bucket("zero_bound", "0", 2),
      bucket("zero_bound", "5", 6),
      bucket("zero_bound", "+Inf", 6),
    ],
    ...[bucket("nan", "1", Number.NaN), bucket("nan", "2", 4), bucket("nan", "+Inf", 5)],
    ...[bucket("not_a_number", "1", 2), bucket("not_a_number", "many", 3)],
    bucket("not_a_number", "+Inf", 5),
    ...[bucket("twice", "1", 2), bucket("twice", "1.0", 3), bucket("twice", "+Inf", 8)],
    series("odd_bucket", { kind: "no_bound" }, cycle(3)),
    ...[bucket("all_above", "1", 0), bucket("all_above", "+Inf", 7)],
  ];
}

const { NaN: NAN, POSITIVE_INFINITY: INFINITY, NEGATIVE_INFINITY: MINUS_INFINITY } = Number;

function gauges(random: () => number): StoredSeries[] {
  let irregularMs = 0;
  const irregular: Written[] = [];
  while (irregularMs < 29 * MINUTE_MS) {
    irregularMs += 200 + Math.floor(random() * 29_000);
    irregular.push([DATA_START_MS + irregularMs, random() * 200 - 100]);
  }
  return [
    ...["berlin", "oslo", "nairobi", "lima"].map((city, index) =>
      series(
        "temperature",
        { city, unit: index % 2 === 0 ? "C" : "F" },
        (elapsedMs) => 15 * Math.sin(elapsedMs / (70_000 * (index + 1))) - 3 + index * 7.25,
        { fromMs: index * 1700, gap: index === 1 ? [8 * MINUTE_MS, 14 * MINUTE_MS] : [0, 0] },
      ),
    ),
    series("number", { kind: "nan" }, cycle(NAN)),
    series("number", { kind: "infinity" }, cycle(INFINITY)),
    series("number", { kind: "minus_infinity" }, cycle(MINUS_INFINITY)),
    series("number", { kind: "huge" }, cycle(1.5e308, 1.7e308, 1.6e308)),
    // None is subnormal: there the logarithms of Prometheus' own build are wrong, ln(5e-324) is -709.
    series("number", { kind: "tiny" }, cycle(2.3e-308, 3e-300, 1e-200)),
    series("number", { kind: "zero" }, cycle(0)),
    series("number", { kind: "minus_zero" }, cycle(-0)),
    series("number", { kind: "mixed" }, cycle(1, NAN, -2, INFINITY, 3, MINUS_INFINITY, 4)),
    series("number", { kind: "some_nan" }, cycle(1, 2, NAN, 4, 5)),
    series("number", { kind: "big_and_small" }, cycle(1e16, 1, -1e16, 1)),
    series("number", { kind: "half" }, cycle(0.5, 1.5, 2.5, -0.5, -1.5)),
    series("number", { kind: "integer" }, cycle(-3, 7, 2, 1_000_000, 12)),
    series("number", { kind: "unit" }, cycle(0.1, -0.9, 0.7, 1, -1, 0)),
    series("constant", { kind: "one" }, cycle(1)),
    series("constant", { kind: "third" }, cycle(1 / 3)),
    series("constant", { kind: "large" }, cycle(1e15 + 0.3)),
    series("moment", { of: "epoch" }, cycle(0, 1, 951_782_400, 1_709_164_799, -1, 4_102_444_800)),
    series("moment", { of: "leap" }, cycle(1_709_164_800.9, 1_704_067_199, 1_735_603_200)),
    storedSeries({ __name__: "irregular", kind: "gauge" }, irregular),
    storedSeries(
      { __name__: "irregular", kind: "counter" },
      irregular.map(([timestampMs], index) => [timestampMs, (index * 7) % 100]),
    ),
    series("ticks_total", { every: "1s" }, counter(random, 4, [8 * MINUTE_MS]), {
      fromMs: 5 * MINUTE_MS,
      toMs: 12 * MINUTE_MS,
      intervalMs: SECOND_MS,
    }),
    series("ticks_total", { every: "5s" }, counter(random, 10), {
      fromMs: 2 * MINUTE_MS + 1,
      intervalMs: 5 * SECOND_MS,
    }),
  ];
}

/** Series that come and go. */
function shortLived(random: () => number): StoredSeries[] {
  return [
    series("life", { kind: "ends_stale" }, counter(random, 9), {
      toMs: 10 * MINUTE_MS,
      staleAtMs: [10 * MINUTE_MS],
    }),
    series("life", { kind: "comes_back" }, counter(random, 9), {
      gap: [7 * MINUTE_MS, 15 * MINUTE_MS],
      staleAtMs: [7 * MINUTE_MS],
    }),
    series("life", { kind: "blinks" }, counter(random, 9), {
      staleAtMs: [8 * MINUTE_MS, 9 * MINUTE_MS, 15 * MINUTE_MS, 20 * MINUTE_MS],
    }),
    series("life", { kind: "ends_without_a_word" }, counter(random, 9), { toMs: 14 * MINUTE_MS }),
    series("life", { kind: "starts_late" }, counter(random, 9), { fromMs: 14 * MINUTE_MS + 4000 }),
    series("life", { kind: "starts_at_zero" }, (_, index) => index * 3, { fromMs: 8 * MINUTE_MS }),
    series("life", { kind: "only_stale" }, cycle(0), {
      fromMs: 6 * MINUTE_MS,
      toMs: 6 * MINUTE_MS,
      staleAtMs: [6 * MINUTE_MS],
    }),
    series("single", { kind: "positive" }, cycle(42), {
      fromMs: 10 * MINUTE_MS,
      toMs: 10 * MINUTE_MS,
    }),
    series("single", { kind: "zero" }, cycle(0), { fromMs: 10 * MINUTE_MS, toMs: 10 * MINUTE_MS }),
    // Two names that take turns under the same labels, as after a metric was renamed.
    series("relay_1", { runner: "same" }, counter(random, 9), {
      toMs: 10 * MINUTE_MS,
      staleAtMs: [10 * MINUTE_MS],
    }),
    series("relay_2", { runner: "same" }, counter(random, 9), { fromMs: 10 * MINUTE_MS }),
    ...[1, 2, 3].map((index) =>
      series(`twin_${index}`, { group: "same" }, counter(random, 5 * index)),
    ),
  ];
}

function oddLabels(): StoredSeries[] {
  const texts = {
    blank: " ",
    utf8: "größe 日本 🙂",
    regex: "a.b*c+(d)[e]{2}|f^g$h?",
    quotes: `"double" 'single' \`back\``,
    escapes: "back\\slash\nnew line\ttab",
    almost: "a.b",
    dotless: "axb",
    UPPER: "MiXeD",
    number: "-12.50e3",
    dollar: "$1 ${name}",
    comma: "a,b;c=d",
  };
  return [
    ...Object.entries(texts).map(([name, text], index) =>
      series("odd", { name, text }, cycle(index + 1)),
    ),
    series("odd", { name: "without" }, cycle(99)),
    series("speicher.größe", { "zone.de": "süd", plain: "x" }, cycle(7, 8, 9)),
    series("speicher.größe", { "zone.de": "nord", plain: "y" }, cycle(3, 2, 1)),
    series("recorded:by:rule", { plain: "x" }, cycle(5)),
    ...["src", "dst"].flatMap((side, offset) =>
      ["a", "b", "c"].map((code, index) =>
        series(
          `join_${side}`,
          { code, side, zone: `z${index % 2}` },
          cycle(index + 2 + offset * 10),
        ),
      ),
    ),
    series("join_many", { code: "a", shard: "1", kind: "x" }, cycle(11, 12)),
    series("join_many", { code: "a", shard: "2", kind: "x" }, cycle(21, 20)),
    series("join_many", { code: "b", shard: "1", kind: "y" }, cycle(2)),
    series("join_many", { code: "d", shard: "1", kind: "y" }, cycle(4)),
    series("join_one", { code: "a", owner: "ann", shard: "0" }, cycle(2)),
    series("join_one", { code: "b", owner: "bob" }, cycle(0)),
    series("join_one", { code: "e", owner: "eve", shard: "9" }, cycle(5)),
  ];
}

/** Every series of the data set. */
export function dataset(): StoredSeries[] {
  const random = randomFrom(20_240_229);
  return [
    ...httpRequests(random),
    ...processMetrics(random),
    ...histograms(random),
    ...gauges(random),
    ...shortLived(random),
    ...oddLabels(),
  ];
}
