import { describe, expect, test } from "bun:test";
import { ask, load } from "../../test/support/promql-series.ts";
import { PromqlError } from "./errors.ts";
import { parseExpression, parseSelector } from "./parse.ts";

function refusal(text: string): PromqlError {
  try {
    parseExpression(text);
  } catch (thrown) {
    if (thrown instanceof PromqlError) return thrown;
    throw thrown;
  }
  throw new Error(`it was read: ${text}`);
}

describe("precedence", () => {
  const store = load(`
    a 2 4
    b 3 5
  `);
  const atMs = 10_000;

  const scalars: readonly (readonly [string, number])[] = [
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["10 - 5 - 2", 3],
    ["10 / 5 / 2", 1],
    ["2 * 3 % 4", 2],
    ["2 ^ 3 ^ 2", 512],
    ["-2 ^ 2", -4],
    ["- 2 ^ 2", -4],
    ["2 ^ -1", 0.5],
    ["2 ^ -1 * 4", 2],
    ["2 ^ -2 ^ 2", 0.0625],
    ["--2", 2],
    ["1 -1", 0],
    ["1 - -1", 2],
    ["1 < bool 2 == bool 1", 1],
    ["1 + 1 > bool 1", 1],
    ["4 * 1 atan2 0 > bool 6", 0],
    ["5m / 1m", 5],
    ["1 # a comment\n + 1", 2],
  ];
  test.each(scalars)("%s is %p", (expression, value) => {
    expect(ask(store, expression, { atMs })).toBe(value);
  });

  // In the grammar's own tree `offset` takes all that stands on its left.
  const vectors: readonly (readonly [string, string])[] = [
    ["a - a offset 10s", "{} 2"],
    ["-a offset 10s", "{} -2"],
    ["10 - a offset 10s * b", "{} 0"],
    ["a * b offset 10s ^ 2", "{} 36"],
    ["a + -b @ 0", "{} 1"],
    ["a or b and b", "a 4"],
    ["a > 1 + 2", "a 4"],
    ["-a ^ 2", "{} -16"],
  ];
  test.each(vectors)("%s", (expression, sample) => {
    expect(ask(store, expression, { atMs })).toEqual([sample]);
  });
});

describe("what is no expression is refused in Prometheus' words", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "1:1: parse error: no expression found in input"],
    ["# comment", "1:1: parse error: no expression found in input"],
    ["1+", "1:3: parse error: unexpected end of input"],
    ["(", "1:2: parse error: unclosed left parenthesis"],
    ["rate(up[1m]", "1:12: parse error: unclosed left parenthesis"],
    ["up{", "1:4: parse error: unexpected end of input inside braces"],
    ["foo bar", '1:5: parse error: unexpected identifier "bar"'],
    ["foo\n  bar", '2:3: parse error: unexpected identifier "bar"'],
    ['up{job="😀"} foo', '1:16: parse error: unexpected identifier "foo"'],
    ["1 1", '1:3: parse error: unexpected number "1"'],
    ["foo(up)", '1:1: parse error: unknown function with name "foo"'],
    ["Rate(up[1m])", '1:1: parse error: unknown function with name "Rate"'],
    ["1 + foo (up)", '1:5: parse error: unknown function with name "foo"'],
    ["{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"],
    [
      '{job=~".*"}',
      "1:1: parse error: vector selector must contain at least one non-empty matcher",
    ],
    ['up{__name__="x"}', '1:1: parse error: metric name must not be set twice: "up" or "x"'],
    ['up{"x"}', '1:1: parse error: metric name must not be set twice: "up" or "x"'],
    ['up{job=~"("}', "1:4: parse error: error parsing regexp: missing closing ): `(`"],
    [
      "rate(up)",
      '1:6: parse error: expected type range vector in call to function "rate", got instant vector',
    ],
    [
      "abs(up[1m])",
      '1:5: parse error: expected type instant vector in call to function "abs", got range vector',
    ],
    ["rate()", '1:1: parse error: expected 1 argument(s) in call to "rate", got 0'],
    ["round()", '1:1: parse error: expected at least 1 argument(s) in call to "round", got 0'],
    ["round(up,1,2)", '1:1: parse error: expected at most 2 argument(s) in call to "round", got 3'],
    [
      "label_join(up)",
      '1:1: parse error: expected at least 3 argument(s) in call to "label_join", got 1',
    ],
    ["sum()", "1:1: parse error: no arguments for aggregate expression provided"],
    [
      "sum(up,up)",
      "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 1, got 2",
    ],
    [
      "sum(1)",
      "1:5: parse error: expected type instant vector in aggregation expression, got scalar",
    ],
    [
      "topk(up,up)",
      "1:6: parse error: expected type scalar in aggregation parameter, got instant vector",
    ],
    ["1 == 1", "1:3: parse error: comparisons between scalars must use BOOL modifier"],
    ["up + bool up", "1:4: parse error: bool modifier can only be used on comparison operators"],
    ["1 and 1", '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
    ["up and 1", '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
    ["1 + on(job) up", "1:1: parse error: vector matching only allowed between instant vectors"],
    ["up and on(job) group_left up", '1:1: parse error: no grouping allowed for "and" operation'],
    [
      "up + on(job) group_left(job) up",
      '1:4: parse error: label "job" must not occur in ON and GROUP clause at once',
    ],
    [
      "up[1m] + 1",
      "1:1: parse error: binary expression must contain only scalar and instant vector types",
    ],
    [
      "-up[1m]",
      '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "range vector"',
    ],
    ["(up)[1m]", "1:5: parse error: ranges only allowed for vector selectors"],
    ["up offset 1m[1m]", "1:13: parse error: no offset modifiers allowed before range"],
    ["up @ 1[1m]", "1:7: parse error: no @ modifiers allowed before range"],
    ["up offset 1m offset 1m", "1:1: parse error: offset may not be set multiple times"],
    ["1 + up offset 1m offset 1m", "1:5: parse error: offset may not be set multiple times"],
    ["up @ 1 @ 2", "1:1: parse error: @ <timestamp> may not be set multiple times"],
    [
      "sum(up) offset 1m",
      "1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
    ],
    ["up[0s]", "1:4: parse error: duration must be greater than 0"],
    ["up[-1m]", "1:4: parse error: duration must be greater than 0"],
    [
      "up[1m][5m:1m]",
      "1:1: parse error: subquery is only allowed on instant vector, got matrix instead",
    ],
  ];
  test.each(cases)("%s", (text, message) => {
    const { code, message: given } = refusal(text);
    expect({ code, message: given }).toEqual({ code: "bad_data", message });
  });
});

