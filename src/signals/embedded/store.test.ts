import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isStaleAt, type LabelMatcher, type MatchOperator } from "../../promql/series.ts";
import { createSeriesStore, type MemorySeries, type MemoryStore } from "./store.ts";

const labels = (text: Record<string, string>) => Object.assign(Object.create(null), text);

function opened(store: MemoryStore, text: Record<string, string>): MemorySeries {
  const series = store.open(labels(text));
  if (series === undefined) throw new Error("the store is full");
  return series;
}

function matcher(name: string, operator: MatchOperator, value: string): LabelMatcher {
  const pattern = new RegExp(`^(?:${value})$`);
  const matches = {
    "=": (text: string) => text === value,
    "!=": (text: string) => text !== value,
    "=~": (text: string) => pattern.test(text),
    "!~": (text: string) => !pattern.test(text),
  } satisfies Record<MatchOperator, (text: string) => boolean>;
  return { name, operator, value, matches: matches[operator] };
}

/** Times and values, oldest first. */
function samplesOf({ timestampsMs, values, start, end }: MemorySeries): [number, number][] {
  return Array.from(timestampsMs.subarray(start, end), (timeMs, index) => [
    timeMs,
    values[start + index] ?? NaN,
  ]);
}

describe("samples", () => {
  test("are kept as long as the window, seen from the newest, both ends included", () => {
    const store = createSeriesStore({ windowMs: 100 });
    const series = opened(store, { __name__: "a" });
    for (const timeMs of [0, 1, 60, 100]) store.append(series, timeMs, timeMs);
    expect(samplesOf(series).map(([timeMs]) => timeMs)).toEqual([0, 1, 60, 100]);
    store.append(series, 101, 101);
    expect(samplesOf(series).map(([timeMs]) => timeMs)).toEqual([1, 60, 100, 101]);
    store.append(series, 500, 500);
    expect(samplesOf(series)).toEqual([[500, 500]]);
  });

  test("that are not newer than the newest are dropped and counted", () => {
    const store = createSeriesStore();
    const series = opened(store, { __name__: "a" });
    const stored = [10, 10, 9, Number.NaN, 11].map((timeMs, index) =>
      store.append(series, timeMs, index),
    );
    expect(stored).toEqual([true, false, false, false, true]);
    expect(samplesOf(series)).toEqual([
      [10, 0],
      [11, 4],
    ]);
    expect(store.stats().droppedSamples).toBe(3);
  });

  test("past the most of one series push out its oldest", () => {
    const store = createSeriesStore({ maxSamplesPerSeries: 3 });
    const series = opened(store, { __name__: "a" });
    for (let timeMs = 1; timeMs <= 5; timeMs += 1) store.append(series, timeMs, timeMs);
    expect(samplesOf(series).map(([timeMs]) => timeMs)).toEqual([3, 4, 5]);
  });

  test("are what a plain list would hold, whatever the gaps, and stale markers stay what they are", () => {
    const step = fc.record({
      gapMs: fc.oneof(fc.integer({ min: -2, max: 8 }), fc.nat(40)),
      stale: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
        const store = createSeriesStore({ windowMs: 300, maxSamplesPerSeries: 50 });
        const series = opened(store, { __name__: "a" });
        let expected: { timeMs: number; stale: boolean; value: number }[] = [];
        let timeMs = 0;
        for (const { gapMs, stale } of steps) {
          timeMs += gapMs;
          if (stale) store.appendStale(series, timeMs);
          else store.append(series, timeMs, timeMs / 2 || Number.NaN);
          if (timeMs <= (expected.at(-1)?.timeMs ?? -Infinity)) continue;
          expected.push({ timeMs, stale, value: stale ? Number.NaN : timeMs / 2 || Number.NaN });
          expected = expected.filter((sample) => sample.timeMs >= timeMs - 300).slice(-50);
        }
        const { timestampsMs, values, start, end } = series;
        const actual = Array.from(timestampsMs.subarray(start, end), (time, index) => ({
          timeMs: time,
          stale: isStaleAt(values, start + index),
          value: values[start + index] ?? 0,
        }));
        expect(actual).toEqual(expected);
      }),
    );
  });

  test("slide through a buffer that stays within a third of what it holds", () => {
    const store = createSeriesStore({ windowMs: 899_000 });
    const series = opened(store, { __name__: "a" });
    let buffers = 0;
    for (let second = 0; second < 20_000; second += 1) {
      const before = series.values;
      store.append(series, second * 1000, second);
      if (series.values !== before) buffers += 1;
    }
    expect(series.end - series.start).toBe(900);
    expect(series.values.length).toBeLessThan(1200);
    expect(buffers).toBeLessThan(20);
    expect(samplesOf(series)[0]).toEqual([19_100_000, 19_100]);
  });
});

