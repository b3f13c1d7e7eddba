import { expect, test } from "bun:test";
import { lookBacksOf } from "./look-back.ts";
import { parseExpression } from "./parse.ts";

const MINUTE_MS = 60_000;

test.each([
  ["up", [5]],
  ["up offset 1h", [65]],
  ["up offset -1h", [0]],
  ["rate(up[30m])", [30]],
  ["rate(up[30m] offset 1h)", [90]],
  ["max_over_time(rate(up[5m])[1h:])", [65]],
  ["max_over_time(rate(up[5m] offset 1m)[1h:1m] offset 2h)", [186]],
  ["max_over_time(max_over_time(up[10m:1m])[1h:])", [75]],
  ["sum(a) / sum(rate(b[1h]))", [5, 60]],
  ["topk(scalar(a), -(b))", [5, 5]],
  ["rate(up[5m] @ end())", [5]],
  ["max_over_time(rate(up[5m] @ end())[1d:])", [5]],
  ["up @ 1000", [Number.POSITIVE_INFINITY]],
  ["1 + time()", []],
])("%s", (expr, minutes) => {
  const found = lookBacksOf(parseExpression(expr)).map(({ ms }) => ms / MINUTE_MS);
  expect(found.toSorted((a, b) => a - b)).toEqual(minutes.toSorted((a, b) => a - b));
});
