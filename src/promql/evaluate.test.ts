import { describe, expect, test } from "bun:test";
import { ask, askRange, load } from "../../test/support/promql-series.ts";
import { PromqlError } from "./errors.ts";
import { evaluateInstant, evaluateRange } from "./evaluate.ts";
import { parseExpression } from "./parse.ts";

const store = load(`
  up{job="api",instance="a"} 1x60
  up{job="api",instance="b"} 1x10 0x10 stale
  up{job="web",instance="a"} 1x10
  x 0+1x200
`);

function failure(work: () => unknown): PromqlError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof PromqlError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was thrown");
}

describe("an instant", () => {
  const cases: readonly (readonly [string, string, number, readonly string[]])[] = [
    [
      "sees a sample as old as the lookback, but for a millisecond",
      "up{job='web'}",
      399_999,
      ['up{instance="a",job="web"} 1'],
    ],
    ["and none as old as that", "up{job='web'}", 400_000, []],
    ["sees the sample at the very time", "x", 10_000, ["x 1"]],
    ["and not the one after", "x", 9999, ["x 0"]],
    ["sees nothing of a series that has ended", "up{instance='b'}", 220_000, []],
    ["until just before its end", "up{instance='b'}", 219_999, ['up{instance="b",job="api"} 0']],
    ["goes back by an offset", "x offset 30s", 100_000, ["x 7"]],
    ["and ahead by a negative one", "x offset -30s", 100_000, ["x 13"]],
    ["stays at a fixed time", "x @ 50", 100_000, ["x 5"]],
    ["from which an offset counts", "x @ 50 offset 20s", 100_000, ["x 3"]],
    ["wherever it stands", "x offset 20s @ 50", 100_000, ["x 3"]],
    ["of a range gives its samples", "x[30s]", 100_000, ["x 8 9 10"]],
    ["of a range that is shifted, too", "x[30s] offset 1m", 100_000, ["x 2 3 4"]],
    ["of a subquery gives its steps", "x[1m:30s]", 100_000, ["x 6 9"]],
    ["with the default step", "x[2m:]", 180_000, ["x 12 18"]],
    ["steps are multiples of the step, open on the left", "x[1m:30s]", 120_000, ["x 9 12"]],
    ["selects by name as by any label", '{__name__=~"x|y"}', 0, ["x 0"]],
    ["knows quoted names", '{"x"}', 0, ["x 0"]],
    ["knows that nothing is missing", "absent(x)", 0, []],
    ["knows what is missing", 'absent(y{job="a",x=~"b",z!="c"})', 0, ['{job="a"} 1']],
    ["but not if it is said twice", 'absent(y{job="a",job="b",l="c"})', 0, ['{l="c"} 1']],
    ["knows what was missing all along", 'absent_over_time(y{job="a"}[5m])', 0, ['{job="a"} 1']],
    ["takes the time of a sample", "timestamp(x)", 12_345, ["{} 10"]],
    ["within parentheses, too", "timestamp((x))", 12_345, ["{} 10"]],
    ["and of anything else the evaluation's", "timestamp(-x)", 12_345, ["{} 12.345"]],
    ["clamps", "clamp(x, 3, 5)", 90_000, ["{} 5"]],
    ["to nothing between bounds that are none", "clamp(x, 5, 3)", 90_000, []],
    ["clamps NaN to what is infinite", "clamp_min(vector(NaN), Inf)", 0, ["{} Infinity"]],
    ["from above, too", "clamp_max(vector(NaN), -Inf)", 0, ["{} -Infinity"]],
    ["rounds halves up", "round(vector(-2.5))", 0, ["{} -2"]],
    ["rounds to a multiple", "round(x, 5)", 130_000, ["{} 15"]],
  ];
  test.each(cases)("%s: %s at %p", (_name, expression, atMs, expected) => {
    expect(ask(store, expression, { atMs })).toEqual(expected);
  });

  test("gives scalars and strings as they are", () => {
    expect(evaluateInstant(parseExpression("time()"), store, { atMs: 1500 })).toEqual({
      type: "scalar",
      value: 1.5,
      timestampMs: 1500,
    });
    expect(ask(store, "'text'", { atMs: 0 })).toBe("text");
    expect(ask(store, "scalar(x)", { atMs: 20_000 })).toBe(2);
    expect(ask(store, "scalar(up)", { atMs: 0 })).toBeNaN();
  });

  test("looks back as far as it is told", () => {
    expect(ask(store, "up{job='web'}", { atMs: 110_000, lookbackMs: 10_000 })).toEqual([]);
    expect(ask(store, "up{job='web'}", { atMs: 109_999, lookbackMs: 10_000 })).toHaveLength(1);
  });

  test("steps a subquery as it is told", () => {
    expect(ask(store, "x[1m:]", { atMs: 100_000, defaultSubqueryStepMs: 20_000 })).toEqual([
      "x 6 8 10",
    ]);
  });
});