describe("what is PromQL, but not evaluated here, is refused by name", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["mad_over_time(up[1m])", "function mad_over_time is not supported"],
    ["sort_by_label(up, 'job')", "function sort_by_label is not supported"],
    [
      "double_exponential_smoothing(up[1m], 0.1, 0.1)",
      "double_exponential_smoothing is not supported",
    ],
    ["info(up)", "function info is not supported"],
    ["limitk(1, up)", "aggregation limitk is not supported"],
    ["limit_ratio(0.5, up)", "aggregation limit_ratio is not supported"],
    ["up[1m * 2]", "duration expressions are not supported"],
    ["rate(up[1m] anchored)", "anchored is not supported"],
    ["up + fill(0) up", "fill modifiers are not supported"],
  ];
  test.each(cases)("%s", (text, message) => {
    expect(refusal(text).message).toEndWith(message);
  });

  test("an expression that is nested too deeply, before the stack ends", () => {
    expect(refusal(`${"(".repeat(5_000)}1${")".repeat(5_000)}`).message).toContain(
      "nested too deeply",
    );
    expect(refusal(`1${" + 1".repeat(5_000)}`).message).toContain("nested too deeply");
    expect(ask(load(""), `1${" + 1".repeat(400)}`, { atMs: 0 })).toBe(401);
  });
});

describe("a selector that stands alone", () => {
  test.each([
    ["up", ["__name__=up"]],
    [" up # comment", ["__name__=up"]],
    ["# comment\nup", ["__name__=up"]],
    ['{"up"}', ["__name__=up"]],
    ["sum", ["__name__=sum"]],
    ['up{job!="a",le=~"1|2"}', ["__name__=up", "job!=a", "le=~1|2"]],
    // In an expression, these two would be refused.
    ['up{__name__="x"}', ["__name__=up", "__name__=x"]],
    ["{}", []],
  ])("%j", (text, expected) => {
    const matchers = parseSelector(text).map(
      ({ name, operator, value }) => name + operator + value,
    );
    expect(matchers.toSorted()).toEqual(expected);
  });

  test.each([
    ["up[5m]", '1:3: parse error: unexpected "["'],
    ["up[5m] offset 1m", '1:3: parse error: unexpected "["'],
    ["up offset 5m", '1:4: parse error: unexpected identifier "offset"'],
    ["up @ 1", '1:4: parse error: unexpected "@"'],
    ["up + 1", '1:4: parse error: unexpected "+"'],
    ["(up)", '1:1: parse error: unexpected "("'],
    ["-up", '1:1: parse error: unexpected "-"'],
    ["1 + up", '1:1: parse error: unexpected number "1"'],
    ["NaN", '1:1: parse error: unexpected identifier "NaN"'],
    // A name, up to where it is called.
    ["sum(up)", '1:4: parse error: unexpected "("'],
    ["\n rate (up[5m])", '2:7: parse error: unexpected "("'],
    ["sum by (a) (up)", '1:5: parse error: unexpected identifier "by"'],
    ["up up", '1:4: parse error: unexpected identifier "up"'],
    ["up{", "1:4: parse error: unexpected end of input inside braces"],
    [" ", "1:2: parse error: unexpected end of input"],
    ['up{job=~"("}', "1:4: parse error: error parsing regexp: missing closing )"],
  ])("%j is none", (text, message) => {
    let thrown: unknown;
    try {
      parseSelector(text);
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof PromqlError)) throw thrown;
    expect(thrown.code).toBe("bad_data");
    expect(thrown.message).toStartWith(message);
  });
});
