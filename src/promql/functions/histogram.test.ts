import { describe, expect, test } from "bun:test";
import { ask, load } from "../../../test/support/promql-series.ts";
import { bucketQuantile } from "./histogram.ts";

const INF = Number.POSITIVE_INFINITY;

function quantileOf(q: number, buckets: readonly (readonly [number, number])[]): number {
  return bucketQuantile(
    q,
    buckets.map(([upperBound, count]) => ({ upperBound, count })),
  );
}

describe("the quantile of a classic histogram", () => {
  const even = [
    [1, 10],
    [2, 20],
    [4, 40],
    [INF, 40],
  ] as const;
  const cases: readonly (readonly [
    string,
    number,
    readonly (readonly [number, number])[],
    number,
  ])[] = [
    ["is interpolated within its bucket", 0.5, even, 2],
    ["from zero in the first", 0.125, even, 0.5],
    ["is the lowest bound at 0", 0, even, 0],
    ["is the highest finite bound at 1", 1, even, 4],
    [
      "is that bound for all above it",
      0.9,
      [
        [1, 10],
        [INF, 20],
      ],
      1,
    ],
    [
      "is the first bound if that is not positive",
      0.1,
      [
        [-1, 10],
        [1, 20],
        [INF, 20],
      ],
      -1,
    ],
    ["is infinite below 0", -0.1, even, -INF],
    ["is infinite above 1", 1.1, even, INF],
    ["is unknown for NaN", Number.NaN, even, Number.NaN],
    [
      "is unknown without a bucket up to infinity",
      0.5,
      [
        [1, 10],
        [2, 20],
      ],
      Number.NaN,
    ],
    ["is unknown with that bucket alone", 0.5, [[INF, 20]], Number.NaN],
    [
      "is unknown without observations",
      0.5,
      [
        [1, 0],
        [INF, 0],
      ],
      Number.NaN,
    ],
    ["takes buckets in any order", 0.5, even.toReversed(), 2],
    [
      "adds up buckets of one bound",
      0.5,
      [
        [1, 5],
        [1, 5],
        [2, 20],
        [INF, 20],
      ],
      1,
    ],
    [
      "takes a fall for no rise",
      0.75,
      [
        [1, 10],
        [2, 7],
        [3, 20],
        [INF, 20],
      ],
      2.5,
    ],
    [
      "takes a tiny rise for none",
      0.5,
      [
        [1, 1],
        [2, 1 + 1e-13],
        [4, 1],
        [INF, 1],
      ],
      0.5,
    ],
  ];
  test.each(cases)("%s", (_name, q, buckets, expected) => {
    expect(quantileOf(q, buckets)).toBe(expected);
  });

  const store = load(`
    t_bucket{le="0.1",job="a"} 1
    t_bucket{le="1",job="a"} 3
    t_bucket{le="+Inf",job="a"} 4
    t_bucket{le="0.10",job="b"} 2
    t_bucket{le="+Inf",job="b"} 2
    t_bucket{le="many",job="b"} 9
    t_bucket{job="c"} 9
  `);
  const at = { atMs: 0 };

  test("is found for each set of labels, `le` apart", () => {
    expect(ask(store, "histogram_quantile(0.5, t_bucket)", at)).toEqual([
      '{job="a"} 0.55',
      '{job="b"} 0.05',
    ]);
    expect(ask(store, "histogram_quantile(0.5, sum by (le) (t_bucket{job='a'}))", at)).toEqual([
      "{} 0.55",
    ]);
  });
});