describe("series", () => {
  test("are one for one set of labels, whatever their order", () => {
    const store = createSeriesStore();
    const series = opened(store, { __name__: "a", b: "1", c: "2" });
    expect(opened(store, { c: "2", b: "1", __name__: "a" })).toBe(series);
    expect(opened(store, { __name__: "a", b: "1", c: "3" })).not.toBe(series);
    expect(opened(store, { __name__: "a", b: '1","c":"2' })).not.toBe(series);
    expect(store.stats().series).toBe(3);
  });

  test("past the most are refused and counted; those that are there still take samples", () => {
    const store = createSeriesStore({ maxSeries: 2 });
    const first = opened(store, { __name__: "a" });
    opened(store, { __name__: "b" });
    expect(store.open(labels({ __name__: "c" }))).toBeUndefined();
    expect(store.open(labels({ __name__: "a" }))).toBe(first);
    expect(store.append(first, 1, 1)).toBe(true);
    expect(store.stats()).toEqual({ series: 2, samples: 1, refusedSeries: 1, droppedSamples: 0 });
    store.remove(first);
    expect(store.open(labels({ __name__: "c" }))).toBeDefined();
  });

  test("go when their newest sample has left the window, and not before", () => {
    const store = createSeriesStore({ windowMs: 100 });
    const [old, fresh] = [opened(store, { __name__: "old" }), opened(store, { __name__: "fresh" })];
    opened(store, { __name__: "empty" });
    store.append(old, 10, 1);
    store.append(fresh, 11, 1);
    const all: readonly LabelMatcher[] = [matcher("__name__", "=~", ".+")];
    expect(store.select(all).length).toBe(3);
    store.removeExpired(110);
    expect(store.select(all)).toEqual([old, fresh]);
    store.removeExpired(111);
    expect(store.select(all)).toEqual([fresh]);
    expect([old.removed, fresh.removed]).toEqual([true, false]);
    expect(opened(store, { __name__: "old" })).not.toBe(old);
    expect(store.labelNames()).toEqual(["__name__"]);
  });
});