describe("a range", () => {
  test("has a point at each step at which there is a value", () => {
    expect(askRange(store, "up{instance='b'} == 1", [60_000, 160_000, 50_000])).toEqual([
      'up{instance="b",job="api"} 1@60',
    ]);
    expect(askRange(store, "x", [0, 30_000, 20_000])).toEqual(["x 0@0 2@20"]);
    expect(askRange(store, "time()", [0, 20_000, 10_000])).toEqual(["{} 0@0 10@10 20@20"]);
  });

  test("knows its own ends", () => {
    expect(askRange(store, "x @ start() + x @ end()", [10_000, 30_000, 10_000])).toEqual([
      "{} 4@10 4@20 4@30",
    ]);
    expect(askRange(store, "x - x @ start()", [10_000, 30_000, 10_000])).toEqual([
      "{} 0@10 1@20 2@30",
    ]);
  });

  test("takes for fixed only what does not depend on the time", () => {
    const span = [100_000, 120_000, 10_000] as const;
    expect(askRange(store, "predict_linear(x[50s] @ 100, 0)", span)).toEqual([
      "{} 10@100 11@110 12@120",
    ]);
    expect(askRange(store, "rate(x[50s] @ 100) * 10", span)).toEqual(["{} 1@100 1@110 1@120"]);
    expect(askRange(store, "minute() + vector(0)", [0, 120_000, 60_000])).toEqual([
      "{} 0@0 1@60 2@120",
    ]);
    expect(askRange(store, "minute()", [0, 120_000, 60_000])).toEqual(["{} 0@0 1@60 2@120"]);
    expect(askRange(store, "timestamp(x @ 50)", span)).toEqual(["{} 50@100 50@110 50@120"]);
  });

  test("gives of a subquery what an instant gives at each step", () => {
    const expression =
      "max_over_time(sum by (job) (up)[1m:20s]) + on() group_left avg_over_time(x[40s:15s] offset 20s)";
    const points = Array.from({ length: 60 }, (_, step) => 100_000 + step * 17_000).flatMap(
      (atMs) => {
        const samples = ask(store, expression, { atMs });
        return Array.isArray(samples) ? samples.map((sample) => `${sample}@${atMs / 1000}`) : [];
      },
    );
    const merged = askRange(store, expression, [100_000, 100_000 + 59 * 17_000, 17_000]).flatMap(
      (line) => {
        const [labels = "", ...values] = line.split(" ");
        return values.map((value) => `${labels} ${value}`);
      },
    );
    expect(points.length).toBeGreaterThan(60);
    expect(merged.toSorted()).toEqual(points.toSorted());
  });

  test("refuses series that differ by their names alone, even if they never meet", () => {
    const two = load(`
      a 1 stale
      b _ _ 1
    `);
    const span = [0, 20_000, 20_000] as const;
    expect(() => askRange(two, '-{__name__=~"a|b"}', span)).toThrow("same labelset");
    expect(() => askRange(two, 'count_over_time({__name__=~"a|b"}[5s])', span)).toThrow(
      "same labelset",
    );
    expect(askRange(two, '{__name__=~"a|b"}', span)).toEqual(["a 1@0", "b 1@20"]);
  });

  const wrong: readonly (readonly [string, readonly [number, number, number], string])[] = [
    ["x[1m]", [0, 1, 1], 'invalid expression type "range vector" for range query'],
    ["'text'", [0, 1, 1], 'invalid expression type "string" for range query'],
    ["x", [0, 1, 0], "zero or negative query resolution step widths"],
    ["x", [0, 1, Number.NaN], "zero or negative query resolution step widths"],
    ["x", [1, 0, 1], "end timestamp must not be before start time"],
  ];
  test.each(wrong)("%s over %p is refused", (expression, span, message) => {
    const { code, message: given } = failure(() => askRange(store, expression, span));
    expect(code).toBe("bad_data");
    expect(given).toStartWith(message);
  });
});

describe("limits", () => {
  const tooMany = "query processing would load too many samples into memory in query execution";
  const cases: readonly (readonly [string, number])[] = [
    ["up", 3],
    ["x[1m]", 6],
    ["sum_over_time(x[1m])", 7],
    ["sum_over_time(x[1m:10s])", 13],
  ];
  test.each(cases)("%s takes %p samples", (expression, samples) => {
    const options = { atMs: 100_000 };
    const at = (maxSamples: number) => () =>
      evaluateInstant(parseExpression(expression), store, { ...options, limits: { maxSamples } });
    expect(at(samples)).not.toThrow();
    expect(failure(at(samples - 1))).toMatchObject({ code: "execution", message: tooMany });
  });

  test("count what a range gives and the samples of one step, not of all", () => {
    const range = (maxSamples: number) => () =>
      evaluateRange(parseExpression("x"), store, {
        startMs: 0,
        endMs: 100_000,
        stepMs: 10_000,
        limits: { maxSamples },
      });
    expect(range(12)).not.toThrow();
    expect(failure(range(11)).code).toBe("execution");
  });

  test("end an evaluation that is to stop", () => {
    let asked = 0;
    const shouldStop = () => {
      asked += 1;
      return asked > 3;
    };
    const options = { startMs: 0, endMs: 100_000, stepMs: 10_000, limits: { shouldStop } };
    expect(failure(() => evaluateRange(parseExpression("x"), store, options)).code).toBe("timeout");
    expect(asked).toBe(4);
  });
});
