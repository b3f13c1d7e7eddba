import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ask, load, series, storeOf } from "../../test/support/promql-series.ts";

const store = load(`
  requests{job="api",instance="a",group="canary"} 300
  requests{job="api",instance="b",group="canary"} 400
  requests{job="api",instance="a"} 100
  requests{job="app",instance="a"} 500
  gauge{l="a"} 3
  gauge{l="b"} NaN
  gauge{l="c"} Inf
  gauge{l="d"} -1
  huge{l="a"} 1.7e308
  huge{l="b"} 1.7e308
  mixed{l="a"} 1
  mixed{l="b"} 1e100
  mixed{l="c"} 1
  mixed{l="d"} -1e100
  odd NaN
  ties{l="a"} 5
  ties{l="b"} 5
  ties{l="c"} 6
  same{l="a"} 2
  same{l="b"} 2
`);

const at = { atMs: 0 };

describe("an aggregation", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["sum(requests)", ["{} 1300"]],
    ["sum by (job) (requests)", ['{job="api"} 800', '{job="app"} 500']],
    ["sum(requests) by (job)", ['{job="api"} 800', '{job="app"} 500']],
    [
      "sum without (instance) (requests)",
      ['{group="canary",job="api"} 700', '{job="api"} 100', '{job="app"} 500'],
    ],
    ["sum without () (same)", ['{l="a"} 2', '{l="b"} 2']],
    ["sum by () (requests)", ["{} 1300"]],
    ["sum by (nope) (requests)", ["{} 1300"]],
    ["sum by (__name__) (requests)", ["requests 1300"]],
    ["sum(nothing)", []],
    ["count(nothing)", []],
    ["sum(mixed)", ["{} 2"]],
    ["avg(mixed)", ["{} 0.5"]],
    ["avg(huge)", ["{} 1.7e+308"]],
    ["sum(huge)", ["{} Infinity"]],
    ["avg by (job) (requests)", [`{job="api"} ${800 / 3}`, '{job="app"} 500']],
    ["min(gauge)", ["{} -1"]],
    ["max(gauge)", ["{} Infinity"]],
    ["max(gauge{l='b'})", ["{} NaN"]],
    ["count(gauge)", ["{} 4"]],
    ["group(gauge)", ["{} 1"]],
    ["stdvar(requests)", ["{} 21875"]],
    ["stddev(requests)", [`{} ${Math.sqrt(21_875)}`]],
    ["stddev(gauge)", ["{} NaN"]],
    ["quantile(0.5, requests)", ["{} 350"]],
    ["quantile(0, gauge)", ["{} NaN"]],
    ["quantile(1, requests)", ["{} 500"]],
    ["quantile(-0.1, requests)", ["{} -Infinity"]],
    ["quantile(1.1, requests)", ["{} Infinity"]],
    ["quantile(NaN, requests)", ["{} NaN"]],
    ["topk(2, gauge)", ['gauge{l="c"} Infinity', 'gauge{l="a"} 3']],
    ["bottomk(2, gauge)", ['gauge{l="d"} -1', 'gauge{l="a"} 3']],
    [
      "topk(9, gauge)",
      ['gauge{l="c"} Infinity', 'gauge{l="a"} 3', 'gauge{l="d"} -1', 'gauge{l="b"} NaN'],
    ],
    [
      "bottomk(9, gauge)",
      ['gauge{l="d"} -1', 'gauge{l="a"} 3', 'gauge{l="c"} Infinity', 'gauge{l="b"} NaN'],
    ],
    ["topk(1, gauge{l='b'} or odd)", ['gauge{l="b"} NaN']],
    ["topk(2, ties)", ['ties{l="c"} 6', 'ties{l="b"} 5']],
    ["topk(1.9, gauge)", ['gauge{l="c"} Infinity']],
    ["topk(0.9, gauge)", []],
    ["topk(-Inf, gauge)", []],
    ["topk(NaN, nothing)", []],
    [
      "topk by (job) (1, requests)",
      [
        'requests{group="canary",instance="b",job="api"} 400',
        'requests{instance="a",job="app"} 500',
      ],
    ],
    ["count_values('v', same)", ['{v="2"} 2']],
    ["count_values('v', gauge)", ['{v="3"} 1', '{v="NaN"} 1', '{v="+Inf"} 1', '{v="-1"} 1']],
    [
      "count_values by (job) ('v', requests > 350)",
      ['{job="api",v="400"} 1', '{job="app",v="500"} 1'],
    ],
    ["count_values without (l) ('v', same)", ['{v="2"} 2']],
    ["count_values('v', vector(1e21))", ['{v="1000000000000000000000"} 1']],
    ["count_values('v', vector(1.5e-9))", ['{v="0.0000000015"} 1']],
    [
      "sort(gauge)",
      ['gauge{l="d"} -1', 'gauge{l="a"} 3', 'gauge{l="c"} Infinity', 'gauge{l="b"} NaN'],
    ],
    [
      "sort_desc(gauge)",
      ['gauge{l="c"} Infinity', 'gauge{l="a"} 3', 'gauge{l="d"} -1', 'gauge{l="b"} NaN'],
    ],
  ];
  test.each(cases)("%s", (expression, expected) => {
    expect(ask(store, expression, at)).toEqual(expected);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ["topk(NaN, gauge)", "Scalar value NaN overflows int64"],
    ["bottomk(Inf, gauge)", "Scalar value +Inf overflows int64"],
    ["topk(9.3e18, gauge)", "Scalar value 9.3e+18 overflows int64"],
    ["count_values('', gauge)", 'invalid label name ""'],
  ];
  test.each(wrong)("%s is refused", (expression, message) => {
    expect(() => ask(store, expression, at)).toThrow(message);
  });
});

describe("on whatever values", () => {
  const values = fc.array(
    fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constantFrom(Number.NaN, Infinity, -Infinity)),
    { minLength: 1, maxLength: 30 },
  );

  function askValues(expression: string, all: readonly number[]): string[] {
    const stored = all.map((value, index) => series({ __name__: "x", l: String(index) }, [value]));
    const samples = ask(storeOf(stored), expression, at);
    return Array.isArray(samples) ? samples.map((sample) => sample.replace(/.* /, "")) : [];
  }

  const order = (sign: number) => (a: number, b: number) => {
    if (Number.isNaN(a) || Number.isNaN(b))
      return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a === b ? 0 : sign * (a - b);
  };

  test("topk and bottomk are the start of the sorted values", () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 12 }), (all, count) => {
        const first = (sign: number) => all.toSorted(order(sign)).slice(0, count).map(String);
        expect(askValues(`topk(${count}, x)`, all)).toEqual(first(-1));
        expect(askValues(`bottomk(${count}, x)`, all)).toEqual(first(1));
      }),
      { numRuns: 300 },
    );
  });

  test("a quantile lies between the values around its rank", () => {
    const numbers = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 });
    fc.assert(
      fc.property(numbers, fc.integer({ min: 0, max: 100 }), (all, percent) => {
        const sorted = all.toSorted(order(1));
        const rank = (percent / 100) * (all.length - 1);
        const [value = ""] = askValues(`quantile(${percent / 100}, x)`, all);
        expect(Number(value)).toBeGreaterThanOrEqual((sorted[Math.floor(rank)] ?? 0) - 1e-9);
        expect(Number(value)).toBeLessThanOrEqual((sorted[Math.ceil(rank)] ?? 0) + 1e-9);
      }),
    );
  });
});