describe("select", () => {
  const store = createSeriesStore();
  const names = ["a", "b"].flatMap((name) =>
    ["get", "post", ""].map((method) => ({ __name__: name, ...(method && { method }) })),
  );
  for (const text of names) opened(store, text);
  const selected = (...matchers: LabelMatcher[]) =>
    store
      .select(matchers)
      .map(({ labels: text }) => `${text["__name__"]} ${text["method"] ?? "-"}`)
      .sort();

  const cases: readonly [string, LabelMatcher[], string[]][] = [
    ["a name", [matcher("__name__", "=", "a")], ["a -", "a get", "a post"]],
    [
      "a name and a label",
      [matcher("__name__", "=", "a"), matcher("method", "=", "get")],
      ["a get"],
    ],
    ["a label alone", [matcher("method", "=", "get")], ["a get", "b get"]],
    ["a pattern of names", [matcher("__name__", "=~", "a|c")], ["a -", "a get", "a post"]],
    ["a pattern, whole", [matcher("method", "=~", "ge")], []],
    ["no label by the empty text", [matcher("method", "=", "")], ["a -", "b -"]],
    ["a label at all", [matcher("method", "!=", "")], ["a get", "a post", "b get", "b post"]],
    ["not a value", [matcher("method", "!=", "get")], ["a -", "a post", "b -", "b post"]],
    ["not a pattern", [matcher("method", "!~", "g.*|p.*")], ["a -", "b -"]],
    [
      "a pattern that takes no label",
      [matcher("method", "=~", "|get")],
      ["a -", "a get", "b -", "b get"],
    ],
    [
      "two of one label",
      [matcher("method", "=~", ".*t"), matcher("method", "!=", "get")],
      ["a post", "b post"],
    ],
    ["a name that is not there", [matcher("__name__", "=", "c")], []],
    [
      "a label that is not there",
      [matcher("zone", "=", "")],
      ["a -", "a get", "a post", "b -", "b get", "b post"],
    ],
    ["a label that objects have", [matcher("constructor", "!=", "")], []],
  ];
  test.each(cases)("by %s", (_, matchers, expected) => {
    expect(selected(...matchers)).toEqual(expected);
    expect(selected(...matchers)).toEqual(expected);
  });

  test("sees a series that came after the same question", () => {
    const growing = createSeriesStore();
    const matchers = [matcher("__name__", "=", "a")];
    expect(growing.select(matchers)).toEqual([]);
    const series = opened(growing, { __name__: "a" });
    expect(growing.select(matchers)).toEqual([series]);
    growing.remove(series);
    expect(growing.select(matchers)).toEqual([]);
  });

  test("asks a pattern once for each value", () => {
    const wide = createSeriesStore();
    for (let i = 0; i < 100; i += 1) opened(wide, { __name__: "a", id: `${i}`, zone: `${i % 2}` });
    let asked = 0;
    const zone = matcher("zone", "=~", "1");
    const counting = { ...zone, matches: (text: string) => (asked += 1) > 0 && zone.matches(text) };
    const matchers = [matcher("__name__", "=", "a"), counting];
    expect(wide.select(matchers).length).toBe(50);
    expect(wide.select(matchers).length).toBe(50);
    expect(asked).toBe(3);
  });
});

describe("what there is, by time range", () => {
  const store = createSeriesStore();
  const early = opened(store, { __name__: "a", zone: "1" });
  const late = opened(store, { __name__: "b", zone: "2", job: "x" });
  for (const timeMs of [10, 20]) store.append(early, timeMs, 1);
  for (const timeMs of [30, 40]) store.append(late, timeMs, 1);

  const cases: readonly [string, number, number, MemorySeries[]][] = [
    ["before all", 0, 9, []],
    ["at a first sample", 0, 10, [early]],
    ["between two samples", 11, 19, []],
    ["at a last sample", 20, 29, [early]],
    ["over both", 20, 30, [early, late]],
    ["after all", 41, 99, []],
  ];
  test.each(cases)("series %s", (_, startMs, endMs, expected) => {
    expect(store.series([], { startMs, endMs })).toEqual(expected);
  });

  test("label names and values, sorted, of all or of those that match", () => {
    expect(store.labelNames()).toEqual(["__name__", "job", "zone"]);
    expect(store.labelNames([matcher("zone", "=", "1")])).toEqual(["__name__", "zone"]);
    expect(store.labelNames([], { startMs: 0, endMs: 20 })).toEqual(["__name__", "zone"]);
    expect(store.labelValues("zone")).toEqual(["1", "2"]);
    expect(store.labelValues("job", [matcher("zone", "=", "1")])).toEqual([]);
    expect(store.labelValues("constructor")).toEqual([]);
  });
});

test("options that make no sense are refused", () => {
  expect(() => createSeriesStore({ windowMs: 0 })).toThrow("windowMs must be above 0, not 0");
  expect(() => createSeriesStore({ maxSeries: Number.NaN })).toThrow(RangeError);
});
